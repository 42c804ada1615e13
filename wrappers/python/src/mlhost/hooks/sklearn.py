"""scikit-learn: parameters of estimators that learn over several calls, and the
optimizer inside of the multi-layer perceptrons.

An estimator reads its parameters when partial_fit begins, or fit with
warm_start. Those listed here really change what such a call learns; others,
like a number of clusters, have been built into the model by the first one.
"""

from __future__ import annotations

import functools
import threading

from .._rounds import Rounds, around, report
from .._session import current
from .._typing import Any, Dict, Tuple

KEYS: Dict[str, Tuple[str, Any, Any]] = {
    "C": ("float", 1e-12, None),
    "alpha": ("float", 0, None),
    "epsilon": ("float", 0, None),
    "eta0": ("float", 1e-12, None),
    "l1_ratio": ("float", 0, 1),
    "l2_regularization": ("float", 0, None),
    "learning_rate": ("float", 1e-12, None),
    "max_depth": ("int", 1, None),
    "max_leaf_nodes": ("int", 2, None),
    "min_impurity_decrease": ("float", 0, None),
    "min_samples_leaf": ("int", 1, None),
    "min_samples_split": ("int", 2, None),
    "nu": ("float", 1e-12, 1),
    "power_t": ("float", 0, None),
}
_SGD = ("alpha", "epsilon", "eta0", "l1_ratio", "power_t")
_TREES = ("max_depth", "max_leaf_nodes", "min_impurity_decrease", "min_samples_leaf", "min_samples_split")

#: What the next call takes, by class; of several the most derived one counts.
PARTIAL: Dict[str, Tuple[str, ...]] = {
    "BernoulliRBM": ("learning_rate",),
    "PassiveAggressiveClassifier": (),  # C has become eta0 when it is made
    "PassiveAggressiveRegressor": (),
    "Perceptron": _SGD,
    "SGDClassifier": _SGD,
    "SGDOneClassSVM": ("nu", "eta0", "power_t"),
    "SGDRegressor": _SGD,
    "_BaseDiscreteNB": ("alpha",),
}
WARM: Dict[str, Tuple[str, ...]] = {
    "BaseForest": _TREES,
    "BaseGradientBoosting": _TREES,
    "BaseHistGradientBoosting": ("l2_regularization", "learning_rate", "max_depth", "max_leaf_nodes", "min_samples_leaf"),
    "ElasticNet": ("alpha", "l1_ratio"),
    "Lasso": ("alpha",),
    "LogisticRegression": ("C",),
    "PassiveAggressiveClassifier": (),
    "PassiveAggressiveRegressor": (),
    "Perceptron": _SGD,
    "SGDClassifier": _SGD,
    "SGDOneClassSVM": ("nu", "eta0", "power_t"),
    "SGDRegressor": _SGD,
}
_TRANSPARENT = ("Pipeline", "TransformedTargetRegressor")  # their one model is the script's
_MAIN = threading.main_thread().ident

_running = 0  # calls of fit on the main thread that have not returned, without those


def install(module: Any) -> None:
    """module is sklearn.base, or one of the perceptrons'."""
    if current().channel is None:
        return
    if hasattr(module, "BaseMultilayerPerceptron"):
        _hook_epochs(module.BaseMultilayerPerceptron)
    elif hasattr(module, "BaseOptimizer"):
        _hook_batches(module.BaseOptimizer)
    elif hasattr(module, "_fit_context"):  # scikit-learn 1.3 and later
        _hook_fits(module)


def _hook_fits(module: Any) -> None:
    """The fit and partial_fit of each estimator are decorated with _fit_context."""
    context = module._fit_context
    rounds = Rounds("sklearn", KEYS, _read, _write)
    rounds.what = "call of partial_fit, or of fit with warm_start"

    @functools.wraps(context)
    def fit_context(*args: Any, **kwargs: Any) -> Any:
        decorate = context(*args, **kwargs)

        @functools.wraps(decorate)
        def decorator(method: Any) -> Any:
            fit = decorate(method)
            ours = method.__name__ in ("fit", "partial_fit") and method.__module__.startswith("sklearn.")
            return _counted(fit, around(fit, rounds)) if ours else fit

        return decorator

    module._fit_context = fit_context


def _counted(fit: Any, guarded: Any) -> Any:
    """Returns fit, with the overlay around the calls that a loop of the script makes.
    What a search or an ensemble fits by itself, and other threads, are left alone."""

    @functools.wraps(fit)
    def call(*args: Any, **kwargs: Any) -> Any:
        global _running
        if threading.get_ident() != _MAIN or not args or type(args[0]).__name__ in _TRANSPARENT:
            return fit(*args, **kwargs)
        _running += 1
        try:
            if _running == 1 and _parameters(args[0], fit.__name__):
                return guarded(*args, **kwargs)
            return fit(*args, **kwargs)
        finally:
            _running -= 1

    return call


def _parameters(estimator: Any, call: str) -> Tuple[str, ...]:
    """Returns what the next call takes anew, of an estimator that goes on learning."""
    if call == "fit" and getattr(estimator, "warm_start", False) is not True:
        return ()
    table = PARTIAL if call == "partial_fit" else WARM
    return next((table[kind.__name__] for kind in type(estimator).__mro__ if kind.__name__ in table), ())


def _read(estimator: Any) -> Dict[str, Any]:
    names = _parameters(estimator, "partial_fit") or _parameters(estimator, "fit")
    return {name: getattr(estimator, name) for name in names if _counts(estimator, name)}


def _counts(estimator: Any, name: str) -> bool:
    """Whether a parameter has an effect beside the others."""
    value = getattr(estimator, name, None)
    if type(value) not in ((int,) if KEYS[name][0] == "int" else (int, float)):
        return False
    schedule, penalty = getattr(estimator, "learning_rate", ""), getattr(estimator, "penalty", "elasticnet")
    if name == "eta0":
        return schedule != "optimal"
    if name == "power_t":
        return bool(schedule == "invscaling")
    if name == "alpha":
        return penalty is not None
    if name == "l1_ratio":
        return bool(penalty == "elasticnet")
    return name != "epsilon" or getattr(estimator, "loss", "") in ("huber", "epsilon_insensitive", "squared_epsilon_insensitive")


def _write(target: Any, values: Dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(target, name, value)


def _hook_batches(base: Any) -> None:
    """Adam makes its rate from learning_rate_init with each batch; SGD keeps the one
    in use in learning_rate, and its schedule changes that between epochs."""
    keys = {"learning_rate_init": ("float", 1e-12, None), "momentum": ("float", 0, 1)}

    def rate(optimizer: Any) -> str:
        return "learning_rate" if hasattr(optimizer, "lr_schedule") else "learning_rate_init"

    def read(optimizer: Any) -> Dict[str, Any]:
        found = {"learning_rate_init": float(getattr(optimizer, rate(optimizer)))}
        if hasattr(optimizer, "momentum"):
            found["momentum"] = float(optimizer.momentum)
        return found

    def write(optimizer: Any, values: Dict[str, Any]) -> None:
        _write(optimizer, {rate(optimizer) if key == "learning_rate_init" else key: value for key, value in values.items()})

    update = base.update_params
    rounds = Rounds("sklearn", keys, read, write)
    rounds.what = "batch of the perceptron"
    guarded = around(update, rounds)

    @functools.wraps(update)
    def update_params(*args: Any, **kwargs: Any) -> Any:
        ours = _running == 1 and threading.get_ident() == _MAIN
        return (guarded if ours else update)(*args, **kwargs)

    base.update_params = update_params


def _hook_epochs(perceptron: Any) -> None:
    """Reports what an epoch has come to."""
    name = "_update_no_improvement_count"
    count = getattr(perceptron, name, None)
    if count is None:
        return

    @functools.wraps(count)
    def count_and_report(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = count(self, *args, **kwargs)
        if _running == 1 and threading.get_ident() == _MAIN:
            scores = getattr(self, "validation_scores_", None) or [None]
            report([("loss", getattr(self, "loss_", None)), ("validation_score", scores[-1])])
        return result

    setattr(perceptron, name, count_and_report)
