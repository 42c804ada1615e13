"""Literals of a script that the configuration replaces.

The first assignment of a module-level name, or of one in a class or a
dictionary of settings, gets the configured value, in the syntax tree, before
the script is compiled: every line keeps its number.
"""

from __future__ import annotations

import ast

from ._typing import Any, Dict, Iterator, List, Tuple


def replace(source: bytes, wanted: Dict[str, Any]) -> "Tuple[Any, List[str]]":
    """Returns the syntax tree of source with the wanted values in the place of
    literals, and the names for which there was no such place. A dotted name is
    a literal in a class, a dictionary or a namespace."""
    tree = ast.parse(source)
    places: Dict[str, Tuple[Any, Any]] = {}
    for node in _statements(tree.body):
        for name, holder, key in _places(node):
            places.setdefault(name, (holder, key))
    left = []
    for name, value in wanted.items():
        holder, key = places.get(name, (None, None))
        node = None if holder is None else holder[key] if isinstance(holder, list) else getattr(holder, key)
        try:
            new = _located(_literal(_like(_value(node), value)), node)
        except (ValueError, TypeError, SyntaxError):
            left.append(name)
            continue
        if isinstance(holder, list):
            holder[key] = new
        else:
            setattr(holder, key, new)
    return tree, sorted(left)


def _places(node: Any) -> "Iterator[Tuple[str, Any, Any]]":
    """Yields the names that a statement gives a value, each with where that
    stands: an attribute of a node, or an index of a list."""
    if isinstance(node, ast.ClassDef):
        for line in node.body:
            for name, holder, key in _bound(line):
                yield "%s.%s" % (node.name, name), holder, key
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name == "__init__" and len(method.args.args) == 1:
                for line in method.body:
                    target = _target(line)
                    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == method.args.args[0].arg:
                        yield "%s.%s" % (node.name, target.attr), line, "value"
        return
    for name, holder, key in _bound(node):
        yield name, holder, key
        yield from _entries(name, holder[key] if isinstance(holder, list) else getattr(holder, key))


def _bound(node: Any) -> "Iterator[Tuple[str, Any, Any]]":
    target = _target(node)
    if isinstance(target, ast.Name):
        yield target.id, node, "value"
    elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple) and len(target.elts) == len(node.value.elts):
        for i, one in enumerate(target.elts):
            if isinstance(one, ast.Name):
                yield one.id, node.value.elts, i


def _entries(name: str, node: Any) -> "Iterator[Tuple[str, Any, Any]]":
    """Yields what lies in a dictionary, or is handed to a call by name."""
    found: List[Any] = []
    if isinstance(node, ast.Dict):
        found = [(k.value, node.values, i) for i, k in enumerate(node.keys) if isinstance(k, ast.Constant) and isinstance(k.value, str)]
    elif isinstance(node, ast.Call):
        if len(node.args) == 1 and isinstance(node.args[0], ast.Dict):
            yield from _entries(name, node.args[0])
        found = [(k.arg, k, "value") for k in node.keywords if k.arg]
    for key, holder, at in found:
        yield "%s.%s" % (name, key), holder, at
        yield from _entries("%s.%s" % (name, key), holder[at] if isinstance(holder, list) else getattr(holder, at))


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
    if node is None:
        raise ValueError
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


def _target(node: Any) -> Any:
    """Returns what a statement assigns to, None if it does nothing like that."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return node.targets[0]
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return node.target
    return None


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
