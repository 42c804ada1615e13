"""Keras: optimizer.learning_rate, and the metrics of training.

A callback is added behind those of the script. JAX keeps the optimizer's
variables to itself within an epoch: there a change takes effect at the next
epoch, and else at the next batch.
"""

from __future__ import annotations

import functools

from .._rounds import Rounds, report
from .._session import current
from .._typing import Any, Dict

SCHEDULED = "not controllable: the learning rate is computed by a LearningRateSchedule"


def install(module: Any) -> None:
    """module is keras.src.callbacks.callback_list."""
    if current().channel is None:
        return
    follower = _follower(module)
    make = module.CallbackList.__init__

    @functools.wraps(make)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        if kwargs.get("add_progbar") or kwargs.get("epochs"):
            added = follower()
            added.set_params(self.params)
            added.set_model(getattr(self, "model", None))
            self.callbacks.append(added)

    module.CallbackList.__init__ = init


def _read(optimizer: Any) -> Dict[str, Any]:
    return {"learning_rate": float(optimizer.learning_rate)}


def _write(optimizer: Any, values: Dict[str, Any]) -> None:
    optimizer.learning_rate = values["learning_rate"]


def _follower(module: Any) -> Any:
    rounds = Rounds("keras", {"learning_rate": ("float", 0, None)}, _read, _write)
    per_epoch = module.backend.backend() == "jax"

    class Follower(module.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self._laid: Any = None
            self._epoch = 0

        def _begin(self) -> None:
            optimizer = getattr(self.model, "optimizer", None)
            if optimizer is None:
                return
            kind = type(getattr(optimizer, "_learning_rate", None))
            scheduled = any(k.__name__ == "LearningRateSchedule" for k in kind.__mro__)
            try:
                self._laid = rounds.begin(optimizer, SCHEDULED if scheduled else "")
            except Exception as problem:
                current().warn("mlhost could not reach into Keras: %s: %s" % (type(problem).__name__, problem))

        def _end(self) -> None:
            laid, self._laid = self._laid, None
            optimizer = getattr(self.model, "optimizer", None)
            # A value that a callback has put in place of ours meanwhile stays.
            if laid and optimizer is not None and abs(float(optimizer.learning_rate) - laid["learning_rate"]) <= 1e-6 * abs(laid["learning_rate"]):
                rounds.end(optimizer, laid)

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self._epoch = epoch
            if per_epoch:
                self._begin()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if per_epoch:
                self._end()
            report(list((logs or {}).items()))

    class BatchFollower(Follower):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self._begin()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self._end()

    return Follower if per_epoch else BatchFollower
