"""Stops a script where it parses its arguments, in each library that does that."""

import json
import os
import sys

import describe


class Parsed(BaseException):
    """The script has got to where it parses. No `except Exception` of a script stops this."""


class Found:
    """What parsers there were."""

    def __init__(self):
        self.parser, self.params = "", []

    def add(self, parser, params):
        self.parser = self.parser or parser
        names = {p["name"] for p in self.params}
        self.params += [p for p in params if p["name"] not in names]

    def stop(self, parser, params):
        self.add(parser, params)
        raise Parsed()

    def result(self):
        return {"parser": self.parser, "parameters": self.params}


def tell(descriptor, result):
    data = (json.dumps(result) + "\n").encode()
    while data:
        data = data[os.write(descriptor, data):]


def install(found):
    import argparse

    patch_argparse(argparse, found)
    todo = {}
    for name, patch in TABLE:
        if name in sys.modules:
            patch(sys.modules[name], found)
        todo.setdefault(name, []).append(patch)
    sys.meta_path.insert(0, Watch(todo, found))


class Watch:
    """Patches a module when it has been imported."""

    def __init__(self, todo, found):
        self.todo, self.found = todo, found

    def find_spec(self, name, path=None, target=None):
        if name not in self.todo:
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if finder is not self and hasattr(finder, "find_spec") else None
            if spec is not None:
                break
        else:
            return None
        execute = getattr(spec.loader, "exec_module", None)
        if execute is None:
            return spec

        def exec_module(module):
            execute(module)
            for patch in self.todo[name]:
                try:
                    patch(module, self.found)
                except AttributeError:  # another version of the library: its parser is not seen
                    continue

        spec.loader.exec_module = exec_module
        return spec


def hydras_own(frame):
    """Tells whether hydra parses, by parse_args or directly."""
    for _ in range(3):
        if frame is None:
            return False
        if frame.f_globals.get("__name__", "").startswith("hydra."):
            return True
        frame = frame.f_back
    return False


def patch_argparse(argparse, found):
    real = argparse.ArgumentParser.parse_known_args

    def parse_known_args(self, args=None, namespace=None, *rest, **more):
        if hydras_own(sys._getframe(1)):
            return real(self, [], namespace, *rest, **more)  # hydra's own options; the configuration comes behind them
        style = describe.style_of(self)
        params = describe.argparse_parameters(self, names_only=style == "draccus")
        if not self.add_help and not any(a.required for a in self._actions):
            found.add(style, params)  # a parser before the parser: it reads a configuration's name
            return real(self, args, namespace, *rest, **more)
        return found.stop(style, params)

    argparse.ArgumentParser.parse_known_args = parse_known_args


def patch_jsonargparse(module, found):
    for name in ("parse_args", "parse_object", "parse_string", "parse_path"):
        setattr(module.ArgumentParser, name, lambda self, *a, **k: found.stop("jsonargparse", describe.argparse_parameters(self)))


def patch_optparse(module, found):
    module.OptionParser.parse_args = lambda self, *a, **k: found.stop("optparse", describe.optparse_parameters(self))


def patch_docopt(module, found):
    module.docopt = lambda doc, *a, **k: found.stop("docopt", describe.docopt_parameters(module, doc))


def patch_click(module, found):
    for name in ("BaseCommand", "Command", "Group"):
        cls = module.__dict__.get(name)
        if isinstance(cls, type) and "main" in cls.__dict__:
            cls.main = lambda self, *a, **k: found.stop("click", describe.click_parameters(self))


def patch_typer(module, found):
    for cls in (module.TyperCommand, module.TyperGroup):
        cls.main = lambda self, *a, **k: found.stop("typer", describe.click_parameters(self))


def patch_absl(module, found):
    module.FlagValues.__call__ = lambda self, *a, **k: found.stop("absl", describe.absl_parameters(self))


def patch_fire(module, found):
    def fire(component=None, *args, **kwargs):
        if component is None:
            component = sys._getframe(1).f_globals
        return found.stop("fire", describe.fire_parameters(component))

    module.Fire = fire


def patch_tyro(module, found):
    parser = module.get_parser if hasattr(module, "get_parser") else None

    def cli(f, *args, **kwargs):
        import warnings

        allowed = ("prog", "description", "default", "use_underscores", "config", "registry", "default_instance")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            make = parser or sys.modules["tyro.extras"].get_parser
            made = make(f, **{k: v for k, v in kwargs.items() if k in allowed})
        return found.stop("tyro", describe.argparse_parameters(made, names_only=True))

    module.cli = cli


def patch_hydra(module, found):
    def run(self, config_name, task_function=None, overrides=(), *args, **kwargs):
        from hydra.types import RunMode

        cfg = self.compose_config(config_name=config_name, overrides=[], with_log_configuration=False, run_mode=RunMode.RUN)
        return found.stop("hydra", describe.omegaconf_parameters(cfg))

    module.Hydra.run = module.Hydra.multirun = run


TABLE = [
    ("optparse", patch_optparse), ("docopt", patch_docopt), ("click.core", patch_click), ("typer.core", patch_typer), ("absl.flags._flagvalues", patch_absl),
    ("fire.core", patch_fire), ("tyro._cli", patch_tyro), ("hydra._internal.hydra", patch_hydra), ("jsonargparse._core", patch_jsonargparse), ("jsonargparse.core", patch_jsonargparse),
]
