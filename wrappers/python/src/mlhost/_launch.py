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

from . import _children, hooks
from ._imports import MODULES, install_finder
from ._sampling import Sampler
from ._session import current
from ._typing import Any, Callable, Dict, List, Optional, Sequence, Tuple


def prepare(home: str, argv: List[str], before: Sequence[str] = ()) -> Optional[Callable[[], None]]:
    """Makes the process look as if python had been started with argv. Returns
    what runs the script, or None when plain python should: the source does not
    compile, and python says best why, or it is bytecode. before names the
    modules that were there without the shim."""
    script = argv[0]
    if script == "-m" and len(argv) > 1:
        _look_plain(home, os.getcwd(), argv)
        _connect(home)
        return _starter(_run_module, argv[1], argv[2:])
    if _is_container(script):
        _look_plain(home, _file_name(script), argv, contained=True)
        _connect(home)
        return _starter(_run_container)
    code = _compile(script)
    if code is None:
        return None
    _look_plain(home, os.path.dirname(os.path.realpath(script)), argv)
    main = _fresh_main(script)
    _connect(home)
    code = _configured(script, code, main)
    _give_way(before)
    return _starter(exec, code, main.__dict__)


def _configured(script: str, code: types.CodeType, main: types.ModuleType) -> types.CodeType:
    """Puts configured values in the place of the script's literals, and offers the
    host those that may change while it runs."""
    wanted, _ = _wanted_constants(main)
    return _with_constants(script, _file_name(script), wanted) if wanted else code


def _wanted_constants(main: types.ModuleType) -> "Tuple[Dict[str, Any], str]":
    """Returns the values that are configured for literals, and the file that has
    the literals; offers the host the globals that may change."""
    session = current()
    session.wait_for_start()
    found = [entry for entry in session.catalogue if entry.get("style") == "constants"]
    if not found:
        return {}, ""
    from . import _parsed

    _parsed.offer_globals(main)
    configured = session.settings.configured
    wanted = {e["constant"]: configured[e["name"]] for e in found if e.get("constant") and e.get("set") and e["name"] in configured}
    return wanted, next((e["file"] for e in found if e.get("constant") and e.get("file")), "")


def _with_constants(path: str, name: str, wanted: Dict[str, Any]) -> types.CodeType:
    """Compiles a file with values in the place of its literals."""
    from . import _constants

    with open(path, "rb") as file:
        tree, left = _constants.replace(file.read(), wanted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # told already
        code = compile(tree, name, "exec", dont_inherit=True)
    for constant in left:
        current().warn("the value of %s is not used: the script has no literal for it" % constant)
    return code


def _replace_in_module(main: types.ModuleType) -> None:
    """Lets the module that is run have the configured constants: once, since the
    same file may be imported under its own name later."""
    wanted, path = _wanted_constants(main)
    if not wanted or not path:
        return
    given = SourceFileLoader.get_code

    def get_code(self: Any, fullname: str) -> Any:
        name = self.get_filename(fullname)
        if os.path.realpath(name) != os.path.realpath(path):
            return given(self, fullname)
        del SourceFileLoader.get_code
        return _with_constants(name, name, wanted)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def _starter(run: Callable[..., Any], *args: Any) -> Callable[[], None]:
    """Returns what runs the script with the hidden frames of the shim."""

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
    fd = _fetch(path) if path else -1
    if fd >= 0:
        os.environ["MLHOST_FD"] = str(fd)
    make_output_prompt()
    if os.environ.get("WORLD_SIZE", "1") != "1":
        _children.print_whole_lines()
    _connect(home)


def print_apart(path: str) -> None:
    """Lets this process print into pipes of its own, which the wrapper hands out at
    path: of what all ranks print, only that of one is read for variables. What
    the launcher has sent elsewhere stays there."""
    given, fds = _receive(path, 2)
    pipes = dict(zip(map(int, given.split()), fds))
    for fd in (1, 2):
        try:
            new = pipes.get(os.fstat(fd).st_ino)
            if new is not None:
                os.dup2(new, fd)
        except OSError:
            pass  # it is closed
    for new in fds:
        os.close(new)


def _fetch(path: str) -> int:
    """Returns the descriptor that the wrapper hands out, once; -1 when another
    process has got it."""
    fds = _receive(path, 1)[1]
    return fds[0] if fds else -1


def _receive(path: str, count: int) -> "Tuple[bytes, List[int]]":
    """Returns what the wrapper says at path, and the descriptors that it hands out;
    none when nobody is there any more."""
    import _socket

    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        sock.connect(path)
        said, found, _, _ = sock.recvmsg(100, _socket.CMSG_SPACE(4 * count))
    except (FileNotFoundError, ConnectionError):
        return b"", []
    finally:
        sock.close()
    data = found[0][2] if found else b""
    return said, [int.from_bytes(data[i : i + 4], sys.byteorder) for i in range(0, len(data) - 3, 4)]


def _connect(home: str) -> None:
    """Lets our modules be found and ties the process to the wrapper, if there is one."""
    install_finder(home)
    if current().connected:  # which takes MLHOST_FD out of the environment
        hooks.install()
        Sampler(current()).start()
        if sys.version_info >= (3, 12):
            os.register_at_fork(before=_let_fork)
    os.register_at_fork(before=_children.flush_lines, after_in_parent=_children.print_whole_lines, after_in_child=_children.print_whole_lines)


def _let_fork() -> None:
    """Keeps a fork from warning of threads: ours hold nothing that a forked child
    uses. Done at the fork, since the script may set filters of its own."""
    warnings.filterwarnings("ignore", r"This process \(pid=\d+\) is multi-threaded", DeprecationWarning)


def _run_module(name: str, args: List[str]) -> None:
    """Runs a module with what python -m itself does."""
    import runpy

    _replace_in_module(_fresh_main())
    sys.argv[:] = ["-m"] + args
    runpy._run_module_as_main(name)  # type: ignore[attr-defined]


def _run_container() -> None:
    """Runs the __main__.py of the directory or archive at sys.path[0]."""
    import runpy

    _replace_in_module(_fresh_main())
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


def _give_way(before: Sequence[str]) -> None:
    """Forgets modules that the shim has imported where the script has its own of
    the same name beside it: plain python would take that one."""
    for name in set(sys.modules).difference(before) if before else ():
        beside = os.path.join(sys.path[0], name)
        if "." not in name and name not in MODULES and (os.path.isfile(beside + ".py") or os.path.isfile(os.path.join(beside, "__init__.py"))):
            del sys.modules[name]


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
        trace = _without_ours(trace)
        if value is not None:
            value = value.with_traceback(trace)
            _clear_chain(value)
            sys.last_value = value
        sys.last_traceback = trace
        try:
            hook(kind, value, trace)
        except SystemExit:
            raise
        except BaseException as problem:  # as the interpreter shows it, without this frame
            sys.stderr.write("Error in sys.excepthook:\n")
            problem = problem.with_traceback(problem.__traceback__ and problem.__traceback__.tb_next)
            sys.__excepthook__(type(problem), problem, problem.__traceback__)
            sys.stderr.write("\nOriginal exception was:\n")
            sys.__excepthook__(kind, value, trace)

    sys.excepthook = once


def _without_ours(trace: Any) -> Any:
    """Takes the frames of the shim and of the hooks into libraries out."""
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    last = trace
    while last is not None:
        while last.tb_next is not None and _is_hook(last.tb_next.tb_frame.f_code.co_filename):
            last.tb_next = last.tb_next.tb_next
        last = last.tb_next
    return trace


def _clear_chain(value: Any) -> None:
    """Does the same for the exceptions that this one came from, or is a group of."""
    seen, left = {id(value)}, [value]
    while left:
        one = left.pop()
        for other in (one.__cause__, one.__context__) + tuple(getattr(one, "exceptions", ())):
            if isinstance(other, BaseException) and id(other) not in seen:
                seen.add(id(other))
                left.append(other)
                _without_ours(other.__traceback__)


_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_HOOKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hooks")
_AROUND = tuple(os.path.join(os.path.dirname(os.path.abspath(__file__)), name) for name in ("_optimizer_guard.py", "_rounds.py"))
_OURS = (os.path.abspath(__file__), os.path.join(_HOME, "mlhost_shim.py"))


#: Files that stand below a script which a launcher runs with other constants.
passed: "List[str]" = []


def _is_ours(file: str) -> bool:
    return file in passed or os.path.abspath(file) in _OURS


def _is_hook(file: str) -> bool:
    """Whether a file's functions stand around those of libraries."""
    return file == "<mlhost hook>" or file in _AROUND or os.path.dirname(file) == _HOOKS
