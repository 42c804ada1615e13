"""Pause, resume and stop, as the host asks for them."""

from __future__ import annotations

import threading

from . import _interrupt
from ._typing import Any, Callable, Dict, List, Tuple


class Control:
    """What the host wants of a script's loops. done answers a line of the host:
    done(line, outcomes=...) or done(line, error=...)."""

    def __init__(self, done: Callable[..., None]) -> None:
        self._done = done
        self.counter: Any = None  # of the session; set by it
        self.loops: List[Any] = []  # the mlhost.loop()s that run, outermost first
        self.stopping = False
        self.stop_listeners: List[Tuple[Callable[[], bool], Callable[[], None]]] = []  # (will it take notice?, tell it)
        self.forked()

    def forked(self) -> None:
        """Makes what a forked child's parent may have held; nobody pauses a child."""
        self._lock = threading.RLock()  # guards _pausing
        self._pausing: List[Dict[str, Any]] = []  # the lines that want an answer when the script stands
        self.resumed = threading.Event()
        self.resumed.set()

    def pause(self, line: Dict[str, Any]) -> None:
        if not self.loops and not self.counter.holds():
            error = {"code": "unavailable", "message": "the script runs no loop or optimizer that could pause"}
            return self._done(line, error=error)
        with self._lock:
            self._pausing.append(line)
            self.resumed.clear()
            self.counter.due = 0  # so that it looks at the next step

    def hold(self) -> None:
        """Waits as long as the script is paused; called by the loop."""
        with self._lock:
            reached, self._pausing = self._pausing, []
        for line in reached:
            self._done(line, outcomes=[])
        self.resumed.wait()

    def resume(self, line: Dict[str, Any]) -> None:
        self._go_on()
        self._done(line, outcomes=[])

    def _go_on(self) -> None:
        with self._lock:
            self.resumed.set()
            early, self._pausing = self._pausing, []
        for line in early:
            self._done(line, error={"code": "unavailable", "message": "resumed before the script came to a step"})

    def stop(self, line: Dict[str, Any]) -> None:
        """Answers first, since the script may end at once. When nobody listens, the
        answer is an error: the wrapper then sends SIGTERM without waiting."""
        interrupts = False
        if self.loops or any(listens() for listens, _ in self.stop_listeners):
            self._done(line, outcomes=[])
        elif _interrupt.is_handled():
            interrupts = True
            self._done(line, outcomes=[])
        else:
            self._done(line, error={"code": "unavailable", "message": "nothing in the script looks whether it shall stop"})
        self.stopping = True
        self._go_on()
        for _, tell in list(self.stop_listeners):
            tell()
        if interrupts:
            _interrupt.interrupt()
