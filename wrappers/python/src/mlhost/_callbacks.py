"""Runs callbacks on the script's main thread.

A pending call of the interpreter (Py_AddPendingCall) runs between two bytecodes
of the main thread. When that thread does not come to a bytecode for 50 ms (it
sleeps, waits for a lock, or computes in C), the callback runs on a helper
thread instead. So a callback may interrupt the main thread anywhere in Python
code: a lock that both take must be re-entrant (threading.RLock).
"""

from __future__ import annotations

import _thread
import _signal as signal  # type: ignore[import-not-found]  # signal itself takes 2 ms for its enumerations
import sys
import threading
import time

from . import _native
from ._typing import Any, Callable, List, Optional

PATIENCE = 0.05  # for the main thread to come to a bytecode
ANSWER_AFTER = 1.0  # a callback may run longer; the host is answered then

_due: List["Job"] = []


class Job:
    """One piece of work for the main thread, and what to do after it."""

    def __init__(self, work: Callable[[], None], after: Callable[[], None]) -> None:
        self._work, self._after = work, after
        self._claim, self._answer = threading.Lock(), threading.Lock()
        self.asked = self.claimed = 0.0  # when; 0 before that
        self.leave: Callable[["Job"], None] = lambda job: None  # called when the next one may begin

    def run(self) -> None:
        """Does the work unless another thread does it."""
        if not self._claim.acquire(False):
            return
        self.claimed = time.monotonic()
        try:
            self._work()
        finally:
            self.answer()

    def answer(self) -> None:
        """Does what comes after the work, once."""
        if self._answer.acquire(False):
            try:
                self._after()
            finally:
                self.leave(self)


class Runner:
    """Hands jobs to the main thread, one after another.

    While there are jobs, a thread looks every 50 ms whether one is late. It is not
    woken for each: that would cost the main thread's work two turns a job.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # guards what follows
        self._jobs: List[Job] = []
        self._now: Optional[Job] = None
        self._watched = False

    def submit(self, work: Callable[[], None], after: Callable[[], None]) -> None:
        """Queues a job; the calling thread does not wait for it."""
        job = Job(work, after)
        job.leave = self._next
        with self._lock:
            self._jobs.append(job)
            if self._now is None:
                self._begin()
            if self._watched:
                return
            self._watched = True
        # A bare thread: starting one does not wait until it runs.
        _thread.start_new_thread(self._watch, ())

    def _begin(self) -> None:
        """Asks the main thread to do the first of the jobs that wait."""
        job = self._now = self._jobs.pop(0)
        job.asked = time.monotonic()
        _due.append(job)
        if not _native.call_soon(_pending):
            job.asked -= PATIENCE

    def _next(self, job: Job) -> None:
        with self._lock:
            if self._now is job:
                self._now = None
                if self._jobs:
                    self._begin()

    def _watch(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        idle = False
        while True:
            with self._lock:
                job, was_idle = self._now, idle
                idle = job is None
                if idle and was_idle:
                    self._watched = False
                    return
            wait = PATIENCE if job is None else self._see_to(job)
            if wait > 0:
                time.sleep(wait)

    def _see_to(self, job: Job) -> float:
        """Helps a job that is late and returns in how many seconds to look again."""
        now = time.monotonic()
        if job.claimed:
            if now - job.claimed >= ANSWER_AFTER:
                job.answer()
                return 0
        elif now - job.asked >= PATIENCE:
            # A job that hangs must not stop those behind it.
            threading.Thread(target=job.run, name="mlhost-callback", daemon=True).start()
        else:
            return job.asked + PATIENCE - now
        return PATIENCE


class _Pending:
    """Runs the jobs that are due, where its truth is asked for."""

    def __bool__(self) -> bool:
        while _due:
            _due.pop(0).run()
        return False  # 0: the pending call went well


_pending = _Pending()


def run_safely(report: Callable[[str], None], what: str, function: Callable[..., Any], *arguments: Any) -> None:
    """Calls a function of the script; an exception is printed and reported, not raised."""
    try:
        function(*arguments)
    except Exception as problem:
        import traceback

        if sys.stderr is not None:
            traceback.print_exc()
        report("%s failed: %s: %s" % (what, type(problem).__name__, problem))


def forked() -> Runner:
    """Returns the Runner of a forked child."""
    _due.clear()
    return Runner()
