"""How a hook hears of a call: the function is replaced by one that calls it and
then tells us. What the function returns, raises and looks like stays."""

from __future__ import annotations

import functools

from .._imports import failed
from .._session import current
from .._typing import Any, Callable

_NUMBERS = (int, float)
_DEVICES = ("torch", "jax", "tensorflow")


def after(owner: Any, name: str, told: Callable[..., None]) -> None:
    """Has told(*arguments) called after each call of owner.name that went well.
    An exception of it becomes one warning."""
    original = getattr(owner, name)
    library = getattr(owner, "__module__", None) or owner.__name__

    @functools.wraps(original)
    def call(*arguments: Any, **named: Any) -> Any:
        result = original(*arguments, **named)
        try:
            told(*arguments, **named)
        except Exception as problem:
            failed(library, problem)
        return result

    setattr(owner, name, call)


def scalar(value: Any, waits: bool = False) -> Any:
    """Returns the number or bool that value is, None for anything else. What lies
    on a device is asked for only where the library itself has waited for it."""
    kind = type(value)
    if kind is float or kind is int or kind is bool:
        return value
    if isinstance(value, _NUMBERS):
        return value.__float__() if isinstance(value, float) else value.__int__()
    item = getattr(value, "item", None)
    if item is None or not callable(item) or getattr(value, "shape", None) is None:
        return None
    if any(size != 1 for size in value.shape):
        return None
    library = kind.__module__.split(".", 1)[0]
    if library in _DEVICES and not waits and not _is_here(value):
        return None
    value = item()
    return value if type(value) in (float, int, bool) else None


def _is_here(value: Any) -> bool:
    """Reports whether a tensor lies in main memory and has been computed."""
    return getattr(getattr(value, "device", None), "type", "") == "cpu"


def report(library: str, name: Any, value: Any, step: Any = None, waits: bool = False) -> None:
    """Reports what a library was told, if it is a number."""
    value = scalar(value, waits)
    if value is None:
        return
    if step is not None:
        step = scalar(step)
        step = None if step is None or step != step else int(step)
    current().variables.report(str(name), value, step, library)


def parameter(library: str, name: Any, value: Any) -> None:
    """Shows a hyperparameter that a library was told of. It cannot be set, and
    gives way to a parameter of that name that somebody else declares."""
    name = str(name)
    session = current()
    if name in session.settings.known:
        return
    number = scalar(value)
    if number is None:
        number = str(value)[:1000]
    session.put({"op": "parameter", "name": name, "default": number, "mutability": "fixed", "style": library, "source": "library"})
