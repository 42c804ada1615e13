"""The connector protocol, from a script's side.

Under mlhost a message rides on the line protocol. A script that was started by
hand speaks JSON over TCP with the host's port for scripts: one connection for
its own requests, and one that registers it and on which the host then asks
(set_parameter, get_info …) and the script answers by id.
"""

from __future__ import annotations

import atexit
import codecs
import collections
import json
import os
import sys
import threading
import time

from ._errors import Error
from ._session import current
from ._typing import Any, Deque, Dict, Iterator, List, Optional, Tuple
from ._values import encode, plain

DEFAULT = "127.0.0.1:10118"
ANSWER_TIMEOUT = 30.0
CONNECT_TIMEOUT = 3.0
REPORT_DELAY = 0.05  # seconds that news is gathered for
REPORT_PATIENCE = 1.0
GOODBYE_PATIENCE = 2.0  # seconds that the host may take to note that the script ends
MOST_NEWS = 100_000
MOST_AT_ONCE = 2_000  # samples or lines in one report
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
        self._requests: Optional[_Stream] = None
        self._control: Optional[_Stream] = None
        self._news = _News(script)
        self._run = ""  # the host's name of this run, to go on with after a break

    def start(self) -> None:
        """Registers the script and answers the host from now on. While there is
        no host it goes on trying."""
        stream = self._register()
        if stream is None:
            self._script.logger.warning("no host at %s: %s", self._address, self.registered.get("error"))
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
            self._report(control)
            control.post({"event": "end", "state": state, "reason": reason})
            control.finish(GOODBYE_PATIENCE)
        for stream in (control, self._requests):
            if stream:
                stream.close()

    def sample(self, name: str, step: Optional[int], value: Any) -> None:
        """Reports the value of a variable, soon."""
        self._news.sample(name, step, value)

    def _report(self, stream: "_Stream") -> None:
        news = self._news.take()
        if news:
            stream.post(dict(news, event="report"))

    def _report_all(self, stream: "_Stream") -> None:
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

    def _ask(self, message: Dict[str, Any], stream: "Optional[_Stream]") -> "Tuple[Dict[str, Any], Optional[_Stream]]":
        """Returns the answer, and the connection if it can be used again."""
        try:
            if stream is None:
                stream = _Stream(self._address, self._token)
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

    def _register(self) -> "Optional[_Stream]":
        stream = None
        try:
            stream = _Stream(self._address, self._token)
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

    def _serve(self, stream: "Optional[_Stream]") -> None:
        attempt = 0
        while not self._closed.is_set():
            if stream is not None:
                attempt = 0
                self._answer_all(stream)
            if self._closed.wait(_RETRY[min(attempt, len(_RETRY) - 1)]):
                return
            attempt += 1
            stream = self._register()

    def _answer_all(self, stream: "_Stream") -> None:
        threading.Thread(target=self._report_all, args=(stream,), name="mlhost-report", daemon=True).start()
        try:
            for request in stream.objects:
                self._answer(stream, request)
        except (OSError, ValueError):
            pass  # the connection is broken: _serve comes back
        stream.close()

    def _answer(self, stream: "_Stream", request: Dict[str, Any]) -> None:
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


class _News:
    """What the host has not been told yet. It is bounded: of samples and lines
    beyond that the oldest are dropped."""

    def __init__(self, script: Any) -> None:
        self._script = script
        self._lock = threading.Lock()  # guards what follows
        self.bell = threading.Event()
        self._samples: Deque[List[Any]] = collections.deque(maxlen=MOST_NEWS)
        self._logs: Deque[Dict[str, Any]] = collections.deque(maxlen=MOST_NEWS)
        self._results: Dict[str, Any] = {}
        self._parameters: Dict[str, Any] = {}
        self._declared = False

    def sample(self, name: str, step: Optional[int], value: Any) -> None:
        self._samples.append([name, step, time.time(), value])  # atomic
        self.bell.set()

    def line(self, line: Dict[str, Any]) -> None:
        """Takes what would be a line of the line protocol."""
        op = line.get("op")
        with self._lock:
            if op == "changed":
                self._parameters.update((c["name"], c["value"]) for c in line["changes"])
            elif op == "result":
                self._results[line["name"]] = line["value"]
            elif op == "log":
                self._logs.append({"level": line.get("level"), "text": line.get("text")})
            elif op == "warning":
                self._logs.append({"level": "warn", "text": line.get("text")})
            elif op in ("parameter", "variable", "topics"):
                self._declared = True
            else:
                return
        self.bell.set()

    def take(self) -> Dict[str, Any]:
        """Returns what is new, and forgets it."""
        self.bell.clear()
        news: Dict[str, Any] = {}
        samples = self._samples
        if samples:
            news["samples"] = [samples.popleft() for _ in range(min(len(samples), MOST_AT_ONCE))]
            if samples:
                self.bell.set()
        with self._lock:
            if self._declared:
                news["info"], self._declared = info_of(self._script), False
            if self._logs:
                news["logs"] = [self._logs.popleft() for _ in range(min(len(self._logs), MOST_AT_ONCE))]
            for name, table in (("results", self._results), ("parameters", self._parameters)):
                if table:
                    news[name] = dict(table)
                    table.clear()
        return news


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


class _Stream:
    """JSON objects in both directions on one TCP connection."""

    def __init__(self, address: str, token: str) -> None:
        import socket

        self._sock = socket.create_connection(_split(address), CONNECT_TIMEOUT)
        self._sock.settimeout(ANSWER_TIMEOUT)
        self._token = token
        self._ended = threading.Event()
        self._lock = threading.RLock()  # one sender at a time; a callback may interrupt one
        self.objects = self._read()

    @property
    def closed(self) -> bool:
        return self._ended.is_set()

    def finish(self, patience: float) -> None:
        """Says that nothing more comes, and waits until the other end has read all.
        The thread that reads notices that."""
        import socket

        try:
            self._sock.shutdown(socket.SHUT_WR)
            self._ended.wait(patience)
        except OSError:
            pass  # it was closed by the other end

    def post(self, message: Dict[str, Any]) -> None:
        """Sends what is not answered; a connection that breaks is noticed by its reader."""
        try:
            self.send(message)
        except OSError:
            self.close()

    def wait_for_ever(self) -> None:
        self._sock.settimeout(None)

    def send(self, message: Dict[str, Any]) -> None:
        if self._token and "command" in message:
            message = dict(message, token=self._token)
        data = (encode(message) + "\n").encode("utf-8")
        with self._lock:
            self._sock.sendall(data)

    def _read(self) -> Iterator[Dict[str, Any]]:
        utf8, decoder, text = codecs.getincrementaldecoder("utf-8")(), json.JSONDecoder(), ""
        while True:
            text = text.lstrip()
            try:
                found, end = decoder.raw_decode(text)
            except ValueError:
                data = self._sock.recv(1 << 16)
                if not data:
                    return
                text += utf8.decode(data)
                continue
            text = text[end:]
            if not isinstance(found, dict):
                raise ValueError("the host sent something that is no object")
            yield found

    def close(self) -> None:
        import socket

        self._ended.set()
        try:
            self._sock.shutdown(socket.SHUT_RDWR)  # wakes a thread that reads
        except OSError:
            pass  # it was closed by the other end
        self._sock.close()

    def abandon(self) -> None:
        """Closes a forked child's copy."""
        self._sock.close()


def _split(address: str) -> Tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]") or "127.0.0.1", int(port)
