"""Finds the parameters of a script by reading its source.

Understood are calls of add_argument with literal arguments and, in a script
without any, module-level constants. What is no literal is left out.
"""

from __future__ import annotations

import ast

from ._typing import Any, Dict, List, Optional, Union

_TYPES = {"int": int, "float": float, "str": str}


class Argument:
    """One add_argument call."""

    def __init__(self, name: str, flags: List[str], keywords: Dict[str, Any], type_name: str) -> None:
        self.name, self.flags = name, flags
        self.positional = not flags
        self.action = keywords.get("action", "store")
        self.several = keywords.get("nargs") not in (None, "?")
        self.choices = keywords.get("choices")
        self.required = self.positional or bool(keywords.get("required"))
        self.default = self._default(keywords.get("default"), type_name)

    def _default(self, given: Any, type_name: str) -> Any:
        if self.action in ("store_true", "store_false"):
            return self.action == "store_false" if given is None else given
        kind = _TYPES.get(type_name)
        if kind and isinstance(given, (int, float, str)) and not isinstance(given, bool):
            try:
                return kind(given)
            except ValueError:
                return given
        return given

    def words(self, value: Any) -> List[str]:
        """Returns the words of the command line that give the argument this value."""
        if self.action in ("store_true", "store_false"):
            wanted = self.action == "store_true"
            return [self.flags[-1]] if bool(value) == wanted else []
        if self.action == "BooleanOptionalAction":
            return [self.flags[-1] if value else "--no-" + self.flags[-1][2:]]
        if self.several and isinstance(value, (list, tuple)):
            return self.flags[-1:] + [str(v) for v in value]
        if self.positional:
            return [str(value)]
        flag = self.flags[-1]
        # With "=" a value that begins with a dash is no flag.
        return ["%s=%s" % (flag, value)] if flag.startswith("--") else [flag, str(value)]


class Constant:
    """One module-level assignment of a literal."""

    def __init__(self, name: str, default: Any) -> None:
        self.name, self.default, self.choices = name, default, None


def discover(tree: ast.Module) -> List[Union[Argument, Constant]]:
    """Returns a script's parameters in the order of the source."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == "add_argument"]
    calls.sort(key=lambda node: (node.lineno, node.col_offset))
    found: Dict[str, Union[Argument, Constant]] = {}
    for call in calls:
        argument = _argument(call)
        if argument is not None:
            found.setdefault(argument.name, argument)
    if not calls:
        for node in tree.body:
            constant = _constant(node)
            if constant is not None:
                found.setdefault(constant.name, constant)
    return list(found.values())


def replace_constants(tree: ast.Module, values: Dict[str, Any]) -> ast.Module:
    """Returns the module with the first assignment of each name giving its value."""
    left = dict(values)
    body = []
    for node in tree.body:
        constant = _constant(node)
        if constant is not None and constant.name in left:
            literal = ast.parse(repr(left.pop(constant.name)), mode="eval").body
            node = _with_value(node, literal)
        body.append(node)
    return ast.fix_missing_locations(ast.Module(body=body, type_ignores=tree.type_ignores))


def _with_value(node: Any, literal: ast.expr) -> ast.stmt:
    for inner in ast.walk(literal):
        ast.copy_location(inner, node.value)
    if isinstance(node, ast.AnnAssign):
        copy: Any = ast.AnnAssign(target=node.target, annotation=node.annotation, value=literal, simple=node.simple)
    else:
        copy = ast.Assign(targets=node.targets, value=literal, type_comment=None)
    ast.copy_location(copy, node)
    return copy  # type: ignore[no-any-return]


def _constant(node: ast.stmt) -> Optional[Constant]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target: Any = node.targets[0]
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target = node.target
    else:
        return None
    if not isinstance(target, ast.Name) or target.id.startswith("_"):
        return None
    value = _literal(node.value)
    return Constant(target.id, value) if isinstance(value, (bool, int, float, str, list, tuple, dict)) else None


def _argument(call: ast.Call) -> Optional[Argument]:
    names = [_literal(a) for a in call.args]
    if not names or not all(isinstance(n, str) for n in names):
        return None
    keywords = {k.arg: _keyword(k) for k in call.keywords if k.arg}
    if keywords.get("action") in ("help", "version", "append_const", "store_const", "count", "append"):
        return None
    flags = [n for n in names if n.startswith("-")]
    longest = next((f for f in flags if f.startswith("--")), flags[0] if flags else names[0])
    name = keywords.get("dest") or (longest.lstrip("-").replace("-", "_") if flags else longest)
    flags.sort(key=lambda flag: flag.startswith("--"))
    return Argument(str(name), flags, keywords, str(keywords.get("type", "")))


def _keyword(keyword: ast.keyword) -> Any:
    """A keyword's literal; of type and action, the name that stands there."""
    node = keyword.value
    if keyword.arg in ("type", "action") and isinstance(node, (ast.Name, ast.Attribute)):
        return node.id if isinstance(node, ast.Name) else node.attr
    return _literal(node)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _literal(node: Optional[ast.expr]) -> Any:
    try:
        return ast.literal_eval(node) if node is not None else None
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
