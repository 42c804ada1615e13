"""The connector protocol, from a script's side.

Under mlhost a message rides on the line protocol. A script that was started by
hand speaks JSON over TCP with the host's port for scripts: one connection for
its own requests, and one that registers it and on which the host then asks
(set_parameter, get_info …) and the script answers by id.
"""

from __future__ import annotations

import codecs
import json
import os
import sys
import threading

from ._errors import Error
from ._session import current
from ._typing import Any, Dict, Iterator, List, Optional, Tuple
from ._values import encode, plain

DEFAULT = "127.0.0.1:10118"
ANSWER_TIMEOUT = 30.0
CONNECT_TIMEOUT = 3.0
_RETRY = (1.0, 2.0, 5.0, 10.0, 30.0)  # seconds between attempts to come back

_NOT_CONNECTED = {
    "error": "this script is not connected to a host",
    "code": "not_connected",
    "hint": "run it with `mlhost run`, or with --with-connector while a host runs",
}


def send(script: Any, message: Dict[str, Any]) -> Dict[str, Any]:
    """Sends a script's message and returns the answer, errors included."""
    message = plain(message)
    if current().channel is not None:
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
    if current().channel is not None:
        return send(script, {"command": "register_script", "script_name": script.script_name, "info": info_of(script)})
    if script._connection is None:
        script._connection = connect(script)
    return dict(script._connection.registered)


def connect(script: Any) -> "Connection":
    """Connects a script that was started by hand."""
    connection = Connection(script, os.environ.get("MLHOST_CONNECTOR") or DEFAULT)
    connection.start()
    return connection


def info_of(script: Any) -> Dict[str, Any]:
    """Describes a script in the connector's shapes."""
    parameters = {}
    for name, entry in list(script.parameters.items()):
        parameters[name] = {key: _valid(value) if key == "valid_values" else plain(value) for key, value in entry.items()}
    return {
        "name": script.script_name,
        "description": script.description,
        "parameters": parameters,
        "variables": plain(script.variables),
        "results": plain(script.results),
        "state": "running" if script._running else "stopping",
        "pid": os.getpid(),
    }


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

    def __init__(self, script: Any, address: str) -> None:
        self._script, self._address = script, address
        self.registered: Dict[str, Any] = dict(_NOT_CONNECTED)
        self._closed = threading.Event()
        self._lock = threading.Lock()  # held during a request; guards _requests
        self._asking = 0  # the thread that holds _lock
        self._requests: Optional[_Stream] = None
        self._control: Optional[_Stream] = None

    def start(self) -> None:
        """Registers the script and answers the host from now on. While there is
        no host it goes on trying."""
        stream = self._register()
        if stream is None:
            self._script.logger.warning("no host at %s: %s", self._address, self.registered.get("error"))
        os.register_at_fork(after_in_child=self._forked)
        threading.Thread(target=self._serve, args=(stream,), name="mlhost-connector", daemon=True).start()

    def close(self) -> None:
        self._closed.set()
        for stream in (self._control, self._requests):
            if stream:
                stream.close()

    def _forked(self) -> None:
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
                stream = _Stream(self._address)
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
            stream = _Stream(self._address)
            stream.send(
                {
                    "command": "register_script",
                    "script_name": self._script.script_name,
                    "info": info_of(self._script),
                    "control": True,
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


def _outcome(what: str, outcomes: List[Dict[str, Any]]) -> Dict[str, Any]:
    outcome = outcomes[0]
    if outcome["status"] == "rejected":
        missing = outcome["old"] is None and "has no" in outcome["reason"]
        return _failure(outcome["reason"], "not_found" if missing else "rejected")
    return {"status": "success", what: outcome["name"], "value": outcome["value"]}


class _Stream:
    """JSON objects in both directions on one TCP connection."""

    def __init__(self, address: str) -> None:
        import socket

        self._sock = socket.create_connection(_split(address), CONNECT_TIMEOUT)
        self._sock.settimeout(ANSWER_TIMEOUT)
        self._lock = threading.RLock()  # one sender at a time; a callback may interrupt one
        self.objects = self._read()

    def wait_for_ever(self) -> None:
        self._sock.settimeout(None)

    def send(self, message: Dict[str, Any]) -> None:
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
