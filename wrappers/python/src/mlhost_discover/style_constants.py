"""Literals of a script without a parser."""

import ast
import os

from scopes import Scope
from syntax import is_main_guard, text_of
from values import NotPlain, Param, plain, type_of

#: What an expression of literals alone is made of: 5 * 8, -1, 1 << 20, not True.
ARITHMETIC = (ast.BinOp, ast.UnaryOp, ast.Constant, ast.operator, ast.unaryop, ast.List, ast.Tuple, ast.expr_context)
#: Functions of one number that may stand in it: int(1e5).
CONVERSIONS = ("int", "float")


def is_arithmetic(node):
    """Whether an expression is made of literals alone."""
    parts = list(ast.walk(node))
    calls = [p for p in parts if isinstance(p, ast.Call) and isinstance(p.func, ast.Name) and p.func.id in CONVERSIONS and len(p.args) == 1 and not p.keywords]
    known = {id(p) for call in calls for p in (call, call.func)}
    return all(isinstance(p, ARITHMETIC) or id(p) in known for p in parts)


def assigned(node):
    """Returns what a statement assigns to, and what, where it has one target; two times None otherwise."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return node.targets[0], node.value
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return node.target, node.value
    return None, None


def top_level(tree):
    """Yields the statements that run when the script does."""
    for node in tree.body:
        yield from node.body if isinstance(node, ast.If) and is_main_guard(node.test) else [node]


def bindings(node):
    """Yields the names that a statement gives a value by itself, and the expressions: lr, epochs = 0.1, 3 has two."""
    target, value = assigned(node)
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, part in zip(target.elts, value.elts):
            if isinstance(one, ast.Name):
                yield one.id, part


class Computed(Exception):
    """A value that only the running script has; type is what it would be of."""

    def __init__(self, type):
        super().__init__(type)
        self.type = type


class Constants:
    """Module-level constants."""

    def constants(self, tree, facts):
        """Returns the module-level literals of a script without a parser, and of the files that it executes."""
        taken, source = self.takes_globals(), self.modules[self.path]
        out = self.constants_of(source, tree, facts)
        for path, module in self.executed.items():
            name = os.path.basename(path)
            for param in self.constants_of(module, module.source.tree, module.source.facts()):
                own = next((p for p in out if p.name == param.name), None)
                if own is not None:
                    own.why = "%s, which the script executes, sets it again" % name
                else:
                    param.why = "it stands in %s, which the script executes" % name
                    out.append(param)
        self.tell_imported(source)
        for param in out:
            param.form = "assigned" if param.line < taken and not param.why else ""
        return out

    def constants_of(self, source, tree, facts):
        out, seen = [], set()
        for node in top_level(tree):
            for name, value in bindings(node):
                if name.startswith("_") or name in seen:
                    continue
                seen.add(name)
                param = self.constant(name, value, node, source, facts)
                if param is not None:
                    out.append(param)
        return out + self.held(source, tree, facts)

    def constant(self, name, given, node, source, facts):
        if name in facts.counted:
            return None
        param = Param(name, node.lineno, source, "constants")
        if isinstance(node, ast.AnnAssign):
            self.annotation(param, node.annotation, Scope(source, source.env))
        param.doc = self.comment(source, node, None)
        once = facts.stored.get(name, 0) == 1
        try:
            value = self.literal_value(given, source)
        except Computed as what:
            param.type = what.type if param.type == "any" else param.type
            param.confidence = "likely" if once else "guess"
            self.problem(node.lineno, "the default of %s is computed: %s" % (name, text_of(given)), source)
            return param
        except (NotPlain, ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            return None
        long = isinstance(value, (dict, set)) or isinstance(value, (list, tuple)) and (len(value) > 16 or any(type_of(v) in ("list", "map") for v in value))
        if long or type_of(value) == "any" and not isinstance(node, ast.AnnAssign):
            return None  # nothing that one would set
        param.set_default(value)
        param.confidence = "likely" if once and type_of(value) in ("bool", "int", "float", "string") else "guess"
        return param

    def literal_value(self, node, source):
        """The value of a literal, of arithmetic with literals, or of a condition between such."""
        if isinstance(node, (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.UnaryOp)):
            try:
                return ast.literal_eval(node)
            except (ValueError, TypeError, SyntaxError):
                pass
        if isinstance(node, ast.IfExp):
            arms = [self.literal_value(arm, source) for arm in (node.body, node.orelse)]
            if isinstance(node.test, ast.Constant):
                return arms[0 if node.test.value else 1]
            kinds = {type_of(arm) for arm in arms if arm is not None}
            if not kinds <= {"bool", "int", "float", "string"}:
                raise NotPlain
            raise Computed(kinds.pop() if len(kinds) == 1 else "float" if kinds == {"int", "float"} else "any")
        if is_arithmetic(node):
            return plain(self.value(node, Scope(source, {})))
        raise NotPlain
