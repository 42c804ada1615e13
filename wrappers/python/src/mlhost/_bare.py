"""Threads that the script does not see: threading.enumerate() does not show them,
no exit waits for them, and they take no signal."""

from __future__ import annotations

import _thread
import _signal as signal  # type: ignore[import-not-found]  # signal itself takes 2 ms for its enumerations

from ._typing import Any, Callable


def start(function: Callable[..., None], *args: Any) -> None:
    """Starts a bare thread. Every signal stays with the script's own threads."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        _thread.start_new_thread(function, args)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
