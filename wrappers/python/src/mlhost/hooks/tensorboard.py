"""SummaryWriter of torch.utils.tensorboard and of tensorboardX."""

from __future__ import annotations

from .._typing import Any
from . import _wrap


def install(module: Any) -> None:
    writer = module.SummaryWriter
    _wrap.after(writer, "add_scalar", _add_scalar)
    _wrap.after(writer, "add_scalars", _add_scalars)
    _wrap.after(writer, "add_hparams", _add_hparams)


def _add_scalar(writer: Any, tag: Any, scalar_value: Any, global_step: Any = None, *rest: Any, **named: Any) -> None:
    # The writer has made a number of the value, so a device has been waited for.
    _wrap.report("tensorboard", tag, scalar_value, global_step, waits=True)


def _add_scalars(writer: Any, main_tag: Any, tag_scalar_dict: Any, global_step: Any = None, *rest: Any, **named: Any) -> None:
    for tag, value in tag_scalar_dict.items():
        _wrap.report("tensorboard", "%s/%s" % (main_tag, tag), value, global_step, waits=True)


def _add_hparams(writer: Any, hparam_dict: Any, metric_dict: Any, *rest: Any, **named: Any) -> None:
    # The metrics have gone through add_scalar.
    for name, value in hparam_dict.items():
        _wrap.parameter("tensorboard", name, value)
