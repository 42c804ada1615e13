"""Literals of a script that the configuration replaces.

The first assignment of a module-level name gets the configured value, in the
syntax tree, before the script is compiled: every line keeps its number.
"""

from __future__ import annotations

import ast

from ._typing import Any, Dict, Iterator, List, Tuple


def replace(source: bytes, wanted: Dict[str, Any]) -> "Tuple[Any, List[str]]":
    """Returns the syntax tree of source with the wanted values in the place of
    literals, and the names for which there was no such place."""
    tree = ast.parse(source)
    left, odd = dict(wanted), []
    for node in _statements(tree.body):
        target = _target(node)
        if target not in left:
            continue
        value = left.pop(target)
        try:
            old = _value(node.value)
        except (ValueError, TypeError, SyntaxError):
            odd.append(target)
            continue
        node.value = _located(_literal(_like(old, value)), node.value)
    return tree, sorted(odd + list(left))


#: What an expression of literals alone is made of: 5 * 8, int(1e5).
_ARITHMETIC = (ast.BinOp, ast.UnaryOp, ast.Constant, ast.operator, ast.unaryop, ast.List, ast.Tuple, ast.expr_context)
_CONVERSIONS = {"int": int, "float": float}


def _is_arithmetic(node: Any) -> bool:
    parts = list(ast.walk(node))
    calls = [p for p in parts if isinstance(p, ast.Call) and isinstance(p.func, ast.Name) and p.func.id in _CONVERSIONS and len(p.args) == 1 and not p.keywords]
    known = {id(p) for call in calls for p in (call, call.func)}
    return all(isinstance(p, _ARITHMETIC) or id(p) in known for p in parts)


def _value(node: Any) -> Any:
    """Returns what stands there: a literal, arithmetic with such, or one side of a
    condition between such."""
    if isinstance(node, ast.IfExp):
        first = _value(node.body)
        return _value(node.orelse) if first is None else first
    if isinstance(node, (ast.BinOp, ast.Call)) and _is_arithmetic(node):
        try:
            return eval(compile(ast.Expression(body=node), "<constant>", "eval"), {"__builtins__": _CONVERSIONS})
        except ArithmeticError as failure:
            raise ValueError from failure
    return ast.literal_eval(node)


def _statements(body: "List[Any]") -> Iterator[Any]:
    """Yields the statements that run when the script does."""
    for node in body:
        if isinstance(node, ast.If) and _is_main_guard(node.test):
            yield from node.body
        else:
            yield node


def _is_main_guard(test: Any) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _target(node: Any) -> str:
    """Returns the name that a statement assigns to, "" if it does nothing like that."""
    target = None
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        target = node.target
    return target.id if isinstance(target, ast.Name) else ""


def _like(old: Any, new: Any) -> Any:
    """Gives a value that came as JSON the type of the literal that it replaces."""
    if type(old) is float and type(new) is int:
        return float(new)
    if type(old) in (tuple, set) and type(new) is list:
        return type(old)(new)
    if type(old) is bytes and type(new) is str:
        return new.encode()
    return new


def _literal(value: Any) -> Any:
    """Returns the node of a value; a number stands there whole, its sign included."""
    if isinstance(value, (list, tuple, set)) and (value or not isinstance(value, set)):
        kind = {list: ast.List, tuple: ast.Tuple, set: ast.Set}[type(value)]
        items = [_literal(v) for v in value]
        return kind(elts=items) if kind is ast.Set else kind(elts=items, ctx=ast.Load())
    if isinstance(value, dict):
        return ast.Dict(keys=[_literal(k) for k in value], values=[_literal(v) for v in value.values()])
    return ast.Constant(value=value, kind=None)


def _located(node: Any, place: Any) -> Any:
    for part in ast.walk(node):
        if isinstance(part, ast.expr):
            ast.copy_location(part, place)
    return node
