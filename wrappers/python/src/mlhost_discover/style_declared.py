"""register_parameter and mlhost.param."""

import ast

from syntax import dotted
from values import Const, NotPlain, Unknown, plain


class Declared:
    """Parameters that a script declares to mlhost."""

    def declared(self, style, args, kwargs, node, scope):
        order = ("name", "default", "valid_values") if style == "register_parameter" else ("name", "default")
        given = dict(zip(order, args), **kwargs)
        name = self.text(given.get("name"))
        if name is None:
            self.problem(node.lineno, "the name of a parameter is computed", scope.module)
            return Unknown()
        self.style(style)
        param = self.param(name, node.lineno, scope, style)
        param.mutability, param.doc = "live", self.text(given.get("doc")) or ""
        if "default" in given:
            self.default(param, given["default"], name)
        for side in ("min", "max"):
            if isinstance(given.get(side), Const):
                setattr(param, side, given[side].value)
        if self.text(given.get("mutability")):
            param.mutability = self.text(given["mutability"])
        valid = given.get("valid_values", given.get("choices"))
        source = [k.value for k in node.keywords if k.arg == "valid_values"] + (node.args[2:3] if style == "register_parameter" else [])
        if source and isinstance(source[0], ast.Call) and dotted(source[0].func) == "range":
            try:
                steps = range(*[plain(self.value(a, scope)) for a in source[0].args])
                param.min, param.max = (min(steps[0], steps[-1]), max(steps[0], steps[-1])) if len(steps) else (None, None)
            except (NotPlain, TypeError, ValueError):
                self.problem(node.lineno, "the range of %s is computed" % name, scope.module)
        elif valid is not None:
            self.choices(param, valid)
        if not any(p.name == name and p.style == style for p in self.found):
            self.found.append(param)
        return Unknown("a parameter")
