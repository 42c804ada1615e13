"""fire."""

from values import Bound, Class, Command, Func, Table, Unknown


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
            self.problem(node.lineno, "the methods of %s are commands: their arguments are not listed" % target.node.name, scope.module)
        elif isinstance(target, (Func, Bound)):
            func = target.func if isinstance(target, Bound) else target
            self.found += self.signature(func, "fire", "", isinstance(target, Bound))
            self.call_function(func, [], {}, node)
        elif isinstance(target, Table):
            for name, value in target.items.items():
                if isinstance(value, Func):
                    for p in self.signature(value, "fire"):
                        p.passed, p.confidence = "", "likely"
                        self.found.append(p)
        else:
            self.problem(node.lineno, "fire makes a command of every name of the file: their arguments are not listed", scope.module)
        return Unknown()
