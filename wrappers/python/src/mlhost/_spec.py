"""What a parameter is: type, range, choices; and the test of a value against it.

The rules are those of the host (shared/script/check.go): an int is taken where
a float is wanted and a float without a fraction where an int is; a bool is no
number and text is none either; NaN and infinities are for variables.
"""

from __future__ import annotations

import math

from ._typing import Any, Dict, List, Optional, Sequence
from ._values import plain

MAX_TEXT = 1 << 20
LIVE, BOUNDARY, RESTART, FIXED = "live", "boundary", "restart", "fixed"


class Misfit(ValueError):
    """Why a value does not fit a parameter."""


def type_of(value: Any) -> str:
    """Returns the name of the type that a value has by itself."""
    value = plain(value)
    if value is None:
        return "any"
    names = {bool: "bool", int: "int", float: "float", str: "string", list: "list", dict: "map"}
    return names[type(value)]


def common_type(values: Sequence[Any]) -> str:
    """Returns the type that holds all of values: ints and floats make a float."""
    types = {type_of(v) for v in values}
    if types == {"int", "float"}:
        return "float"
    return types.pop() if len(types) == 1 else "any"


class Spec:
    """The declaration of one parameter."""

    def __init__(
        self,
        name: str,
        default: Any,
        type: Optional[str] = None,
        choices: Optional[Sequence[Any]] = None,
        min: Any = None,
        max: Any = None,
        step: Any = None,
        scale: str = "",
        unit: str = "",
        doc: str = "",
        mutability: str = LIVE,
        style: str = "mlhost.param",
        line: int = 0,
    ) -> None:
        if mutability not in (LIVE, BOUNDARY, RESTART, FIXED):
            raise ValueError("parameter %s: there is no mutability %r" % (name, mutability))
        if scale not in ("", "linear", "log"):
            raise ValueError("parameter %s: there is no scale %r" % (name, scale))
        self.name = name
        self.default = default
        self.choices: Optional[List[Any]] = list(choices) if choices is not None else None
        self.min, self.max, self.step = min, max, step
        self.type = type or self._guess_type()
        self.scale, self.unit, self.doc = scale, unit, doc
        self.mutability, self.style, self.line = mutability, style, line

    def _guess_type(self) -> str:
        found = common_type([self.default] + (self.choices or []))
        bounds = [b for b in (self.min, self.max, self.step) if b is not None]
        if found == "int" and any(isinstance(b, float) and b != int(b) for b in bounds if b - b == 0):
            return "float"
        return found

    @classmethod
    def of_valid_values(cls, name: str, default: Any, valid: Any, line: int = 0) -> "Spec":
        """Reads register_parameter's valid_values: a list, a tuple, a range or None."""
        if isinstance(valid, range):
            return cls._of_range(name, default, valid, line)
        choices = None if valid is None or isinstance(valid, str) else list(valid)
        return cls(name, default, choices=choices or None, style="register_parameter", line=line)

    @classmethod
    def _of_range(cls, name: str, default: Any, valid: range, line: int) -> "Spec":
        if not len(valid):
            return cls(name, default, style="register_parameter", line=line)
        least, most = min(valid[0], valid[-1]), max(valid[0], valid[-1])
        step: Optional[int] = abs(valid.step)
        # A default between the range's elements says that its ends were meant.
        if isinstance(default, float) and (default - least) % abs(valid.step):
            step = None
        kind = type_of(default) if type_of(default) in ("int", "float") else "int"
        if default is None:
            kind = "any"
        return cls(name, default, type=kind, min=least, max=most, step=step, style="register_parameter", line=line)

    def check(self, value: Any) -> Any:
        """Returns the value to use for value, or raises Misfit."""
        found = self._convert(value)
        if self.choices:
            for choice in self.choices:
                if _same(plain(choice), found):
                    return choice
            raise Misfit("not one of %s%s" % (_list(self.choices), self._close_choice(found)))
        if type(found) in (int, float):
            self._check_number(found)
        return tuple(found) if type(self.default) is tuple and type(found) is list else found

    def _convert(self, value: Any) -> Any:
        value = plain(value)
        _check_size(value)
        wanted, got = self.type, type(value)
        if wanted == "any":
            return value
        if wanted == "float" and got in (int, float):
            return float(value)
        if wanted == "int" and got is float and value == int(value) and abs(value) < 2**63:
            return int(value)
        if got is not type(None) and type_of(value) == wanted:
            return value
        article = "an" if wanted[0] in "aeiou" else "a"
        raise Misfit("wants %s %s, got %s" % (article, wanted, _describe(value)))

    def _check_number(self, value: Any) -> None:
        if self.min is not None and value < self.min:
            raise Misfit("%s is below the minimum %s" % (value, self.min))
        if self.max is not None and value > self.max:
            raise Misfit("%s is above the maximum %s" % (value, self.max))
        if not self.step or self.step <= 0 or value == self.max:
            return
        base = self.min if self.min is not None else 0
        count = (value - base) / self.step
        off = (value - base) % self.step if type(value) is int and type(self.step) is int else abs(count - round(count)) > 1e-6
        if off:
            raise Misfit("%s is off step: %s plus a multiple of %s is needed" % (value, base, self.step))

    def _close_choice(self, value: Any) -> str:
        if type(value) is not str:
            return ""
        found = suggest(value, [c for c in self.choices or [] if isinstance(c, str)])
        return '; did you mean "%s"?' % found if found else ""

    def declaration(self, value: Any) -> Dict[str, Any]:
        """Returns the protocol's line that declares the parameter with its value."""
        line: Dict[str, Any] = {
            "op": "parameter",
            "name": self.name,
            "type": self.type,
            "default": plain(self.default),
            "value": plain(value),
            "mutability": self.mutability,
            "style": self.style,
        }
        for key in ("choices", "min", "max", "step", "scale", "unit", "doc", "line"):
            given = getattr(self, key)
            if given not in (None, "", 0) or (key in ("min", "max") and given is not None):
                line[key] = plain(given)
        return line


def suggest(word: str, known: Sequence[str]) -> str:
    """Returns the known word that word was probably meant to be, or ""."""
    import difflib

    return (difflib.get_close_matches(word, known, 1) or [""])[0]


def _same(a: Any, b: Any) -> bool:
    return a == b and (isinstance(a, bool) == isinstance(b, bool))


def _check_size(value: Any) -> None:
    if type(value) is float and not math.isfinite(value):
        raise Misfit("%s is not a finite number" % value)
    if type(value) is str and len(value.encode("utf-8", "replace")) > MAX_TEXT:
        raise Misfit("%d bytes are more than the %d that a string may have" % (len(value), MAX_TEXT))
    for inner in value if type(value) is list else value.values() if type(value) is dict else ():
        _check_size(inner)


def _list(choices: Sequence[Any]) -> str:
    shown = ", ".join(str(c)[:40] for c in choices[:12])
    return shown if len(choices) <= 12 else "%s, … (%d in all)" % (shown, len(choices))


def _describe(value: Any) -> str:
    if value is None:
        return "null"
    if type(value) is str:
        return 'the string "%s"' % value[:40]
    kind = type_of(value)
    article = "an" if kind[0] in "aeiou" else "a"
    return "%s %s" % (article, kind) if kind in ("list", "map") else "%s %s (%s)" % (article, kind, value)
