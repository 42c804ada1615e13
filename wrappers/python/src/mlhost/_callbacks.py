"""Runs callbacks on the script's main thread.

A pending call of the interpreter (Py_AddPendingCall) runs between two bytecodes
of the main thread. When that thread does not come to a bytecode for 50 ms (it
sleeps, waits for a lock, or computes in C), the callback runs on a helper
thread instead. So a callback may interrupt the main thread anywhere in Python
code: a lock that both take must be re-entrant (threading.RLock).
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading

from ._typing import Any, Callable, List

PATIENCE = 0.05  # for the main thread to come to a bytecode
ANSWER_AFTER = 1.0  # a callback may run longer; the host is answered then

_add_pending: Any = None
_due: List["Job"] = []


class Job:
    """One piece of work for the main thread, and what to do after it."""

    def __init__(self, work: Callable[[], None], after: Callable[[], None]) -> None:
        self._work, self._after = work, after
        self._claim, self._answer = threading.Lock(), threading.Lock()
        self.claimed, self.finished = threading.Event(), threading.Event()

    def run(self) -> None:
        """Does the work unless another thread does it."""
        if not self._claim.acquire(False):
            return
        self.claimed.set()
        try:
            self._work()
        finally:
            self.answer()
            self.finished.set()

    def answer(self) -> None:
        """Does what comes after the work, once."""
        if self._answer.acquire(False):
            self._after()


class Runner:
    """Hands jobs to the main thread, one after another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _jobs and _busy
        self._jobs: List[Job] = []
        self._busy = False

    def submit(self, work: Callable[[], None], after: Callable[[], None]) -> None:
        """Queues a job; the calling thread does not wait for it."""
        job = Job(work, after)
        with self._lock:
            if self._busy:
                self._jobs.append(job)
                return
            self._busy = True
        # A bare thread: starting one does not wait until it runs.
        _thread.start_new_thread(self._watch, (job, _call_on_main(job)))

    def _watch(self, job: Job, asked: bool) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        while True:
            if not (asked and job.claimed.wait(PATIENCE)):
                # A job that hangs must not stop those behind it.
                threading.Thread(target=job.run, name="mlhost-callback", daemon=True).start()
            if not job.finished.wait(ANSWER_AFTER):
                job.answer()
            with self._lock:
                if not self._jobs:
                    self._busy = False
                    return
                job = self._jobs.pop(0)
            asked = _call_on_main(job)


def _call_on_main(job: Job) -> bool:
    """Asks the interpreter to run the job between two bytecodes of the main thread."""
    global _add_pending
    try:
        if _add_pending is None:
            _add_pending = _find_add_pending()
        _due.append(job)
        return bool(_add_pending(_pending) == 0)
    except Exception:  # an interpreter without ctypes
        return False


def _find_add_pending() -> Callable[[Any], int]:
    """Returns a function that has an object's __bool__ called on the main thread.

    The C function that is queued is PyObject_IsTrue: it takes one pointer,
    returns 0 for false and -1 for an exception, which then passes on into the
    main thread's code. A callback made by ctypes would swallow that.
    """
    import ctypes

    is_true = ctypes.cast(ctypes.pythonapi.PyObject_IsTrue, ctypes.c_void_p)
    prototype = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.py_object)
    add = prototype(("Py_AddPendingCall", ctypes.pythonapi))
    return lambda target: int(add(is_true, target))


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
