"""Brings mlhost's Python side into the process of a launcher (torchrun,
accelerate launch) that runs the script.

The folder of this file stands first in PYTHONPATH of the launcher, so every
Python below it imports this at start. It loads the sitecustomize that would
have been loaded without it, and then does nothing in a process that does not
run the script that MLHOST_TARGET names. In one that does, it takes itself out
of the environment, so that nothing which the script starts gets it; and the
process of rank 0 fetches its end of the line protocol from the socket that
MLHOST_ATTACH names. One that is not the first of its machine fetches pipes for
its output from the socket beside that. Every process gets the values that
MLHOST_CONSTANTS has for literals of the script. Whatever fails here, the script runs,
after one line.

This file must compile under any Python, to say so on one that is too old.
"""

import os
import sys

_SITE = os.path.dirname(os.path.abspath(__file__))
_OLDEST = (3, 8)
#: Where launchers tell a process its rank, in the order of trust.
_RANKS = ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID", "LOCAL_RANK")


def _is_site(entry):
    return os.path.abspath(entry or os.curdir) == _SITE


def _load_other():
    """Takes this folder out of sys.path and loads what it hides."""
    sys.path[:] = [entry for entry in sys.path if not _is_site(entry)]
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError as failure:
        if getattr(failure, "name", "sitecustomize") != "sitecustomize":
            raise
        if ours is not None:
            sys.modules["sitecustomize"] = ours  # the importer looks for it


def _command():
    """Returns the process's command line, which sys.argv does not have yet on
    every Python, and never the interpreter's own part of it."""
    given = getattr(sys, "orig_argv", None)
    if given:
        return list(given)
    try:
        with open("/proc/self/cmdline", "rb") as file:
            return [part if str is bytes else os.fsdecode(part) for part in file.read().split(b"\0")[:-1]]
    except (OSError, IOError):
        return [sys.executable] + getattr(sys, "argv", [])


def _runs(target):
    """Tells whether this process is to run the target, "file PATH" or "module NAME"."""
    kind, _, name = target.partition(" ")
    found, what = _main(_command())
    if found == "file":
        what, name = os.path.realpath(what), os.path.realpath(name)
    return found == kind and what == name


def _main(command):
    """Returns what a command line of Python runs: ("file", path), ("module",
    name), or two empty strings."""
    value_follows = False
    for at, word in enumerate(command[1:], 1):
        if value_follows:
            value_follows = False
            continue
        if word[:2] == "--":
            value_follows = word == "--check-hash-based-pycs"
            continue
        if word[:1] != "-":
            return "file", word
        for i, letter in enumerate(word[1:], 1):
            if letter == "m":
                return "module", word[i + 1 :] or (command + [""])[at + 1]
            if letter == "c" or len(word) == 1:
                return "", ""
            if letter in "WX":
                value_follows = i == len(word) - 1
                break
    return "", ""


def _leave_environment():
    """Takes mlhost out of what the processes of the script inherit."""
    for name in ("MLHOST_ATTACH", "MLHOST_TARGET", "MLHOST_CONSTANTS"):
        os.environ.pop(name, None)
    rest = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if not _is_site(entry)]
    if any(rest):
        os.environ["PYTHONPATH"] = os.pathsep.join(rest)
    else:
        os.environ.pop("PYTHONPATH", None)


def _rank():
    for name in _RANKS:
        if name in os.environ:
            return os.environ[name]
    return "0"


def _attach(path, target, constants):
    try:
        if sys.version_info < _OLDEST:
            raise RuntimeError("Python %d.%d is older than %d.%d" % (sys.version_info[:2] + _OLDEST))
        home = os.path.dirname(_SITE)
        keep, sys.dont_write_bytecode = sys.dont_write_bytecode, False
        sys.path.insert(0, home)
        try:
            from mlhost import _launch
        finally:
            sys.path.remove(home)
            sys.dont_write_bytecode = keep
        if os.environ.get("LOCAL_RANK", _rank()) != "0":
            _launch.print_apart(os.path.join(os.path.dirname(path), "ranks"))
        _launch.attach(home, path if _rank() == "0" else "")
        if constants:
            import json

            from mlhost import _behind

            _behind.replace(target, json.loads(constants))
    except Exception as failure:
        sys.stderr.write("mlhost: the script runs without mlhost: %s: %s\n" % (type(failure).__name__, failure))
        sys.stderr.flush()


def _begin():
    path, target = os.environ.get("MLHOST_ATTACH"), os.environ.get("MLHOST_TARGET")
    if not path or not target or not _runs(target):
        return
    constants = os.environ.get("MLHOST_CONSTANTS")
    _leave_environment()
    _attach(path, target, constants)


try:
    _load_other()
finally:
    _begin()
