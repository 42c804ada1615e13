"""JSON objects over TCP with the host's port for scripts."""

from __future__ import annotations

import codecs
import json
import threading

from ._typing import Any, Dict, Iterator, Tuple
from ._values import encode

ANSWER_TIMEOUT = 30.0  # seconds
CONNECT_TIMEOUT = 3.0


class Stream:
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
