"""What happens when modules are imported: ours are found beside the shim, and
callbacks run when a library that somebody waits for has been imported.

One finder at the head of sys.meta_path does both. A module that is waited for
is found by the other finders, as without us; its loader then tells us when the
module has been executed.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder

from ._session import current
from ._typing import Any, Callable, Dict, List, Optional, Sequence

#: Modules that come from beside the shim, whatever lies beside the script.
MODULES = ("mlhost", "script_interface", "script_wrappers")

_waiting: Dict[str, List[Callable[[Any], None]]] = {}
_told: Dict[str, bool] = {}  # modules whose callbacks have failed once


def on_import(name: str, callback: Callable[[Any], None]) -> None:
    """Calls callback(module) whenever the module of that name has been executed,
    and at once if it is there already. An exception of the callback becomes one
    warning and goes no further."""
    _waiting.setdefault(name, []).append(callback)
    module = sys.modules.get(name)
    if module is not None and not _is_initializing(module):
        _call(name, module, [callback])


def _is_initializing(module: Any) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def _call(name: str, module: Any, callbacks: List[Callable[[Any], None]]) -> None:
    for callback in callbacks:
        try:
            callback(module)
        except Exception as problem:
            failed(name, problem)


def failed(name: str, problem: BaseException) -> None:
    """Tells, once, that mlhost does not see what a library does."""
    if name not in _told:
        _told[name] = True
        current().warn("mlhost does not follow %s: %s: %s" % (name, type(problem).__name__, problem))


class Finder:
    """Finds our modules, without an entry in sys.path, and sees to it that those
    that are waited for are noticed."""

    def __init__(self, home: str) -> None:
        self.home = home

    def find_spec(self, name: str, path: Optional[Sequence[str]] = None, target: Any = None) -> Optional[ModuleSpec]:
        if name in MODULES:
            return PathFinder.find_spec(name, [self.home])
        if name not in _waiting:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if find is None or finder is self:
                continue
            spec = find(name, path, target)
            if spec is not None:
                _watch(spec)
                return spec  # type: ignore[no-any-return]
        return None


def _watch(spec: Any) -> None:
    """Makes a spec's loader tell when it has executed a module. A loader may be
    that of several modules."""
    loader = spec.loader
    execute = getattr(loader, "exec_module", None)
    if execute is None or isinstance(loader, type) or getattr(execute, "_tells_mlhost", False):
        return

    def exec_module(module: Any) -> None:
        execute(module)
        _executed(module)

    # Python leaves frames of this file and this name out of a traceback that
    # passes through an import, and so ours, where the module itself raises.
    exec_module.__code__ = exec_module.__code__.replace(co_filename="<frozen importlib._bootstrap>", co_name="_call_with_frames_removed")
    exec_module._tells_mlhost = True  # type: ignore[attr-defined]
    try:
        loader.exec_module = exec_module
    except AttributeError as problem:
        failed(spec.name, problem)


def _executed(module: Any) -> None:
    name = getattr(getattr(module, "__spec__", None), "name", "")
    callbacks = _waiting.get(name)
    if callbacks:
        _call(name, sys.modules.get(name, module), list(callbacks))


def install_finder(home: str) -> None:
    """Makes our modules importable here and in children that multiprocessing spawns."""
    if any(isinstance(f, Finder) for f in sys.meta_path):
        return
    sys.meta_path.insert(0, Finder(home))
    on_import("multiprocessing.spawn", lambda spawn: _extend_preparation(spawn, home))


class _InstallInChild:
    """Installs the finder where it is unpickled."""

    def __init__(self, home: str) -> None:
        self.home = home

    def __reduce__(self) -> Any:
        source = (
            "import sys; sys.path.insert(0, {0!r})\n"
            "try:\n    from mlhost import _imports; _imports.install_finder({0!r})\n"
            "finally: sys.path.remove({0!r})\n"
        )
        return exec, (source.format(self.home), {})


def _extend_preparation(spawn: Any, home: str) -> None:
    """Adds the finder to what multiprocessing sends to a spawned child first."""
    original = spawn.get_preparation_data

    def get_preparation_data(name: str) -> Any:
        data = original(name)
        if name == "ignore":  # for the fork server, which has no place for it
            data.pop("init_main_from_path", None)
        else:
            data["mlhost"] = _InstallInChild(home)
        return data

    spawn.get_preparation_data = get_preparation_data
