"""The connector protocol, from a script's side.

Under mlhost a message rides on the line protocol. A script that was started by
hand speaks JSON over TCP with the host's port for scripts: one connection for
its own requests, and one that registers it and on which the host then asks
(set_parameter, get_info …) and the script answers by id.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading

from ._connector_news import News
from ._connector_stream import ANSWER_TIMEOUT, Stream
from ._errors import Error
from ._session import current
from ._typing import Any, Dict, List, Optional, Tuple
from ._values import plain

DEFAULT = "127.0.0.1:10118"
REPORT_DELAY = 0.05  # seconds that news is gathered for
REPORT_PATIENCE = 1.0
GOODBYE_PATIENCE = 2.0  # seconds that the host may take to note that the script ends
_RETRY = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds between attempts to come back

_NOT_CONNECTED = {
    "error": "this script is not connected to a host",
    "code": "not_connected",
    "hint": "run it with `mlhost run`, or with --with-connector while a host runs",
}


def send(script: Any, message: Dict[str, Any]) -> Dict[str, Any]:
    """Sends a script's message and returns the answer, errors included."""
    message = plain(message)
    if current().channel is not None and script._connection is None:
        return _send_by_line(script, message)
    connection = script._connection
    if connection is None and wanted():
        connection = script._connection = connect(script)
    return connection.request(message) if connection else dict(_NOT_CONNECTED)


def wanted() -> bool:
    """Tells whether a script that was started by hand shall look for a host."""
    return "--with-connector" in sys.argv or bool(os.environ.get("MLHOST_CONNECTOR"))


def _send_by_line(script: Any, message: Dict[str, Any]) -> Dict[str, Any]:
    session = current()
    session.wait_for_start()
    if script._channel is not None and session.script:
        # The host knows the process's first object by its configured name.
        names = ("source", "script_name") + (("script",) if message.get("command") == "notification" else ())
        for key in names:
            if message.get(key) == script.script_name:
                message[key] = session.script
    try:
        answer = session.request({"op": "connector", "message": message}, ANSWER_TIMEOUT)
    except Error as problem:
        return _failure(problem.message, problem.code, problem.hint)
    return answer if isinstance(answer, dict) else {"value": answer}


def register(script: Any) -> Dict[str, Any]:
    """Makes a script known to the host, on TCP by connecting it."""
    if script._channel is None and script._connection is None:
        script._connection = connect(script)
    if script._connection is not None:
        return dict(script._connection.registered)
    return send(script, {"command": "register_script", "script_name": script.script_name, "info": info_of(script)})


def connect(script: Any) -> "Optional[Connection]":
    """Connects a script that was started by hand, or one that shares the process
    of a script that the host runs; None where the host has no port."""
    address, token = os.environ.get("MLHOST_CONNECTOR") or DEFAULT, os.environ.get("MLHOST_CONNECTOR_TOKEN") or ""
    if current().channel is not None:
        answer = _send_by_line(script, {"command": "connector_address"})
        address, token = answer.get("address") or "", answer.get("token") or ""
    if not address:
        return None
    connection = Connection(script, address, token)
    connection.start()
    return connection


def ending(problem: BaseException, running: bool) -> Tuple[str, str]:
    """Tells as what a script ends that an exception ends."""
    if isinstance(problem, SystemExit) and problem.code in (None, 0):
        return ("finished" if running else "stopped"), ""
    if isinstance(problem, KeyboardInterrupt):
        return "stopped", "ctrl-C"
    if isinstance(problem, SystemExit):
        return "failed", "exit %s" % problem.code
    return "failed", "%s: %s" % (type(problem).__name__, problem)


def info_of(script: Any) -> Dict[str, Any]:
    """Describes a script in the connector's shapes."""
    parameters = {}
    for name, entry in list(script.parameters.items()):
        parameters[name] = {key: _valid(value) if key == "valid_values" else plain(value) for key, value in entry.items()}
    return {
        "types": {name: parameter.spec.type for name, parameter in list(script._declared.items())},
        "topics": _topics(script),
        "name": script.script_name,
        "description": script.description,
        "parameters": parameters,
        "variables": plain(script.variables),
        "results": plain(script.results),
        "state": "running" if script._running else "stopping",
        "pid": os.getpid(),
    }


def _topics(script: Any) -> List[str]:
    """Names what @mlhost.answers answers; it speaks for the process's first script."""
    if script._session is not current() or script._session.on_message is None:
        return []
    from . import _messages

    return sorted(_messages._answerers)


def _valid(valid: Any) -> Any:
    if isinstance(valid, range) and len(valid):
        return {"min": min(valid[0], valid[-1]), "max": max(valid[0], valid[-1]), "step": abs(valid.step)}
    return plain(valid)


def _failure(message: str, code: str, hint: str = "") -> Dict[str, Any]:
    found = {"error": message, "code": code}
    if hint:
        found["hint"] = hint
    return found


class Connection:
    """A script's two connections to the host's port."""

    def __init__(self, script: Any, address: str, token: str = "") -> None:
        self._script, self._address, self._token = script, address, token
        self.registered: Dict[str, Any] = dict(_NOT_CONNECTED)
        self._closed = threading.Event()
        self._lock = threading.Lock()  # held during a request; guards _requests
        self._asking = 0  # the thread that holds _lock
        self._requests: Optional[Stream] = None
        self._control: Optional[Stream] = None
        self._news = News(lambda: info_of(script))
        self._run = ""  # the host's name of this run, to go on with after a break

    def start(self) -> None:
        """Registers the script and answers the host from now on. While there is
        no host it goes on trying."""
        stream = self._register()
        if stream is None:
            self._script.logger.warning("not registered at %s: %s", self._address, self.registered.get("error"))
        os.register_at_fork(after_in_child=self._forked)
        self._script._session.tap = self._news.line
        atexit.register(self.close)
        _watch_failures()
        threading.Thread(target=self._serve, args=(stream,), name="mlhost-connector", daemon=True).start()

    def close(self, state: str = "", reason: str = "") -> None:
        """Says goodbye: the script ends."""
        if self._closed.is_set():
            return
        self._closed.set()
        atexit.unregister(self.close)
        if not state:
            state, reason = _failure_of_process or ("finished", "")
        control = self._control
        if control:
            while self._report(control):
                pass
            control.post({"event": "end", "state": state, "reason": reason})
            control.finish(GOODBYE_PATIENCE)
        for stream in (control, self._requests):
            if stream:
                stream.close()

    def sample(self, name: str, step: Optional[int], value: Any) -> None:
        """Reports the value of a variable, soon."""
        self._news.sample(name, step, value)

    def _report(self, stream: Stream) -> bool:
        """Reports a part of what is new, if anything is."""
        news = self._news.take()
        if news:
            stream.post(dict(news, event="report"))
        return bool(news)

    def _report_all(self, stream: Stream) -> None:
        """Reports what is new until the connection ends."""
        while not self._closed.is_set() and not stream.closed:
            self._news.bell.wait(REPORT_PATIENCE)
            if self._closed.wait(REPORT_DELAY):
                return
            self._report(stream)

    def _forked(self) -> None:
        self._script._session.tap = None
        for stream in (self._control, self._requests):
            if stream:
                stream.abandon()
        self._control = self._requests = None
        self._lock, self._asking = threading.Lock(), 0
        self._closed = threading.Event()
        self._closed.set()

    def request(self, message: Dict[str, Any]) -> Dict[str, Any]:
        """Sends a command and returns its answer."""
        if self._closed.is_set():
            return dict(_NOT_CONNECTED)
        if self._asking == threading.get_ident():
            # A callback that interrupts a request of its own thread.
            answer, stream = self._ask(message, None)
            if stream:
                stream.close()
            return answer
        with self._lock:
            self._asking = threading.get_ident()
            try:
                known = self._requests
                answer, self._requests = self._ask(message, known)
                if known is not None and self._requests is None:
                    # The host had closed the connection meanwhile.
                    answer, self._requests = self._ask(message, None)
                return answer
            finally:
                self._asking = 0

    def _ask(self, message: Dict[str, Any], stream: Optional[Stream]) -> Tuple[Dict[str, Any], Optional[Stream]]:
        """Returns the answer, and the connection if it can be used again."""
        try:
            if stream is None:
                stream = Stream(self._address, self._token)
            stream.send(message)
            answer = next(stream.objects, None)
            if answer is not None:
                return answer, stream
            error = "%s closed the connection" % self._address
        except (OSError, ValueError) as problem:
            error = "%s does not answer: %s" % (self._address, problem)
        if stream is not None:
            stream.close()
        return _failure(error, "not_connected", _NOT_CONNECTED["hint"]), None

    def post(self, message: Dict[str, Any]) -> None:
        """Sends a command whose answer is of no interest, without waiting."""
        threading.Thread(target=self.request, args=(message,), name="mlhost-notify", daemon=True).start()

    def _register(self) -> Optional[Stream]:
        stream = None
        try:
            stream = Stream(self._address, self._token)
            stream.send(
                {
                    "command": "register_script",
                    "script_name": self._script.script_name,
                    "info": info_of(self._script),
                    "control": True,
                    "reports": True,
                    "run": self._run,
                }
            )
            answer = next(stream.objects, None) or _failure("the connection was closed", "not_connected")
        except (OSError, ValueError) as problem:
            answer = _failure(str(problem), "not_connected", _NOT_CONNECTED["hint"])
        self.registered = answer
        if stream is not None and ("error" in answer or self._closed.is_set()):
            stream.close()
            stream = None
        if stream is not None:
            self._run = answer.get("run") or ""
            stream.wait_for_ever()
        self._control = stream
        return stream

    def _serve(self, stream: Optional[Stream]) -> None:
        attempt = 0
        while not self._closed.is_set():
            if stream is not None:
                attempt = 0
                self._answer_all(stream)
            if self._closed.wait(_RETRY[min(attempt, len(_RETRY) - 1)]):
                return
            attempt += 1
            stream = self._register()

    def _answer_all(self, stream: Stream) -> None:
        threading.Thread(target=self._report_all, args=(stream,), name="mlhost-report", daemon=True).start()
        try:
            for request in stream.objects:
                self._answer(stream, request)
        except (OSError, ValueError):
            pass  # the connection is broken: _serve comes back
        stream.close()

    def _answer(self, stream: Stream, request: Dict[str, Any]) -> None:
        def reply(answer: Dict[str, Any]) -> None:
            try:
                stream.send(dict(answer, id=request.get("id")))
            except OSError:
                stream.close()

        command = request.get("command")
        handler = getattr(self, "_on_%s" % command, None)
        try:
            if handler is None:
                reply(_failure("the script does not know the command %s" % command, "not_found"))
            else:
                handler(request, reply)
        except Exception as problem:
            reply(_failure("%s: %s" % (type(problem).__name__, problem), "internal"))

    def _on_get_info(self, request: Dict[str, Any], reply: Any) -> None:
        reply(dict(info_of(self._script), status="success"))

    def _on_get_parameter(self, request: Dict[str, Any], reply: Any) -> None:
        self._get(request, reply, "parameter", self._script.parameters)

    def _on_get_variable(self, request: Dict[str, Any], reply: Any) -> None:
        self._get(request, reply, "variable", self._script.variables)

    def _get(self, request: Dict[str, Any], reply: Any, what: str, table: Dict[str, Any]) -> None:
        name = request.get(what)
        if name in table:
            reply({"status": "success", what: name, "value": plain(table[name]["value"])})
        else:
            reply(_failure("there is no %s %s" % (what, name), "not_found"))

    def _on_set_parameter(self, request: Dict[str, Any], reply: Any) -> None:
        def done(outcomes: List[Dict[str, Any]]) -> None:
            reply(_outcome("parameter", outcomes))

        self._script._session.settings.set_from_host({str(request.get("parameter")): request.get("value")}, "", None, done)

    def _on_set_variable(self, request: Dict[str, Any], reply: Any) -> None:
        name = str(request.get("variable"))
        reply(_outcome("variable", self._script._session.variables.set_all({name: request.get("value")})))

    def _on_stop(self, request: Dict[str, Any], reply: Any) -> None:
        reply({"status": "stopped", "script": self._script.script_name})
        self._script.stop()

    def _on_pause(self, request: Dict[str, Any], reply: Any) -> None:
        self._script._session.control.pause({"answer": _by_reply(reply, {"status": "paused"})})

    def _on_resume(self, request: Dict[str, Any], reply: Any) -> None:
        self._script._session.control.resume({"answer": _by_reply(reply, {"status": "resumed"})})

    def _on_message(self, request: Dict[str, Any], reply: Any) -> None:
        session = self._script._session
        if not _topics(self._script):
            reply(_failure("the script answers no messages", "no_answerer"))
            return
        session.on_message(dict(request, answer=_by_reply(reply, {"status": "success"})))


def _by_reply(reply: Any, done: Dict[str, Any]) -> Any:
    """Makes of an answer to a line the answer to a request."""

    def answer(what: Dict[str, Any]) -> None:
        error = what.get("error")
        if error:
            reply(_failure(error.get("message") or "", error.get("code") or "internal", error.get("hint") or ""))
        else:
            reply(dict(done, reply=what.get("value")) if "value" in what else done)

    return answer


_failure_of_process: Optional[Tuple[str, str]] = None
_watching = False


def _watch_failures() -> None:
    """Notes the exception that ends the process, for the goodbye."""
    global _watching
    if _watching:
        return
    _watching, before = True, sys.excepthook

    def note(kind: Any, problem: BaseException, traceback: Any) -> None:
        global _failure_of_process
        _failure_of_process = ending(problem, True)
        before(kind, problem, traceback)

    sys.excepthook = note


def _outcome(what: str, outcomes: List[Dict[str, Any]]) -> Dict[str, Any]:
    outcome = outcomes[0]
    if outcome["status"] == "rejected":
        missing = outcome["old"] is None and "has no" in outcome["reason"]
        return _failure(outcome["reason"], "not_found" if missing else "rejected")
    return {"status": "success", what: outcome["name"], "value": outcome["value"]}
