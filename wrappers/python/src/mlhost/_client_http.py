"""Requests to a host, over its unix socket or by URL and token."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
from urllib.parse import quote, urlencode, urlsplit

from ._errors import Error
from ._typing import Any, Dict, Iterator, List, Optional, Tuple

TIMEOUT = 60.0
ACT_TIMEOUT = 900.0  # verbs that wait for a script to start or to end


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("mlhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


class Transport:
    """Where a host is, and how to ask it. Every request has a connection of its
    own, so that threads, forks and interrupts never share one."""

    def __init__(self, socket_path: str = "", url: str = "", token: str = "", ca: Optional[str] = None) -> None:
        self.socket_path, self.url, self._token, self._ca = socket_path, url, token, ca
        self._parts = urlsplit(url)
        if url and (self._parts.scheme not in ("http", "https") or not self._parts.hostname):
            raise Error("usage", "%r is no URL of a host" % url, "for example https://gpu.example:10117")

    def __repr__(self) -> str:
        return self.url or self.socket_path

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if self.socket_path:
            return _UnixConnection(self.socket_path, timeout)
        host, port = self._parts.hostname or "", self._parts.port or 10117
        if self._parts.scheme == "https":
            context = ssl.create_default_context(cafile=self._ca)
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
        return http.client.HTTPConnection(host, port, timeout=timeout)

    def _send(
        self, method: str, path: str, body: Any, timeout: float, headers: Dict[str, str]
    ) -> Tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = self._connection(timeout)
        headers = dict(headers)
        data = None
        if body is not None:
            data = json.dumps(to_json(body), allow_nan=False).encode("utf-8")
            headers["Content-Type"] = "application/json"
        if self._token:
            headers["Authorization"] = "Bearer " + self._token
        try:
            connection.request(method, self._parts.path.rstrip("/") + path, data, headers)
            response = connection.getresponse()
            if not 200 <= response.status < 300:
                raise _problem(response)
            return connection, response
        except socket.timeout:
            connection.close()
            raise Error("deadline", "the host did not answer within %g s" % timeout) from None
        except ConnectionRefusedError as error:
            connection.close()
            raise Error("host_not_running", "no host is running at %s" % self, "start one with `mlhost run CONFIG`") from error
        except FileNotFoundError as error:
            connection.close()
            raise Error("host_not_running", "no host is running at %s" % self, "start one with `mlhost run CONFIG`") from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Error("host_not_running", "the host at %s cannot be asked: %s" % (self, error), "`mlhost doctor` says more") from error
        except BaseException:
            connection.close()
            raise

    def ask(self, method: str, path: str, body: Any = None, timeout: float = TIMEOUT) -> Any:
        """Makes one request and returns what its answer's JSON says."""
        connection, response = self._send(method, path, body, timeout, {})
        try:
            data = response.read()
        except socket.timeout:
            raise Error("deadline", "the host did not answer within %g s" % timeout) from None
        except (OSError, http.client.HTTPException) as error:
            raise Error("host_not_running", "the host ended before it had answered", str(error)) from error
        finally:
            connection.close()
        return json.loads(data.decode("utf-8")) if data else None

    def stream(self, path: str, timeout: float = 60.0, after: Optional[str] = None) -> "Stream":
        """Opens a stream of server-sent events. The host says something at least
        every 15 seconds: silence for longer is the end of the connection."""
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = after
        return Stream(*self._send("GET", path, None, timeout, headers))

    def lines(self, path: str) -> Iterator[Any]:
        """Yields an answer of JSON lines."""
        connection, response = self._send("GET", path, None, TIMEOUT, {})
        try:
            for line in response:
                if line.strip():
                    yield json.loads(line.decode("utf-8"))
        finally:
            connection.close()


class Stream:
    """Server-sent events. It is closed by close, at the end of `with`, and when it
    is not used any more."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection, self._response = connection, response
        self.last: Optional[str] = None

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        data: List[str] = []
        try:
            for raw in self._response:
                line = raw.decode("utf-8").rstrip("\r\n")
                if line.startswith("id:"):
                    self.last = line[3:].strip()
                elif line.startswith("data:"):
                    data.append(line[5:].lstrip())
                elif not line and data:
                    yield json.loads("\n".join(data))
                    data = []
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            return  # closed, or the host ended
        finally:
            self.close()

    def close(self) -> None:
        self._response.close()
        self._connection.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _problem(response: http.client.HTTPResponse) -> Error:
    data = response.read(8 << 20)
    try:
        problem = json.loads(data.decode("utf-8"))
        error = Error.of(problem)
    except (ValueError, AttributeError):
        return Error("internal", "the host answered %d %s" % (response.status, response.reason))
    rejected = [o for o in (problem.get("rejected") or {}).get("outcomes", []) if o.get("status") == "rejected"]
    if rejected and rejected[0].get("reason") and rejected[0]["reason"] not in error.message:
        error = Error(error.code, "%s: %s" % (error.message, rejected[0]["reason"]), error.hint)
    return error


def path_of(*parts: str) -> str:
    """Builds a path of names."""
    return "/api/v1/" + "/".join(quote(part, safe="") for part in parts)


def with_query(path: str, **query: Any) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return path + "?" + urlencode(given, doseq=True) if given else path


_WORDS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def number(value: Any, kind: str = "float") -> Any:
    """Reads a value: NaN and the infinities travel as words."""
    if kind != "string" and isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    return value


def to_json(value: Any) -> Any:
    """Makes a value fit for JSON: NaN and infinities as words, numpy's and torch's
    scalars and arrays, and paths, as what they hold."""
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, float):
        if value != value:
            return "NaN"
        if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, range)):
        return [to_json(item) for item in value]
    if hasattr(value, "tolist"):
        return to_json(value.tolist())
    if hasattr(value, "item"):
        return to_json(value.item())
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError("a %s cannot be sent to a script" % type(value).__name__)
