"""Runs a script as the process's main module, as python SCRIPT ARGS would, or
a module, as python -m MODULE ARGS would.

What a script could notice is listed, with the tests, in tests/test_fidelity.py.
"""

from __future__ import annotations

import os
import sys
import types
import warnings
from importlib.machinery import BuiltinImporter, SourceFileLoader

from . import hooks
from ._imports import install_finder
from ._session import current
from ._typing import Any, Callable, Dict, List, Optional


def prepare(home: str, argv: List[str]) -> Optional[Callable[[], None]]:
    """Makes the process look as if python had been started with argv. Returns
    what runs the script, or None when plain python should: the source does not
    compile, and python says best why, or it is bytecode."""
    script = argv[0]
    if script == "-m" and len(argv) > 1:
        _look_plain(home, os.getcwd(), argv)
        return _starter(home, _run_module, argv[1], argv[2:])
    if _is_container(script):
        _look_plain(home, _file_name(script), argv, contained=True)
        return _starter(home, _run_container)
    code = _compile(script)
    if code is None:
        return None
    _look_plain(home, os.path.dirname(os.path.realpath(script)), argv)
    return _starter(home, exec, code, _fresh_main(script).__dict__)


def _starter(home: str, run: Callable[..., Any], *args: Any) -> Callable[[], None]:
    """Connects the process, and returns what runs the script with the hidden
    frames of the shim."""
    install_finder(home)
    if current().connected:  # which takes MLHOST_FD out of the environment
        hooks.install()

    def start() -> None:
        try:
            run(*args)
        except SystemExit:
            raise
        except BaseException:
            _hide_frames()
            raise

    return start


def attach(home: str, path: str) -> None:
    """Ties a process that a launcher has started to the wrapper that listens at
    path; with "" it is one of those that only find our modules."""
    install_finder(home)
    if not path:
        return
    fd = _fetch(path)
    if fd >= 0:
        os.environ["MLHOST_FD"] = str(fd)
        if current().connected:  # which takes it out of the environment
            hooks.install()
        make_output_prompt()


def _fetch(path: str) -> int:
    """Returns the descriptor that the wrapper hands out, once; -1 when another
    process has got it."""
    import _socket

    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.connect(path)
        _, found, _, _ = sock.recvmsg(1, _socket.CMSG_SPACE(4))
    except (FileNotFoundError, ConnectionError):
        return -1
    finally:
        sock.close()
    return int.from_bytes(found[0][2][:4], sys.byteorder) if found else -1


def _run_module(name: str, args: List[str]) -> None:
    """Runs a module with what python -m itself does."""
    import runpy

    _fresh_main()
    sys.argv[:] = ["-m"] + args
    runpy._run_module_as_main(name)  # type: ignore[attr-defined]


def _run_container() -> None:
    """Runs the __main__.py of the directory or archive at sys.path[0]."""
    import runpy

    _fresh_main()
    runpy._run_module_as_main("__main__", False)  # type: ignore[attr-defined]


def _is_container(script: str) -> bool:
    """Tells whether script is a directory or an archive, whose __main__.py is run."""
    if os.path.isdir(script):
        return True
    try:
        with open(script, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - (1 << 16) - 22))
            if b"PK\x05\x06" not in file.read():
                return False
        import zipimport

        zipimport.zipimporter(script)
        return True
    except (OSError, ImportError):
        return False


def _compile(script: str) -> Optional[types.CodeType]:
    if not os.path.isfile(script):
        return None
    with open(script, "rb") as file:
        source = file.read()
    if script.endswith(".pyc"):
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


def _look_plain(home: str, path0: str, argv: List[str], contained: bool = False) -> None:
    """Takes the shim out of argv and sys.path; path0 is what stands first there."""
    sys.argv[:] = argv
    given = getattr(sys, "orig_argv", None)
    if given:
        del given[len(given) - len(argv) - 1]
    isolated = sys.flags.isolated or getattr(sys.flags, "safe_path", False)
    if isolated and contained:
        sys.path.insert(0, path0)
    elif not isolated and sys.path and os.path.realpath(sys.path[0]) == os.path.realpath(home):
        sys.path[0] = path0
    make_output_prompt()
    if sys.version_info >= (3, 12) and not sys.warnoptions:
        # Our two threads are no danger to a forked child: they hold nothing that it uses.
        warnings.filterwarnings("ignore", r"This process \(pid=\d+\) is multi-threaded", DeprecationWarning)


def make_output_prompt() -> None:
    """Lets each line that the script prints be seen at once."""
    if sys.stdout is not None and not sys.stdout.line_buffering:
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _fresh_main(script: str = "") -> types.ModuleType:
    """Puts a new __main__ into its place, with what python puts into it before
    it runs a script, or before it looks for a module."""
    import builtins

    main = types.ModuleType("__main__")
    plain: Dict[str, Any] = {"__builtins__": builtins, "__loader__": BuiltinImporter}
    if script:
        path = _file_name(script)
        plain.update(__file__=path, __cached__=None, __loader__=SourceFileLoader("__main__", path))
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    main.__dict__.update(plain)
    sys.modules["__main__"] = main
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
