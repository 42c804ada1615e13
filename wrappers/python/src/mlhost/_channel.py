"""The line protocol: JSON objects, one per line, on an inherited socket.

The script's own threads only append to a queue. A sender thread makes lines of
it every 20 ms or 256 items; a reader thread hands over what arrives. Both are
bare threads that threading.enumerate() does not show, that no exit waits for,
and that take no signal.

An answer does not wait for the sender: the thread that has it sends it, behind
all that was queued before it, so a line never overtakes another. Where the
wrapper takes nothing at the moment, or much is queued, the sender does it.
"""

from __future__ import annotations

import _socket
import _thread
import itertools
import os
import select
import _signal as signal  # type: ignore[import-not-found]  # signal itself takes 2 ms for its enumerations
import sys
import threading
import time
from _collections import deque  # type: ignore[import-not-found]  # collections itself takes 2 ms

from . import _native
from ._typing import Any, Callable, Deque, Dict, List, Optional
from ._values import decode, encode

BATCH = 256
NAP = 0.02
#: Samples that may wait for a slow wrapper. Beyond it they are dropped and counted;
#: nothing else is ever dropped.
MOST_WAITING = 100_000
MAX_LINE = 16 << 20
_SENDER_PATIENCE = 1.0  # seconds for the sender to end; it may be in the middle of a line for a slow wrapper

_SEND_FLAGS = getattr(_socket, "MSG_NOSIGNAL", 0)
_TRY_FLAGS = _SEND_FLAGS | _socket.MSG_DONTWAIT


class Channel:
    """One end of the line protocol. handle gets each object that arrives; ended
    is called when the other end is gone."""

    def __init__(self, fd: int, handle: Callable[[Dict[str, Any]], None], ended: Callable[[], None]) -> None:
        fd = _out_of_the_way(fd)
        self._sock = _socket.socket(fileno=fd)
        self._cookie = _cookie(self._sock)
        self._identity = _identity(fd)
        self._sock.setblocking(True)
        try:
            self._sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, _LOOK_EVERY)
        except OSError:
            pass  # another layout: a closed descriptor is seen when something is sent
        self._handle, self._ended = handle, ended
        self.queue: Deque[Any] = deque()  # samples are tuples, anything else is a dict
        self.dropped = 0
        self.idle = False  # the sender waits for something to send
        self.wake = _Wake()
        self._urgent = False
        self._lock = threading.Lock()  # held by whoever sends; guards _residue
        self._residue = b""
        self._sent = 0  # bytes, ever
        self.broken = False
        self._ending = False
        self._sending = _thread.allocate_lock()  # held as long as there is a sender
        self._ids = itertools.count(1)
        self._waiting: Dict[int, "_Waiter"] = {}

    def start(self) -> None:
        """Starts the two threads."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            if sys.version_info < (3, 10):
                _thread.start_new_thread(int, ())  # see finish: there, each end of a thread is by pthread_exit, which this one prepares
            _thread.start_new_thread(self._read, ())
            self._sending.acquire()
            _thread.start_new_thread(self._send, ())
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def put(self, message: Dict[str, Any]) -> None:
        """Queues a line."""
        self.queue.append(message)
        if self.idle:
            self.wake.set()

    def put_now(self, message: Dict[str, Any]) -> None:
        """Queues a line and sends all that is queued, on this thread, without
        waiting for the wrapper and without giving up the interpreter lock."""
        self.queue.append(message)
        if len(self.queue) > BATCH or not self._try():
            self._urgent = True
            self.wake.set()

    def sample(self, name: str, step: Optional[int], value: Any) -> None:
        """Queues a sample; value is plain."""
        waiting = len(self.queue)
        if waiting >= MOST_WAITING:
            self.dropped += 1
            return
        self.queue.append((name, step, time.time(), value))
        if self.idle or waiting == BATCH:
            self.wake.set()

    def request(self, message: Dict[str, Any], timeout: Optional[float]) -> Dict[str, Any]:
        """Sends message with an id and returns the reply's object, {} when none
        came in time."""
        number = next(self._ids)
        waiter = self._waiting[number] = _Waiter()
        try:
            self.put_now(dict(message, id=number))
            return waiter.get(timeout)
        finally:
            del self._waiting[number]

    def answer(self, reply: Dict[str, Any]) -> None:
        """Hands a reply over to the request that waits for it; a late one is dropped."""
        waiter = self._waiting.get(reply.get("id"))  # type: ignore[arg-type]
        if waiter:
            waiter.put(reply)

    def is_ours(self) -> bool:
        """Tells whether the descriptor is still the socket: a script may close it,
        and get its number for a file of its own."""
        if self._cookie:  # fstat gives the interpreter lock up, which costs a busy script's reader a turn
            return _cookie(self._sock) == self._cookie
        return bool(_identity(self._sock.fileno()) == self._identity)

    def _try(self) -> bool:
        """Sends what is queued, as far as that goes at once; True if it was all."""
        if not self._lock.acquire(False):
            return False
        try:
            if not self.is_ours():
                self._break()
                return False
            lines = self._residue = self._residue or self._next_lines()
            if not lines:
                return True
            sent = _native.try_send(self._sock.fileno(), lines, _TRY_FLAGS)
            if sent < 0:
                sent = self._sock.send(lines, _TRY_FLAGS)
            self._residue = lines[sent:]
            self._sent += sent
            return not self._residue and not self.queue
        except BlockingIOError:
            return False
        except OSError:
            self._break()
            return False
        finally:
            self._lock.release()

    def flush(self, deadline: Optional[float] = None) -> bool:
        """Sends what is queued, until the deadline if there is one."""
        if not self._lock.acquire(timeout=_left(deadline)):
            return False
        try:
            return self._push(deadline)
        except OSError:
            self._break()
            return False
        finally:
            self._lock.release()

    def _break(self) -> None:
        self.broken = True
        self.queue.clear()
        self.wake.set()
        if not self.is_ours() and self._sock.fileno() >= 0:
            self._sock.detach()  # the number may be a file of the script by now

    def drain(self, patience: float) -> None:
        """Sends all that is queued, as long as the wrapper takes something at
        least every so many seconds."""
        while not self.broken:
            before = self._sent
            if self.flush(deadline=time.monotonic() + patience) or self._sent == before:
                return

    def finish(self, patience: float) -> None:
        """Sends all that is queued and ends the sender, as the process ends. A thread
        that wakes up while the interpreter goes is ended by pthread_exit, and that
        aborts the process where the script has used up all descriptors."""
        self._ending = True
        self.wake.set()
        if self._sending.acquire(timeout=_SENDER_PATIENCE):
            self._sending.release()
        self.drain(patience)

    def _push(self, deadline: Optional[float]) -> bool:
        while True:
            self._residue = self._residue or self._next_lines()
            if not self._residue:
                return True
            if not self.is_ours():
                self._break()
                return False
            try:
                sent = self._sock.send(self._residue, _SEND_FLAGS if deadline is None else _TRY_FLAGS)
                self._residue = self._residue[sent:]
                self._sent += sent
            except BlockingIOError:
                if not _writable(self._sock.fileno(), _left(deadline)):
                    return False

    def _next_lines(self) -> bytes:
        """Takes items off the queue and returns their lines."""
        lines: List[str] = []
        samples: List[Any] = []
        for _ in range(4 * BATCH):
            try:
                item = self.queue.popleft()
            except IndexError:
                break
            if type(item) is tuple:
                samples.append(item)
                if len(samples) < BATCH:
                    continue
            if samples:
                lines += _sample_lines(samples)
                samples = []
            if type(item) is dict:
                lines += _line(item)
        if samples:
            lines += _sample_lines(samples)
        if self.dropped:
            count, self.dropped = self.dropped, 0
            lines += _line({"op": "warning", "text": "%d samples are missing: the wrapper did not take them in time" % count})
        return "".join(lines).encode("utf-8")

    def _send(self) -> None:
        try:
            while not self.broken and not self._ending:
                self.idle = True
                if not self.queue and not self._residue:
                    self.wake.wait()
                self.idle = False
                if not self._urgent and len(self.queue) < BATCH and not self._ending:
                    self.wake.wait(NAP)
                self._urgent = False
                if not self._ending:
                    self.flush()
        finally:
            self._sending.release()

    def _read(self) -> None:
        parts: List[bytes] = []
        while True:
            try:
                if not self.is_ours():
                    self._break()
                    return  # the script has closed it, and runs on
                data = self._sock.recv(1 << 16)
            except BlockingIOError:
                continue  # time to look
            except OSError:
                data = b""
            if not data:
                if not self.is_ours():
                    self._break()  # closed since the look above
                elif not self.broken:
                    self._ended()
                return
            *lines, rest = data.split(b"\n")
            if lines:
                lines[0] = b"".join(parts) + lines[0]
                parts = []
            if rest:
                parts.append(rest)
            for line in lines:
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            message = decode(line)
            if type(message) is dict:
                self._handle(message)
        except Exception as problem:
            self.put_now({"op": "warning", "text": "a line of the host failed: %s: %s" % (type(problem).__name__, problem)})

    def abandon(self) -> None:
        """Closes a forked child's copy of the socket."""
        self.broken = True
        self.queue = deque()
        if self.is_ours():
            self._sock.close()
        elif self._sock.fileno() >= 0:
            self._sock.detach()


class _Wake:
    """Wakes the sender. Unlike a threading.Event it may be set from code that
    interrupts a set on the same thread: a signal handler, or a pending call."""

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        self._lock.acquire()

    def set(self) -> None:
        try:
            self._lock.release()
        except RuntimeError:
            pass  # it was set already

    def wait(self, seconds: float = -1) -> None:
        """Waits until it is set, and unsets it."""
        self._lock.acquire(True, seconds)


class _Waiter:
    """Holds one reply for the thread that waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self._reply: Dict[str, Any] = {}

    def put(self, reply: Dict[str, Any]) -> None:
        if not self._reply:
            self._reply = reply
            self._lock.release()

    def get(self, timeout: Optional[float]) -> Dict[str, Any]:
        self._lock.acquire(timeout=-1 if timeout is None else min(max(timeout, 0), threading.TIMEOUT_MAX))
        return self._reply


def _line(message: Any) -> List[str]:
    text = encode(message)
    if len(text) >= MAX_LINE:
        what = "%s %s" % (message.get("op"), message.get("name", ""))
        return [encode({"op": "warning", "text": "%s: %d bytes are too long for a line" % (what.strip(), len(text))}) + "\n"]
    return [text + "\n"]


def _sample_lines(samples: List[Any]) -> List[str]:
    text = encode({"op": "samples", "samples": samples})
    if len(text) < MAX_LINE:
        return [text + "\n"]
    if len(samples) > 1:
        return [line for sample in samples for line in _sample_lines([sample])]
    return _line({"op": "warning", "text": "a sample of %s is left out: %d bytes are too long for a line" % (samples[0][0], len(text))})


#: How often the reader looks whether its descriptor is still there: two seconds, as struct timeval.
_LOOK_EVERY = (2).to_bytes(8, sys.byteorder) + bytes(8)


def _out_of_the_way(fd: int) -> int:
    """Moves a descriptor to a high number, so that the files of the script get
    the numbers that they get without us."""
    for number in (1000, 900, 250, 200):
        try:
            os.fstat(number)
        except OSError:
            try:
                os.dup2(fd, number, inheritable=False)
            except OSError:
                continue  # beyond the limit
            os.close(fd)
            return number
    os.set_inheritable(fd, False)
    return fd


def _cookie(sock: Any) -> bytes:
    """Returns Linux's own number of a socket, without giving up the interpreter
    lock; b"" where there is none."""
    try:
        return bytes(sock.getsockopt(_socket.SOL_SOCKET, _SO_COOKIE, 8)) if sys.platform == "linux" else b""
    except OSError:
        return b""


_SO_COOKIE = 57


def _identity(fd: int) -> Any:
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _left(deadline: Optional[float]) -> float:
    return -1 if deadline is None else max(0.0, deadline - time.monotonic())


def _writable(fd: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(max(0, seconds) * 1000))
