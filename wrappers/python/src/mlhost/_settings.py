"""The parameters that the script has registered, and how they are set."""

from __future__ import annotations

import sys
import threading

from . import _callbacks, _native
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


class Settings:
    """The parameters of a session."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self.known: Dict[str, Parameter] = {}
        self.configured: Dict[str, Any] = {}  # what the host starts the script with
        self._lock = threading.RLock()  # guards the parameters' values and _boundary
        self._boundary: List[Tuple[Parameter, Any, Dict[str, Any]]] = []
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

    def set_and_call(self, values: Dict[str, Any], done: Callable[[List[Dict[str, Any]]], None]) -> None:
        """Sets all of values or none, for the host; runs the callbacks on the main
        thread where possible, and then done(outcomes)."""
        outcomes, changes = self._set_from_host(values)
        if not any(parameter.callbacks for parameter, _, _ in changes):
            return done(outcomes)

        def call() -> None:
            for parameter, old, new in changes:
                self._call(parameter, old, new)

        self._runner.submit(call, lambda: done(outcomes))

    def _set_from_host(self, values: Dict[str, Any]) -> "Tuple[List[Dict[str, Any]], List[Tuple[Parameter, Any, Any]]]":
        """Sets all of values or none. Returns the outcomes, and what callbacks
        must hear of."""
        with self._lock:
            checked = [self._check(name, value) for name, value in values.items()]
            outcomes = [outcome for outcome, _, _ in checked]
            if any(o["status"] == "rejected" for o in outcomes):
                for outcome in outcomes:
                    if outcome["status"] != "rejected":
                        outcome.update(status="rejected", value=outcome["old"], reason="not set, because another value was rejected")
                return outcomes, []
            changes = []
            for outcome, parameter, value in checked:
                if outcome["status"] == "applied":
                    changes.append((parameter, parameter.get(), value))
                    parameter.put(value)
                elif outcome["status"] == "pending":
                    self._boundary.append((parameter, value, outcome))
        return outcomes, changes

    def _check(self, name: str, value: Any) -> "Tuple[Dict[str, Any], Parameter, Any]":
        parameter = self.known.get(name)
        outcome: Dict[str, Any] = {"name": name, "status": "rejected", "old": None, "value": None, "step": self._session.step}
        if parameter is None:
            outcome["reason"] = unknown("parameter", name, self.known)
            return outcome, None, None  # type: ignore[return-value]
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
            outcome.update(status="pending", reason="applied at the next step")
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
            for parameter, value, _ in waiting:
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


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Tells that there is no such thing, and what may have been meant."""
    close = suggest(name, list(known))
    return "the script has no %s %s%s" % (what, name, "; did you mean %s?" % close if close else "")
