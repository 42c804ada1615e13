"""What the processes that a script has started mean for the script.

They are no part of mlhost: a forked or spawned process has values of its own,
which no change reaches.
"""

from __future__ import annotations

import sys
import threading

from ._typing import Any

#: Where a main thread stands that waits for processes: module and function.
_WAITING = {
    ("multiprocessing.process", "join"),
    ("multiprocessing.pool", "wait"),
    ("multiprocessing.pool", "next"),
    ("torch.multiprocessing.spawn", "join"),
    ("subprocess", "wait"),
}
_FUTURES = {("concurrent.futures._base", "result"), ("concurrent.futures._base", "wait"), ("concurrent.futures._base", "as_completed")}
_DEEPEST = 100  # frames that are looked at

WAITS = "the script waits for processes that it has started, and those keep what they began with"
HAS = "processes that the script has started keep what they began with"


def waits() -> bool:
    """Tells whether the main thread waits for processes that it has started: then
    they do the work."""
    processes = _own()
    if not processes and "subprocess" not in sys.modules:
        return False
    frame: Any = sys._current_frames().get(threading.main_thread().ident or 0)
    for _ in range(_DEEPEST):
        if frame is None:
            return False
        place = (frame.f_globals.get("__name__"), frame.f_code.co_name)
        if place in _WAITING or processes and place in _FUTURES:
            return True
        frame = frame.f_back
    return False


def note() -> str:
    """Returns what a change in this process leaves as it is, "" for nothing.
    Helpers that end with their parent (the workers of a DataLoader) are not told."""
    if waits():
        return WAITS
    return HAS if any(not process.daemon for process in _own()) else ""


def _own() -> Any:
    """Returns the processes of multiprocessing that have not been seen to end,
    without asking for them: that would take their exit codes from the script."""
    module = sys.modules.get("multiprocessing.process")
    return [p for p in list(getattr(module, "_children", ())) if getattr(getattr(p, "_popen", None), "returncode", 0) is None]


def print_whole_lines() -> None:
    """Lets this process write each line at once, since others write to the same
    place: unbuffered, print writes a line and its end one after the other."""
    for stream in (sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None and stream.write_through:
                stream.reconfigure(line_buffering=True, write_through=False)
        except (OSError, ValueError):
            pass  # closed or detached: nothing is printed there


def flush_lines() -> None:
    """Before a fork: what waits for the end of its line is not for both."""
    for stream in (sys.__stdout__, sys.__stderr__):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            pass  # closed, or nobody reads it: the script's own business
