"""XGBoost: parameters of the booster that is trained, and what it is evaluated to.

Everything that trains, xgboost.train and the scikit-learn classes too, calls
Booster.update once a round, and Booster.eval_set behind it.
"""

from __future__ import annotations

import functools
import json
import weakref

from .._rounds import Rounds, around, report
from .._session import current
from .._typing import Any, Dict, Tuple

KEYS: Dict[str, Tuple[str, Any, Any]] = {
    "learning_rate": ("float", 0, None),
    "max_depth": ("int", 0, None),
    "min_child_weight": ("float", 0, None),
    "gamma": ("float", 0, None),
    "subsample": ("float", 1e-6, 1),
    "colsample_bytree": ("float", 1e-6, 1),
    "reg_lambda": ("float", 0, None),
    "reg_alpha": ("float", 0, None),
}
_ALIASES = {"eta": "learning_rate", "min_split_loss": "gamma", "lambda": "reg_lambda", "alpha": "reg_alpha"}


def install(module: Any) -> None:
    """module is xgboost.training."""
    if current().channel is None:
        return
    booster = module.Booster
    rounds = Rounds("xgboost", KEYS, _read, lambda model, values: model.set_param(values))
    folds: "weakref.WeakSet[Any]" = weakref.WeakSet()
    update, eval_set = booster.update, booster.eval_set
    guarded = around(update, rounds)

    @functools.wraps(update)
    def update_outside_cv(self: Any, *args: Any, **kwargs: Any) -> Any:
        return (update if self in folds else guarded)(self, *args, **kwargs)

    @functools.wraps(eval_set)
    def eval_and_report(self: Any, *args: Any, **kwargs: Any) -> Any:
        text = eval_set(self, *args, **kwargs)
        if self not in folds:
            # "[3]\ttrain-rmse:0.25\teval-rmse:0.31"
            pairs = [part.rsplit(":", 1) for part in str(text).split("\t")[1:]]
            report([(p[0], p[1]) for p in pairs if len(p) == 2])
        return text

    booster.update, booster.eval_set = update_outside_cv, eval_and_report
    _watch_folds(module, folds)


def _watch_folds(module: Any, folds: Any) -> None:
    """Leaves the boosters of xgboost.cv alone: one value for all folds is none of theirs."""
    kind = getattr(module, "CVPack", None)
    if kind is None:
        return
    make = kind.__init__

    @functools.wraps(make)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        folds.add(self.bst)

    kind.__init__ = init


def _read(model: Any) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    _collect(json.loads(model.save_config()), found)
    return found


def _collect(config: Any, found: Dict[str, Any]) -> None:
    if not isinstance(config, dict):
        return
    for key, value in config.items():
        name = _ALIASES.get(key, key)
        if name in KEYS and isinstance(value, str) and name not in found:
            number = float(value)
            found[name] = int(number) if KEYS[name][0] == "int" else _short(number)
        _collect(value, found)


def _short(number: float) -> float:
    """XGBoost keeps floats of 32 bits: 0.300000012 is what 0.3 became."""
    return float("%.7g" % number)
