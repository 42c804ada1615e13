"""Work for the main thread, between two of its bytecodes.

A pending call of the interpreter (Py_AddPendingCall) does it: no signal, no
tracing. A main thread that is blocked in C comes to no bytecode; work that says
so is then done by another thread after 50 ms. Every piece of work expires.

No lock of the script is ever taken here, and none is held while work runs: it
may interrupt the main thread anywhere in Python code, this file's included.
"""

from __future__ import annotations

import _thread
import _signal as signal  # type: ignore[import-not-found]  # signal itself takes 2 ms for its enumerations
import threading
import time
from _collections import deque  # type: ignore[import-not-found]  # collections itself takes 2 ms

from . import _native
from ._typing import Any, Callable, Deque, List, Optional

PATIENCE = 0.05  # for the main thread to come to a bytecode
EXPIRES = 5.0  # seconds that work may wait where it does not say
_RETRY = 0.002  # between two tries to get into a queue of the interpreter that is full


class _Work:
    """One piece of work. Exactly one of its functions is called, once."""

    def __init__(self, function: Callable[[], None], expires: float, late: Optional[Callable[[], None]], expired: Optional[Callable[[], None]]) -> None:
        self._function, self._late, self._expired = function, late, expired
        now = time.monotonic()
        self._late_at = now + PATIENCE if late else now + expires
        self._ends_at = now + expires
        self._claim = _thread.allocate_lock()

    def run(self) -> None:
        """Does the work on the main thread."""
        self._call(self._expired if time.monotonic() >= self._ends_at else self._function)

    def see_to(self, now: float) -> float:
        """Helps work that is late; returns when to look again, 0 for never."""
        if self._claim.locked():
            return 0
        if self._late is not None and now >= self._late_at:
            self._call(self._late)
            return 0
        if now >= self._ends_at:
            self._call(self._expired)
            return 0
        return min(self._late_at, self._ends_at)

    def _call(self, function: Optional[Callable[[], None]]) -> None:
        if not self._claim.acquire(False) or function is None:
            return
        try:
            function()
        except Exception as problem:
            from ._session import current

            current().warn("mlhost could not finish what the host asked for: %s: %s" % (type(problem).__name__, problem))


class _Queue:
    """What waits for the main thread. Its truth is asked for there: then it works."""

    def __init__(self) -> None:
        self._due: Deque[_Work] = deque()
        self._asked = False  # the interpreter will ask for our truth
        self._new: Deque[_Work] = deque()  # for the watcher
        self._watching = _thread.allocate_lock()  # held while there is a watcher
        self._main = threading.main_thread().ident

    def add(self, work: _Work) -> None:
        self._due.append(work)
        self._new.append(work)
        self._ask()
        if self._watching.acquire(False):
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            try:
                _thread.start_new_thread(self._watch, ())
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _ask(self) -> None:
        if not self._asked:
            self._asked = True
            if not _native.call_soon(self):
                self._asked = False  # the interpreter's queue is full: the watcher tries again

    def __bool__(self) -> bool:
        self._asked = False
        while self._due:
            try:
                work = self._due.popleft()
            except IndexError:
                break
            work.run()
        return False  # 0: the pending call went well

    def _watch(self) -> None:
        """Lives as long as work waits, and 50 ms more: a burst shares one thread."""
        watched: List[_Work] = []
        idle = False
        while True:
            while self._new:
                watched.append(self._new.popleft())
            now = time.monotonic()
            times = [(work, work.see_to(now)) for work in watched]
            watched = [work for work, at in times if at]
            if self._due and not self._asked:
                self._ask()
            wait = _RETRY if self._due and not self._asked else min([at - now for _, at in times if at] + [PATIENCE])
            if idle and not watched and not self._new:
                self._watching.release()
                if not self._new or not self._watching.acquire(False):
                    return
            idle = not watched
            time.sleep(max(wait, 0.0005))


_queue: Any = None


def run_on_main(
    function: Callable[[], None],
    expires: float = EXPIRES,
    late: Optional[Callable[[], None]] = None,
    expired: Optional[Callable[[], None]] = None,
) -> None:
    """Has function called on the main thread, soon; on the main thread itself, at
    once. Does not wait.

    late is called on another thread instead when the main thread comes to no
    bytecode for 50 ms: give it (often it is function again) only where the work
    is a write that any thread may do. expired is called instead of both when
    neither could be within the given seconds. Exactly one of the three is called.
    """
    global _queue
    if _queue is None:
        _queue = _Queue()
    if _thread.get_ident() == _queue._main:
        _Work(function, expires, late, expired).run()
    else:
        _queue.add(_Work(function, expires, late, expired))


def forked() -> None:
    """In a forked child, forgets what its parent was asked to do."""
    global _queue
    _queue = None
