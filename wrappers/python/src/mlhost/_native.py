"""What needs C: work for the main thread between two bytecodes, and a send that
keeps the interpreter lock.

A thread that gives the lock up while another computes gets it back 5 ms later
(sys.getswitchinterval), so an answer should cost none of that. Everything here
does without where there is no ctypes.
"""

from __future__ import annotations

from ._typing import Any, Optional

_found: Any = None  # a _Native; False when there is none


class _Native:
    def __init__(self) -> None:
        import ctypes

        # ctypes.pythonapi calls without giving up the interpreter lock.
        api = ctypes.pythonapi
        send = ctypes.PYFUNCTYPE(ctypes.c_ssize_t, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
        self.send = send(("send", api))
        # The C function that is queued is PyObject_IsTrue: it takes one pointer,
        # returns 0 for false and -1 for an exception, which then passes on into the
        # main thread's code. A callback made by ctypes would swallow that.
        self._is_true = ctypes.cast(api.PyObject_IsTrue, ctypes.c_void_p)
        self._add = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.py_object)(("Py_AddPendingCall", api))

    def call_soon(self, target: Any) -> bool:
        return bool(self._add(self._is_true, target) == 0)


def load() -> Optional[_Native]:
    """Finds the calls. The script's own thread does it while it declares what the
    host may set: on another thread each file that is read costs 5 ms."""
    global _found
    if _found is None:
        try:
            _found = _Native()
        except Exception:
            _found = False
    return _found or None


def call_soon(target: Any) -> bool:
    """Has the truth of target asked for on the main thread, soon. target must
    live on. False when that cannot be."""
    native = load()
    try:
        return native is not None and native.call_soon(target)
    except Exception:
        return False


def try_send(fd: int, data: bytes, flags: int) -> int:
    """Sends what a socket takes with the flags, which must say not to wait, and
    returns the number of bytes; -1 when it takes nothing or this cannot be."""
    return int(_found.send(fd, data, len(data), flags)) if _found else -1
