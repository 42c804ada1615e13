"""click and typer: the parameters of a command and the values that they got. The
command's function gets them as arguments, so they are the next run's to change."""

from __future__ import annotations

from .. import _parsed
from .._typing import Any

_KINDS = {"integer": "int", "integer range": "int", "float": "float", "float range": "float", "boolean": "bool", "text": "string", "choice": "string"}
_ANNOTATED = {int: "int", float: "float", bool: "bool", str: "string"}


def install(core: Any) -> None:
    style = "typer" if core.__name__.startswith("typer") else "click"

    def told(result: Any, command: Any, context: Any, args: Any) -> None:
        found = [_found(p, context.params) for p in command.params if p.name and getattr(p, "expose_value", True)]
        typed = style == "typer" or type(command).__module__.startswith("typer")
        _parsed.report("typer" if typed else "click", found, covers=["click", "typer"])

    _parsed.after(core.Command, "parse_args", told)


def _found(parameter: Any, values: Any) -> "_parsed.Found":
    default = parameter.default
    if callable(default) or type(default).__name__ in ("Sentinel", "DefaultPlaceholder"):
        default = None
    value = values.get(parameter.name, default)
    kind, choices, bounds = _told_by_type(parameter)
    if getattr(parameter, "multiple", False) or parameter.nargs != 1:
        kind = "list"
    if kind == "any" and value is not None:
        kind = _parsed.type_of(value)
    if kind != "string":
        choices = None
    doc = " ".join(str(getattr(parameter, "help", None) or "").split())
    return _parsed.Found(parameter.name, kind, getattr(default, "value", default), getattr(value, "value", value), doc, choices, bounds=bounds)


def _told_by_type(parameter: Any) -> Any:
    """Returns the type, the choices and the bounds of a parameter."""
    given = getattr(parameter, "type", None)
    if given is not None:
        name = getattr(given, "name", "")
        kind = _KINDS.get(name, "any")
        choices = [str(getattr(c, "value", c)) for c in given.choices] if name == "choice" else None
        bounds = (getattr(given, "min", None), getattr(given, "max", None)) if kind in ("int", "float") else (None, None)
        return kind, choices, bounds
    # typer's own, since it has no click inside that others could see.
    described = parameter.type_descriptor
    kind = _ANNOTATED.get(described.annotation, "any") if isinstance(described.annotation, type) else "any"
    choices = [str(getattr(c, "value", c)) for c in described.choices] if described.choices else None
    bounds = (parameter.min, parameter.max) if kind in ("int", "float") else (None, None)
    return "string" if choices else kind, choices, bounds
