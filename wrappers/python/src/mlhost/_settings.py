"""The parameters that the script has registered, and how they are set."""

from __future__ import annotations

import sys
import threading

from . import _callbacks, _native
from ._offers import ALONE, Offer, Round
from ._spec import BOUNDARY, FIXED, RESTART, Misfit, Spec, suggest
from ._typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Tuple
from ._values import plain

if TYPE_CHECKING:
    from ._session import Session

_MOST_NESTED = 100  # sets that callbacks make while callbacks run


class Parameter:
    """A registered parameter: its spec, where its value lives, who hears of changes."""

    def __init__(self, spec: Spec, get: Callable[[], Any], put: Callable[[Any], None]) -> None:
        self.spec, self.get, self.put = spec, get, put
        self.callbacks: List[Callable[[Any, Any], None]] = []  # (old, new)


class _Held:
    """A set that waits for a step."""

    def __init__(self, step: int, values: Dict[str, Any], author: str) -> None:
        self.step, self.values, self.author = step, values, author


class Settings:
    """The parameters of a session."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self.known: Dict[str, Any] = {}  # Parameters and Offers
        self.configured: Dict[str, Any] = {}  # what the host starts the script with
        self._lock = threading.RLock()  # guards the parameters' values and _boundary
        self._boundary: List[Tuple[Parameter, Any, Dict[str, Any]]] = []
        self._held: List[_Held] = []  # sets that wait for a step
        self._runner = _callbacks.Runner()
        self._calling = threading.local()

    def forked(self) -> None:
        """Makes what a forked child's parent may have held."""
        self._lock = threading.RLock()
        self._runner = _callbacks.forked()

    def register(self, parameter: Parameter) -> None:
        """Declares a parameter. The configured value, if there is one, is put in
        place first; when it does not fit, the run fails."""
        spec = parameter.spec
        self._session.wait_for_start()
        if self._session.channel:
            _native.load()
        with self._lock:
            if spec.name in self.configured:
                try:
                    parameter.put(spec.check(self.configured[spec.name]))
                except Misfit as problem:
                    self._fail(spec, str(problem))
            self.known[spec.name] = parameter
            self._session.put(spec.declaration(parameter.get()))

    def _fail(self, spec: Spec, reason: str) -> None:
        self._session.put(spec.declaration(spec.default))
        self._session.put({"op": "fail", "reason": reason, "parameter": spec.name})
        self._session.close()
        sys.stderr.write("mlhost: the configured value of parameter %s does not fit: %s\n" % (spec.name, reason))
        raise SystemExit(1)

    def set_own(self, parameter: Parameter, value: Any) -> None:
        """The script sets its own parameter; raises Misfit."""
        with self._lock:
            value = parameter.spec.check(value)
            old = parameter.get()
            parameter.put(value)
            self._session.put({"op": "changed", "changes": [_change(parameter, old, value, self._session.step)]})
        self._call(parameter, old, value)

    # Parameters whose values live in code that knows nothing of mlhost.

    def offer(self, spec: Spec, handler: Any, configured: bool = True) -> None:
        """Declares a parameter whose value lives in foreign code; for handler see
        _offers. A configured value is set at once, unless the script has it already
        (configured=False)."""
        self._session.wait_for_start()
        if self._session.channel:
            _native.load()
        found = self.known[spec.name] = Offer(spec, handler)
        self._session.put(spec.declaration(found.get()))
        if not configured or spec.name not in self.configured:
            return

        def answer(status: str, value: Any = None, step: Optional[int] = None, reason: str = "") -> None:
            if status in ("rejected", "needs_restart"):
                self._session.put({"op": "fail", "reason": reason, "parameter": spec.name})
            elif status == "applied":
                self._session.put(spec.declaration(found.get()))

        try:
            handler.set(spec.check(self.configured[spec.name]), "config", answer)
        except Misfit as problem:
            answer("rejected", reason=str(problem))

    def offer_later(self, spec: Spec, handler: Any) -> None:
        """Declares a parameter that reading the script has found, and that has no
        value yet: the host knows its default."""
        if self._session.channel:
            _native.load()
        self.known[spec.name] = Offer(spec, handler)
        line = {k: v for k, v in spec.declaration(None).items() if k not in ("value", "default")}
        self._session.put(line)

    def withdraw(self, name: str, reason: str) -> None:
        """Takes an offered parameter back: its target has ended, for the reason."""
        found = self.known.get(name)
        if isinstance(found, Offer):
            found.withdrawn = reason

    def applied(self, name: str, old: Any, value: Any, step: Optional[int]) -> None:
        """Tells that a value that was pending is in use now."""
        self._session.put_now({"op": "changed", "changes": [{"name": name, "old": plain(old), "value": plain(value), "step": step}]})

    def observed(self, name: str, value: Any, step: Optional[int], overwritten: bool = False) -> None:
        """Tells that a value was seen in use some time after it was set."""
        self._session.put({"op": "observed", "name": name, "value": plain(value), "step": step, "overwritten": overwritten})

    def overwritten(self, name: str, value: Any, step: Optional[int]) -> None:
        """Tells that the script has put another value in the place of one that was set."""
        self.observed(name, value, step, True)

    # Sets of the host.

    def set_from_host(self, values: Dict[str, Any], author: str, at_step: Optional[int], done: Callable[[List[Dict[str, Any]]], None]) -> None:
        """Sets all of values or none, now or when the script comes to a step, and
        then calls done(outcomes)."""
        step = self._session.step
        for earlier in self._held:  # what is set later counts
            for name in values:
                earlier.values.pop(name, None)
        if at_step is None or (step is not None and step >= at_step):
            return self._set(values, author, done)
        outcomes = [outcome for outcome, _, _ in [self._check(name, value) for name, value in values.items()]]
        if any(o["status"] == "rejected" for o in outcomes):
            return done(_none(outcomes))
        held = [o for o in outcomes if o["status"] in ("applied", "pending")]
        for outcome in held:
            reason = "takes effect at step %d" % at_step
            if step is None:
                reason += "; the script has counted no step yet"
            outcome.update(status="pending", step=at_step, reason=reason)
        self._held.append(_Held(at_step, {o["name"]: values[o["name"]] for o in held}, author))
        self._session.counter.due = min(h.step for h in self._held)
        done(outcomes)

    def release(self, names: List[str], done: Callable[[List[Dict[str, Any]]], None]) -> None:
        """Gives offered parameters back to the script, and then calls done(outcomes).
        Those that nothing can be laid over are left out."""
        for held in self._held:
            for name in names:
                held.values.pop(name, None)
        offers = [self.known[name] for name in names if hasattr(getattr(self.known.get(name), "handler", None), "release")]
        outcomes: List[Dict[str, Any]] = []
        answered: List[bool] = []
        if not offers:
            return done(outcomes)

        def answerer(offer: Offer) -> Callable[..., None]:
            outcome = {"name": offer.spec.name, "status": "released", "old": plain(offer.get()), "value": None, "step": self._session.step}
            outcomes.append(outcome)

            def answer(status: str, value: Any = None, step: Optional[int] = None, reason: str = "") -> None:
                outcome.update(status=status, value=plain(value), step=step, reason=reason)
                answered.append(True)
                if len(answered) == len(offers):
                    done(outcomes)

            return answer

        for offer, answer in [(offer, answerer(offer)) for offer in offers]:
            gone = offer.gone()
            if gone:
                answer("released", offer.spec.default, reason=gone)
            else:
                offer.handler.release(answer)

    def reach(self, step: int) -> None:
        """Sets what waited for this step; called by the counter."""
        with self._lock:
            due = [h for h in self._held if h.step <= step]
            self._held = [h for h in self._held if h.step > step]
            self._session.counter.due = min([h.step for h in self._held] + [float("inf")])
        for held in due:
            if held.values:
                self._set(held.values, held.author, self._tell)

    def _tell(self, outcomes: List[Dict[str, Any]]) -> None:
        """Reports a set whose author has an answer already."""
        for o in outcomes:
            if o["status"] == "applied":
                self.applied(o["name"], o["old"], o["value"], o["step"])
            elif o["status"] != "pending":
                self._session.warn("parameter %s was not changed at step %s: %s" % (o["name"], o["step"], o.get("reason")))
                self.overwritten(o["name"], o["old"], o["step"])

    def _set(self, values: Dict[str, Any], author: str, done: Callable[[List[Dict[str, Any]]], None]) -> None:
        """Sets all of values or none; runs the callbacks on the main thread where
        possible, and then done(outcomes)."""
        outcomes, changes, offers = self._set_own_part(values)

        def undo() -> None:
            with self._lock:
                self._boundary = [b for b in self._boundary if b[2] not in outcomes]
                for parameter, old, _ in changes:
                    parameter.put(old)
            for outcome in outcomes:
                if outcome["status"] != "rejected":
                    outcome.update(status="rejected", value=outcome["old"], reason=ALONE)

        def call() -> None:
            for parameter, old, new in changes:
                self._call(parameter, old, new)

        def rest(refused: bool) -> None:
            if refused or not any(parameter.callbacks for parameter, _, _ in changes):
                done(outcomes)
            else:
                self._runner.submit(call, lambda: done(outcomes))

        if offers:
            Round(author, undo, rest).start(offers)
        else:
            rest(False)

    def _set_own_part(self, values: Dict[str, Any]) -> "Tuple[List[Dict[str, Any]], List[Tuple[Parameter, Any, Any]], List[Any]]":
        """Sets all of values or none, but for those that handlers must set. Returns
        the outcomes, what callbacks must hear of, and what is left to handlers."""
        with self._lock:
            checked = [self._check(name, value) for name, value in values.items()]
            outcomes = [outcome for outcome, _, _ in checked]
            if any(o["status"] == "rejected" for o in outcomes):
                return _none(outcomes), [], []
            changes, offers = [], []
            for outcome, parameter, value in checked:
                if isinstance(parameter, Offer):
                    if outcome["status"] != "needs_restart":
                        offers.append((parameter, value, outcome))
                elif outcome["status"] == "applied":
                    changes.append((parameter, parameter.get(), value))
                    parameter.put(value)
                elif outcome["status"] == "pending":
                    self._boundary.append((parameter, value, outcome))
        return outcomes, changes, offers

    def _check(self, name: str, value: Any) -> "Tuple[Dict[str, Any], Any, Any]":
        parameter = self.known.get(name)
        outcome: Dict[str, Any] = {"name": name, "status": "rejected", "old": None, "value": None, "step": self._session.step}
        if parameter is None:
            outcome["reason"] = unknown("parameter", name, self.known)
            return outcome, None, None
        gone = parameter.gone() if isinstance(parameter, Offer) else ""
        if gone:
            outcome["reason"] = gone
            return outcome, parameter, None
        outcome["old"] = outcome["value"] = plain(parameter.get())
        try:
            value = parameter.spec.check(value)
        except Misfit as problem:
            outcome["reason"] = str(problem)
            return outcome, parameter, None
        mutability = parameter.spec.mutability
        if mutability == FIXED:
            outcome["reason"] = "it is fixed as long as a run lasts"
            return outcome, parameter, None
        outcome["value"] = plain(value)
        if mutability == BOUNDARY and self._session.control.loops:
            outcome.update(status="pending", step=None, reason="applied at the next step")
        elif mutability == RESTART:
            outcome.update(status="needs_restart", reason="the script reads it only when it starts")
        else:
            outcome["status"] = "applied"
        return outcome, parameter, value

    def cross_boundary(self) -> None:
        """Applies what waited for the next step; called by the loop."""
        with self._lock:
            waiting, self._boundary = self._boundary, []
            changes = []
            newest = {parameter: value for parameter, value, _ in waiting}
            for parameter, value in newest.items():
                changes.append((parameter, parameter.get(), value))
                parameter.put(value)
            if changes:
                self._session.put_now({"op": "changed", "changes": [_change(p, old, new, self._session.step) for p, old, new in changes]})
        for parameter, old, new in changes:
            self._call(parameter, old, new)

    @property
    def at_boundary(self) -> bool:
        """Whether something waits for the next step."""
        return bool(self._boundary)

    def _call(self, parameter: Parameter, old: Any, new: Any) -> None:
        """Runs a parameter's callbacks. Those of sets that callbacks make run
        after the ones that are running, in their order."""
        if not parameter.callbacks:
            return
        name = parameter.spec.name

        def call() -> None:
            for callback in list(parameter.callbacks):
                _callbacks.run_safely(self._session.warn, "the callback of parameter %s" % name, callback, old, new)

        queue = getattr(self._calling, "queue", None)
        if queue is not None:
            if len(queue) < _MOST_NESTED:
                queue.append(call)
            else:
                self._session.warn("callbacks set %s again and again: the callbacks of further sets are left out" % name)
            return
        queue = self._calling.queue = [call]
        try:
            done = 0
            while done < len(queue):
                queue[done]()
                done += 1
        finally:
            self._calling.queue = None


def _change(parameter: Parameter, old: Any, new: Any, step: Optional[int]) -> Dict[str, Any]:
    return {"name": parameter.spec.name, "old": plain(old), "value": plain(new), "step": step}


def _none(outcomes: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Makes of the outcomes of a set, one of which is a refusal, that nothing was set."""
    for outcome in outcomes:
        if outcome["status"] != "rejected":
            outcome.update(status="rejected", value=outcome["old"], reason=ALONE)
    return outcomes


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Tells that there is no such thing, and what may have been meant."""
    close = suggest(name, list(known))
    return "the script has no %s %s%s" % (what, name, "; did you mean %s?" % close if close else "")
