"""mlhost.loop: the steps of a script."""

from __future__ import annotations

import time

from ._session import Session, current
from ._typing import Any, Generic, Iterable, Iterator, Optional, TypeVar, Union, overload

T = TypeVar("T")

REPORT_EVERY = 0.1  # seconds between two reports of step and progress


class Loop(Generic[T]):
    """Iterates over something and lets the host see the progress, pause, stop,
    and set parameters between two iterations. Loops may be nested: the
    outermost tells the progress, the iterations of the innermost are the steps."""

    def __init__(self, over: Iterable[T]) -> None:
        self._over = over

    def __len__(self) -> int:
        return len(self._over)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[T]:
        session = current()
        position = _Position(session, _length(self._over))
        session.control.loops.append(position)
        try:
            for item in self._over:
                if session.control.stopping:
                    return
                position.enter()
                if session.control.stopping:
                    return
                yield item
                position.done += 1
        finally:
            if position in session.control.loops:
                session.control.loops.remove(position)
            position.report(time.monotonic())


class _Position:
    """Where one loop is."""

    def __init__(self, session: Session, total: Optional[int]) -> None:
        self._session, self._total = session, total
        self._parent: Optional[_Position] = session.control.loops[-1] if session.control.loops else None
        self.done = 0
        self._has_inner = False
        self._began = self._reported = time.monotonic()

    def enter(self) -> None:
        """Stands before an iteration: everything that the host wants happens here."""
        session = self._session
        self._count(session)
        if not session.control.resumed.is_set():
            session.control.hold()
        if session.settings.at_boundary:
            session.settings.cross_boundary()
        now = time.monotonic()
        if now - self._reported >= REPORT_EVERY:
            self.report(now)

    def _count(self, session: Session) -> None:
        if self._has_inner:
            return
        parent = self._parent
        if parent is not None and not parent._has_inner:
            # The step that the parent counted for this iteration is our first.
            parent._has_inner = True
            return
        session.counter.advance("loop")

    def report(self, now: float) -> None:
        """Tells the host the step and, for the outermost loop, the progress."""
        self._reported = now
        session = self._session
        if session.channel is None:
            return
        if session.step is not None:
            session.put({"op": "step", "step": session.step})
        if self._parent is not None:
            return
        seconds = now - self._began
        rate = self.done / seconds if seconds > 0 else 0.0
        message = {"op": "progress", "done": self.done, "rate": rate}
        if self._total is not None:
            message["total"] = self._total
            message["eta"] = (self._total - self.done) / rate if rate else 0.0
        session.put(message)


def _length(over: Any) -> Optional[int]:
    try:
        return len(over)
    except TypeError:
        return None


@overload
def loop(over: int) -> "Loop[int]": ...
@overload
def loop(over: Iterable[T]) -> "Loop[T]": ...


def loop(over: Union[int, Iterable[Any]]) -> "Loop[Any]":
    """Returns an iterable of range(over), or of over, that counts the script's steps.

    At the beginning of each iteration the host may pause the script, stop it
    (the loop then ends, and the script goes on behind it) and set parameters
    whose mutability is "boundary". Without a host it only iterates.
    """
    return Loop(range(over) if isinstance(over, int) else over)
