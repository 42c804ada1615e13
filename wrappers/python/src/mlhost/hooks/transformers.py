"""What the Trainer of transformers logs, and how far it is."""

from __future__ import annotations

import time

from .._session import current
from .._typing import Any
from . import _wrap

PROGRESS_EVERY = 0.1  # seconds

_told = 0.0


def install(module: Any) -> None:
    _wrap.after(module.CallbackHandler, "on_log", _on_log)
    _wrap.after(module.CallbackHandler, "on_step_end", _on_step_end)


def _on_log(handler: Any, args: Any, state: Any, control: Any, logs: Any = None, **named: Any) -> None:
    for name, value in (logs or {}).items():
        _wrap.report("transformers", name, value, state.global_step)


def _on_step_end(handler: Any, args: Any, state: Any, *rest: Any, **named: Any) -> None:
    """Tells the progress where no bar does."""
    global _told
    now = time.monotonic()
    if not getattr(args, "disable_tqdm", False) or state.max_steps <= 0:
        return
    if now - _told >= PROGRESS_EVERY or state.global_step >= state.max_steps:
        _told = now
        current().put({"op": "progress", "done": state.global_step, "total": state.max_steps})
