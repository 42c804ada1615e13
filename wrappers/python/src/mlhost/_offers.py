"""Parameters whose values live in code that knows nothing of mlhost.

Whoever finds one offers it with a handler:

    get()                       the value in use; must not block
    set(value, author, answer)  called on the thread that reads the host's lines;
                                must not block, and answers once, from any thread:
                                answer(status, value=None, step=None, reason="")
    gone()                      optional: "", or why the value can be reached no more
    release(answer)             optional: gives the value back to the script
    undo()                      optional: takes the last set back; else the value
                                from before it is set
"""

from __future__ import annotations

import _thread

from ._typing import Any, Callable, Dict, List, Optional
from ._values import plain

ALONE = "not set, because another value was rejected"


class Offer:
    """A parameter with a handler."""

    def __init__(self, spec: Any, handler: Any) -> None:
        self.spec, self.get, self.handler = spec, handler.get, handler
        self.callbacks: List[Any] = []  # none: the handler knows of each change
        self.withdrawn = ""  # why it is gone for good

    def gone(self) -> str:
        """Returns why it cannot be set any more, "" if it can."""
        look = getattr(self.handler, "gone", None)
        return self.withdrawn or (look() if look else "") or ""


class Round:
    """One set of several offers: collects their answers, and undoes what was
    done when one of them refuses. Takes no lock: an answer may come from
    code that interrupts the one that gives another answer."""

    def __init__(self, author: str, undo_others: Callable[[], None], done: Callable[[bool], None]) -> None:
        self._author, self._undo_others, self._done = author, undo_others, done
        self._sets: List[Any] = []  # (offer, value, outcome)
        self._answered: List[Dict[str, Any]] = []
        self._finished = _thread.allocate_lock()

    def start(self, sets: List[Any]) -> None:
        self._sets = sets
        for offer, value, outcome in sets:
            answer = self._answer(outcome)
            try:
                offer.handler.set(value, self._author, answer)
            except Exception as problem:
                answer("rejected", reason="%s: %s" % (type(problem).__name__, problem))

    def _answer(self, outcome: Dict[str, Any]) -> Callable[..., None]:
        once = _thread.allocate_lock()

        def answer(status: str, value: Any = None, step: Optional[int] = None, reason: str = "") -> None:
            if not once.acquire(False):
                return
            outcome["status"] = status
            if status == "rejected":
                outcome["value"] = outcome["old"]
            elif value is not None:
                outcome["value"] = plain(value)
            if step is not None or status == "pending":  # of which it is not known at which step
                outcome["step"] = step
            if reason:
                outcome["reason"] = reason
            self._answered.append(outcome)
            if len(self._answered) >= len(self._sets) and self._finished.acquire(False):
                self._finish()

        return answer

    def _finish(self) -> None:
        refused = any(outcome["status"] == "rejected" for _, _, outcome in self._sets)
        if refused:
            self._undo_others()
            for offer, _, outcome in self._sets:
                if outcome["status"] in ("applied", "pending"):
                    self._undo(offer.handler, outcome["old"])
                if outcome["status"] != "rejected":
                    outcome.update(status="rejected", value=outcome["old"], reason=ALONE)
        self._done(refused)

    def _undo(self, handler: Any, old: Any) -> None:
        undo = getattr(handler, "undo", None)
        if undo:
            undo()
        else:
            handler.set(old, self._author, lambda *_, **__: None)
