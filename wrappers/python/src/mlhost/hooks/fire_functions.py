"""fire: the arguments of the function that is about to be called."""

from __future__ import annotations

import inspect

from .. import _parsed
from .._typing import Any

_ORDINARY = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def install(core: Any) -> None:
    original = core._MakeParseFn

    def make(function: Any, metadata: Any) -> Any:
        holder = type("Holder", (), {})()
        holder.parse = original(function, metadata)
        _parsed.after(holder, "parse", lambda result, *_: _told(function, result))
        return holder.parse

    core._MakeParseFn = make


def _told(function: Any, result: Any) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # fire calls it all the same
    (positional, named) = result[0]
    bound = signature.bind(*positional, **named)
    bound.apply_defaults()
    found = []
    for name, parameter in signature.parameters.items():
        if parameter.kind in _ORDINARY:
            default = None if parameter.default is parameter.empty else parameter.default
            value = bound.arguments.get(name)
            typical = value if default is None else default
            found.append(_parsed.Found(name, "any" if typical is None else _parsed.type_of(typical), default, value))
    _parsed.report("fire", found)
