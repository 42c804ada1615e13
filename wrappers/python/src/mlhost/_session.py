"""What the process has declared, and its tie to the host, if there is one.

There is one Session in a process. Without a host it keeps parameters and steps
all the same, and what would be reported goes nowhere.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading

from . import _files, _pending
from ._channel import Channel
from ._control import Control
from ._counter import Counter
from ._errors import Error, NotConnected
from ._settings import Settings
from ._typing import Any, Callable, Dict, List, Optional
from ._variables import Variables

PROTOCOL = 1
EXIT_PATIENCE = 10.0  # seconds that the wrapper may take nothing while the process ends


class Session:
    def __init__(self) -> None:
        self.channel: Optional[Channel] = None
        self.catalogue: List[Dict[str, Any]] = []  # what reading the script has found
        self.script = ""  # the name that the configuration gives to the script
        self.run = ""
        self.step: Optional[int] = None  # kept by counter
        self.counter = Counter(self)
        self.settings = Settings(self)
        self.variables = Variables(self)
        self.control = Control(self._done)
        self.control.counter = self.counter
        self.tap: Optional[Callable[[Dict[str, Any]], None]] = None  # gets the lines of a script without a channel
        self.on_message: Optional[Callable[[Dict[str, Any]], None]] = None
        self._started = threading.Event()
        self.sampled: List[str] = []  # variables that the configuration names
        self.ending = False

    # The tie to the host.

    @property
    def connected(self) -> bool:
        return self.channel is not None and not self.channel.broken

    def connect(self, fd: int) -> None:
        """Speaks the line protocol on fd from now on."""
        self.channel = Channel(fd, self._handle, self._lost)
        self.channel.put(self._hello())
        self.channel.start()
        _files.watch(self)
        os.register_at_fork(after_in_child=self._forked)
        atexit.register(self.close)

    @staticmethod
    def _hello() -> Dict[str, Any]:
        return {
            "op": "hello",
            "version": PROTOCOL,
            "language": "python",
            "interpreter": sys.version.split()[0],
            "pid": os.getpid(),
            "holds": True,
            "releases": True,
            "executable": sys.executable,
            "prefix": sys.prefix,
            "path": [folder for folder in sys.path if type(folder) is str],
        }

    def wait_for_start(self) -> None:
        """Waits for the start line, which the wrapper sends first."""
        if self.channel:
            self._started.wait()

    def close(self) -> None:
        """Sends what is still queued; the end of the process may follow."""
        self.ending = True
        if self.channel:
            self.channel.queue.append({"op": "end"})
            self.channel.finish(EXIT_PATIENCE)

    def put(self, message: Dict[str, Any]) -> None:
        """Queues a line for the host."""
        if self.channel:
            self.channel.put(message)
        elif self.tap:
            self.tap(message)

    def put_now(self, message: Dict[str, Any]) -> None:
        """Sends a line that the host waits for."""
        if self.channel:
            self.channel.put_now(message)
        elif self.tap:
            self.tap(message)

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
        if self.ending:
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
        _pending.forked()
        if "mlhost._live" in sys.modules:
            sys.modules["mlhost._live"].forked()
        self.settings.forked()
        self.control.forked()

    # What the host sends.

    def _handle(self, message: Dict[str, Any]) -> None:
        handler = getattr(self, "_on_%s" % message.get("op"), None)
        if handler:
            handler(message)

    def _on_start(self, message: Dict[str, Any]) -> None:
        self.script, self.run = message.get("script") or "", message.get("run") or ""
        self.settings.configured = message.get("parameters") or {}
        self.sampled = message.get("variables") or []
        self.catalogue = message.get("catalogue") or []
        self._started.set()

    def _on_reply(self, message: Dict[str, Any]) -> None:
        if self.channel:
            self.channel.answer(message)

    def _on_set(self, message: Dict[str, Any]) -> None:
        self.settings.set_from_host(
            message.get("values") or {}, message.get("author") or "", message.get("at_step"), lambda outcomes: self._done(message, outcomes=outcomes)
        )

    def _on_release(self, message: Dict[str, Any]) -> None:
        self.settings.release(message.get("names") or [], lambda outcomes: self._done(message, outcomes=outcomes))

    def _on_set_variables(self, message: Dict[str, Any]) -> None:
        self._done(message, outcomes=self.variables.set_all(message.get("values") or {}))

    def _on_message(self, message: Dict[str, Any]) -> None:
        if self.on_message:
            self.on_message(message)
        else:
            error = {"code": "no_answerer", "message": "the script answers no messages"}
            self.reply(message, error=error)

    def reply(self, message: Dict[str, Any], **what: Any) -> None:
        if "answer" in message:  # it came by another way
            message["answer"](what)
            return
        self.put_now(dict(what, op="reply", id=message.get("id")))

    def _done(self, message: Dict[str, Any], **what: Any) -> None:
        if "answer" in message:
            message["answer"](what)
            return
        self.put_now(dict(what, op="done", id=message.get("id")))

    def _on_pause(self, message: Dict[str, Any]) -> None:
        self.control.pause(message)

    def _on_resume(self, message: Dict[str, Any]) -> None:
        self.control.resume(message)

    def _on_stop(self, message: Dict[str, Any]) -> None:
        self.control.stop(message)


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
