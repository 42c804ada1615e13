"""absl: the flags that the script defines; a flag that is read again can be set."""

from __future__ import annotations

from .. import _parsed
from .._typing import Any

_KINDS = {"int": "int", "float": "float", "bool": "bool", "string": "string", "string enum": "string"}


def install(module: Any) -> None:
    def told(result: Any, flags: Any, *_: Any, **__: Any) -> None:
        found = []
        for name in list(flags):
            if str(flags.find_module_defining_flag(name)).split(".")[0] != "absl":
                found.append(_found(flags[name]))
        _parsed.report("absl", found, flags, "absl's FLAGS")

    _parsed.after(module.FlagValues, "__call__", told)


def _found(flag: Any) -> "_parsed.Found":
    said = flag.flag_type()
    kind = "list" if said.startswith(("multi", "comma", "whitespace")) else _KINDS.get(said, "any")
    choices = list(getattr(flag.parser, "enum_values", None) or []) or None
    bounds = (getattr(flag.parser, "lower_bound", None), getattr(flag.parser, "upper_bound", None))
    if kind == "any" and flag.value is not None:
        kind = _parsed.type_of(flag.value)
    return _parsed.Found(flag.name, kind, flag.default, flag.value, " ".join((flag.help or "").split()), choices if kind == "string" else None, bounds=bounds)
