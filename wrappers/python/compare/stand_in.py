"""Stands in for libraries that are not installed, so that a script comes as far as its parser.

A name of a stand-in can be called, subclassed, indexed, compared, iterated and used as a
decorator; what it gives is a stand-in again, and a function that it decorates stays itself.
"""

import abc
import importlib.abc
import importlib.machinery
import os
import sys
import types

# Real where installed: they make parsers, or values of their defaults.
REAL = {"click", "typer", "absl", "fire", "tyro", "hydra", "omegaconf", "simple_parsing", "jsonargparse", "pyrallis", "draccus", "docopt", "tap", "ml_collections", "transformers",
        "yaml", "numpy", "configargparse", "pydantic", "attr", "attrs"}


class Version(str):
    """A version that is the one asked for."""

    def __eq__(self, other):
        return True

    __hash__ = str.__hash__


class Meta(abc.ABCMeta):
    def __getattr__(cls, name):
        if name.startswith("__") and name.endswith("__") and name not in ("__version__", "__file__", "__path__"):
            raise AttributeError(name)
        return stand_in(name)

    def __call__(cls, *args, **kwargs):
        if not cls.__dict__.get("_stands_in"):
            return abc.ABCMeta.__call__(cls, *args, **kwargs)
        if len(args) == 1 and not kwargs and isinstance(args[0], (types.FunctionType, type)) and not isinstance(args[0], Meta):
            return args[0]  # as a decorator
        return stand_in(cls.__name__)

    def __instancecheck__(cls, other):
        return False if cls.__dict__.get("_stands_in") else abc.ABCMeta.__instancecheck__(cls, other)

    def __setitem__(cls, key, value):
        """Takes the value and forgets it."""

    def split(cls, *args):
        return ["2", "0", "0"]

    __hash__ = type.__hash__


SPECIAL = {
    "iter": lambda c: iter(()), "len": lambda c: 0, "bool": lambda c: True, "int": lambda c: 1, "index": lambda c: 1, "float": lambda c: 1.0, "fspath": lambda c: "/stand-in",
    "contains": lambda c, x: False, "enter": lambda c: c, "exit": lambda c, *a: False, "lt": lambda c, o: False, "gt": lambda c, o: True, "le": lambda c, o: True,
    "ge": lambda c, o: True, "eq": lambda c, o: True if isinstance(o, str) else c is o, "getitem": lambda c, i: stand_in("item"), "neg": lambda c: c,
}
for _name in ("or", "ror", "and", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "floordiv", "mod", "pow", "rpow", "matmul"):
    SPECIAL[_name] = lambda c, o: c
for _name, _function in SPECIAL.items():
    setattr(Meta, "__%s__" % _name, _function)


def stand_in(name):
    if name == "__version__":
        return Version("2.99.0")
    return Meta(name if isinstance(name, str) else "thing", (), {"_stands_in": True, "__init__": lambda self, *a, **k: None, "__module__": "stand_in"})


class Module(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__") and name not in ("__version__", "__version_info__"):
            raise AttributeError(name)
        if name == "is_available":
            return lambda *args: False
        made = stand_in(name)
        if name != "__version__":
            setattr(self, name, made)
        return made


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds what nothing else finds."""

    def __init__(self, near):
        self.near, self.made = near, set()

    def find_spec(self, name, path=None, target=None):
        first = name.split(".")[0]
        if first in REAL or first in sys.builtin_module_names or first in getattr(sys, "stdlib_module_names", ()):
            return None
        parent = sys.modules.get(name.rpartition(".")[0])
        if "." in name and not isinstance(parent, Module) and first not in self.made:
            return None
        if "." not in name and any(os.path.exists(os.path.join(self.near, first + end)) for end in ("", ".py")):
            return None
        self.made.add(first)
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return Module(spec.name)

    def exec_module(self, module):
        module.__path__, module.__file__ = [], "/stand-in/" + module.__name__


class Hider(Finder):
    """Finds certain packages before anything else does."""

    def __init__(self, near, hidden):
        super().__init__(near)
        self.hidden = set(hidden)

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if name.split(".")[0] in self.hidden else None


def install(near, hidden=()):
    """Lets what is not installed be imported; `hidden` packages are stand-ins even where they are there."""
    import importlib.metadata as metadata

    real = metadata.version

    def version(name):
        try:
            return real(name)
        except metadata.PackageNotFoundError:
            return "99.0.0"

    metadata.version = version
    if hidden:
        sys.meta_path.insert(0, Hider(near, hidden))
    sys.meta_path.append(Finder(near))
