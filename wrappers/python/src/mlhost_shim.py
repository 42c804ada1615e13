# python -x leaves the first line out.
"""Runs a Python script under mlhost: python mlhost_shim.py SCRIPT ARGS...,
or a module: python mlhost_shim.py -m MODULE ARGS...

The script runs as it would under plain python, and finds the modules mlhost,
script_interface and script_wrappers; it speaks with its wrapper on the socket
that MLHOST_FD names. When anything here fails, the script runs all the same,
by plain python, after one line on stderr.

This file must compile under any Python, to say so on one that is too old.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_OLDEST = (3, 8)
_GIVEN = list(getattr(sys, "orig_argv", ()))  # from 3.10 on
_ARGUMENTS = sys.argv[1:]
_BEFORE = list(sys.modules)


def _run_bare(problem):
    """Replaces this process by plain python running the script."""
    if problem:
        sys.stderr.write("mlhost: the script runs without mlhost: %s\n" % problem)
        sys.stderr.flush()
    fd = os.environ.pop("MLHOST_FD", "")
    try:
        os.close(int(fd))  # so that the wrapper sees that nobody listens
    except (ValueError, OSError):
        pass
    # What imports our modules gets them as if it ran standalone.
    found = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = found + os.pathsep + _HERE if found else _HERE
    os.execv(sys.executable, [sys.executable] + _flags() + _ARGUMENTS)


def _flags():
    """Returns the options that the interpreter itself was given."""
    given = _GIVEN
    if not given:
        try:
            with open("/proc/self/cmdline", "rb") as file:
                given = [part if str is bytes else os.fsdecode(part) for part in file.read().split(b"\0")[:-1]]
        except (OSError, IOError):
            given = []
    if given:
        return given[1 : len(given) - len(_ARGUMENTS) - 1]
    import subprocess

    return subprocess._args_from_interpreter_flags()


def _compile_apart():
    """Has a child compile our modules, once: a process that compiled them would
    have up to a megabyte more for all of its life."""
    optimized = ".opt-%d" % sys.flags.optimize if sys.flags.optimize else ""
    done = os.path.join(_HERE, "mlhost", "__pycache__", "whole.%s%s" % (sys.implementation.cache_tag, optimized))
    if os.path.exists(done) or sys.pycache_prefix or not hasattr(os, "fork") or not os.access(_HERE, os.W_OK):
        return
    if len(sys._current_frames()) > 1:
        return  # somebody's threads would not be in the child
    try:
        pid = os.fork()
    except OSError:
        return
    if pid == 0:
        try:
            __import__("mlhost._launch")
            open(done, "w").close()
        finally:
            os._exit(0)  # what went wrong here the parent sees too
    os.waitpid(pid, 0)


def _prepare():
    """Returns the function that runs the script, or None if it must run bare."""
    problem = ""
    try:
        if sys.version_info < _OLDEST:
            raise RuntimeError("Python %d.%d is older than %d.%d" % (sys.version_info[:2] + _OLDEST))
        # The modules lie in a directory of ours: their bytecode may be kept there.
        keep, sys.dont_write_bytecode = sys.dont_write_bytecode, False
        sys.path.insert(0, _HERE)
        try:
            _compile_apart()
            from mlhost import _launch
        finally:
            del sys.path[0]
            sys.dont_write_bytecode = keep
        return _launch.prepare(_HERE, list(_ARGUMENTS), _BEFORE)
    except Exception as failure:
        problem = "%s: %s" % (type(failure).__name__, failure)
    _run_bare(problem)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python mlhost_shim.py SCRIPT ARGS... or -m MODULE ARGS...")
    _start = _prepare()
    if _start is None:
        _run_bare("")
    _start()
