"""LightGBM: parameters of the booster that is trained, and what it is evaluated to.

Everything that trains, lightgbm.train and the scikit-learn classes too, calls
Booster.update once a round.
"""

from __future__ import annotations

import functools
import weakref

from .._rounds import Rounds, around, report
from .._session import current
from .._typing import Any, Dict, Tuple

KEYS: Dict[str, Tuple[str, Any, Any]] = {
    "learning_rate": ("float", 1e-12, None),
    "num_leaves": ("int", 2, 131072),
    "min_data_in_leaf": ("int", 0, None),
    "feature_fraction": ("float", 1e-6, 1),
    "lambda_l1": ("float", 0, None),
    "lambda_l2": ("float", 0, None),
}
_DEFAULTS: Dict[str, Any] = {
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "feature_fraction": 1.0,
    "lambda_l1": 0.0,
    "lambda_l2": 0.0,
}


def install(module: Any) -> None:
    """module is lightgbm.engine."""
    if current().channel is None:
        return
    booster = module.Booster
    aliases = {key: _aliases(key) for key in KEYS}

    def read(model: Any) -> Dict[str, Any]:
        given = model.params or {}
        return {key: next((given[a] for a in names if a in given), _DEFAULTS[key]) for key, names in aliases.items()}

    def write(model: Any, values: Dict[str, Any]) -> None:
        kept = dict(model.params)
        model.reset_parameter(values)
        model.params = kept  # the script reads its own there

    rounds = Rounds("lightgbm", KEYS, read, write)
    folds: "weakref.WeakSet[Any]" = weakref.WeakSet()
    update = booster.update
    guarded = around(update, rounds)

    @functools.wraps(update)
    def update_outside_cv(self: Any, *args: Any, **kwargs: Any) -> Any:
        return (update if self in folds else guarded)(self, *args, **kwargs)

    booster.update = update_outside_cv
    for name in ("eval_train", "eval_valid"):
        setattr(booster, name, _reporting(getattr(booster, name), folds))
    _watch_folds(module, folds)


def _aliases(key: str) -> Any:
    from lightgbm.basic import _ConfigAliases

    return [key] + sorted(_ConfigAliases.get(key) - {key})


def _reporting(method: Any, folds: Any) -> Any:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        results = method(self, *args, **kwargs)
        if self not in folds:
            report([("%s-%s" % (r[0], r[1]), r[2]) for r in results])
        return results

    return call


def _watch_folds(module: Any, folds: Any) -> None:
    """Leaves the boosters of lightgbm.cv alone: one value for all folds is none of theirs."""
    make = getattr(module, "_make_n_folds", None)
    if make is None:
        return

    @functools.wraps(make)
    def make_and_note(*args: Any, **kwargs: Any) -> Any:
        made = make(*args, **kwargs)
        for fold in made.boosters:
            folds.add(fold)
        return made

    module._make_n_folds = make_and_note
