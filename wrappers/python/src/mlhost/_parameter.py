"""mlhost.param: a parameter that the host can change while the script runs."""

from __future__ import annotations

import _operator as operator  # a script may have an operator.py beside it
import sys

from ._session import current
from ._settings import Parameter
from ._spec import Misfit, Spec
from ._typing import Any, Callable, Generic, Optional, Sequence, TypeVar
from ._values import required_positionals

T = TypeVar("T")


class Param(Generic[T]):
    """A parameter. value is always the current one; float(p), int(p), bool(p),
    comparisons and arithmetic work on it."""

    def __init__(self, spec: Spec) -> None:
        self._value: Any = spec.default
        self._parameter = Parameter(spec, lambda: self._value, self._put)

    def _put(self, value: Any) -> None:
        self._value = value

    @property
    def name(self) -> str:
        """The name under which the host knows it."""
        return self._parameter.spec.name

    @property
    def default(self) -> T:
        """The value that the script gives it by itself."""
        return self._parameter.spec.default  # type: ignore[no-any-return]

    @property
    def value(self) -> T:
        """The value now; another thread of the process may have changed it since the last look."""
        return self._value  # type: ignore[no-any-return]

    @value.setter
    def value(self, value: T) -> None:
        """Sets the parameter from the script; raises ValueError when it does not fit."""
        try:
            current().settings.set_own(self._parameter, value)
        except Misfit as problem:
            raise ValueError("parameter %s: %s" % (self.name, problem)) from None

    def on_change(self, callback: Callable[..., Any]) -> Callable[..., Any]:
        """Calls callback(new) or callback(old, new) after each change; usable as a
        decorator. It runs on the main thread where that is possible."""
        if required_positionals(callback) >= 2:
            self._parameter.callbacks.append(callback)
        else:
            self._parameter.callbacks.append(lambda old, new: callback(new))
        return callback

    def __repr__(self) -> str:
        return "mlhost.param(%r, %r)" % (self.name, self._value)

    def __str__(self) -> str:
        return str(self._value)

    def __format__(self, form: str) -> str:
        return format(self._value, form)

    def __float__(self) -> float:
        return float(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def __index__(self) -> int:
        return operator.index(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __hash__(self) -> int:
        return id(self)


def _plainly(x: Any) -> Any:
    return x._value if isinstance(x, Param) else x


def _add_operators() -> None:
    def one(function: Callable[[Any], Any]) -> Any:
        return lambda self: function(self._value)

    def two(function: Callable[[Any, Any], Any]) -> Any:
        return lambda self, other: function(self._value, _plainly(other))

    def swapped(function: Callable[[Any, Any], Any]) -> Any:
        return lambda self, other: function(_plainly(other), self._value)

    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Param, "__%s__" % name, two(getattr(operator, name)))
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
        setattr(Param, "__%s__" % name, two(getattr(operator, name)))
        setattr(Param, "__r%s__" % name, swapped(getattr(operator, name)))
    for name in ("neg", "pos", "abs"):
        setattr(Param, "__%s__" % name, one(getattr(operator, name)))


_add_operators()


def param(
    name: str,
    default: T,
    *,
    min: Any = None,
    max: Any = None,
    step: Any = None,
    choices: Optional[Sequence[Any]] = None,
    scale: str = "",
    unit: str = "",
    doc: str = "",
    mutability: str = "live",
) -> "Param[T]":
    """Declares a parameter and returns it; its type is that of default.

    Under a host its value is the configured one, and may be changed while the
    script runs: at once ("live"), between two iterations of mlhost.loop
    ("boundary"), in the next run ("restart"), or never ("fixed"). Declared
    again under the same name, the parameter is the same.
    """
    session = current()
    known = session.settings.known.get(name)
    if known is not None and isinstance(getattr(known, "owner", None), Param):
        return known.owner  # type: ignore[no-any-return]
    line = sys._getframe(1).f_lineno
    found: Param[T] = Param(Spec(name, default, None, choices, min, max, step, scale, unit, doc, mutability, line=line))
    found._parameter.owner = found  # type: ignore[attr-defined]
    session.settings.register(found._parameter)
    return found
