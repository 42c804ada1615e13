"""What is read again in a loop: whether a parameter can change while the script runs."""

import ast

from syntax import dotted


class Facts(ast.NodeVisitor):
    """What is read again in a loop, or in a function that one calls; and what is written where."""

    def __init__(self, tree):
        self.in_loop, self.in_function = set(), {}
        self.loop_calls, self.calls = set(), {}
        self.loops, self.function = 0, ""
        self.stored, self.counted = {}, set()
        self.env, self.argv = [], 0
        self.visit(tree)
        todo, done = set(self.loop_calls), set()
        self.live = set(self.in_loop)
        while todo:
            name = todo.pop()
            if name not in done:
                done.add(name)
                self.live |= self.in_function.get(name, set())
                todo |= self.calls.get(name, set())

    def visit_FunctionDef(self, node):
        for part in node.decorator_list + node.args.defaults + [d for d in node.args.kw_defaults if d]:
            self.visit(part)
        before = self.function, self.loops
        self.function, self.loops = node.name, 0
        for part in node.body:
            self.visit(part)
        self.function, self.loops = before

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_For(self, node):
        self.visit(node.iter)
        self.loops += 1
        self.visit(node.target)
        for part in node.body:
            self.visit(part)
        self.loops -= 1
        for part in node.orelse:
            self.visit(part)

    visit_AsyncFor = visit_For

    def visit_While(self, node):
        self.loops += 1
        self.visit(node.test)
        for part in node.body:
            self.visit(part)
        self.loops -= 1
        for part in node.orelse:
            self.visit(part)

    def visit_Global(self, node):
        self.counted.update(node.names)

    def visit_AugAssign(self, node):
        if isinstance(node.target, ast.Name):
            self.counted.add(node.target.id)
        self.generic_visit(node)

    def visit_Call(self, node):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name:
            if self.loops:
                self.loop_calls.add(name)
            self.calls.setdefault(self.function, set()).add(name)
        text = dotted(node.func) or ""
        if text in ("os.getenv", "os.environ.get", "environ.get", "getenv", "os.environ.setdefault") and node.args:
            self.reads_env(node.args[0], node.lineno)
        self.generic_visit(node)

    def visit_Subscript(self, node):
        if dotted(node.value) in ("os.environ", "environ") and isinstance(node.ctx, ast.Load):
            index = node.slice
            self.reads_env(index.value if type(index).__name__ == "Index" else index, node.lineno)
        self.generic_visit(node)

    def reads_env(self, key, line):
        self.env.append((line, key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""))

    def visit_Attribute(self, node):
        if isinstance(node.ctx, ast.Load):
            chain = dotted(node)
            if chain:
                self.note(chain)
                if chain == "sys.argv" and not self.argv:
                    self.argv = node.lineno
        self.generic_visit(node)

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load):
            self.note(node.id)
        elif not self.function:
            self.stored[node.id] = self.stored.get(node.id, 0) + 1
            if self.loops:
                self.counted.add(node.id)

    def note(self, chain):
        if self.loops:
            self.in_loop.add(chain)
        if self.function:
            self.in_function.setdefault(self.function, set()).add(chain)


class Mutability:
    """Tells from loops what can change."""

    def settle(self, param, facts):
        """Gives a parameter its mutability."""
        if param.mutability:
            return
        param.mutability = "restart"
        if param.style in ("click", "typer", "fire"):
            return
        for module in list(self.modules.values()):
            if module is not self.modules[self.path] and not module.ran:
                continue
            for chain in module.source.facts().live:
                if param.style == "constants":
                    if chain == param.name and module.path == self.path:
                        param.mutability = "live"
                        return
                    continue
                parts, name = chain.split("."), param.name.split(".")
                for i in range(len(parts) - 1):
                    if parts[i] in self.namespaces and (parts[i + 1:i + 1 + len(name)] == name or param.style == "HfArgumentParser" and parts[i + 1:i + 2] == name):
                        param.mutability = "live"
                        return
