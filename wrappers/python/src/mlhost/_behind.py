"""Configured constants of a script that a launcher has Python run by itself.

A module is read by an import, where the values go in. A file is read by the
interpreter alone, unless something takes its path for a folder with a
__main__: then the interpreter asks that for the code. What the script could
see of it is put back before its first line runs.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader

from . import _launch
from ._typing import Any, Callable, Dict, Optional

_todo: Any = None  # runs the script


def replace(target: str, wanted: Dict[str, Any]) -> None:
    """Lets the target, "file PATH" or "module NAME", have the wanted constants."""
    kind, _, name = target.partition(" ")
    if kind == "module":
        _in_module(name, wanted)
    elif _launch._compile(name) is not None:  # else python says best why
        sys.path_hooks.insert(0, _Taker(os.path.realpath(name), wanted))


def _in_module(module: str, wanted: Dict[str, Any]) -> None:
    given = SourceFileLoader.get_code

    def get_code(self: Any, fullname: str) -> Any:
        if fullname not in (module, module + ".__main__") or self.is_package(fullname):
            return given(self, fullname)
        SourceFileLoader.get_code = given  # type: ignore[method-assign]
        path = self.get_filename(fullname)
        return _launch._with_constants(path, path, wanted)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


class _Taker:
    """Takes a file's path for a folder with a __main__, once. It is the hook, the
    finder and the loader."""

    def __init__(self, file: str, wanted: Dict[str, Any]) -> None:
        self._file, self._wanted, self._script = file, wanted, ""

    def __call__(self, path: str) -> "_Taker":
        if os.path.realpath(path) != self._file:
            raise ImportError("it is not the script")
        self._script = path
        return self

    def find_spec(self, name: str, target: Any = None) -> Optional[ModuleSpec]:
        return ModuleSpec(name, self, origin=self._script) if name == "__main__" else None  # type: ignore[arg-type]

    def get_code(self, name: str) -> Any:
        global _todo
        import runpy

        sys.path_hooks.remove(self)
        sys.path_importer_cache.pop(self._script, None)
        if sys.path and sys.path[0] == self._script:
            if sys.flags.isolated or getattr(sys.flags, "safe_path", False):
                del sys.path[0]
            else:
                sys.path[0] = os.path.dirname(self._file)
        file = _launch._file_name(self._script)
        code = _launch._with_constants(self._script, file, self._wanted)
        _todo = lambda: _run(code, file)  # noqa: E731
        _launch.passed += [runpy._run_code.__code__.co_filename, __file__]  # type: ignore[attr-defined]
        return compile("__import__('sys').modules['mlhost._behind'].go()", __file__, "exec")


def go() -> None:
    """Runs the script."""
    global _todo
    run: Callable[[], None] = _todo
    _todo = None
    run()


def _run(code: Any, file: str) -> None:
    space = sys.modules["__main__"].__dict__
    space.update(__file__=file, __cached__=None, __loader__=SourceFileLoader("__main__", file), __package__=None, __spec__=None, __doc__=None)
    _launch._starter(exec, code, space)()
