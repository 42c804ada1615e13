"""fire."""

import ast

from syntax import dotted, is_static
from values import Bound, Class, Command, Func, Instance, Table, Unknown


class Fire:
    """fire.Fire."""

    def fire(self, args, kwargs, node, scope):
        self.style("fire")
        target = args[0] if args else kwargs.get("component")
        if isinstance(target, Command) and target.func:
            target = target.func
        if isinstance(target, Class):
            init = self.member(target, "__init__")
            if isinstance(init, Func):
                self.found += self.signature(init, "fire", "", True)
            self.methods(target)
        elif isinstance(target, (Func, Bound)):
            func = target.func if isinstance(target, Bound) else target
            self.found += self.signature(func, "fire", "", isinstance(target, Bound))
            self.call_function(func, [], {}, node)
        elif isinstance(target, Instance) and target.cls is not None:
            self.methods(target.cls)
        elif isinstance(target, Table):
            self.commands_of(target.items.values())
        elif target is None:
            self.commands_of(v for k, v in scope.module.env.items() if not k.startswith("_") and isinstance(v, (Func, Class)) and v.module is scope.module)
        else:
            self.problem(node.lineno, "what fire is given is computed: its arguments are not listed", scope.module)
        return Unknown()

    def commands_of(self, values):
        for value in values:
            if isinstance(value, Table):
                self.commands_of(value.items.values())
            elif isinstance(value, Class):
                init = self.member(value, "__init__")
                self.command_arguments(init, True)
                self.methods(value)
            elif isinstance(value, (Func, Bound)):
                self.command_arguments(value.func if isinstance(value, Bound) else value, isinstance(value, Bound))
            elif isinstance(value, Instance) and value.cls is not None:
                self.methods(value.cls)

    def methods(self, cls):
        """Adds the arguments of a class's methods: each is a command."""
        for one in self.ancestry(cls):
            for node in one.node.body:
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_") and not any(dotted(d) == "property" for d in node.decorator_list):
                    self.command_arguments(Func(node, one.module, one.closure, one), not is_static(node))

    def command_arguments(self, func, method):
        if not isinstance(func, Func):
            return
        for p in self.signature(func, "fire", "", method):
            p.passed, p.confidence = "", "likely"
            if not any(q.name == p.name for q in self.found):
                self.found.append(p)
