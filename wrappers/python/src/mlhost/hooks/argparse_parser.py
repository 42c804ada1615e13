"""argparse: what the parser has, and the namespace that it returned.

Nothing is wrapped. The last thing that parse_known_args does, when all went
well, is to ask hasattr(namespace, _UNRECOGNIZED_ARGS_ATTR): the module gets a
hasattr of its own that takes notice of that question. So no frame of ours is in
a traceback, and signatures, subclasses and pickles are as before.
"""

from __future__ import annotations

import builtins
import sys

from .. import _parsed
from .._session import current
from .._typing import Any, Dict, List

#: The style of a parser by the module that defines its class.
_STYLES = {"transformers": "HfArgumentParser", "trl": "HfArgumentParser", "simple_parsing": "simple_parsing", "jsonargparse": "jsonargparse"}
#: Callers whose parsers are not the script's.
_FOREIGN = ("fire", "absl", "mlhost", "hydra")


def install(argparse: Any) -> None:
    question = argparse._UNRECOGNIZED_ARGS_ATTR
    plain = builtins.hasattr

    def hasattr(owner: Any, name: str) -> bool:
        if name is question:
            try:
                _parsed_by(argparse, sys._getframe(1), owner)
            except Exception as problem:
                current().warn("mlhost does not see the parser: %s: %s" % (type(problem).__name__, problem))
        return plain(owner, name)

    argparse.hasattr = hasattr


def _parsed_by(argparse: Any, frame: Any, namespace: Any) -> None:
    parser = frame.f_locals.get("self")
    if not isinstance(parser, argparse.ArgumentParser):
        return
    inside = frame.f_globals
    while frame is not None and frame.f_globals is inside:
        if frame.f_code.co_name == "__call__":
            return  # a subcommand's parser: the whole one is told when it has finished
        frame = frame.f_back
    if frame is None or str(frame.f_globals.get("__name__")).split(".")[0] in _FOREIGN:
        return
    style = _style(type(parser))
    if style in ("simple_parsing", "jsonargparse"):
        return  # whose results are told by dataclass_parsers
    found = list(_found(argparse, parser, namespace, {}, True).values())
    _parsed.report(style, found, namespace if style == "argparse" else None, "the namespace of the parser")


def _style(kind: type) -> str:
    for base in kind.__mro__:
        style = _STYLES.get(base.__module__.split(".")[0])
        if style:
            return style
    return "argparse"


def _found(argparse: Any, parser: Any, namespace: Any, found: "Dict[str, _parsed.Found]", runs: bool) -> "Dict[str, _parsed.Found]":
    """Collects the arguments of a parser and of its subcommands; runs says whether
    the values of this one are those in use."""
    for action in list(parser._actions):
        if isinstance(action, (argparse._HelpAction, argparse._VersionAction)):
            continue
        if action.dest != argparse.SUPPRESS and (action.dest not in found or not found[action.dest].in_use):
            found[action.dest] = _argument(argparse, parser, action, namespace, runs)
        if isinstance(action, argparse._SubParsersAction):
            chosen = getattr(namespace, action.dest, None) if action.dest != argparse.SUPPRESS else None
            for name, sub in list(action.choices.items()):
                _found(argparse, sub, namespace, found, runs and (chosen is None or chosen == name))
    return found


def _argument(argparse: Any, parser: Any, action: Any, namespace: Any, runs: bool) -> "_parsed.Found":
    default = parser._defaults.get(action.dest, action.default) if action.default is None else action.default
    if default == argparse.SUPPRESS:
        default = None
    if isinstance(default, str) and action.type in (int, float):
        try:
            default = action.type(default)
        except ValueError:
            pass  # the parser would refuse it too
    absent: List[Any] = []
    value = getattr(namespace, action.dest, absent)
    in_use = runs and value is not absent
    choices = None
    if isinstance(action, argparse._SubParsersAction):
        kind = "string"
        choices = [str(c) for c in action.choices]
    else:
        kind = _kind(argparse, action, value if in_use else default)
        if action.choices is not None and kind != "list":
            try:
                choices = list(action.choices)
            except TypeError:
                choices = None  # a container that cannot be listed
        if choices is not None and (len(choices) > 500 or in_use and value is not None and value not in choices):
            choices = None
    doc = " ".join(str(action.help).split()) if action.help and action.help != argparse.SUPPRESS else ""
    return _parsed.Found(action.dest, kind, default, value, doc, choices, _converter(action), [action.dest], in_use)


def _kind(argparse: Any, action: Any, value: Any) -> str:
    if isinstance(action, (argparse._StoreTrueAction, argparse._StoreFalseAction)) or type(action).__name__ == "BooleanOptionalAction":
        return "bool"
    if isinstance(action, argparse._CountAction):
        return "int"
    if isinstance(action, argparse._AppendAction) or action.nargs in ("*", "+", "...") or type(action.nargs) is int:
        return "list"
    if action.type in (int, float):
        return "int" if action.type is int else "float"
    if action.type is None and isinstance(action, argparse._StoreAction) and (value is None or isinstance(value, str)):
        return "string"
    return "any" if value is None else _parsed.type_of(value)


def _converter(action: Any) -> Any:
    """Returns what makes of a value of the host one as the parser makes it, where
    the parser's own conversion is more than that of a type."""
    convert = action.type
    if convert is None or convert in (int, float, str, bool) or not callable(convert) or action.nargs not in (None, "?"):
        return None

    def as_parsed(value: Any, old: Any) -> Any:
        if value is None or (old is not None and type(value) is type(old)):
            return value
        return convert(str(value))

    return as_parsed
