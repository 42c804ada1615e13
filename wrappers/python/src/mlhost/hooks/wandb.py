"""wandb.log and Run.log, online, offline and disabled."""

from __future__ import annotations

from .._typing import Any
from . import _wrap

_MOST_NESTED = 4


def install(module: Any) -> None:
    # A disabled run is of a class of its own since 0.19.
    run = getattr(module, "NoopRun", None) or module.Run
    if "log" in vars(run):
        _wrap.after(run, "log", _log)


def _log(run: Any, data: Any = None, step: Any = None, *rest: Any, **named: Any) -> None:
    if isinstance(data, dict):
        _tell(data, "", step, 0)


def _tell(data: Any, prefix: str, step: Any, depth: int) -> None:
    for key, value in data.items():
        if isinstance(value, dict):
            if depth < _MOST_NESTED:
                _tell(value, "%s%s." % (prefix, key), step, depth + 1)
        else:
            _wrap.report("wandb", "%s%s" % (prefix, key), value, step)
