"""mlhost.ask, tell, broadcast and answers: scripts talk to each other."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # signal itself takes 2 ms for its enumerations
import threading

from ._session import current
from ._typing import Any, Callable, Dict, List
from ._values import plain, required_positionals

_MARGIN = 5.0  # seconds that the host has to say itself that a deadline passed


class Message:
    """What a script was sent."""

    def __init__(self, line: Dict[str, Any]) -> None:
        self.id = line.get("id")
        self.kind: str = line.get("kind") or "ask"  # ask, tell or broadcast
        self.source: str = line.get("source") or ""
        self.topic: str = line.get("topic") or ""
        self.data: Any = line.get("data")
        self.time = line.get("time")

    def __repr__(self) -> str:
        return "<mlhost.Message %s %s from %s>" % (self.kind, self.topic, self.source)


_answerers: Dict[str, Callable[..., Any]] = {}
_mail: Any = None  # a queue.SimpleQueue, once there is mail


def ask(script: str, topic: str, data: Any = None, timeout: float = 30) -> Any:
    """Asks a script and returns its reply. Raises mlhost.Error when there is
    none in time, and mlhost.NotConnected without a host."""
    message = {"op": "ask", "to": script, "topic": topic, "data": plain(data), "timeout": timeout}
    return current().request(message, timeout + _MARGIN)


def tell(script: str, topic: str, data: Any = None) -> str:
    """Puts a message into a script's mailbox and returns its id once it is kept."""
    value = current().request({"op": "tell", "to": script, "topic": topic, "data": plain(data)}, 30)
    return str(value["id"]) if isinstance(value, dict) else ""


def broadcast(topic: str, data: Any = None) -> List[str]:
    """Sends to every other script that lives and returns their names."""
    value = current().request({"op": "broadcast", "topic": topic, "data": plain(data)}, 30)
    return list(value.get("recipients") or []) if isinstance(value, dict) else []


def answers(topic: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function the answerer of a topic: it is called with (data), or with
    (data, message) when it takes two, and what it returns is the reply.

    It runs on a thread of its own; messages that want no reply come one at a
    time, in their order.
    """
    if not isinstance(topic, str):
        raise TypeError('write @mlhost.answers("topic")')

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        session = current()
        _answerers[topic] = function
        session.on_message = _receive
        session.put_now({"op": "topics", "answers": sorted(_answerers)})
        return function

    return register


def _receive(line: Dict[str, Any]) -> None:
    """Gets each message on the reader thread, which no handler may hold up."""
    global _mail
    if line.get("kind") == "ask":
        threading.Thread(target=_answer, args=(line,), name="mlhost-answer", daemon=True).start()
        return
    if _mail is None:
        import queue

        _mail = queue.SimpleQueue()
        threading.Thread(target=_take_mail, args=(_mail,), name="mlhost-mail", daemon=True).start()
    _mail.put(line)


def _take_mail(mail: Any) -> None:
    while True:
        _answer(mail.get())


def _answer(line: Dict[str, Any]) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    session = current()
    function = _answerers.get(line.get("topic") or "")
    if function is None:
        message = "topic %s is not answered; answered are: %s" % (line.get("topic"), ", ".join(sorted(_answerers)))
        return session.reply(line, error={"code": "no_answerer", "message": message})
    try:
        arguments = [line.get("data"), Message(line)]
        value = function(*arguments[: 2 if required_positionals(function) >= 2 else 1])
    except BaseException as problem:
        text = "%s: %s" % (type(problem).__name__, problem)
        return session.reply(line, error={"code": "handler_failed", "message": text})
    session.reply(line, value=plain(value))
