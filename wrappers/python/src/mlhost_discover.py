"""Finds the parameters of Python scripts by reading them; nothing of them is executed.

    python3 -I -S -B mlhost_discover.py < {"paths": [ABSOLUTE PATH, ...]}

writes one line of JSON for each path, in order. A script's main path is followed as far as
its source tells: statements in order, calls of functions of the same tree with their
arguments, both sides of a condition. What a value is where that cannot be told is Unknown.
"""

import ast
import hashlib
import json
import os
import re
import sys
import time

MAX_BYTES = 5_000_000
MAX_STEPS = 150_000  # expressions and statements of one script
MAX_SECONDS = 10.0
MAX_DEPTH = 40
MAX_CALLS = 24  # of one function that is handed nothing of interest
MAX_PROBLEMS = 60
STYLES = ["argparse", "click", "typer", "absl", "fire", "HfArgumentParser", "tyro", "simple_parsing", "draccus", "jsonargparse",
          "hydra", "omegaconf", "register_parameter", "mlhost.param"]


class Budget(Exception):
    """The script asks for more work than one script may."""


# --- Values -------------------------------------------------------------------------------


class Unknown:
    """A value that the source does not tell."""

    def __init__(self, text=""):
        self.text = text


class Const:
    def __init__(self, value):
        self.value = value


class Seq:
    def __init__(self, items, kind=list):
        self.items, self.kind = items, kind


class Table:
    """A dictionary with known string keys."""

    def __init__(self, items):
        self.items = items


class Ext:
    """Something of a library or of the language, by its dotted name."""

    def __init__(self, name):
        self.name = name


class ModuleValue:
    def __init__(self, module):
        self.module = module


class Lazy:
    """A name imported from a module of the tree, looked up when it is used."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Func:
    def __init__(self, node, module, closure=None, owner=None):
        self.node, self.module, self.closure, self.owner = node, module, closure, owner
        self.click = []  # options and arguments, as decorators put them
        self.command = None  # a Command


class Bound:
    def __init__(self, func, receiver):
        self.func, self.receiver = func, receiver


class Method:
    """A method of something that is no class of the tree."""

    def __init__(self, receiver, name):
        self.receiver, self.name = receiver, name


class Class:
    def __init__(self, node, module, bases, closure=None):
        self.node, self.module, self.bases, self.closure = node, module, bases, closure
        self.draccus = False


class Instance:
    def __init__(self, cls):
        self.cls, self.attrs = cls, {}


class Namespace:
    """What a parser hands out: its attributes are the parameters."""


class Deco:
    """A decorator of a library, with its arguments."""

    def __init__(self, name, args, kwargs, line):
        self.name, self.args, self.kwargs, self.line = name, args, kwargs, line


class Command:
    """A click command or group, or a typer application."""

    def __init__(self, func=None, style="click"):
        self.func, self.style, self.children, self.listed = func, style, [], False


class Parser:
    def __init__(self, style, line, module):
        self.style, self.line, self.module = style, line, module
        self.params, self.children, self.defaults = [], [], {}
        self.prefix, self.parsed, self.cls, self.attrs, self.nested = "-", False, None, {}, False
        self.unsure = 0


class Group:
    def __init__(self, parser):
        self.parser = parser


class Subparsers:
    def __init__(self, parser, param):
        self.parser, self.param = parser, param


class Super:
    def __init__(self, receiver, cls):
        self.receiver, self.cls = receiver, cls


class Partial:
    def __init__(self, target, args, kwargs):
        self.target, self.args, self.kwargs = target, list(args), kwargs


class Wrapped:
    """A function that a library's decorator gives its configuration."""

    def __init__(self, func, deco):
        self.func, self.deco = func, deco


class NotPlain(Exception):
    pass


def plain(value):
    """Returns the Python value, or raises NotPlain."""
    if isinstance(value, Const):
        return value.value
    if isinstance(value, Seq):
        return value.kind([plain(v) for v in value.items])
    if isinstance(value, Table):
        return {k: plain(v) for k, v in value.items.items()}
    raise NotPlain


def wrap(value):
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return Seq([wrap(v) for v in value], tuple if isinstance(value, tuple) else list)
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return Table({k: wrap(v) for k, v in value.items()})
    return Const(value)


def jsonable(value):
    """Returns the value as JSON takes it; what JSON cannot say is None."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else float(value) if abs(value) < 10**300 else None
    if isinstance(value, float):
        return value if value - value == 0 else "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, (list, tuple)):
        return [jsonable(v) for v in value]
    if isinstance(value, dict):
        return {str(k): jsonable(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return None


def type_of(value):
    for python, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "string"), (bytes, "string"), ((list, tuple), "list"), (dict, "map")):
        if isinstance(value, python):
            return name
    return "any"


TYPES = {
    "int": "int", "float": "float", "str": "string", "bool": "bool", "list": "list", "tuple": "list", "dict": "map", "set": "list", "bytes": "string",
    "pathlib.Path": "string", "pathlib.PurePath": "string", "os.path.abspath": "string", "os.path.expanduser": "string", "os.path.realpath": "string",
    "argparse.FileType": "string", "typing.List": "list", "typing.Sequence": "list", "typing.Tuple": "list", "typing.Dict": "map", "typing.Any": "any",
    "typing.Set": "list", "typing.Iterable": "list", "typing.Mapping": "map", "typing.Text": "string", "json.loads": "any", "os.PathLike": "string",
    "click.INT": "int", "click.FLOAT": "float", "click.STRING": "string", "click.BOOL": "bool", "click.Path": "string", "click.File": "string",
    "click.IntRange": "int", "click.FloatRange": "float", "click.Choice": "string", "click.UUID": "string", "click.DateTime": "string",
    "float64": "float", "collections.abc.Sequence": "list", "collections.abc.Mapping": "map", "typing.MutableMapping": "map", "complex": "any",
    "ast.literal_eval": "any", "eval": "any", "datetime.timedelta": "string", "decimal.Decimal": "float",
}


class Param:
    def __init__(self, name, line, module, style):
        self.name, self.line, self.module, self.style = name, line, module, style
        self.type, self.default, self.choices, self.min, self.max = "any", None, None, None, None
        self.required, self.doc, self.confidence, self.mutability, self.passed = False, "", "sure", "", ""
        self.read = name  # by which dotted name the script reads it

    def set_default(self, value):
        self.default = value
        if self.type == "any" and value is not None:
            self.type = type_of(value)

    def copy(self):
        other = Param(self.name, self.line, self.module, self.style)
        other.__dict__.update(self.__dict__)
        return other


# --- Files --------------------------------------------------------------------------------


class Unreadable(Exception):
    def __init__(self, message, line=0):
        super().__init__(message)
        self.line = line


PYTHON2 = re.compile(r"^\s*(print\s+[^(=\s]|print\s*$|exec\s+['\"]|raise\s+\w+\s*,|except\s+[\w.]+\s*,\s*\w+\s*:)", re.M)


class Source:
    """One file, parsed once for all scripts that need it."""

    def __init__(self, path):
        self.path, self.sha256, self.problem, self.tree, self.text = path, "", None, None, ""
        self._facts = None
        try:
            if not os.path.isfile(path):
                raise Unreadable("the file cannot be read: it is no regular file" if os.path.exists(path) else "the file cannot be read: it is not there")
            with open(path, "rb") as f:
                data = f.read(MAX_BYTES + 1)
        except OSError as e:
            self.problem = Unreadable("the file cannot be read: %s" % e.strerror)
            return
        except Unreadable as e:
            self.problem = e
            return
        self.sha256 = hashlib.sha256(data).hexdigest()
        try:
            self.tree = self.parse(data)
        except Unreadable as e:
            self.problem = e

    def parse(self, data):
        if len(data) > MAX_BYTES:
            raise Unreadable("the file has more than %d MB; larger ones are not read" % (MAX_BYTES // 1_000_000))
        if b"\0" in data:
            raise Unreadable("the file is binary")
        try:
            tree = ast.parse(data, self.path)
        except SyntaxError as e:
            text = data.decode("utf-8", "replace")
            if PYTHON2.search(text):
                raise Unreadable("this is Python 2: %s" % e.msg, e.lineno or 0) from None
            raise Unreadable("syntax error for Python %d.%d: %s" % (sys.version_info[:2] + (e.msg,)), e.lineno or 0) from None
        except (RecursionError, MemoryError):
            raise Unreadable("the file nests too deeply") from None
        except (ValueError, LookupError, OverflowError) as e:
            raise Unreadable("the file cannot be read: %s" % e) from None
        self.text = data.decode("utf-8", "replace")
        self.lines = self.text.splitlines()
        return tree

    def facts(self):
        if self._facts is None:
            self._facts = Facts(self.tree)
        return self._facts


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


def dotted(node):
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id] + parts[::-1])


def text_of(node):
    """Returns an expression's source, shortened."""
    try:
        text = ast.unparse(node)
    except (AttributeError, RecursionError, ValueError):  # before 3.9 there is no unparse
        text = dotted(node) or (dotted(node.func) or "a call") + "(...)" if isinstance(node, ast.Call) else dotted(node) or "an expression"
    return text if len(text) <= 60 else text[:57] + "..."


class Tree:
    """The files, across scripts."""

    def __init__(self):
        self.sources = {}

    def source(self, path):
        if path not in self.sources:
            self.sources[path] = Source(path)
        return self.sources[path]


class Module:
    def __init__(self, scan, source, name):
        self.scan, self.source, self.name = scan, source, name
        self.path, self.env, self.ran = source.path, {}, False

    def get(self, name):
        """Returns what the module calls so, after reading its top level; None where there is nothing."""
        if not self.ran:
            self.ran = True
            self.scan.walk_module(self)
        found = self.env.get(name)
        if found is None:
            inner = self.scan.local(os.path.dirname(self.path), [name]) if self.path.endswith("__init__.py") else None
            return ModuleValue(inner) if inner else None
        return found


class Scope:
    def __init__(self, module, names, parent=None):
        self.module, self.names, self.parent = module, names, parent
        self.returned = []

    def lookup(self, name):
        scope = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return self.module.env.get(name)


# --- One script ---------------------------------------------------------------------------


class Scan:
    """Follows one script's main path and gathers its parameters."""

    def __init__(self, tree, path):
        self.tree, self.path = tree, path
        self.modules, self.reads = {}, {}
        self.problems, self.styles = [], []
        self.parsers, self.commands, self.found = [], [], []
        self.namespaces = set()
        self.funcs = []
        self.steps, self.calls, self.stack, self.unsure = 0, {}, [], 0
        self.deadline = time.monotonic() + MAX_SECONDS
        self.is_script = False
        self.roots = self.find_roots(os.path.dirname(path))

    def find_roots(self, folder):
        roots, package = [folder], folder
        while os.path.isfile(os.path.join(package, "__init__.py")) and os.path.dirname(package) != package:
            package = os.path.dirname(package)
        top = folder
        for _ in range(6):
            if any(os.path.exists(os.path.join(top, mark)) for mark in (".git", "pyproject.toml", "setup.py", "setup.cfg")):
                roots += [top, os.path.join(top, "src")]
                break
            top = os.path.dirname(top)
        roots.insert(1, package)
        return list(dict.fromkeys(roots))

    def problem(self, line, message, module=None):
        if module is not None and module.path != self.path:
            message = "%s:%d: %s" % (os.path.relpath(module.path, os.path.dirname(self.path)), line, message)
            line = 0
        entry = {"line": line, "message": message}
        if entry not in self.problems and len(self.problems) < MAX_PROBLEMS:
            self.problems.append(entry)
            if len(self.problems) == MAX_PROBLEMS:
                self.problems[-1] = {"line": 0, "message": "there are more problems than are listed"}

    def open(self, path):
        source = self.tree.source(path)
        self.reads[path] = source.sha256
        return source

    def style(self, name):
        if name not in self.styles:
            self.styles.append(name)

    # Imports

    def local(self, folder, parts):
        """Returns the module of the tree that lies there, or None."""
        base = os.path.join(folder, *parts)
        for path in (base + ".py", os.path.join(base, "__init__.py")):
            if path in self.modules:
                return self.modules[path]
            if os.path.isfile(path):
                source = self.open(path)
                if source.problem:
                    self.problem(source.problem.line, "%s is imported: %s" % (os.path.relpath(path, os.path.dirname(self.path)), source.problem))
                    self.reads[path] = source.sha256
                    return None
                module = self.modules[path] = Module(self, source, ".".join(parts))
                if "DEFINE_" in source.text:
                    module.get("")
                return module
            self.reads.setdefault(path, "")
        return None

    def find_module(self, name, level, module):
        parts = [p for p in (name or "").split(".") if p]
        if level:
            folder = os.path.dirname(module.path)
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return self.local(folder, parts or ["__init__"])
        for root in self.roots:
            found = self.local(root, parts) if parts else None
            if found:
                return found
        return None

    def is_package(self, name):
        for root in self.roots:
            if os.path.isdir(os.path.join(root, *name.split("."))):
                return True
        return False

    def do_import(self, node, scope):
        for alias in node.names:
            found = self.find_module(alias.name, 0, scope.module)
            if alias.asname:
                scope.names[alias.asname] = ModuleValue(found) if found else Ext(canonical(alias.name))
            else:
                first = alias.name.split(".")[0]
                top = self.find_module(first, 0, scope.module) if found and "." in alias.name else found
                if top and "." not in alias.name:
                    scope.names[first] = ModuleValue(top)
                elif found:
                    package = scope.names.get(first)
                    package = package if isinstance(package, Table) else Table({})
                    scope.names[first] = package
                    for part in alias.name.split(".")[1:-1]:
                        package = package.items.setdefault(part, Table({}))
                    if isinstance(package, Table):
                        package.items[alias.name.split(".")[-1]] = ModuleValue(found)
                else:
                    scope.names[first] = Ext(canonical(first))

    def do_import_from(self, node, scope):
        found = self.find_module(node.module, node.level, scope.module)
        for alias in node.names:
            name = alias.asname or alias.name
            if alias.name == "*":
                if found:
                    found.get("")
                    scope.names.update({k: v for k, v in found.env.items() if not k.startswith("_")})
                elif node.module and node.level == 0:
                    for star in STARS.get(node.module, ()):
                        scope.names[star] = Ext(canonical(node.module + "." + star))
                continue
            if found:
                scope.names[name] = Lazy(found, alias.name)
                continue
            inner = self.find_module(".".join(p for p in (node.module, alias.name) if p), node.level, scope.module) if node.level or self.is_package(node.module or "") else None
            scope.names[name] = ModuleValue(inner) if inner else Ext(canonical((node.module or "") + "." + alias.name))

    # Statements

    def step(self):
        self.steps += 1
        if self.steps > MAX_STEPS or (self.steps % 500 == 0 and time.monotonic() > self.deadline):
            raise Budget

    def walk_module(self, module):
        scope = Scope(module, module.env)
        self.walk(module.source.tree.body, scope)

    def walk(self, body, scope):
        for node in body:
            if self.statement(node, scope) == "end":
                return "end"
        return None

    def statement(self, node, scope):
        self.step()
        kind = type(node).__name__
        handler = getattr(self, "do_" + kind, None)
        if handler:
            return handler(node, scope)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child, scope)
        return None

    def do_Import(self, node, scope):
        self.do_import(node, scope)

    def do_ImportFrom(self, node, scope):
        self.do_import_from(node, scope)

    def do_FunctionDef(self, node, scope):
        func = Func(node, scope.module, scope if scope.names is not scope.module.env else None)
        self.funcs.append(func)
        value = func
        for decorator in reversed(node.decorator_list):
            if dotted(decorator) in ("property", "staticmethod", "classmethod") or scope.module.source.tree is None:
                continue
            got = self.call(self.value(decorator, scope), [value], {}, decorator, scope)
            value = got if isinstance(got, (Func, Command, Wrapped)) else value
        scope.names[node.name] = value

    do_AsyncFunctionDef = do_FunctionDef

    def do_ClassDef(self, node, scope):
        cls = Class(node, scope.module, [self.value(b, scope) for b in node.bases], scope if scope.names is not scope.module.env else None)
        scope.names[node.name] = cls

    def do_Return(self, node, scope):
        scope.returned.append(self.value(node.value, scope) if node.value else Const(None))
        return "end" if not self.unsure else None

    def do_Assign(self, node, scope):
        value = self.value(node.value, scope)
        for target in node.targets:
            self.assign(target, value, scope)

    def do_AnnAssign(self, node, scope):
        if node.value:
            self.assign(node.target, self.value(node.value, scope), scope)

    def do_AugAssign(self, node, scope):
        value = self.value(node.value, scope)
        if isinstance(node.target, ast.Name):
            before = scope.lookup(node.target.id)
            joined = Unknown(text_of(node.value))
            if isinstance(before, Seq) and isinstance(value, Seq) and isinstance(node.op, ast.Add):
                joined = Seq(before.items + value.items, before.kind)
            scope.names[node.target.id] = joined

    def assign(self, target, value, scope):
        if isinstance(target, ast.Name):
            scope.names[target.id] = value
            if isinstance(value, Namespace):
                self.namespaces.add(target.id)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value, scope)
            if isinstance(value, Namespace):
                self.namespaces.add(target.attr)
            if isinstance(owner, (Instance, Parser)):
                owner.attrs[target.attr] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            for i, part in enumerate(target.elts):
                if isinstance(part, ast.Starred):
                    part, got = part.value, Unknown()
                elif isinstance(value, Namespace):
                    got = value
                else:
                    got = value.items[i] if isinstance(value, Seq) and i < len(value.items) else Unknown()
                self.assign(part, got, scope)
        elif isinstance(target, ast.Subscript):
            table, key = self.value(target.value, scope), self.value(index_of(target), scope)
            if isinstance(table, Table) and isinstance(key, Const) and isinstance(key.value, str):
                table.items[key.value] = value

    def do_Expr(self, node, scope):
        self.value(node.value, scope)

    def do_If(self, node, scope):
        main = is_main_guard(node.test)
        if main is not None:
            here = scope.module.path == self.path
            if here:
                self.is_script = True
            return self.walk(node.body if here == main else node.orelse, scope)
        known = self.truth(self.value(node.test, scope))
        if known is not None:
            return self.walk(node.body if known else node.orelse, scope)
        self.unsure += 1
        before = dict(scope.names) if scope.names is not scope.module.env else None
        self.walk(node.body, scope)
        if before is not None and node.orelse:
            after, scope_names = dict(scope.names), scope.names
            scope_names.clear()
            scope_names.update(before)
            self.walk(node.orelse, scope)
            for name, value in after.items():
                if isinstance(scope_names.get(name, None), (Unknown, type(None))) or name not in before:
                    scope_names.setdefault(name, value)
        else:
            self.walk(node.orelse, scope)
        self.unsure -= 1
        return None

    def do_For(self, node, scope):
        items = self.value(node.iter, scope)
        if isinstance(items, Table):
            items = Seq([Const(k) for k in items.items])
        if isinstance(items, Seq) and 0 < len(items.items) <= 200:
            for item in items.items:
                self.assign(node.target, item, scope)
                self.walk(node.body, scope)
        else:
            self.unsure += 1
            self.assign(node.target, Unknown(text_of(node.target)), scope)
            self.walk(node.body, scope)
            self.unsure -= 1
        self.walk(node.orelse, scope)

    do_AsyncFor = do_For

    def do_While(self, node, scope):
        self.value(node.test, scope)
        self.unsure += 1
        self.walk(node.body + node.orelse, scope)
        self.unsure -= 1

    def do_Try(self, node, scope):
        ended = self.walk(node.body, scope)
        self.unsure += 1
        for handler in node.handlers:
            kept = dict(scope.names)
            self.walk(handler.body, scope)
            scope.names.update(kept)  # what the body has set is what is there as a rule
        self.unsure -= 1
        self.walk([] if ended else node.orelse, scope)
        return self.walk(node.finalbody, scope) or ended

    do_TryStar = do_Try

    def do_With(self, node, scope):
        for item in node.items:
            value = self.value(item.context_expr, scope)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, scope)
        return self.walk(node.body, scope)

    do_AsyncWith = do_With

    def do_Raise(self, node, scope):
        return "end" if not self.unsure else None

    def do_Match(self, node, scope):
        self.value(node.subject, scope)
        self.unsure += 1
        for case in node.cases:
            self.walk(case.body, scope)
        self.unsure -= 1

    def truth(self, value):
        try:
            return bool(plain(value))
        except NotPlain:
            return None

    # Expressions

    def value(self, node, scope):
        self.step()
        handler = getattr(self, "on_" + type(node).__name__, None)
        if handler:
            return handler(node, scope)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr) and not isinstance(node, ast.Lambda):
                self.value(child, scope)
        return Unknown(text_of(node))

    def on_Constant(self, node, scope):
        return Const(node.value)

    def on_Name(self, node, scope):
        found = scope.lookup(node.id)
        if isinstance(found, Lazy):
            module, name = found.module, found.name
            found = module.get(name) or Unknown(node.id)
            if isinstance(found, Lazy):
                found = self.resolve(found)
        if found is not None:
            return found
        if node.id == "__name__":
            return Const("__main__" if scope.module.path == self.path else scope.module.name)
        if node.id == "__file__":
            return Const(scope.module.path)
        return Ext(node.id)

    def resolve(self, lazy):
        for _ in range(20):
            found = lazy.module.get(lazy.name)
            if not isinstance(found, Lazy):
                return found or Unknown(lazy.name)
            lazy = found
        return Unknown(lazy.name)

    def on_Attribute(self, node, scope):
        owner = self.value(node.value, scope)
        if isinstance(owner, Super):
            return Method(owner, node.attr)
        return self.attribute(owner, node.attr, node)

    def attribute(self, owner, name, node):
        if isinstance(owner, Ext):
            return Ext(canonical(owner.name + "." + name))
        if isinstance(owner, ModuleValue):
            found = owner.module.get(name)
            return self.resolve(found) if isinstance(found, Lazy) else found or Unknown(text_of(node))
        if isinstance(owner, Table) and name in owner.items and isinstance(owner.items[name], (ModuleValue, Table)):
            return owner.items[name]
        if isinstance(owner, (Instance, Parser)):
            if name in owner.attrs:
                return owner.attrs[name]
            if owner.cls:
                found = self.member(owner.cls, name)
                if isinstance(found, Func):
                    return found if is_static(found.node) else Bound(found, owner)
                if found is not None:
                    return found
            return Method(owner, name)
        if isinstance(owner, Class):
            found = self.member(owner, name)
            if isinstance(found, Func):
                return Bound(found, owner) if any(dotted(d) == "classmethod" for d in found.node.decorator_list) else found
            return found or Method(owner, name)
        if isinstance(owner, Namespace):
            return Unknown(text_of(node))
        return Method(owner, name)

    def member(self, cls, name):
        for one in self.ancestry(cls):
            for node in one.node.body:
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
                    return Func(node, one.module, one.closure, one)
                targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) and node.value else []
                if any(isinstance(t, ast.Name) and t.id == name for t in targets):
                    return self.value(node.value, Scope(one.module, {}, one.closure))
        return None

    def ancestry(self, cls):
        """Returns the class and its bases in the tree, the nearest first."""
        out, todo = [], [cls]
        while todo and len(out) < 50:
            one = todo.pop(0)
            if isinstance(one, Class) and one not in out:
                out.append(one)
                todo = one.bases + todo
        return out

    def foreign_bases(self, cls):
        return [b.name for one in self.ancestry(cls) for b in one.bases if isinstance(b, Ext)]

    def on_Lambda(self, node, scope):
        func = ast.FunctionDef(name="<lambda>", args=node.args, body=[ast.Return(value=node.body)], decorator_list=[], lineno=node.lineno)
        return Func(func, scope.module, scope)

    def on_List(self, node, scope):
        return self.sequence(node, scope, list)

    def on_Set(self, node, scope):
        return self.sequence(node, scope, list)

    def on_Tuple(self, node, scope):
        return self.sequence(node, scope, tuple)

    def sequence(self, node, scope, kind):
        items = []
        for part in node.elts:
            if isinstance(part, ast.Starred):
                inner = self.value(part.value, scope)
                if not isinstance(inner, Seq):
                    return Unknown(text_of(node))
                items += inner.items
            else:
                items.append(self.value(part, scope))
        return Seq(items, kind)

    def on_Dict(self, node, scope):
        items = {}
        for key, value in zip(node.keys, node.values):
            got = self.value(value, scope)
            if key is None:
                if not isinstance(got, Table):
                    return Unknown(text_of(node))
                items.update(got.items)
                continue
            name = self.value(key, scope)
            if not isinstance(name, Const) or not isinstance(name.value, (str, int, float, bool, type(None))):
                return Unknown(text_of(node))
            items[name.value] = got
        return Table(items)

    def on_UnaryOp(self, node, scope):
        try:
            return Const(UNARY[type(node.op)](plain(self.value(node.operand, scope))))
        except (NotPlain, KeyError, TypeError):
            return Unknown(text_of(node))

    def on_BinOp(self, node, scope):
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        try:
            a, b = plain(left), plain(right)
            return wrap(binary(node.op, a, b))
        except (NotPlain, TypeError, ValueError, ArithmeticError, KeyError):
            pass
        if isinstance(node.op, ast.Add) and isinstance(left, Seq) and isinstance(right, Seq):
            return Seq(left.items + right.items, left.kind)
        return Unknown(text_of(node))

    def on_BoolOp(self, node, scope):
        value = Unknown(text_of(node))
        for part in node.values:
            value = self.value(part, scope)
            known = self.truth(value)
            if known is None:
                return Unknown(text_of(node))
            if known == isinstance(node.op, ast.Or):
                return value
        return value

    def on_Compare(self, node, scope):
        left = self.value(node.left, scope)
        rights = [self.value(c, scope) for c in node.comparators]
        if len(rights) == 1 and type(node.ops[0]) in COMPARE:
            try:
                return Const(bool(COMPARE[type(node.ops[0])](plain(left), plain(rights[0]))))
            except (NotPlain, TypeError):
                pass
        return Unknown(text_of(node))

    def on_IfExp(self, node, scope):
        known = self.truth(self.value(node.test, scope))
        if known is None:
            self.value(node.body, scope), self.value(node.orelse, scope)
            return Unknown(text_of(node))
        return self.value(node.body if known else node.orelse, scope)

    def on_JoinedStr(self, node, scope):
        text = ""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                if part.conversion not in (-1, ord("s")) or part.format_spec:
                    return Unknown(text_of(node))
                part = part.value
            try:
                got = plain(self.value(part, scope))
            except NotPlain:
                return Unknown(text_of(node))
            text += str(got)
            if len(text) > 10_000:
                return Unknown(text_of(node))
        return Const(text)

    def on_Subscript(self, node, scope):
        owner, index = self.value(node.value, scope), index_of(node)
        if isinstance(index, ast.Slice):
            try:
                parts = [plain(self.value(p, scope)) if p is not None else None for p in (index.lower, index.upper, index.step)]
                return wrap(plain(owner)[slice(*parts)])
            except (NotPlain, TypeError, ValueError, KeyError):
                return Unknown(text_of(node))
        key = self.value(index, scope)
        if isinstance(owner, (Seq, Table, Const)) and isinstance(key, Const):
            try:
                return wrap(owner.value[key.value]) if isinstance(owner, Const) else owner.items[key.value]
            except (TypeError, KeyError, IndexError):
                pass
        if isinstance(owner, Ext) and owner.name in ("typer.Option",):
            return owner
        return Unknown(text_of(node))

    def on_Starred(self, node, scope):
        return self.value(node.value, scope)

    def on_NamedExpr(self, node, scope):
        value = self.value(node.value, scope)
        self.assign(node.target, value, scope)
        return value

    def on_Await(self, node, scope):
        return self.value(node.value, scope)

    def on_ListComp(self, node, scope):
        if len(node.generators) == 1 and not node.generators[0].ifs:
            items = self.value(node.generators[0].iter, scope)
            if isinstance(items, Class):
                items = self.members_of(items)
            if isinstance(items, Table):
                items = Seq([Const(k) for k in items.items])
            if isinstance(items, Seq) and len(items.items) <= 500:
                inner = Scope(scope.module, {}, scope)
                out = []
                for item in items.items:
                    self.assign(node.generators[0].target, item, inner)
                    out.append(self.value(node.elt, inner))
                return Seq(out)
        return Unknown(text_of(node))

    on_GeneratorExp = on_ListComp
    on_SetComp = on_ListComp

    def on_DictComp(self, node, scope):
        return Unknown(text_of(node))

    def members_of(self, cls):
        """Returns the members of an Enum class, each with name and value, or Unknown."""
        items = []
        for node in cls.node.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                one = Instance(None)
                value = self.value(node.value, Scope(cls.module, {}, cls.closure))
                if isinstance(value, Ext) or isinstance(value, Unknown) and "auto" in value.text:
                    value = Const(len(items) + 1)
                one.attrs = {"name": Const(node.targets[0].id), "value": value}
                items.append(one)
        return Seq(items)

    def is_enum(self, cls):
        return isinstance(cls, Class) and any(b.split(".")[-1] in ("Enum", "IntEnum", "StrEnum", "ExplicitEnum") for b in self.foreign_bases(cls))

    def on_Call(self, node, scope):
        target = self.value(node.func, scope)
        args, kwargs, whole = [], {}, True
        for part in node.args:
            if isinstance(part, ast.Starred):
                inner = self.value(part.value, scope)
                if isinstance(inner, Seq):
                    args += inner.items
                else:
                    whole = False
            else:
                args.append(self.value(part, scope))
        for keyword in node.keywords:
            got = self.value(keyword.value, scope)
            if keyword.arg is not None:
                kwargs[keyword.arg] = got
            elif isinstance(got, Table) and all(isinstance(k, str) for k in got.items):
                kwargs.update(got.items)
            else:
                whole = False
        if not whole:
            kwargs["*"] = Unknown()
        return self.call(target, args, kwargs, node, scope)

    # Calls

    def call(self, target, args, kwargs, node, scope):
        self.step()
        if isinstance(target, Func):
            return self.call_function(target, args, kwargs, node)
        if isinstance(target, Bound):
            return self.call_function(target.func, [target.receiver] + args, kwargs, node)
        if isinstance(target, Class):
            return self.construct(target, args, kwargs, node, scope)
        if isinstance(target, Method):
            return self.call_method(target.receiver, target.name, args, kwargs, node, scope)
        if isinstance(target, Command):
            self.run_command(target)
            return Unknown()
        if isinstance(target, Partial):
            return self.call(target.target, target.args + args, dict(target.kwargs, **kwargs), node, scope)
        if isinstance(target, Wrapped):
            return self.run_wrapped(target, node, scope)
        if isinstance(target, Deco):
            return self.decorate(target, args[0] if args else Unknown())
        if isinstance(target, Ext):
            return self.call_library(target.name, args, kwargs, node, scope)
        return self.passed_on(text_of(node.func) if isinstance(node, ast.Call) else "", args, kwargs, node, scope)

    def passed_on(self, name, args, kwargs, node, scope):
        """A call of something unseen: a parser that it is handed may grow there."""
        for value in args + list(kwargs.values()):
            if isinstance(value, (Parser, Group)):
                self.problem(node.lineno, "the parser is passed to %s, which is not in this tree: what that adds is not seen" % name, scope.module)
                return value
        return Unknown(text_of(node))

    def call_function(self, func, args, kwargs, node):
        key = (func.module.path, func.node.lineno, func.node.name)
        interesting = any(isinstance(v, (Parser, Group, Subparsers, Func, Command)) for v in args + list(kwargs.values()))
        made = any(isinstance(v, Instance) for v in args[:1])
        self.calls[key] = self.calls.get(key, 0) + 1
        if key in self.stack or len(self.stack) > MAX_DEPTH or (self.calls[key] > MAX_CALLS and not interesting and not made):
            return Unknown("a call of " + func.node.name)
        names = self.bind(func, args, kwargs)
        for name, value in names.items():
            if isinstance(value, Namespace):
                self.namespaces.add(name)
        scope = Scope(func.module, names, func.closure)
        scope.owner = func.owner
        self.stack.append(key)
        outer, self.unsure = self.unsure, 0
        marks = [(v if isinstance(v, Parser) else v.parser) for v in args + list(kwargs.values()) if isinstance(v, (Parser, Group))]
        for parser in marks:
            parser.unsure += outer
        try:
            self.walk(func.node.body, scope)
        finally:
            self.stack.pop()
            self.unsure = outer
            for parser in marks:
                parser.unsure -= outer
        known = [v for v in scope.returned if not isinstance(v, Unknown) and not (isinstance(v, Const) and v.value is None)]
        return known[0] if known else scope.returned[0] if scope.returned else Const(None)

    def bind(self, func, args, kwargs):
        spec, names = func.node.args, {}
        positional = getattr(spec, "posonlyargs", []) + spec.args
        scope = Scope(func.module, {}, func.closure)
        for arg, default in zip(positional[len(positional) - len(spec.defaults):], spec.defaults):
            names[arg.arg] = self.value(default, scope)
        for arg, default in zip(spec.kwonlyargs, spec.kw_defaults):
            names[arg.arg] = self.value(default, scope) if default is not None else Unknown(arg.arg)
        for arg in positional:
            names.setdefault(arg.arg, Unknown(arg.arg))
        for arg, value in zip(positional, args):
            names[arg.arg] = value
        rest = {}
        known = {a.arg for a in positional + spec.kwonlyargs}
        for name, value in kwargs.items():
            if name in known:
                names[name] = value
            else:
                rest[name] = value
        if spec.vararg:
            names[spec.vararg.arg] = Seq(list(args[len(positional):]), tuple)
        if spec.kwarg:
            names[spec.kwarg.arg] = Table(rest) if "*" not in rest else Unknown(spec.kwarg.arg)
        return names

    def construct(self, cls, args, kwargs, node, scope):
        foreign = self.foreign_bases(cls)
        kind = next((PARSERS[b] for b in foreign if b in PARSERS), None)
        if kind:
            made = self.new_parser(kind, args, kwargs, node, scope)
            made.cls = cls
        else:
            made = Instance(cls)
        init = self.member(cls, "__init__")
        if isinstance(init, Func):
            self.call_function(init, [made] + args, kwargs, node)
        return made


def index_of(node):
    index = node.slice
    return index.value if type(index).__name__ == "Index" else index


def is_static(node):
    return any(dotted(d) == "staticmethod" for d in node.decorator_list)


def is_main_guard(test):
    """Returns whether the test is true in a script: None where it is no such test."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        sides = [test.left, test.comparators[0]]
        if any(isinstance(s, ast.Name) and s.id == "__name__" for s in sides) and any(isinstance(s, ast.Constant) and s.value == "__main__" for s in sides):
            return isinstance(test.ops[0], ast.Eq)
    return None


UNARY = {ast.USub: lambda a: -a, ast.UAdd: lambda a: +a, ast.Not: lambda a: not a, ast.Invert: lambda a: ~a}
COMPARE = {ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
           ast.Is: lambda a, b: a is b, ast.IsNot: lambda a, b: a is not b, ast.Lt: lambda a, b: a < b, ast.Gt: lambda a, b: a > b,
           ast.LtE: lambda a, b: a <= b, ast.GtE: lambda a, b: a >= b}


def binary(op, a, b):
    """Computes a constant expression; what would grow without bound is refused."""
    kind = type(op)
    numbers = isinstance(a, (int, float)) and isinstance(b, (int, float))
    if kind is ast.Pow:
        if not numbers or abs(b) > 64 or abs(a) > 10**6:
            raise ValueError
        return a**b
    if kind is ast.Mult and not numbers:
        if len(a if isinstance(b, int) else b) * (b if isinstance(b, int) else a) > 1000:
            raise ValueError
        return a * b
    if kind is ast.LShift:
        if b > 64:
            raise ValueError
        return a << b
    if kind is ast.Mod and not numbers:
        raise ValueError
    return {ast.Add: lambda: a + b, ast.Sub: lambda: a - b, ast.Mult: lambda: a * b, ast.Div: lambda: a / b, ast.FloorDiv: lambda: a // b,
            ast.Mod: lambda: a % b, ast.BitOr: lambda: a | b, ast.BitAnd: lambda: a & b}[kind]()


STARS = {"argparse": ("ArgumentParser", "BooleanOptionalAction", "SUPPRESS", "FileType"), "typing": ("List", "Optional", "Literal", "Union", "Dict", "Tuple"),
         "dataclasses": ("dataclass", "field"), "absl.flags": (), "transformers": ("HfArgumentParser",), "os": ("environ", "getenv", "path"),
         "script_interface": ("ScriptInterface",), "mlhost": ("param",), "pathlib": ("Path",)}
ALIASES = {
    "tensorflow.app.flags": "absl.flags", "tensorflow.compat.v1.flags": "absl.flags", "tensorflow.compat.v1.app.flags": "absl.flags",
    "tensorflow.flags": "absl.flags", "typing_extensions": "typing", "rich_click": "click", "asyncclick": "click", "builtins": "",
    "transformers.hf_argparser.HfArgumentParser": "transformers.HfArgumentParser", "trl.TrlParser": "transformers.HfArgumentParser",
    "trl.commands.cli_utils.TrlParser": "transformers.HfArgumentParser", "configargparse.ArgParser": "argparse.ArgumentParser",
    "configargparse.ArgumentParser": "argparse.ArgumentParser", "configargparse.ArgParse": "argparse.ArgumentParser", "configargparse.Parser": "argparse.ArgumentParser",
    "pyrallis": "draccus", "click.core.Option": "click.option", "click.types.INT": "click.INT", "click.types.IntRange": "click.IntRange",
    "simple_parsing.helpers": "simple_parsing", "simple_parsing.helpers.fields": "simple_parsing", "tyro.conf.arg": "tyro.arg",
    "jsonargparse.auto_cli": "jsonargparse.CLI", "jsonargparse.cli.CLI": "jsonargparse.CLI", "fire.core.Fire": "fire.Fire",
}


def canonical(name):
    """Returns the one name that a thing of a library is known by here."""
    head, best = name, ""
    while head:
        if head in ALIASES:
            best = head
            break
        head = head.rpartition(".")[0]
    if best:
        return (ALIASES[best] + name[len(best):]).lstrip(".")
    return name


# --- Libraries ----------------------------------------------------------------------------

PARSERS = {
    "argparse.ArgumentParser": "argparse", "jsonargparse.ArgumentParser": "jsonargparse", "transformers.HfArgumentParser": "HfArgumentParser",
    "simple_parsing.ArgumentParser": "simple_parsing",
}
PARSES = {"parse_args", "parse_known_args", "parse_intermixed_args", "parse_known_intermixed_args", "parse_args_into_dataclasses",
          "parse_dict", "parse_json_file", "parse_yaml_file", "parse_args_and_config", "parse_path", "parse_object", "parse_string"}
ENTRIES = {"tyro.cli": "tyro", "simple_parsing.parse": "simple_parsing", "draccus.parse": "draccus", "jsonargparse.CLI": "jsonargparse"}
CLICK = ("option", "argument", "command", "group", "pass_context", "version_option", "help_option", "pass_obj", "confirmation_option", "password_option")
SAFE = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "tuple": tuple, "sorted": sorted, "len": len, "min": min, "max": max,
        "abs": abs, "round": round, "sum": sum, "set": lambda v=(): list(dict.fromkeys(v)), "dict": dict, "os.path.join": os.path.join,
        "os.path.dirname": os.path.dirname, "os.path.basename": os.path.basename, "pathlib.Path": lambda *p: os.path.join(*p) if p else "."}
TEXT = {"lower", "upper", "strip", "title", "split", "join", "replace", "keys", "values", "lstrip", "rstrip"}


class Libraries:
    """What calls of libraries mean; the other half of Scan."""

    def call_library(self, name, args, kwargs, node, scope):
        if name in PARSERS:
            return self.new_parser(PARSERS[name], args, kwargs, node, scope)
        if name in ENTRIES:
            return self.entry(ENTRIES[name], args, kwargs, node, scope)
        head, _, last = name.rpartition(".")
        if head == "click" and last in CLICK:
            made = Deco("click." + last, args, kwargs, node.lineno)
            return self.decorate(made, args[0]) if args and isinstance(args[0], Func) else made
        if head == "typer" and last in ("run", "Typer"):
            self.style("typer")
            app = Command(None, "typer")
            if last == "run" and args and isinstance(args[0], Func):
                app.children.append((args[0], "typer"))
                self.run_command(app)
            return app
        if head in ("typer", "tyro", "simple_parsing", "dataclasses", "attr", "attrs") and last in ("Option", "Argument", "field", "arg", "choice", "flag", "list_field", "mutable_field", "ib", "mutable_default"):
            return Deco(name, args, kwargs, node.lineno)
        if head == "click" and last in ("IntRange", "FloatRange", "Choice"):
            return Deco(name, args, kwargs, node.lineno)
        if name in TYPES and name not in SAFE:
            return Ext(name)
        if head == "absl.flags":
            return self.absl(last, args, kwargs, node, scope)
        if name == "absl.app.run":
            return self.call(args[0], [Unknown()], {}, node, scope) if args and isinstance(args[0], (Func, Bound)) else Unknown()
        if name == "fire.Fire":
            return self.fire(args, kwargs, node, scope)
        if name == "hydra.main":
            return Deco("hydra.main", args, kwargs, node.lineno)
        if head == "draccus" and last == "wrap":
            return Deco("draccus.wrap", args, kwargs, node.lineno)
        if head == "omegaconf.OmegaConf":
            return self.omegaconf(last, args, kwargs, node, scope)
        if name == "mlhost.param":
            return self.declared("mlhost.param", args, kwargs, node, scope)
        if name == "super":
            owner = getattr(scope, "owner", None)
            first = next(iter(scope.names.values()), None)
            if owner and isinstance(first, (Parser, Instance)):
                return Super(first, owner)
            return Unknown()
        if name == "vars" and args and isinstance(args[0], Namespace):
            return Unknown()
        if name in ("exec", "eval"):
            self.problem(node.lineno, "%s: names that it sets are not seen" % name, scope.module)
            return Unknown()
        if name in ("os.getenv", "os.environ.get"):
            return Unknown(text_of(node))
        if name in SAFE:
            return self.safe(name, args, kwargs, node)
        if name == "range" and args:
            try:
                r = range(*[plain(a) for a in args])
                return Seq([Const(i) for i in r]) if len(r) <= 1000 else Unknown(text_of(node))
            except (NotPlain, TypeError, ValueError):
                return Unknown(text_of(node))
        if name in ("copy.deepcopy", "copy.copy", "absl.flags.FLAGS") and args:
            return args[0]
        if name == "functools.partial" and args and isinstance(args[0], (Func, Class, Ext)):
            return Partial(args[0], args[1:], kwargs)
        for tool in ("lightning.pytorch.cli.LightningCLI", "pytorch_lightning.cli.LightningCLI", "hydra.compose", "hydra.initialize",
                     "ml_collections.config_flags.DEFINE_config_file", "ml_collections.config_flags.config_flags.DEFINE_config_file",
                     "docopt.docopt", "gin.parse_config_files_and_bindings", "optparse.OptionParser", "getopt.getopt", "tap.Tap", "plac.call"):
            if name == tool:
                self.problem(node.lineno, "%s is not understood: the parameters that it takes are not seen" % name, scope.module)
        return self.passed_on(name, args, kwargs, node, scope)

    def safe(self, name, args, kwargs, node):
        if name in ("list", "tuple", "sorted") and args and isinstance(args[0], Class):
            return self.members_of(args[0])
        if name == "dict" and not args and "*" not in kwargs:
            return Table(dict(kwargs))
        try:
            return wrap(SAFE[name](*[plain(a) for a in args], **{k: plain(v) for k, v in kwargs.items()}))
        except Exception:  # whatever a constant's conversion raises: it is no constant
            return Unknown(text_of(node))

    def call_method(self, owner, name, args, kwargs, node, scope):
        if isinstance(owner, Super):
            found = None
            lines = self.ancestry(owner.receiver.cls)
            for cls in lines[lines.index(owner.cls) + 1:] if owner.cls in lines else []:
                found = next((n for n in cls.node.body if isinstance(n, ast.FunctionDef) and n.name == name), None)
                if found:
                    return self.call_function(Func(found, cls.module, cls.closure, cls), [owner.receiver] + args, kwargs, node)
            owner = owner.receiver
            if name == "__init__":
                return Unknown()
        if isinstance(owner, (Parser, Group)):
            return self.parser_method(owner, name, args, kwargs, node, scope)
        if isinstance(owner, Subparsers) and name == "add_parser":
            child = self.new_parser(owner.parser.style, args[1:], kwargs, node, scope)
            child.nested = True
            owner.parser.children.append(child)
            word = self.text(args[0]) if args else None
            if owner.param is not None and word is not None:
                owner.param.choices = (owner.param.choices or []) + [word]
            return child
        if name == "register_parameter" and (args or kwargs):
            return self.declared("register_parameter", args, kwargs, node, scope)
        if isinstance(owner, Func) and owner.command:
            owner = owner.command
        if isinstance(owner, Command):
            return self.command_method(owner, name, args, kwargs, node)
        if isinstance(owner, (Const, Seq, Table)):
            return self.data_method(owner, name, args, node)
        return self.passed_on(text_of(node.func) if isinstance(node, ast.Call) else name, args, kwargs, node, scope)

    def data_method(self, owner, name, args, node):
        if isinstance(owner, Seq) and name in ("append", "extend") and args and not self.unsure:
            owner.items += [args[0]] if name == "append" else args[0].items if isinstance(args[0], Seq) else []
            return Const(None)
        if isinstance(owner, Table) and name in ("keys", "items", "values", "copy", "get"):
            if name == "get":
                key = args[0].value if args and isinstance(args[0], Const) else None
                return owner.items.get(key, args[1] if len(args) > 1 else Unknown(text_of(node)))
            if name == "copy":
                return Table(dict(owner.items))
            return Seq([Const(k) if name == "keys" else v if name == "values" else Seq([Const(k), v], tuple) for k, v in owner.items.items()])
        try:
            if name in TEXT and isinstance(plain(owner), str):
                return wrap(getattr(plain(owner), name)(*[plain(a) for a in args]))
        except Exception:  # not that kind of constant
            pass
        return Unknown(text_of(node))

    def text(self, value):
        return value.value if isinstance(value, Const) and isinstance(value.value, str) else None

    def param(self, name, node_line, scope, style):
        out = Param(name, node_line, scope.module, style)
        if self.unsure:
            out.confidence = "likely"
        return out

    def default(self, param, value, what):
        """Sets a default; one that is computed becomes a problem."""
        try:
            param.set_default(plain(value))
        except NotPlain:
            if isinstance(value, Ext) and value.name == "argparse.SUPPRESS":
                return
            if isinstance(value, Instance) and "value" in value.attrs:
                self.default(param, value.attrs["value"], what)
                return
            param.confidence = "likely"
            text = value.text if isinstance(value, Unknown) else value.name if isinstance(value, Ext) else type(value).__name__
            self.problem(param.line, "the default of %s is computed: %s" % (what, text or "an expression"), param.module)

    def choices(self, param, value):
        if isinstance(value, Class):
            value = self.members_of(value)
        if isinstance(value, Method) and value.name == "keys":
            value = value.receiver
        if isinstance(value, Table):
            value = Seq([Const(k) for k in value.items])
        try:
            got = plain(value)
            param.choices = [str(c) if isinstance(c, bytes) else c for c in got] if len(got) <= 1000 else None
            if isinstance(got, str):
                param.choices = list(got)
        except (NotPlain, TypeError):
            if isinstance(value, Const) and value.value is None:
                return
            param.confidence = "likely"
            self.problem(param.line, "the choices of %s are computed" % param.name, param.module)

    def named_type(self, param, value):
        """Sets the type that a converter makes."""
        if isinstance(value, Ext):
            if value.name in TYPES:
                param.type = TYPES[value.name]
                return
        elif isinstance(value, Deco) and value.name in TYPES:
            param.type = TYPES[value.name]
            bounds = dict(zip(("min", "max"), value.args), **value.kwargs)
            for side in ("min", "max"):
                try:
                    bound = plain(bounds[side]) if side in bounds else None
                    setattr(param, side, bound if isinstance(bound, (int, float)) else None)
                except NotPlain:
                    self.problem(value.line, "the %s of %s is computed" % (side, param.name), param.module)
            if value.name == "click.Choice" and value.args:
                self.choices(param, value.args[0])
            return
        elif isinstance(value, Const) and value.value is None:
            return
        elif isinstance(value, Class) and self.is_enum(value):
            param.type, param.confidence = "string", "likely"
            return
        elif isinstance(value, Func) and "bool" in value.node.name.lower():
            param.type, param.confidence = "bool", "likely"
            return
        param.confidence = "likely"

    # argparse

    def new_parser(self, style, args, kwargs, node, scope):
        parser = Parser(style, node.lineno, scope.module)
        self.parsers.append(parser)
        parser.prefix = self.text(kwargs.get("prefix_chars")) or "-"
        parents = kwargs.get("parents")
        if isinstance(parents, Seq):
            for one in parents.items:
                if isinstance(one, Parser):
                    parser.params += [p.copy() for p in one.params]
                    parser.children += one.children
                else:
                    self.problem(node.lineno, "a parent of the parser is not seen", scope.module)
        elif parents is not None:
            self.problem(node.lineno, "the parents of the parser are not seen", scope.module)
        if style == "HfArgumentParser":
            given = args[0] if args else kwargs.get("dataclass_types") or Seq([])
            for cls in given.items if isinstance(given, Seq) else [given]:
                if isinstance(cls, Class):
                    parser.params += self.fields(cls, style, "", node.lineno)
                else:
                    self.problem(node.lineno, "the fields of %s are not seen: it is not in this tree" % getattr(cls, "name", "a class"), scope.module)
        return parser

    def parser_method(self, owner, name, args, kwargs, node, scope):
        parser = owner.parser if isinstance(owner, Group) else owner
        if name in ("add_argument", "add", "add_arg") and (args or kwargs):
            made = self.argument(parser, args, kwargs, node, scope)
            if made is not None:
                parser.params = [p for p in parser.params if p.name != made.name or p.passed != made.passed or p.module is not made.module] + [made]
            return Unknown()
        if name in ("add_argument_group", "add_mutually_exclusive_group", "add_group"):
            return Group(parser)
        if name in ("add_subparsers", "add_subcommands"):
            dest, param = self.text(kwargs.get("dest")), None
            if dest:
                param = self.param(dest, node.lineno, scope, parser.style)
                param.type, param.doc = "string", self.text(kwargs.get("help")) or ""
                param.required = self.truth(kwargs.get("required", Const(False))) is True
                parser.params.append(param)
            return Subparsers(parser, param)
        if name == "set_defaults":
            for key, value in kwargs.items():
                known = [p for p in parser.params if p.name == key]
                for p in known:
                    self.default(p, value, key)
                parser.defaults[key] = value
            return Const(None)
        if name in PARSES:
            self.parsed(parser)
            known = Seq([Namespace(), Unknown()], tuple) if name in ("parse_known_args", "parse_known_intermixed_args") else Namespace()
            return known
        if name == "add_arguments" and parser.style == "simple_parsing":
            dest = self.text(kwargs.get("dest")) or (self.text(args[1]) if len(args) > 1 else None) or ""
            return self.add_class(parser, args[0] if args else Unknown(), dest, node, scope)
        if name in ("add_class_arguments", "add_dataclass_arguments", "add_function_arguments", "add_subclass_arguments"):
            nested = self.text(args[1]) if len(args) > 1 else self.text(kwargs.get("nested_key"))
            return self.add_class(parser, args[0] if args else Unknown(), nested or "", node, scope)
        return Unknown(text_of(node))

    def add_class(self, parser, target, prefix, node, scope):
        if isinstance(target, Class) and (parser.style == "simple_parsing" or is_dataclass(target)):
            parser.params += self.fields(target, parser.style, prefix, node.lineno)
        elif isinstance(target, Class) and isinstance(self.member(target, "__init__"), Func):
            parser.params += self.signature(self.member(target, "__init__"), parser.style, prefix, True)
        elif isinstance(target, Func):
            parser.params += self.signature(target, parser.style, prefix)
        else:
            self.problem(node.lineno, "the arguments of %s are not seen: it is not in this tree" % getattr(target, "name", "a class"), scope.module)
        return Unknown()

    def parsed(self, parser):
        if not parser.parsed:
            parser.parsed = True
            for child in parser.children:
                self.parsed(child)

    def argument(self, parser, args, kwargs, node, scope):
        names = [self.text(a) for a in args]
        if None in names:
            self.problem(node.lineno, "the name of an option is computed", scope.module)
            return None
        dest, flags = self.text(kwargs.get("dest")), [n for n in names if n and n[0] in parser.prefix]
        if not flags and names:
            name = dest or names[0]
        elif flags:
            long = [f for f in flags if len(f) > 1 and f[1] in parser.prefix]
            name = dest or (long or flags)[0].lstrip(parser.prefix).replace("-", "_")
        else:
            name = dest
        if not name:
            self.problem(node.lineno, "an option has no name", scope.module)
            return None
        action = kwargs.get("action")
        verb = self.text(action) or (action.name if isinstance(action, Ext) else "store" if action is None else "")
        if verb in ("help", "version"):
            return None
        param = self.param(name, node.lineno, scope, parser.style)
        if parser.unsure:
            param.confidence = "likely"
        param.doc = " ".join((self.text(kwargs.get("help")) or "").split())
        if "*" in kwargs:
            param.confidence = "likely"
            self.problem(node.lineno, "some arguments of %s are computed" % name, scope.module)
        self.argument_value(param, verb, args, kwargs, node, parser)
        long = [f for f in flags if f.startswith("--")]
        if flags and not parser.nested:
            self.argument_flag(param, verb, (long or flags)[0], kwargs)
        param.required = self.truth(kwargs.get("required", Const(False))) is True
        if not flags:
            param.required = self.text(kwargs.get("nargs")) not in ("?", "*", "...") and verb == "store"
        return param

    def argument_flag(self, param, verb, flag, kwargs):
        """How the value is passed: by an option whose form leaves no doubt."""
        if verb == "store_true" and param.default is False:
            param.passed = flag
        elif verb == "argparse.BooleanOptionalAction" and param.default in (False, None):
            param.passed = flag
        elif verb in ("append", "store") and "nargs" not in kwargs and param.type != "bool":
            param.passed = flag + "=" if flag.startswith("--") else flag
        elif verb == "store" and self.text(kwargs.get("nargs")) in ("+", "*") or verb == "store" and isinstance(kwargs.get("nargs"), Const) and isinstance(kwargs["nargs"].value, int):
            param.passed = flag
        if param.style == "jsonargparse" and verb == "store":
            param.passed = flag + "=" if param.type != "list" else ""

    def argument_value(self, param, verb, args, kwargs, node, parser):
        if verb in ("store_true", "store_false"):
            param.type = "bool"
            param.default = verb == "store_false"
        elif verb == "argparse.BooleanOptionalAction" or verb.endswith("BooleanOptionalAction"):
            param.type = "bool"
        elif verb == "count":
            param.type = "int"
        elif verb in ("store_const", "append_const"):
            const = kwargs.get("const")
            param.type = "list" if verb == "append_const" else type_of(const.value) if isinstance(const, Const) else "any"
        elif verb not in ("store", "append", "extend"):
            param.confidence = "likely"
            self.problem(param.line, "the action of %s is one of its own" % param.name, param.module)
        if "type" in kwargs:
            self.named_type(param, kwargs["type"])
            if isinstance(kwargs["type"], Ext) and kwargs["type"].name == "bool" and param.style == "argparse":
                self.problem(param.line, "type=bool takes every text that is not empty for true, \"False\" too", param.module)
        elif verb in ("store", "append", "extend") and param.type == "any":
            param.type = "any" if "default" in kwargs else "string"
        single, converted = param.type, kwargs.get("type")
        nargs = kwargs.get("nargs")
        if verb in ("append", "extend") or nargs is not None and self.text(nargs) != "?" and not (isinstance(nargs, Const) and nargs.value is None):
            param.type = "list"
        if "default" in kwargs:
            self.default(param, kwargs["default"], param.name)
            if param.type == "any" and param.default is None:
                param.type = "string" if converted is None else "any"
        elif param.name in parser.defaults:
            self.default(param, parser.defaults[param.name], param.name)
        if isinstance(param.default, str) and single in ("int", "float") and isinstance(converted, Ext):
            try:
                param.default = (int if single == "int" else float)(param.default)
            except ValueError:
                self.problem(param.line, "the default of %s is no %s" % (param.name, single), param.module)
        if "choices" in kwargs:
            self.choices(param, kwargs["choices"])
            if param.type == "any" and param.choices:
                param.type = type_of(param.choices[0])

    # Dataclasses and signatures

    def annotation(self, param, node, scope):
        """Sets the type of an annotation, and returns the class it names, if any."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self.union(param, [node.left, node.right], scope)
        if isinstance(node, ast.Subscript):
            base, index = self.value(node.value, scope), index_of(node)
            name = base.name.split(".")[-1] if isinstance(base, Ext) else ""
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            if name in ("Optional", "Union"):
                return self.union(param, parts, scope)
            if name == "Literal":
                self.choices(param, Seq([self.value(p, scope) for p in parts]))
                param.type = type_of(param.choices[0]) if param.choices else "any"
                return None
            if name == "Annotated":
                inner = self.annotation(param, parts[0], scope)
                param.extra = [self.value(p, scope) for p in parts[1:]]
                return inner
            if name in ("ClassVar", "InitVar"):
                param.type = "skip"
                return None
            if name in ("Final", "Required", "Suppress", "Positional"):
                return self.annotation(param, parts[0], scope)
            return self.annotation(param, node.value, scope)
        value = self.value(node, scope)
        if isinstance(value, Class):
            if self.is_enum(value):
                param.type = "string"
                members = self.members_of(value)
                key = "name" if param.style in ("tyro", "draccus", "simple_parsing", "jsonargparse") else "value"
                self.choices(param, Seq([m.attrs[key] for m in members.items]))
                param.enum = key
                return None
            return value
        if isinstance(value, Ext):
            last = value.name.split(".")[-1]
            if last == "ClassVar":
                param.type = "skip"
            else:
                param.type = TYPES.get(value.name) or TYPES.get("typing." + last) or ("string" if last == "Path" else "any")
        return None

    def union(self, param, parts, scope):
        real = [p for p in parts if not (isinstance(p, ast.Constant) and p.value is None) and dotted(p) != "None"]
        if not real:
            return None
        found = self.annotation(param, real[0], scope)
        if len(real) > 1:
            kinds = {param.type}
            for part in real[1:]:
                probe = Param("", 0, param.module, param.style)
                if isinstance(self.annotation(probe, part, scope), Class) and found:
                    self.problem(param.line, "%s is a choice between classes, which is not understood" % (param.name or "a parameter"), param.module)
                    return None
                kinds.add(probe.type)
            param.type = param.type if len(kinds) == 1 else "float" if kinds == {"int", "float"} else "any"
        return found

    def fields(self, cls, style, prefix, line, depth=0):
        """Returns the parameters that a dataclass's fields are."""
        if depth > 8:
            self.problem(line, "%s nests without end" % cls.node.name, cls.module)
            return []
        out = {}
        for base in self.foreign_bases(cls):
            if base.split(".")[-1] not in ("object", "ABC", "Generic", "Protocol", "Serializable", "FrozenSerializable", "NamedTuple", "BaseModel", "JsonSerializable") and not base.startswith("typing"):
                self.problem(cls.node.lineno, "the fields that %s inherits from %s are not seen: it is not in this tree" % (cls.node.name, base), cls.module)
        for one in reversed(self.ancestry(cls)):
            scope = Scope(one.module, {}, one.closure)
            body = one.node.body
            for i, node in enumerate(body):
                if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                    param = self.param(prefix + "." + node.target.id if prefix else node.target.id, node.lineno, scope, style)
                    after = body[i + 1] if i + 1 < len(body) else None
                    for made in self.field(param, node.annotation, node.value, scope, depth, line):
                        made.doc = made.doc or (self.comment(one.module, node, after) if made is param else "")
                        out[made.name] = made
                elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    name = prefix + "." + node.targets[0].id if prefix else node.targets[0].id
                    if name in out:
                        self.default(out[name], self.value(node.value, scope), name)
                        out[name].required = False
        return list(out.values())

    def comment(self, module, node, after):
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
            return " ".join(after.value.value.split())
        lines, end = module.source.lines, getattr(node, "end_lineno", node.lineno)
        text = lines[end - 1].encode()[node.end_col_offset:].decode("utf-8", "replace").strip() if end <= len(lines) else ""
        return text[1:].strip() if text.startswith("#") else ""

    def field(self, param, annotation, value_node, scope, depth, line):
        """Fills in one field; a nested dataclass gives its own fields."""
        param.extra, param.enum = [], ""
        cls = self.annotation(param, annotation, scope) if annotation is not None else None
        if param.type == "skip":
            return []
        value = self.value(value_node, scope) if value_node is not None else None
        for extra in param.extra:
            self.described(param, extra)
        factory = None
        if isinstance(value, Deco):
            deco, value = value, None
            self.described(param, deco)
            if self.truth(deco.kwargs.get("init", Const(True))) is False:
                return []
            value = deco.kwargs.get("default", deco.args[0] if deco.args and not deco.name.endswith((".choice", ".field")) else None)
            factory = deco.kwargs.get("default_factory") or deco.kwargs.get("factory")
            if isinstance(value, Ext) and value.name in ("dataclasses.MISSING", "Ellipsis"):
                value = None
        if cls is not None:
            inner = factory if isinstance(factory, Class) else cls
            nested = self.fields(inner, param.style, param.name, line, depth + 1)
            made = value if isinstance(value, Instance) else None
            if isinstance(factory, Func):
                self.problem(param.line, "%s is made by a function: its defaults are those of %s" % (param.name, cls.node.name), param.module)
            if made is not None and value_node is not None and isinstance(value_node, ast.Call) and (value_node.args or value_node.keywords):
                for keyword in value_node.keywords:
                    for p in nested:
                        if p.name == "%s.%s" % (param.name, keyword.arg):
                            self.default(p, self.value(keyword.value, scope), p.name)
                            p.required = False
            return nested
        self.field_default(param, value, factory, scope)
        self.field_flag(param)
        return [param]

    def field_default(self, param, value, factory, scope):
        if factory is not None:
            if isinstance(factory, Ext) and factory.name in ("list", "dict", "tuple", "set", "str", "int", "float", "bool"):
                value = wrap({"list": [], "dict": {}, "tuple": [], "set": [], "str": "", "int": 0, "float": 0.0, "bool": False}[factory.name])
            elif isinstance(factory, Func):
                value = self.call_function(factory, [], {}, factory.node)
            else:
                value = Unknown("a factory")
        if value is None:
            param.required = not param.doc.startswith("\0")
            return
        if isinstance(value, Instance) and param.enum:
            value = value.attrs.get(param.enum, Unknown())
        self.default(param, value, param.name)

    def field_flag(self, param):
        flag = "--" + param.name
        if param.style in ("tyro", "simple_parsing"):
            plain_bool = param.type == "bool"
            param.passed = (flag if param.default is False else "") if plain_bool and param.style == "tyro" else flag if param.type == "list" else flag + "="
        elif param.style == "HfArgumentParser":
            param.passed = flag if param.type == "list" else flag + "="
        elif param.type != "list":
            param.passed = flag + "="
        if param.type in ("map", "any"):
            param.passed = ""

    def described(self, param, deco):
        """Reads help, bounds and choices off field(…), Option(…), arg(…)."""
        if not isinstance(deco, Deco):
            return
        metadata = deco.kwargs.get("metadata")
        found = metadata.items if isinstance(metadata, Table) else {}
        for name in ("help", "doc"):
            text = self.text(deco.kwargs.get(name)) or self.text(found.get(name))
            param.doc = " ".join(text.split()) if text else param.doc
        if deco.name.endswith(".choice") and deco.args:
            self.choices(param, Seq(deco.args) if not isinstance(deco.args[0], (Seq, Table)) else deco.args[0])
        for key, side in (("min", "min"), ("max", "max"), ("ge", "min"), ("le", "max")):
            if isinstance(deco.kwargs.get(key), Const):
                setattr(param, side, deco.kwargs[key].value)
        if "choices" in found:
            self.choices(param, found["choices"])

    def signature(self, func, style, prefix="", method=False):
        """Returns the parameters that a function's arguments are."""
        spec, out = func.node.args, []
        positional = getattr(spec, "posonlyargs", []) + spec.args
        defaults = [None] * (len(positional) - len(spec.defaults)) + list(spec.defaults)
        scope = Scope(func.module, {}, func.closure)
        docs = docstring_arguments(func.node)
        for i, (arg, default) in enumerate(list(zip(positional, defaults)) + list(zip(spec.kwonlyargs, spec.kw_defaults))):
            if i == 0 and (method or arg.arg in ("self", "cls")):
                continue
            param = self.param(prefix + "." + arg.arg if prefix else arg.arg, arg.lineno, scope, style)
            made = self.field(param, arg.annotation, default, scope, 0, arg.lineno)
            for p in made:
                p.doc = p.doc or docs.get(arg.arg, "")
                if style == "fire":
                    p.passed = "" if p.type in ("bool", "map", "list", "any") else "--" + p.name + "="
            out += made
        if spec.kwarg or spec.vararg:
            self.problem(func.node.lineno, "%s takes arguments without names (*args, **kwargs): they are not seen" % func.node.name, func.module)
        return out

    def entry(self, style, args, kwargs, node, scope):
        """tyro.cli and its like: a class or a function."""
        target = args[0] if args else kwargs.get("config_class") or kwargs.get("components") or Unknown()
        parser = Parser(style, node.lineno, scope.module)
        parser.parsed = True
        self.parsers.append(parser)
        if isinstance(target, Class):
            init = self.member(target, "__init__")
            if isinstance(init, Func) and not is_dataclass(target):
                parser.params = self.signature(init, style, "", True)
            else:
                parser.params = self.fields(target, style, "", node.lineno)
            return Namespace()
        if isinstance(target, (Func, Bound)):
            func = target.func if isinstance(target, Bound) else target
            parser.params = self.signature(func, style, "", isinstance(target, Bound))
            return self.call_function(func, [], {}, node)
        self.problem(node.lineno, "what %s is given is not understood: its parameters are not seen" % style, scope.module)
        return Namespace()

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

    # click and typer

    def decorate(self, deco, value):
        if isinstance(value, Command) and value.func and deco.name in ("click.option", "click.argument"):
            value = value.func
        if not isinstance(value, Func):
            return value
        if deco.name in ("click.option", "click.argument"):
            param = self.click_param(deco, value)
            if param is not None:
                value.click.insert(0, param)
        elif deco.name in ("click.command", "click.group"):
            self.style("click")
            value.command = Command(value)
            self.commands.append(value.command)
            parent = getattr(deco, "parent", None)
            if parent is not None:
                parent.children.append((value, "click"))
            return value.command
        elif deco.name in ("typer.command", "typer.callback"):
            deco.parent.children.append((value, "typer"))
        elif deco.name == "hydra.main":
            return Wrapped(value, deco)
        elif deco.name == "draccus.wrap":
            return Wrapped(value, deco)
        return value

    def command_method(self, command, name, args, kwargs, node):
        if name in ("command", "group", "callback"):
            made = Deco(("click." if command.style == "click" else "typer.") + name, args, kwargs, node.lineno)
            made.parent = command
            return self.decorate(made, args[0]) if args and isinstance(args[0], Func) else made
        if name in ("add_command", "add_typer") and args and isinstance(args[0], Command):
            command.children.append((args[0], command.style))
        elif name in ("main", "__call__", "callback"):
            self.run_command(command)
        return Unknown()

    def click_param(self, deco, func):
        names = [self.text(a) for a in deco.args]
        if None in names or not names:
            self.problem(deco.line, "the name of an option is computed", func.module)
            return None
        param = Param("", deco.line, func.module, "click")
        kwargs, flags, explicit, toggle = deco.kwargs, [], "", ""
        for name in names:
            if name.isidentifier() and not explicit:
                explicit = name
            elif "/" in name[1:] and not name.startswith("/"):
                first, _, toggle = name.partition("/")
                flags += [first.strip()] if first.strip() else []
                toggle = toggle.strip() or " "
            else:
                flags.append(name)
        option = deco.name == "click.option"
        best = max(flags, key=lambda f: len(f) - len(f.lstrip("-")), default="")
        param.name = (explicit if option and explicit else best.lstrip("-") if option else names[0]).replace("-", "_")
        param.name = param.name if option and explicit else param.name.lower()
        param.doc = " ".join((self.text(kwargs.get("help")) or "").split())
        if "type" in kwargs:
            self.named_type(param, kwargs["type"])
        flag = bool(toggle) or self.truth(kwargs.get("is_flag", Const(False))) is True
        if flag and "flag_value" not in kwargs:
            param.type, param.default = "bool", False
        multiple = self.truth(kwargs.get("multiple", Const(False))) is True
        nargs = kwargs.get("nargs")
        several = multiple or isinstance(nargs, Const) and nargs.value != 1
        if self.truth(kwargs.get("count", Const(False))) is True:
            param.type, param.default = "int", 0
        single = param.type
        if several:
            param.type = "list"
        if "default" in kwargs:
            self.default(param, kwargs["default"], param.name)
            if isinstance(param.default, str) and single in ("int", "float"):
                try:
                    param.default = (int if single == "int" else float)(param.default)
                except ValueError:
                    param.confidence = "likely"
        if param.type == "any" and "type" not in kwargs:
            param.type = "string"
        param.required = self.truth(kwargs.get("required", Const(False))) is True
        if not option:
            param.required = kwargs.get("required") is None and "default" not in kwargs and not (isinstance(nargs, Const) and nargs.value == -1) or param.required
        elif flag:
            param.passed = best if param.default is False else ""
        elif "count" not in kwargs and best and (multiple or not several):
            param.passed = best + "=" if best.startswith("--") else best
        return param

    def run_command(self, command):
        """A command is called: what it takes is what the script takes."""
        if command.listed:
            return
        command.listed = True
        self.style(command.style)
        single = command.style == "typer" and len(command.children) == 1
        if command.func:
            self.take(command.func, command.style, False)
        for child, style in command.children:
            if isinstance(child, Command):
                self.run_command(child)
            elif child.command and style == "click":
                child.command.listed = True
                self.take(child, style, True)
                for inner, kind in child.command.children:
                    self.take(inner, kind, True) if isinstance(inner, Func) else self.run_command(inner)
            else:
                self.take(child, style, not single)

    def take(self, func, style, nested):
        params = func.click if style == "click" else self.typer_params(func)
        for p in params:
            if nested:
                p.passed = ""
            if not any(q.name == p.name for q in self.found):
                self.found.append(p)
        self.call_function(func, [], {}, func.node)

    def typer_params(self, func):
        out = []
        for p in self.signature(func, "typer"):
            arg = next((a for a in getattr(func.node.args, "posonlyargs", []) + func.node.args.args + func.node.args.kwonlyargs if a.arg == p.name), None)
            if arg is not None and dotted(arg.annotation) in ("typer.Context", "Context"):
                continue
            option = not p.required
            for mark in self.typer_marks(func, p.name):
                option = mark.name == "typer.Option"
                names = [self.text(a) for a in mark.args]
                first = mark.args[0] if mark.args else None
                if isinstance(first, Ext) and first.name == "Ellipsis" or isinstance(first, Const) and first.value is Ellipsis:
                    p.default, p.required = None, True
                flags = [n for n in names if n and n.startswith("-")]
                p.flag = max(flags, key=lambda f: len(f) - len(f.lstrip("-")), default="").partition("/")[0]
            flag = getattr(p, "flag", "") or "--" + p.name.replace("_", "-")
            p.passed = "" if not option else flag + "=" if p.type not in ("bool", "any") else flag if p.type == "bool" and p.default is False else ""
            if flag and not flag.startswith("--") and p.passed.endswith("="):
                p.passed = flag
            out.append(p)
        return out

    def typer_marks(self, func, name):
        spec = func.node.args
        positional = getattr(spec, "posonlyargs", []) + spec.args
        pairs = list(zip(positional, [None] * (len(positional) - len(spec.defaults)) + list(spec.defaults))) + list(zip(spec.kwonlyargs, spec.kw_defaults))
        scope = Scope(func.module, {}, func.closure)
        for arg, default in pairs:
            if arg.arg != name:
                continue
            found = [self.value(default, scope)] if default is not None else []
            if isinstance(arg.annotation, ast.Subscript) and isinstance(index_of(arg.annotation), ast.Tuple):
                found += [self.value(e, scope) for e in index_of(arg.annotation).elts[1:]]
            return [f for f in found if isinstance(f, Deco) and f.name in ("typer.Option", "typer.Argument")]
        return []

    # absl

    def absl(self, last, args, kwargs, node, scope):
        kinds = {"integer": "int", "float": "float", "string": "string", "bool": "bool", "boolean": "bool", "enum": "string", "list": "list",
                 "spaceseplist": "list", "enum_class": "string"}
        if last == "FLAGS" or not last.startswith("DEFINE"):
            if last == "mark_flag_as_required" and args or last == "mark_flags_as_required" and args and isinstance(args[0], Seq):
                for value in args[0].items if isinstance(args[0], Seq) else [args[0]]:
                    for p in self.found:
                        if p.style == "absl" and p.name == self.text(value):
                            p.required = True
            return Unknown(text_of(node))
        kind = last[len("DEFINE_"):]
        several = kind.startswith("multi_")
        kind = kind[6:] if several else kind
        order = ["name", "default", "enum_values", "help"] if kind.startswith("enum") and kind != "enum_class" else ["name", "default", "enum_class", "help"] if kind == "enum_class" else ["name", "default", "help"]
        given = dict(zip(order, args), **kwargs)
        name = self.text(given.get("name"))
        if kind not in kinds or name is None:
            self.problem(node.lineno, "flags.%s is not understood" % last if kind not in kinds else "the name of a flag is computed", scope.module)
            return Unknown()
        self.style("absl")
        param = self.param(name, node.lineno, scope, "absl")
        param.type, param.doc = "list" if several else kinds[kind], " ".join((self.text(given.get("help")) or "").split())
        if "default" in given:
            self.default(param, given["default"], name)
            if kind == "list" and isinstance(param.default, str):
                param.default = [v.strip() for v in param.default.split(",")] if param.default else []
            if several and param.default is not None and not isinstance(param.default, (list, tuple)):
                param.default = [param.default]
        for key, side in (("lower_bound", "min"), ("upper_bound", "max")):
            if isinstance(given.get(key), Const):
                setattr(param, side, given[key].value)
        if "enum_values" in given:
            self.choices(param, given["enum_values"])
        elif isinstance(given.get("enum_class"), Class):
            self.choices(param, Seq([m.attrs["name"] for m in self.members_of(given["enum_class"]).items]))
        param.required = self.truth(given.get("required", Const(False))) is True
        param.passed = "" if kind in ("list", "spaceseplist") else "--" + name + "="
        self.found = [p for p in self.found if not (p.style == "absl" and p.name == name)] + [param]
        self.namespaces.update(("FLAGS", "flags.FLAGS"))
        return Unknown("a flag")

    # register_parameter and mlhost.param

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

    # hydra and OmegaConf

    def run_wrapped(self, wrapped, node, scope):
        func, deco = wrapped.func, wrapped.deco
        here = Scope(func.module, {})
        if deco.name == "hydra.main":
            self.hydra(func, deco)
        else:
            spec = func.node.args.args
            cls = self.value(spec[0].annotation, here) if spec and spec[0].annotation is not None else Unknown()
            self.entry("draccus", [cls], {}, func.node, here)
        return self.call_function(func, [Namespace()], {}, node)

    def hydra(self, func, deco):
        self.style("hydra")
        given = dict(zip(("config_path", "config_name", "version_base"), deco.args), **deco.kwargs)
        name, folder = self.text(given.get("config_name")), self.text(given.get("config_path")) or "."
        if name is None:
            self.problem(deco.line, "hydra's config_name is not told here: its configuration is not seen", func.module)
            return
        root = os.path.join(os.path.dirname(func.module.path), folder)
        path = os.path.join(root, name if name.endswith((".yaml", ".yml")) else name + ".yaml")
        found = {}
        self.compose(root, path, "", found, deco.line, 0)
        for p in found.values():
            p.passed = p.name + "=" if p.type not in ("list", "map", "any") else ""
            self.found.append(p)

    def compose(self, root, path, prefix, found, line, depth):
        """Reads a YAML file and what its defaults list names."""
        if depth > 10:
            self.problem(line, "the defaults lists of hydra's configuration go round in a circle")
            return
        entries, lines = self.yaml(path, line)
        if entries is None:
            return
        defaults = entries.pop("defaults", None) or []
        own = False
        for item in defaults if isinstance(defaults, list) else []:
            if item == "_self_":
                own = True
                self.flatten(entries, lines, prefix, path, found, "hydra")
            elif isinstance(item, str):
                if item.startswith("override ") or "@" in item or "/" in item and ":" in item:
                    self.problem(line, "hydra's defaults: %s is not understood" % item)
                else:
                    self.compose(root, os.path.join(root, item + ".yaml"), ".".join(item.split("/")[:-1]), found, line, depth + 1)
            elif isinstance(item, dict) and len(item) == 1:
                (group, option), = item.items()
                words = group.split()
                group = words[-1].lstrip("/")
                if words[0] == "override" or "@" in group or option is None:
                    if not group.startswith("hydra/") and option is not None:
                        self.problem(line, "hydra's defaults: %s: %s is not understood" % (" ".join(words), option))
                elif isinstance(option, str):
                    self.compose(root, os.path.join(root, group, option + ".yaml"), group.replace("/", "."), found, line, depth + 1)
                else:
                    self.problem(line, "hydra's defaults: %s chooses several files, which is not understood" % group)
        if not own:
            self.flatten(entries, lines, prefix, path, found, "hydra")

    def yaml(self, path, line):
        path = os.path.normpath(path)
        shown = os.path.relpath(path, os.path.dirname(self.path))
        try:
            with open(path, "rb") as f:
                data = f.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                raise Unreadable("it has more than %d MB" % (MAX_BYTES // 1_000_000))
            self.reads[path] = hashlib.sha256(data).hexdigest()
            reader = Yaml(data.decode("utf-8"))
            tree = reader.read()
        except OSError as e:
            self.reads[path] = ""
            self.problem(line, "%s cannot be read: %s" % (shown, e.strerror))
            return None, None
        except (Unreadable, UnicodeDecodeError, RecursionError) as e:
            self.problem(line, "%s%s: %s" % (shown, ":%d" % e.line if getattr(e, "line", 0) else "", e))
            return None, None
        if tree is None:
            tree = {}
        if not isinstance(tree, dict):
            self.problem(line, "%s holds no map" % shown)
            return None, None
        return tree, reader.lines

    def flatten(self, tree, lines, prefix, path, found, style, at=()):
        source = YamlFile(path)
        for key, value in tree.items():
            where = at + (key,)
            name = ".".join([p for p in [prefix] if p] + [str(k) for k in where])
            if isinstance(value, dict) and value:
                self.flatten(value, lines, prefix, path, found, style, where)
                continue
            if name.split(".")[0] == "hydra":
                continue
            param = Param(name, lines.get(where, 0), source, style)
            if value == "???":
                param.required = True
            elif isinstance(value, str) and "${" in value:
                param.confidence = "likely"
                self.problem(0, "%s:%d: the value of %s is computed: %s" % (os.path.relpath(path, os.path.dirname(self.path)), param.line, name, value[:60]))
            else:
                param.set_default(value)
            found[name] = param

    def omegaconf(self, last, args, kwargs, node, scope):
        if last == "load" and args:
            path = self.text(args[0])
            if path is None:
                self.problem(node.lineno, "the file that OmegaConf loads is computed: its values are not seen", scope.module)
                return Namespace()
            self.style("omegaconf")
            found = {}
            full = os.path.join(os.path.dirname(self.path), path)
            tree, lines = self.yaml(full, node.lineno)
            if tree is not None:
                self.flatten(tree, lines, "", os.path.normpath(full), found, "omegaconf")
            names = {p.name for p in self.found}
            for p in found.values():
                p.confidence = "likely" if p.confidence == "sure" else p.confidence
                if p.name not in names:
                    self.found.append(p)
            return Namespace()
        if last == "structured" and args and isinstance(args[0], (Class, Instance)):
            self.style("omegaconf")
            for p in self.fields(args[0] if isinstance(args[0], Class) else args[0].cls, "omegaconf", "", node.lineno):
                p.passed, p.confidence = "", "likely"
                self.found.append(p)
            return Namespace()
        if last == "from_cli":
            self.reads_cli = True
        if last in ("merge", "from_cli", "create", "to_container", "to_object", "unsafe_merge"):
            return Namespace()
        return Unknown(text_of(node))

    # The end

    def run(self):
        source = self.open(self.path)
        if source.problem:
            self.problem(source.problem.line, str(source.problem))
            return dict(self.result([], "none"), unreadable=True)
        module = self.modules[self.path] = Module(self, source, "__main__")
        module.ran = True
        facts = source.facts()
        try:
            self.walk_module(module)
            self.fall_back(module)
        except Budget:
            self.problem(0, "the script is too large to follow to its end: parameters may be missing")
        except RecursionError:
            self.problem(0, "the script nests too deeply: parameters may be missing")
        self.is_script = self.is_script or any(
            isinstance(n, (ast.For, ast.While, ast.With)) or isinstance(n, ast.Expr) and isinstance(n.value, ast.Call) and not sets_up(n.value)
            for n in source.tree.body)
        params = self.gather()
        style = next((s for s in STYLES if s in self.styles), None)
        if style is None:
            params, style = self.constants(source.tree, facts), "constants"
            style = style if params else "none"
        for line, name in facts.env:
            self.problem(line, "reads the environment variable %s" % name if name else "reads an environment variable with a computed name")
        if facts.argv and style in ("constants", "none"):
            self.problem(facts.argv, "reads sys.argv by itself: what it takes from there is not seen")
            style = "sys.argv" if style == "none" else style
        for p in params:
            self.settle(p, facts)
        self.problems.sort(key=lambda p: p["line"])
        return self.result(params, style)

    def fall_back(self, module):
        """Where nothing is reached from the top level, reads what another file would call."""
        if any(p.parsed for p in self.parsers) or self.found or self.styles:
            for command in self.commands:
                if not any(c.listed for c in self.commands):
                    self.run_command(command)
            return
        made = len(self.parsers)
        for name in ("main", "cli", "run", "app", "train", "parse_args", "get_args", "get_parser", "parse_opt", "make_parser", "build_parser"):
            value = module.env.get(name)
            if isinstance(value, (Func, Wrapped)) and not any(p.parsed for p in self.parsers) and not self.styles:
                self.call(value, [], {}, value.node if isinstance(value, Func) else value.func.node, Scope(module, module.env))
                if len(self.parsers) > made or self.found:
                    self.problem(0, "nothing at the top level calls %s; it is read as if something did" % name)

    def gather(self):
        """Joins the parameters of the parsers that are reached, and of what else is declared."""
        reached = [p for p in self.parsers if p.parsed]
        doubt = not reached
        if doubt:
            children = [c for p in self.parsers for c in p.children]
            reached = [p for p in self.parsers if p.params and p not in children]
            reached += [c for c in children if c not in reached]
            if reached:
                self.problem(reached[0].line, "no call of parse_args is seen: the parser's options may not be the script's", reached[0].module)
        out = {}
        for parser in reached:
            self.style(parser.style)
            for p in parser.params:
                if doubt and p.confidence == "sure":
                    p.confidence = "likely"
                before = out.get(p.name)
                if before is None:
                    out[p.name] = p
                elif before is not p and (before.default != p.default or before.type != p.type):
                    # Several options with one dest, or one dest in several subcommands.
                    if before.type == "bool" and p.type == "bool":
                        before.passed = ""
                    before.confidence = "likely" if parser.nested else before.confidence
        for p in self.found:
            out.setdefault(p.name, p)
        return list(out.values())

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

    def result(self, params, style):
        out = []
        for p in params:
            if not isinstance(p.choices, list):
                p.choices = None
            file = "" if p.module.path == self.path else os.path.relpath(p.module.path, os.path.dirname(self.path))
            out.append({
                "name": p.name, "type": p.type, "default": jsonable(p.default), "choices": jsonable(p.choices), "min": jsonable(p.min), "max": jsonable(p.max),
                "required": p.required, "doc": jsonable(p.doc.replace("\0", "")), "line": p.line, "confidence": p.confidence, "mutability": p.mutability or "restart",
                "file": file, "pass": p.passed, "style": p.style,
            })
        return {"path": self.path, "style": style, "parameters": out, "problems": self.problems, "script": self.is_script or bool(params and style not in ("constants",)), "reads": self.reads}


class Script(Libraries, Scan):
    pass


class YamlFile:
    def __init__(self, path):
        self.path = path


def sets_up(call):
    """Tells a call that modules make too when they are imported."""
    name = dotted(call.func) or ""
    return name.split(".")[0] in ("sys", "warnings", "logging", "logger", "matplotlib", "os") or name.endswith((".register", "filterwarnings", "setLevel", "manual_seed"))


def is_dataclass(cls):
    names = {dotted(d.func if isinstance(d, ast.Call) else d) or "" for d in cls.node.decorator_list}
    return any(n.split(".")[-1] in ("dataclass", "define", "s", "attrs", "frozen") for n in names)


def docstring_arguments(node):
    """Returns what a function's docstring says of its arguments (Google's form, and :param x:)."""
    out = {}
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        for match in re.finditer(r"^\s*(?::param\s+)?(\w+)\s*(?:\([^)\n]*\))?:[ \t]+(\S.*)$", first.value.value[:20_000], re.M):
            out.setdefault(match.group(1), match.group(2).strip())
    return out


# --- YAML, as far as configurations need it -------------------------------------------------


class Yaml:
    """Reads maps, lists and scalars; anything else is Unreadable."""

    KEY = re.compile(r"""^("[^"]*"|'[^']*'|[^\s#'"\[\]{}&*!|>%@`,?-][^#:]*?|-[^\s:#][^#:]*?|[^#:\s]+ [^#:]+?)\s*:(?:\s+(.*))?$""")

    def __init__(self, text):
        self.rows, self.lines, self.at = [], {}, 0
        for number, raw in enumerate(text.split("\n"), 1):
            line = self.strip(raw.rstrip("\r"), number)
            if line.strip() in ("", "---") and not (line.strip() == "---" and self.rows):
                continue
            if line.startswith(("---", "...", "%")):
                raise Unreadable("several documents or a directive, which are not understood", number)
            body = line.lstrip(" ")
            if body.startswith("\t"):
                raise Unreadable("a tab in the indentation", number)
            self.rows.append((len(line) - len(body), body.rstrip(), number))

    def strip(self, line, number):
        """Takes a comment off."""
        quote = ""
        for i, c in enumerate(line):
            if quote:
                quote = "" if c == quote and not (quote == '"' and line[i - 1] == "\\") else quote
            elif c in "'\"" and (i == 0 or line[i - 1] in " [{,:"):
                quote = c
            elif c == "#" and (i == 0 or line[i - 1] in " \t"):
                return line[:i]
        return line

    def read(self):
        if not self.rows:
            return None
        value = self.block(self.rows[0][0], ())
        if self.at < len(self.rows):
            raise Unreadable("the indentation is not understood", self.rows[self.at][2])
        return value

    def block(self, indent, where):
        return self.items(indent, where) if self.rows[self.at][1].startswith("- ") or self.rows[self.at][1] == "-" else self.map(indent, where)

    def map(self, indent, where):
        out = {}
        while self.at < len(self.rows) and self.rows[self.at][0] == indent:
            _, body, number = self.rows[self.at]
            match = self.KEY.match(body)
            if not match:
                if not out and not where and len(self.rows) == 1:
                    self.at += 1
                    return self.scalar(body, number)
                raise Unreadable("this line is not understood", number)
            key = match.group(1).strip("'\"")
            if key in out:
                raise Unreadable("the key %s stands there twice" % key, number)
            if key == "<<":
                raise Unreadable("merge keys are not understood", number)
            self.lines[where + (key,)] = number
            self.at += 1
            rest = (match.group(2) or "").strip()
            if rest:
                out[key] = self.scalar(rest, number)
            elif self.at < len(self.rows) and (self.rows[self.at][0] > indent or self.rows[self.at][0] == indent and self.rows[self.at][1].startswith("-")):
                out[key] = self.block(self.rows[self.at][0], where + (key,))
            else:
                out[key] = None
        return out

    def items(self, indent, where):
        out = []
        while self.at < len(self.rows) and self.rows[self.at][0] == indent and (self.rows[self.at][1].startswith("- ") or self.rows[self.at][1] == "-"):
            _, body, number = self.rows[self.at]
            rest = body[1:].lstrip()
            if not rest:
                self.at += 1
                if self.at < len(self.rows) and self.rows[self.at][0] > indent:
                    out.append(self.block(self.rows[self.at][0], where + (len(out),)))
                else:
                    out.append(None)
            elif self.KEY.match(rest) and rest[0] not in "'\"[{" or rest.startswith("- "):
                inner = indent + len(body) - len(rest)
                self.rows[self.at] = (inner, rest, number)
                out.append(self.block(inner, where + (len(out),)))
            else:
                self.at += 1
                out.append(self.scalar(rest, number))
        return out

    def scalar(self, text, number):
        if text[0] in "&*!|>@`%":
            raise Unreadable("anchors, tags and texts of several lines are not understood", number)
        if text[0] in "[{":
            value, rest = self.flow(text, number)
            if rest.strip():
                raise Unreadable("what stands behind a list or map is not understood", number)
            return value
        return self.plain(text, number)

    def plain(self, text, number):
        text = text.strip()
        if text[:1] in ("'", '"'):
            if len(text) < 2 or text[-1] != text[0]:
                raise Unreadable("a text without its closing quote", number)
            if text[0] == "'":
                return text[1:-1].replace("''", "'")
            try:
                return json.loads(text)
            except ValueError:
                raise Unreadable("this text's escapes are not understood", number) from None
        low = text.lower()
        if low in ("", "~", "null"):
            return None
        if low in ("true", "yes", "on", "false", "no", "off"):
            return low in ("true", "yes", "on")
        if re.match(r"^[-+]?(0|[1-9][0-9_]*)$", text):
            return int(text.replace("_", ""))
        if re.match(r"^[-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?$", text):
            return float(text.replace("_", ""))
        if re.match(r"^0x[0-9a-fA-F]+$", text):
            return int(text, 16)
        if low.lstrip("+-") in (".inf", ".nan"):
            return float(low.replace(".", ""))
        return text

    def flow(self, text, number):
        """Reads [a, b] and {a: b}; returns the value and what is left."""
        close, out = ("]", []) if text[0] == "[" else ("}", {})
        rest = text[1:].lstrip()
        while True:
            if not rest:
                raise Unreadable("a list or map over several lines is not understood", number)
            if rest[0] == close:
                return out, rest[1:]
            key = None
            if close == "}":
                match = re.match(r"""("[^"]*"|'[^']*'|[^\s:,{}\[\]]+)\s*:\s*""", rest)
                if not match:
                    raise Unreadable("this map is not understood", number)
                key, rest = match.group(1).strip("'\""), rest[match.end():]
            if rest[:1] in ("[", "{") and rest:
                value, rest = self.flow(rest, number)
            else:
                match = re.match(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|\$\{[^}]*\}|[^,\[\]{}]*)""", rest)
                value, rest = self.plain(match.group(1), number), rest[match.end():]
            if key is None:
                out.append(value)
            else:
                out[key] = value
            rest = rest.lstrip()
            if rest[:1] == ",":
                rest = rest[1:].lstrip()
            elif rest[:1] != close:
                raise Unreadable("this list or map is not understood", number)


def main():
    import warnings

    warnings.simplefilter("ignore")  # the scripts' own escapes and comparisons
    sys.setrecursionlimit(3000)
    tree = Tree()
    for path in json.load(sys.stdin)["paths"]:
        scan = Script(tree, path)
        try:
            found = scan.run()
        except Exception as failure:  # a mistake of this file must cost one script, not all of them
            found = {"path": path, "style": "none", "parameters": [], "script": True, "reads": scan.reads,
                     "problems": scan.problems + [{"line": 0, "message": "mlhost could not read this script: %s: %s" % (type(failure).__name__, failure)}]}
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
