"""What Lightning modules log, with a logger or without, as lightning and as
pytorch_lightning."""

from __future__ import annotations

from .._typing import Any
from . import _wrap


def install(module: Any) -> None:
    connector = next(c for name, c in vars(module).items() if name in ("_LoggerConnector", "LoggerConnector"))
    _wrap.after(connector, "log_metrics", _log_metrics)


def _log_metrics(connector: Any, metrics: Any, step: Any = None, *rest: Any, **named: Any) -> None:
    if not metrics:
        return
    trainer = connector.trainer
    told = _wrap.scalar(metrics.get("step"), bool(trainer.loggers))
    if step is None:
        step = trainer.global_step if told is None else told
    for name, value in metrics.items():
        # With a logger Lightning has made numbers of all of them.
        _wrap.report("lightning", name, value, step, waits=bool(trainer.loggers))
    _wrap.report("lightning", "epoch", trainer.current_epoch, step)
