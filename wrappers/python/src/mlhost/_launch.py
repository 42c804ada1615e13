"""Runs a script as the process's main module, as python SCRIPT ARGS would.

What a script could notice is listed, with the tests, in tests/test_fidelity.py.
"""

from __future__ import annotations

import os
import sys
import types
import warnings
from importlib.machinery import SourceFileLoader

from . import hooks
from ._imports import install_finder
from ._session import current
from ._typing import Any, Callable, Dict, List, Optional


def prepare(home: str, argv: List[str]) -> Optional[Callable[[], None]]:
    """Makes the process look as if python had been started with argv. Returns
    what runs the script, or None when plain python should: the source does not
    compile, and python says best why, or it is a directory or an archive."""
    script = argv[0]
    code = _compile(script)
    if code is None:
        return None
    _look_plain(home, script, argv)
    install_finder(home)
    if current().connected:  # which takes MLHOST_FD out of the environment
        hooks.install()
    main = _fresh_main(script)
    sys.modules["__main__"] = main

    def start() -> None:
        try:
            exec(code, main.__dict__)
        except SystemExit:
            raise
        except BaseException:
            _hide_frames()
            raise

    return start


def _compile(script: str) -> Optional[types.CodeType]:
    if not os.path.isfile(script):
        return None
    with open(script, "rb") as file:
        source = file.read()
    if source[:4] == b"PK\x03\x04" or script.endswith(".pyc"):
        return None
    with warnings.catch_warnings(record=True) as caught:
        try:
            code = compile(source, _file_name(script), "exec", dont_inherit=True)
        except Exception:
            return None
    for w in caught:
        warnings.showwarning(w.message, w.category, w.filename, w.lineno)
    return code


def _file_name(script: str) -> str:
    """Returns __file__ as python has it: absolute since 3.9."""
    if sys.version_info < (3, 9) or os.path.isabs(script):
        return script
    return os.path.join(os.getcwd(), script)


def _look_plain(home: str, script: str, argv: List[str]) -> None:
    sys.argv[:] = argv
    given = getattr(sys, "orig_argv", None)
    if given:
        del given[len(given) - len(argv) - 1]
    isolated = sys.flags.isolated or getattr(sys.flags, "safe_path", False)
    if not isolated and sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(home):
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    if sys.stdout is not None and not sys.stdout.line_buffering:
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if sys.version_info >= (3, 12) and not sys.warnoptions:
        # Our two threads are no danger to a forked child: they hold nothing that it uses.
        warnings.filterwarnings("ignore", r"This process \(pid=\d+\) is multi-threaded", DeprecationWarning)


def _fresh_main(script: str) -> types.ModuleType:
    import builtins

    main = types.ModuleType("__main__")
    path = _file_name(script)
    main.__loader__ = SourceFileLoader("__main__", path)
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    plain: Dict[str, Any] = {"__builtins__": builtins, "__file__": path, "__cached__": None}
    main.__dict__.update(plain)
    return main


def _hide_frames() -> None:
    """Lets the interpreter print the exception that is passing through without
    the frames of the shim, by the hook that the script left in place."""
    hook = sys.excepthook

    def once(kind: Any, value: Any, trace: Any) -> Any:
        sys.excepthook = hook
        while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
            trace = trace.tb_next
        if value is not None:
            value = value.with_traceback(trace)
            sys.last_value = value
        sys.last_traceback = trace
        return hook(kind, value, trace)

    sys.excepthook = once


_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OURS = (os.path.abspath(__file__), os.path.join(_HOME, "mlhost_shim.py"))


def _is_ours(file: str) -> bool:
    return os.path.abspath(file) in _OURS
