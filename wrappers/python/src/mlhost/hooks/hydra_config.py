"""hydra: the configuration that the task's function is about to get."""

from __future__ import annotations

import sys

from .. import _parsed
from .._typing import Any, List, Optional


def install(module: Any) -> None:
    def told(result: Any, *_: Any, **__: Any) -> None:
        frame: Any = sys._getframe(2)  # behind it and after's own: run_job
        config = frame.f_locals.get("task_cfg")
        if config is not None:
            _parsed.report("hydra", _leaves(config), config, "the task's configuration", covers=["omegaconf"])

    _parsed.after(module.Callbacks, "on_job_start", told)


def _leaves(config: Any, prefix: str = "", path: "Optional[List[str]]" = None) -> "List[_parsed.Found]":
    found: "List[_parsed.Found]" = []
    path = path or []
    for name in list(config.keys()):
        try:
            value = config[name]
        except Exception:
            continue  # missing, or an interpolation that has no value yet
        name = str(name)
        if hasattr(value, "keys"):
            found += _leaves(value, prefix + name + ".", path + [name])
            continue
        if type(value).__module__.startswith("omegaconf"):
            value = list(value)
        found.append(_parsed.Found(prefix + name, "any" if value is None else _parsed.type_of(value), value, value, path=path + [name]))
    return found
