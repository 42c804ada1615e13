"""Values as they cross between a script and its host: JSON, copied at the call.

NaN and the infinities, which JSON lacks, travel as the strings "NaN",
"Infinity" and "-Infinity".
"""

from __future__ import annotations

import math

from . import _json_fast as _json
from ._typing import Any, Callable

MAX_DEPTH = 64
_LEAST, _MOST = -(2**63), 2**63 - 1

#: Exact types that are immutable and stand in JSON as they are; an int must
#: also fit into 64 bits.
SCALARS = frozenset((float, bool, str, type(None)))

def plain(value: Any, depth: int = 0) -> Any:
    """Returns a copy of value made of None, bool, int, float, str, list and dict.

    Numbers and arrays of numpy and torch become Python's own; what has no form
    in JSON becomes its repr. Nothing raises.
    """
    kind = type(value)
    if kind in SCALARS or (kind is int and _LEAST <= value <= _MOST):
        return value
    if isinstance(value, int):
        value = int(value)
        return value if _LEAST <= value <= _MOST else _big(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    try:
        return _plain_object(value, depth)
    except Exception:
        return _text(value)


def _plain_object(value: Any, depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return _text(value)
    if isinstance(value, dict):
        return {_key(k): plain(v, depth + 1) for k, v in list(value.items())}
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return [plain(v, depth + 1) for v in list(value)]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    # tolist is what numpy, torch, pandas and array share; of a scalar it is a number.
    listed = getattr(value, "tolist", None)
    if callable(listed):
        return plain(listed(), depth + 1)
    for name in ("item", "isoformat", "__fspath__"):
        method = getattr(value, name, None)
        if callable(method):
            return plain(method(), depth + 1)
    return _text(value)


def on_device(value: Any) -> bool:
    """Whether reading a value would wait for a GPU: who is not the script itself must
    not, and while a CUDA graph is recorded, may not."""
    library = (type(value).__module__ or "").partition(".")[0]
    if library == "torch":
        return getattr(getattr(value, "device", None), "type", "cpu") != "cpu"
    return library in ("jaxlib", "cupy")


def _big(value: int) -> Any:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _key(key: Any) -> str:
    return key if type(key) is str else str(key)


def _text(value: Any) -> str:
    try:
        return repr(value)[:1000]
    except Exception:
        return "<%s>" % type(value).__name__


def encode(message: Any) -> str:
    """Returns the JSON of message, whose values went through plain()."""
    try:
        return _json.encode(message)  # type: ignore[no-any-return]
    except ValueError:
        return _json.encode(_spell(message))  # type: ignore[no-any-return]


def _spell(value: Any) -> Any:
    """Replaces the floats that JSON lacks by their names."""
    if type(value) is float:
        if value - value == 0:
            return value
        return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
    if type(value) is dict:
        return {k: _spell(v) for k, v in value.items()}
    if type(value) in (list, tuple):
        return [_spell(v) for v in value]
    return value


_NAMED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def named_float(value: Any) -> Any:
    """Reads the names of the floats that JSON lacks; other values stay."""
    return _NAMED.get(value, value) if type(value) is str else value


def decode(line: "bytes | str") -> Any:
    return _json.decode(line)


def required_positionals(function: Callable[..., Any]) -> int:
    """Counts the positional arguments that a call of function must give."""
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(1 for p in parameters if p.kind in kinds and p.default is p.empty)
