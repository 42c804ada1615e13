"""Parsers that fill dataclasses or namespaces of their own: transformers'
HfArgumentParser, tyro, simple_parsing and jsonargparse."""

from __future__ import annotations

import dataclasses

from .. import _parsed
from .._session import current
from .._typing import Any

_HF = ("parse_args_into_dataclasses", "parse_dict", "parse_json_file", "parse_yaml_file")


def install(module: Any) -> None:
    name = module.__name__.split(".")[0]
    if name == "transformers":
        for method in _HF:
            if hasattr(module.HfArgumentParser, method):
                _parsed.after(module.HfArgumentParser, method, _told_by_transformers)
    elif name == "tyro":
        _parsed.after(module, "cli", _told_by_tyro)
    elif name == "simple_parsing":
        _parsed.after(module.ArgumentParser, "parse_known_args", _told_by_simple_parsing)
    else:
        _parsed.after(module.ArgumentParser, "parse_args", _told_by_jsonargparse)


def _is_instance(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _told_by_transformers(result: Any, *_: Any, **__: Any) -> None:
    for one in result:
        if _is_instance(one):
            _parsed.report("HfArgumentParser", _parsed.fields(one), one, "the %s" % type(one).__name__)


def _told_by_tyro(result: Any, *_: Any, **__: Any) -> None:
    if _is_instance(result):
        _parsed.report("tyro", _parsed.fields(result), result, "the %s" % type(result).__name__)


def _told_by_simple_parsing(result: Any, *_: Any, **__: Any) -> None:
    namespace = result[0]
    known = {entry["name"] for entry in current().catalogue}
    for name, value in list(vars(namespace).items()):
        if not _is_instance(value):
            kind = "any" if value is None else _parsed.type_of(value)
            _parsed.report("simple_parsing", [_parsed.Found(name, kind, None, value)], namespace, "the namespace of the parser")
            continue
        found = _parsed.fields(value)
        if any("%s.%s" % (name, one.dest) in known for one in found):
            found = _parsed.fields(value, name + ".")
            for one in found:
                one.path = one.dest.split(".")[1:]
        _parsed.report("simple_parsing", found, value, "the %s" % type(value).__name__)


def _told_by_jsonargparse(result: Any, *_: Any, **__: Any) -> None:
    if hasattr(result, "__dict__"):
        found = [one for one in _parsed.fields(result) if not one.dest.startswith("__") and one.dest not in ("config", "print_config")]
        _parsed.report("jsonargparse", found, result, "the namespace of the parser")
