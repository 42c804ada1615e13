"""Live control of models that a library trains round by round: boosters, Keras.

As with an optimizer, the host's values are in place while a round runs, and the
script's own before and after it. There is one Rounds for each library: it is
about the model that trains now. What was set for a model ends with it.
"""

from __future__ import annotations

import weakref

from ._optimizer_change import Change
from ._session import current
from ._spec import Spec
from ._typing import Any, Callable, Deque, Dict, List, Optional, Tuple


class Rounds:
    """The rounds of the model that a library trains.

    keys are the names of what can be set, each with its type, least and greatest
    value: one that the library refuses would end the script. read(model) returns
    their values, and write(model, values) puts some in place."""

    def __init__(self, prefix: str, keys: Dict[str, Tuple[str, Any, Any]], read: Callable[[Any], Dict[str, Any]], write: Callable[[Any, Dict[str, Any]], None]) -> None:
        from collections import deque

        self.prefix, self._keys = prefix, keys
        self.what = "round of training"
        self._read, self._write = read, write
        self._model: Callable[[], Any] = lambda: None
        self.steps = 0
        self.todo: Deque[Any] = deque()
        self.own: Dict[str, Any] = {}  # the script's values
        self._knobs: Dict[str, Knob] = {}
        self.refuses = ""  # why nothing can be set

    def begin(self, model: Any, refuses: str = "") -> Optional[Dict[str, Any]]:
        """Stands before a round of a model. Returns what was laid over, for end."""
        session = current()
        if self._model() is not model:
            self._turn_to(model, refuses)
        if not session.control.resumed.is_set():
            session.control.hold()
        step, self.steps = self.steps, self.steps + 1
        session.counter.advance("optimizer", step)
        if not self.todo and all(k.value is None for k in self._knobs.values()):
            return None
        self.own = self._read(model)
        changes = []
        while self.todo:
            changes.append(self.todo.popleft())
            changes[-1].take()
        laid = {k.key: k.value for k in self._knobs.values() if k.value is not None}
        if laid:
            self._write(model, laid)
        for change in changes:
            change.took_effect(step)
            if change.value is not None:
                session.settings.observed(change.hyper.name, change.value, step)
        return laid

    def end(self, model: Any, laid: Optional[Dict[str, Any]]) -> None:
        """Stands behind a round: gives back what begin covered."""
        if laid:
            self._write(model, {key: self.own[key] for key in laid if key in self.own})

    def _turn_to(self, model: Any, refuses: str) -> None:
        while self.todo:
            self.todo.popleft().refuse("the model that it was set for has been trained")
        self._model, self.steps, self.refuses = weakref.ref(model), 0, refuses
        self.own = self._read(model)
        settings = current().settings
        for key, (kind, least, most) in self._keys.items():
            if key not in self.own:
                continue
            knob = self._knobs.get(key)
            if knob is None:
                knob = self._knobs[key] = Knob(self, key)
                spec = Spec(knob.name, self.own[key], kind, min=least, max=most, style=self.prefix, doc="%s of the model that is being trained" % key)
                settings.offer(spec, knob)
            elif knob.value is not None:
                old, knob.value = knob.value, None
                settings.applied(knob.name, old, self.own[key], None)

    def alive(self) -> bool:
        return self._model() is not None


class Knob:
    """One parameter; a handler for Settings.offer."""

    mode = ""

    def __init__(self, rounds: Rounds, key: str) -> None:
        self.watched, self.key, self.name = rounds, key, "%s.%s" % (rounds.prefix, key)
        self.value: Any = None
        self.before: Any = None
        self.siblings: List[Any] = [self]

    def get(self) -> Any:
        return self.own() if self.value is None else self.value

    def own(self) -> Any:
        return self.watched.own.get(self.key)

    def gone(self) -> str:
        if not self.watched.alive():
            return "not controllable: no model is being trained"
        if self.key not in self.watched.own:
            return "not controllable: the model that is trained now does not use it"
        return self.watched.refuses

    def set(self, value: Any, author: str, answer: Callable[..., None]) -> None:
        Change(self, value, answer, self).begin()

    def release(self, answer: Callable[..., None]) -> None:
        Change(self, None, answer, self).begin()

    def undo(self) -> None:
        Change(self, self.before, lambda *_, **__: None, self).begin()


def around(method: Any, rounds: Rounds, refuses: Callable[[Any], str] = lambda model: "") -> Any:
    """Returns a model's method for one round with the overlay around it."""
    import functools

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        laid = None
        try:
            laid = rounds.begin(self, refuses(self))
        except Exception as problem:
            current().warn("mlhost could not reach into %s: %s: %s" % (rounds.prefix, type(problem).__name__, problem))
        if not laid:
            return method(self, *args, **kwargs)
        try:
            return method(self, *args, **kwargs)
        finally:
            rounds.end(self, laid)

    return call


def report(values: "List[Tuple[str, Any]]", step: Optional[int] = None) -> None:
    """Reports what a library computed, where it is a number."""
    variables = current().variables
    for name, value in values:
        try:
            variables.report(name, float(value), step)
        except (TypeError, ValueError):
            continue
