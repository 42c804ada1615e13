"""Tells the host which files the script writes.

An audit hook hears of every file that is opened, whoever opens it; what
libraries in C open by themselves it does not hear of. It is called for very
many events, so it looks at nothing but the name of most.
"""

from __future__ import annotations

import os
import sys

from ._typing import TYPE_CHECKING, Any, Dict

if TYPE_CHECKING:
    from ._session import Session

#: How many names are told of one process.
MOST = 10_000

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def watch(session: "Session") -> None:
    """Tells of each file that is opened for writing or renamed from now on, once."""
    seen: Dict[Any, bool] = {}

    def hook(event: str, args: Any) -> None:
        if event != "open" and event != "os.rename":
            return
        try:
            if event == "os.rename":
                path = args[1]
            elif args[2] & _WRITING:
                path = args[0]
            else:
                return
            if path not in seen:
                _tell(session, seen, path)
        except Exception:
            pass  # it would become an error of the script's own call

    sys.addaudithook(hook)


def _tell(session: "Session", seen: Dict[Any, bool], path: Any) -> None:
    """Sends the name of one file, unless this is a forked child's."""
    if session.channel is None or len(seen) >= MOST or type(path) is int:
        return
    text = os.fsdecode(path)
    if "__pycache__" in text or text.startswith(("/dev/", "/proc/")):
        return
    seen[path] = True
    session.put({"op": "files", "paths": [os.path.abspath(text)]})
