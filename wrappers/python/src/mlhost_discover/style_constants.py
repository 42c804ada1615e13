"""Literals of a script without a parser."""

import ast

from scopes import Scope
from syntax import is_main_guard
from values import Param, type_of


class Constants:
    """Module-level constants."""

    def constants(self, tree, facts):
        """Returns the module-level literals of a script without a parser."""
        out, seen = [], set()
        body = []
        for node in tree.body:
            body += node.body if isinstance(node, ast.If) and is_main_guard(node.test) else [node]
        for node in body:
            target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else node.target if isinstance(node, ast.AnnAssign) else None
            if not isinstance(target, ast.Name) or node.value is None:
                continue
            name = target.id
            if name.startswith("_") or name in seen:
                continue
            seen.add(name)
            try:
                value = ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                continue
            long = isinstance(value, (dict, set)) or isinstance(value, (list, tuple)) and (len(value) > 16 or any(type_of(v) in ("list", "map") for v in value))
            if name in facts.counted or long or type_of(value) == "any" and not isinstance(node, ast.AnnAssign):
                continue  # a counter, or nothing that one would set
            source = self.modules[self.path]
            param = Param(name, node.lineno, source, "constants")
            if isinstance(node, ast.AnnAssign):
                self.annotation(param, node.annotation, Scope(source, source.env))
            param.set_default(value)
            param.doc = self.comment(source, node, None)
            param.confidence = "likely" if facts.stored.get(name, 0) == 1 and type_of(value) in ("bool", "int", "float", "string") else "guess"
            out.append(param)
        return out
