"""mlflow.log_metric, log_metrics, log_param and log_params, and what other
libraries send through MlflowClient."""

from __future__ import annotations

import functools
import threading

from .._typing import Any
from . import _wrap

_inside = threading.local()  # fluent calls the client, which must not report it again


def install(module: Any) -> None:
    if module.__name__.endswith(".fluent"):
        _fluent(module, "log_metric", _log_metric)
        _fluent(module, "log_metrics", _log_metrics)
        _fluent(module, "log_param", _log_param)
        _fluent(module, "log_params", _log_params)
    else:
        _wrap.after(module.MlflowClient, "log_metric", _client_metric)
        _wrap.after(module.MlflowClient, "log_batch", _client_batch)
        _wrap.after(module.MlflowClient, "log_param", _client_param)


def _fluent(module: Any, name: str, told: Any) -> None:
    original = getattr(module, name)

    @functools.wraps(original)
    def call(*arguments: Any, **named: Any) -> Any:
        outer, _inside.fluent = getattr(_inside, "fluent", False), True
        try:
            return original(*arguments, **named)
        finally:
            _inside.fluent = outer

    setattr(module, name, call)
    _wrap.after(module, name, told)


def _log_metric(key: Any, value: Any, step: Any = None, *rest: Any, **named: Any) -> None:
    _wrap.report("mlflow", key, value, step)


def _log_metrics(metrics: Any, step: Any = None, *rest: Any, **named: Any) -> None:
    for key, value in metrics.items():
        _wrap.report("mlflow", key, value, step)


def _log_param(key: Any, value: Any, *rest: Any, **named: Any) -> None:
    _wrap.parameter("mlflow", key, value)


def _log_params(params: Any, *rest: Any, **named: Any) -> None:
    for key, value in params.items():
        _wrap.parameter("mlflow", key, value)


def _client_metric(client: Any, run_id: Any, key: Any, value: Any, timestamp: Any = None, step: Any = None, *rest: Any, **named: Any) -> None:
    if not getattr(_inside, "fluent", False):
        _wrap.report("mlflow", key, value, step)


def _client_batch(client: Any, run_id: Any, metrics: Any = (), params: Any = (), *rest: Any, **named: Any) -> None:
    if getattr(_inside, "fluent", False):
        return
    for metric in metrics:
        _wrap.report("mlflow", metric.key, metric.value, metric.step)
    for param in params:
        _wrap.parameter("mlflow", param.key, param.value)


def _client_param(client: Any, run_id: Any, key: Any, value: Any, *rest: Any, **named: Any) -> None:
    if not getattr(_inside, "fluent", False):
        _wrap.parameter("mlflow", key, value)
