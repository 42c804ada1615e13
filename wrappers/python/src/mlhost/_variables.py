"""The variables that the script reports, and those that the host may set."""

from __future__ import annotations

from ._settings import unknown
from ._typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional
from ._values import named_float, plain

if TYPE_CHECKING:
    from ._session import Session

#: Names of variables that libraries may report.
MOST_REPORTED = 1000


class Variable:
    """A declared variable that the host may ask for and, if writable, set."""

    def __init__(self, get: Callable[[], Any], put: Optional[Callable[[Any], None]]) -> None:
        self.get, self.put = get, put


class Variables:
    """The variables of a session."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._declared: Dict[str, Variable] = {}
        self.known: Dict[str, bool] = {}  # the script's own that the host knows of
        self._reported: Dict[str, str] = {}  # those of libraries, and of which
        self._sampled: Dict[str, bool] = {}  # those that were only seen
        self._full = False

    def declare(self, name: str, variable: Variable, value: Any) -> None:
        self._declared[name] = variable
        self.known[name] = True
        self._session.put({"op": "variable", "name": name, "value": value, "read_only": variable.put is None})

    def sample(self, name: str, step: Optional[int], value: Any) -> None:
        """Reports the value of a variable that need not be declared; value is plain."""
        channel = self._session.channel
        if channel is None:
            return
        if name not in self.known:
            self.known[name] = True
            self._session.put({"op": "variable", "name": name, "value": value, "read_only": True})
        channel.sample(name, step, value)

    def report(self, name: str, value: Any, step: Optional[int] = None, library: str = "") -> None:
        """Reports what a library computed, at the script's step or at a step of
        the library's own. value is a plain scalar; it never waits. What the script
        itself reports goes before it, and of two libraries the first. Names beyond
        the first MOST_REPORTED are left out, with one warning."""
        channel = self._session.channel
        if channel is None or name in self.known:
            return
        if self._reported.get(name) != library:
            if name in self._reported:
                return
            if len(self._reported) >= MOST_REPORTED:
                return self._too_many(name)
            self._reported[name] = library
            self._session.put({"op": "variable", "name": name, "value": value, "read_only": True, "source": "library"})
        channel.sample(name, self._session.step if step is None else step, value)

    def reports(self, name: str) -> bool:
        """Tells whether the script or a library reports a variable of that name."""
        return name in self.known or name in self._reported

    def sampled(self, name: str, value: Any) -> None:
        """Reports what was seen of a variable that nobody else reports."""
        channel = self._session.channel
        if channel is None or self.reports(name):
            return
        if name not in self._sampled:
            self._sampled[name] = True
            self._session.put({"op": "variable", "name": name, "value": value, "read_only": True, "source": "sampled"})
        channel.sample(name, self._session.step, value)

    def _too_many(self, name: str) -> None:
        if not self._full:
            self._full = True
            self._session.warn("libraries report more than %d variables: %s and those that come later are not kept" % (MOST_REPORTED, name))

    def set_all(self, values: Dict[str, Any]) -> List[Dict[str, Any]]:
        """Sets all of values or none, for the host. Returns the outcomes."""
        outcomes, puts = [], []
        for name, value in values.items():
            variable = self._declared.get(name)
            old = plain(variable.get()) if variable else None
            outcome = {"name": name, "status": "applied", "old": old, "value": value, "step": self._session.step}
            if variable is None:
                outcome.update(status="rejected", reason=unknown("variable", name, self._declared))
            elif variable.put is None:
                outcome.update(status="rejected", value=old, reason="it is read-only")
            else:
                puts.append((variable.put, named_float(value) if type(old) is float else value))
            outcomes.append(outcome)
        if any(o["status"] == "rejected" for o in outcomes):
            for outcome in outcomes:
                if outcome["status"] == "applied":
                    outcome.update(status="rejected", value=outcome["old"], reason="not set, because another value was rejected")
            return outcomes
        for put, value in puts:
            put(value)
        return outcomes
