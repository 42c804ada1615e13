"""What the process has declared, and its tie to the host, if there is one.

There is one Session in a process. Without a host it keeps parameters and steps
all the same, and what would be reported goes nowhere.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading

from . import _callbacks, _native
from ._channel import Channel
from ._errors import Error, NotConnected
from ._spec import BOUNDARY, FIXED, RESTART, Misfit, Spec, suggest
from ._typing import Any, Callable, Dict, List, Optional, Tuple
from ._values import named_float, plain

PROTOCOL = 1
EXIT_PATIENCE = 10.0  # seconds that the wrapper may take nothing while the process ends
_MOST_NESTED = 100  # sets that callbacks make while callbacks run


class Parameter:
    """A registered parameter: its spec, where its value lives, who hears of changes."""

    def __init__(self, spec: Spec, get: Callable[[], Any], put: Callable[[Any], None]) -> None:
        self.spec, self.get, self.put = spec, get, put
        self.callbacks: List[Callable[[Any, Any], None]] = []  # (old, new)


class Variable:
    """A declared variable that the host may ask for and, if writable, set."""

    def __init__(self, get: Callable[[], Any], put: Optional[Callable[[Any], None]]) -> None:
        self.get, self.put = get, put


class Session:
    def __init__(self) -> None:
        self.channel: Optional[Channel] = None
        self.script = ""  # the name that the configuration gives to the script
        self.run = ""
        self.step: Optional[int] = None
        self.parameters: Dict[str, Parameter] = {}
        self.variables: Dict[str, Variable] = {}
        self.stopping = False
        self.stop_listeners: List[Tuple[Callable[[], bool], Callable[[], None]]] = []  # (will it take notice?, tell it)
        self.loops: List[Any] = []  # the mlhost.loop()s that run, outermost first
        self.on_message: Optional[Callable[[Dict[str, Any]], None]] = None
        self.lock = threading.RLock()  # guards parameters' values and _boundary
        self.resumed = threading.Event()
        self.resumed.set()
        self._pause_ids: List[Any] = []
        self._boundary: List[Tuple[Parameter, Any, Dict[str, Any]]] = []
        self._configured: Dict[str, Any] = {}
        self._started = threading.Event()
        self._runner = _callbacks.Runner()
        self._nested: List[Callable[[], None]] = []
        self._calling = threading.local()
        self.known: Dict[str, bool] = {}  # the variables that the host knows of
        self._ending = False

    # The tie to the host.

    @property
    def connected(self) -> bool:
        return self.channel is not None and not self.channel.broken

    def connect(self, fd: int) -> None:
        """Speaks the line protocol on fd from now on."""
        self.channel = Channel(fd, self._handle, self._lost)
        self.channel.put(
            {"op": "hello", "version": PROTOCOL, "language": "python", "interpreter": sys.version.split()[0], "pid": os.getpid()}
        )
        self.channel.start()
        os.register_at_fork(after_in_child=self._forked)
        atexit.register(self.close)

    def wait_for_start(self) -> None:
        """Waits for the start line, which the wrapper sends first."""
        if self.channel:
            self._started.wait()

    def close(self) -> None:
        """Sends what is still queued; the end of the process may follow."""
        self._ending = True
        if self.channel:
            self.channel.drain(EXIT_PATIENCE)

    def put(self, message: Dict[str, Any]) -> None:
        """Queues a line for the host."""
        if self.channel:
            self.channel.put(message)

    def put_now(self, message: Dict[str, Any]) -> None:
        """Sends a line that the host waits for."""
        if self.channel:
            self.channel.put_now(message)

    def warn(self, text: str) -> None:
        self.put({"op": "warning", "text": text})

    def request(self, message: Dict[str, Any], timeout: Optional[float]) -> Any:
        """Asks the host for something and returns the reply's value; raises Error."""
        if not self.connected or not self.channel:
            raise NotConnected()
        reply = self.channel.request(message, timeout)
        if not reply:
            raise Error("deadline", "no answer to %s within %g seconds" % (message["op"], timeout or 0))
        if reply.get("error"):
            raise Error.of(reply["error"])
        return reply.get("value")

    def _lost(self) -> None:
        """The wrapper is gone: nobody would read what the script does."""
        if self._ending:
            return
        try:
            os.write(2, b"mlhost: the wrapper of this script has ended, so the script ends too\n")
        finally:
            os._exit(1)

    def _forked(self) -> None:
        """A forked child is no script of the host."""
        if self.channel:
            self.channel.abandon()
        self.channel = None
        self._started.set()
        self.lock = threading.RLock()
        self.resumed = threading.Event()
        self.resumed.set()
        self._runner = _callbacks.forked()

    # Parameters.

    def register(self, parameter: Parameter) -> None:
        """Declares a parameter. The configured value, if there is one, is put in
        place first; when it does not fit, the run fails."""
        spec = parameter.spec
        self.wait_for_start()
        if self.channel:
            _native.load()
        with self.lock:
            if spec.name in self._configured:
                try:
                    parameter.put(spec.check(self._configured[spec.name]))
                except Misfit as problem:
                    self._fail(spec, str(problem))
            self.parameters[spec.name] = parameter
            self.put(spec.declaration(parameter.get()))

    def _fail(self, spec: Spec, reason: str) -> None:
        self.put(spec.declaration(spec.default))
        self.put({"op": "fail", "reason": reason, "parameter": spec.name})
        self.close()
        sys.stderr.write("mlhost: the configured value of parameter %s does not fit: %s\n" % (spec.name, reason))
        raise SystemExit(1)

    def set_own(self, parameter: Parameter, value: Any) -> None:
        """The script sets its own parameter; raises Misfit."""
        with self.lock:
            value = parameter.spec.check(value)
            old = parameter.get()
            parameter.put(value)
            self.put({"op": "changed", "changes": [_change(parameter, old, value, self.step)]})
        self._call(parameter, old, value)

    def set_from_host(self, values: Dict[str, Any]) -> "Tuple[List[Dict[str, Any]], List[Tuple[Parameter, Any, Any]]]":
        """Sets all of values or none. Returns the outcomes, and what callbacks
        must hear of."""
        with self.lock:
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
        parameter = self.parameters.get(name)
        outcome: Dict[str, Any] = {"name": name, "status": "rejected", "old": None, "value": None, "step": self.step}
        if parameter is None:
            outcome["reason"] = _unknown("parameter", name, list(self.parameters))
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
        if mutability == BOUNDARY and self.loops:
            outcome.update(status="pending", reason="applied at the next step")
        elif mutability == RESTART:
            outcome.update(status="needs_restart", reason="the script reads it only when it starts")
        else:
            outcome["status"] = "applied"
        return outcome, parameter, value

    def cross_boundary(self) -> None:
        """Applies what waited for the next step; called by the loop."""
        with self.lock:
            waiting, self._boundary = self._boundary, []
            changes = []
            for parameter, value, _ in waiting:
                changes.append((parameter, parameter.get(), value))
                parameter.put(value)
            if changes:
                self.put_now({"op": "changed", "changes": [_change(p, old, new, self.step) for p, old, new in changes]})
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
                _callbacks.run_safely(self.warn, "the callback of parameter %s" % name, callback, old, new)

        queue = getattr(self._calling, "queue", None)
        if queue is not None:
            if len(queue) < _MOST_NESTED:
                queue.append(call)
            else:
                self.warn("callbacks set %s again and again: the callbacks of further sets are left out" % name)
            return
        queue = self._calling.queue = [call]
        try:
            done = 0
            while done < len(queue):
                queue[done]()
                done += 1
        finally:
            self._calling.queue = None

    # Variables, results, steps.

    def declare_variable(self, name: str, variable: Variable, value: Any) -> None:
        self.variables[name] = variable
        self.known[name] = True
        self.put({"op": "variable", "name": name, "value": value, "read_only": variable.put is None})

    def sample(self, name: str, value: Any) -> None:
        """Reports the value of a variable that need not be declared; value is plain."""
        channel = self.channel
        if channel is None:
            return
        if name not in self.known:
            self.known[name] = True
            self.put({"op": "variable", "name": name, "value": value, "read_only": True})
        channel.sample(name, self.step, value)

    # What the host sends.

    def _handle(self, message: Dict[str, Any]) -> None:
        handler = getattr(self, "_on_%s" % message.get("op"), None)
        if handler:
            handler(message)

    def _on_start(self, message: Dict[str, Any]) -> None:
        self.script, self.run = message.get("script") or "", message.get("run") or ""
        self._configured = message.get("parameters") or {}
        self._started.set()

    def _on_reply(self, message: Dict[str, Any]) -> None:
        if self.channel:
            self.channel.answer(message)

    def _on_set(self, message: Dict[str, Any]) -> None:
        self.set_and_call(message.get("values") or {}, lambda outcomes: self._done(message, outcomes=outcomes))

    def set_and_call(self, values: Dict[str, Any], done: Callable[[List[Dict[str, Any]]], None]) -> None:
        """Sets all of values or none, for the host; runs the callbacks on the main
        thread where possible, and then done(outcomes)."""
        outcomes, changes = self.set_from_host(values)
        if not any(parameter.callbacks for parameter, _, _ in changes):
            return done(outcomes)

        def call() -> None:
            for parameter, old, new in changes:
                self._call(parameter, old, new)

        self._runner.submit(call, lambda: done(outcomes))

    def _on_set_variables(self, message: Dict[str, Any]) -> None:
        self._done(message, outcomes=self.set_variables(message.get("values") or {}))

    def set_variables(self, values: Dict[str, Any]) -> List[Dict[str, Any]]:
        """Sets all of values or none, for the host. Returns the outcomes."""
        outcomes, puts = [], []
        for name, value in values.items():
            variable = self.variables.get(name)
            old = plain(variable.get()) if variable else None
            outcome = {"name": name, "status": "applied", "old": old, "value": value, "step": self.step}
            if variable is None:
                outcome.update(status="rejected", reason=_unknown("variable", name, list(self.variables)))
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

    def _on_message(self, message: Dict[str, Any]) -> None:
        if self.on_message:
            self.on_message(message)
        else:
            error = {"code": "no_answerer", "message": "the script answers no messages"}
            self.reply(message, error=error)

    def reply(self, message: Dict[str, Any], **what: Any) -> None:
        self.put_now(dict(what, op="reply", id=message.get("id")))

    def _done(self, message: Dict[str, Any], **what: Any) -> None:
        self.put_now(dict(what, op="done", id=message.get("id")))

    def _on_pause(self, message: Dict[str, Any]) -> None:
        if not self.loops:
            error = {"code": "unavailable", "message": "the script runs no mlhost.loop that could pause"}
            return self._done(message, error=error)
        with self.lock:
            self._pause_ids.append(message)
            self.resumed.clear()

    def _on_resume(self, message: Dict[str, Any]) -> None:
        self._resume()
        self._done(message, outcomes=[])

    def _resume(self) -> None:
        with self.lock:
            self.resumed.set()
            early, self._pause_ids = self._pause_ids, []
        for message in early:
            self._done(message, error={"code": "unavailable", "message": "resumed before the script came to a step"})

    def hold(self) -> None:
        """Waits as long as the script is paused; called by the loop."""
        with self.lock:
            reached, self._pause_ids = self._pause_ids, []
        for message in reached:
            self._done(message, outcomes=[])
        self.resumed.wait()

    def _on_stop(self, message: Dict[str, Any]) -> None:
        """Answers first, since the script may end at once. When nobody listens, the
        answer is an error: the wrapper then sends SIGTERM without waiting."""
        if self.loops or any(listens() for listens, _ in self.stop_listeners):
            self._done(message, outcomes=[])
        else:
            self._done(message, error={"code": "unavailable", "message": "nothing in the script looks whether it shall stop"})
        self.stopping = True
        self._resume()
        for _, tell in list(self.stop_listeners):
            tell()


def _unknown(what: str, name: str, known: List[str]) -> str:
    close = suggest(name, known)
    return "the script has no %s %s%s" % (what, name, "; did you mean %s?" % close if close else "")


def _change(parameter: Parameter, old: Any, new: Any, step: Optional[int]) -> Dict[str, Any]:
    return {"name": parameter.spec.name, "old": plain(old), "value": plain(new), "step": step}


_current: Optional[Session] = None
_making = threading.Lock()


def current() -> Session:
    """Returns the process's Session. A process that was given a socket in
    MLHOST_FD takes it at the first call."""
    global _current
    if _current is None:
        with _making:
            if _current is None:
                session = Session()
                fd = os.environ.pop("MLHOST_FD", "")
                if fd:
                    session.connect(int(fd))
                _current = session
    return _current


