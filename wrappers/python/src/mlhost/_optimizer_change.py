"""A change on its way from the host to the next step of an optimizer or a booster."""

from __future__ import annotations

import _thread

from . import _bare, _children
from ._session import current
from ._typing import Any, Callable, Dict, Tuple

NUMBERS = ("lr", "weight_decay", "momentum")
PATIENCE = 1.0  # seconds that a set waits for a step before it is answered
HOPELESS = 30.0  # seconds without a step after which the host is told


class Change:
    """A set on its way to the next step. asked is what was set: the hyperparameter
    itself, or the script's own parameter that stands for it."""

    def __init__(self, hyper: Any, value: Any, answer: Callable[..., None], asked: Any) -> None:
        self.hyper, self.value, self._answer, self._asked = hyper, value, answer, asked
        self.old: Any = None  # what was asked for, before
        self._late = False  # the answer was pending
        self._waiting = _thread.allocate_lock()
        self._waiting.acquire()

    def begin(self) -> None:
        self.hyper.watched.todo.append(self)
        _bare.start(self._watch)

    def _watch(self) -> None:
        """Answers that no step has come, and tells when none seems to come at all."""
        if self._waiting.acquire(True, PATIENCE):
            return
        watched = self.hyper.watched
        reason = "it is applied at the next %s; none has begun for %g s" % (watched.what, PATIENCE)
        if not watched.steps:
            reason = "it is applied at the first %s; none was seen so far" % watched.what
            if _children.note():
                reason += ", and processes that the script has started are not controllable"
        self._late = True
        if self.value is None:
            reason = "the script's own value is back from the next %s on" % watched.what
            self._answer("released", self.hyper.own(), reason=reason)
        else:
            self._answer("pending", reason=reason)
        if not self._waiting.acquire(True, HOPELESS) and not watched.steps:
            current().warn(
                "%s is not controllable so far: mlhost has seen no %s for %g s after it was set. "
                "Steps inside of torch.compile or of a CUDA graph cannot be seen" % (self._asked.name, watched.what, HOPELESS)
            )

    def refuse(self, reason: str) -> None:
        """What it was set for has ended before it took effect."""
        self._answer("rejected", reason=reason)
        if self._late:
            current().warn("%s was not set: %s" % (self._asked.name, reason))
        if self._waiting.locked():
            self._waiting.release()

    def take(self) -> None:
        """The step that begins takes the value."""
        self.old = self._asked.get()
        self.hyper.before, self.hyper.value = self.hyper.value, self.value

    def took_effect(self, step: int) -> None:
        """The values of a step are in place."""
        value = self._asked.get()
        self._answer("applied" if self.value is not None else "released", value, step)
        if self._waiting.locked():
            self._waiting.release()
        session = current()
        if self._late:
            session.settings.applied(self._asked.name, self.old, value, step)
        for other in self.hyper.siblings:
            offer = session.settings.known.get(other.name)
            if other is not self._asked and offer is not None:
                session.put(offer.spec.declaration(other.get()))

    def seen(self, overwritten: Dict[Tuple[int, str], Any], step: int) -> None:
        """The step is over."""
        from ._optimizer import readable as _readable

        hyper = self.hyper
        if hyper.value is None or hyper.key not in NUMBERS:
            return
        settings = current().settings
        if (hyper.index, hyper.key) in overwritten:
            settings.overwritten(self._asked.name, _readable(overwritten[hyper.index, hyper.key]), step)
        else:
            settings.observed(self._asked.name, self._asked.get(), step)
