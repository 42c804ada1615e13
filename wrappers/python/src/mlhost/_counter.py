"""The script's step counter.

Several things of a script may count. The step is that of the best of them:
an optimizer's steps, else the iterations of mlhost.loop, those of tqdm, or the
value of a variable. Each keeps its own count, so that the step does not mix them.
"""

from __future__ import annotations

import time

from ._typing import TYPE_CHECKING, Any, Dict, Optional

if TYPE_CHECKING:
    from ._session import Session

REPORT_EVERY = 0.1  # seconds between two reports of the step

_RANKS = {"optimizer": 0, "loop": 1, "tqdm": 2}
_VARIABLE, _NONE = 3, 4
_NEVER = float("inf")


class Counter:
    """Counts a session's steps. due is the step from which on something waits:
    it happens on the thread that counts."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self.source = ""  # what counts now: optimizer, loop, tqdm, variable:NAME, or "" for nothing
        self.due: float = _NEVER
        self._rank = _NONE
        self._counts: Dict[str, int] = {}  # of the sources that do not count now
        self._reported = 0.0

    def advance(self, source: str, step: Optional[int] = None) -> None:
        """Counts one step of a source, from 0 on, or takes over its own number."""
        if source != self.source and not self._outranks(source, step):
            return
        session = self._session
        if step is None:
            step = session.step
            step = 0 if step is None else step + 1
        session.step = step
        if step >= self.due:
            self._stand(step)
        now = time.monotonic()
        if now - self._reported >= REPORT_EVERY:
            self._reported = now
            session.put({"op": "step", "step": step})

    def _stand(self, step: int) -> None:
        """Lets happen what waited for a step: a pause, or changes."""
        session = self._session
        if not session.control.resumed.is_set() and self.holds():
            session.control.hold()
        session.settings.reach(step)

    def holds(self) -> bool:
        """Whether the script can be paused where it counts: the value of a variable
        is looked at from outside, so the script does not come by."""
        return self._rank < _VARIABLE

    def _outranks(self, source: str, step: Optional[int]) -> bool:
        """Lets source count from now on, if it is the best so far."""
        rank = _RANKS.get(source, _VARIABLE)
        if rank >= self._rank:
            return False
        # What counted so far keeps its last number; the new one begins by itself.
        self.source, self._rank = source, rank
        self._session.step = None
        return True

    def retire(self, source: str) -> None:
        """Lets any other source count: this one counts no more, or not soon."""
        if self.source == source:
            self.source, self._rank = "", _NONE

    def report(self) -> None:
        """Tells the host the step now."""
        self._reported = time.monotonic()
        if self._session.step is not None:
            self._session.put({"op": "step", "step": self._session.step})
