"""What is read again in a loop: whether a parameter can change while the script runs."""

import ast
import functools
import re

from syntax import dotted, index_chain, index_of, indexed

# Names of which a function that matters for parameters has one.
TELLS = re.compile(r"add_argument|arse_(?:known_)?(?:arg|opt|flag|config)|[pP]arser|args$|argv|^(?:parse|CLI|cli|main|param|flags|click|typer|fire|Fire|hydra|tyro|docopt|draccus|pyrallis|optparse|OmegaConf)$|"
                   r"^DEFINE_|register_parameter|[oO]ption|_cli$|^add_\w*(?:arg|opt)")


@functools.lru_cache(maxsize=50_000)
def tells(name):
    return TELLS.search(name) is not None


class Facts:
    """What is read again in a loop, or in a function that one calls; what is written where; and
    which functions say something of arguments."""

    def __init__(self, tree):
        self.in_loop, self.in_function = set(), {}
        self.loop_calls, self.calls = set(), {}
        self.stored, self.counted = {}, set()
        self.put = set()  # attributes and items that are set, as chains
        self.env, self.argv = [], 0
        self.names, self.matters = {}, set()
        self.visit(tree.body, "", False)
        todo, done = set(self.loop_calls), set()
        self.live = set(self.in_loop)
        while todo:
            name = todo.pop()
            if name not in done:
                done.add(name)
                self.live |= self.in_function.get(name, set())
                todo |= self.calls.get(name, set())
        self.find_matters()

    def find_matters(self):
        callers = {}
        for function, names in self.names.items():
            for name in names:
                callers.setdefault(name, set()).add(function)
        todo = [f for f, names in self.names.items() if f and (tells(f) or any(n != "args" and tells(n) for n in names))]
        while todo:
            name = todo.pop()
            if name not in self.matters:
                self.matters.add(name)
                todo += callers.get(name, ())

    def visit(self, nodes, function, loop):
        """Goes through statements and expressions; without recursion, since some files nest deeply."""
        stack = [(n, function, loop) for n in nodes]
        while stack:
            node, function, loop = stack.pop()
            kind = type(node)
            if kind is ast.Name:
                if isinstance(node.ctx, ast.Load):
                    self.note(node.id, function, loop)
                elif not function:
                    self.stored[node.id] = self.stored.get(node.id, 0) + 1
                    if loop:
                        self.counted.add(node.id)
                continue
            if kind is ast.Constant:
                continue
            if kind is ast.Attribute:
                if isinstance(node.ctx, ast.Load):
                    chain = dotted(node)
                    if chain:
                        self.note(chain, function, loop)
                        if chain == "sys.argv" and not self.argv:
                            self.argv = node.lineno
                else:
                    self.put.add(dotted(node))
                self.names.setdefault(function, set()).add(node.attr)
                stack.append((node.value, function, loop))
            elif kind in (ast.FunctionDef, ast.AsyncFunctionDef):
                outside = node.decorator_list + node.args.defaults + [d for d in node.args.kw_defaults if d]
                stack += [(n, function, loop) for n in outside]
                self.names.setdefault(function, set()).add(node.name)
                self.names.setdefault(node.name, set())
                stack += [(n, node.name, False) for n in node.body]
            elif kind in (ast.For, ast.AsyncFor):
                stack.append((node.iter, function, loop))
                stack += [(n, function, True) for n in [node.target] + node.body] + [(n, function, loop) for n in node.orelse]
            elif kind is ast.While:
                stack += [(n, function, True) for n in [node.test] + node.body] + [(n, function, loop) for n in node.orelse]
            else:
                if kind is ast.Call:
                    self.visit_call(node, function, loop)
                elif kind is ast.Global:
                    self.counted.update(node.names)
                elif kind is ast.AugAssign and isinstance(node.target, ast.Name):
                    if loop or function or isinstance(node.op, (ast.Add, ast.Sub)):
                        self.counted.add(node.target.id)
                elif kind is ast.Subscript:
                    self.visit_item(node, function, loop)
                for value in node.__dict__.values():
                    if type(value) is list:
                        stack += [(v, function, loop) for v in value if isinstance(v, ast.AST)]
                    elif type(value) is not int and isinstance(value, ast.AST):
                        stack.append((value, function, loop))

    def visit_call(self, node, function, loop):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name:
            if loop:
                self.loop_calls.add(name)
            self.calls.setdefault(function, set()).add(name)
        if name in ("getenv", "get", "setdefault") and node.args and dotted(node.func) in ("os.getenv", "os.environ.get", "environ.get", "getenv", "os.environ.setdefault"):
            self.reads_env(node.args[0], node.lineno, node.args[1] if len(node.args) > 1 and name != "setdefault" else None)

    def visit_item(self, node, function, loop):
        chain = indexed(node)
        if not isinstance(node.ctx, ast.Load):
            self.put.add(chain)
            return
        if chain:
            self.note(chain, function, loop)
        if dotted(node.value) in ("os.environ", "environ"):
            self.reads_env(index_of(node), node.lineno, None)

    def reads_env(self, key, line, default):
        self.env.append((line, key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else "", default))

    def note(self, chain, function, loop):
        first = chain.split(".", 1)[0].split("[", 1)[0]
        self.names.setdefault(function, set()).add(first)
        if loop:
            self.in_loop.add(chain)
        if function:
            self.in_function.setdefault(function, set()).add(chain)


class Mutability:
    """Tells from loops what can change."""

    def settle(self, param, facts):
        """Gives a parameter its mutability."""
        if param.mutability:
            return
        param.mutability = "restart"
        if param.style in ("click", "typer", "fire"):
            return
        if param.style == "constants":
            if param.name in facts.live or index_chain(param.name) in facts.live:
                param.mutability = "live"
            return
        live, name = self.read_again(), param.name.split(".")
        if ".".join(name) in live or param.style == "HfArgumentParser" and any(c.split(".")[0] == name[0] for c in live):
            param.mutability = "live"

    def read_again(self):
        """Returns the names that are read off what a parser hands out, inside of loops."""
        if self.live_names is None:
            self.live_names = set()
            for module in list(self.modules.values()):
                if not (module.ran and any(n + "." in module.source.text for n in self.namespaces)):
                    continue
                facts = module.source.facts()
                for chain in facts.live if facts else ():
                    parts = chain.split(".")
                    for i in range(len(parts) - 1):
                        if parts[i] in self.namespaces:
                            self.live_names.update(".".join(parts[i + 1:j]) for j in range(i + 2, len(parts) + 1))
        return self.live_names
