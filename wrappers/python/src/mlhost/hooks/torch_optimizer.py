"""PyTorch: the overlay around the step of every optimizer class.

torch 2 has hooks for all optimizers' steps. They are not used: the one that
follows a step is not called when the step raises, and hooks of the script's
own would see the overlay.
"""

from __future__ import annotations

import functools

from .. import _optimizer, _optimizer_guard
from .._imports import on_import
from .._session import current
from .._typing import Any


def install(module: Any) -> None:
    """Guards the step of each class when its first optimizer is made. module is
    torch.optim.optimizer."""
    if current().channel is None:
        return
    base = module.Optimizer
    compiler = _optimizer_guard.Compiler()
    on_import("torch._dynamo", compiler.loaded)
    name = "_patch_step_function" if hasattr(base, "_patch_step_function") else "_hook_for_profile"
    patch = getattr(base, name)

    @functools.wraps(patch)
    def patch_step(self: Any) -> Any:
        kind = type(self)
        compiler.look(module.torch)
        if not _optimizer_guard.is_guarded(kind):
            kind.step = _optimizer_guard.guarded(kind.step, compiler)
        result = patch(self)
        _optimizer.made(self)
        return result

    setattr(base, name, patch_step)
    base.state_dict = _optimizer_guard.undisturbed(base.state_dict)
