"""Values of expressions."""

import ast
import os

from names import canonical
from scopes import Scope
from syntax import dotted, index_of, is_static
from values import (
    THERE, Alternatives, Bound, Class, Const, Deferred, Ext, Func, Group, Instance, Lazy, Method, ModuleValue, Namespace, NotPlain, Parser, Seq, Super, Table,
    Unknown, plain, wrap,
)

UNARY = {ast.USub: lambda a: -a, ast.UAdd: lambda a: +a, ast.Not: lambda a: not a, ast.Invert: lambda a: ~a}
COMPARE = {ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
           ast.Is: lambda a, b: a is b, ast.IsNot: lambda a, b: a is not b, ast.Lt: lambda a, b: a < b, ast.Gt: lambda a, b: a > b,
           ast.LtE: lambda a, b: a <= b, ast.GtE: lambda a, b: a >= b}


BUILTIN = ("bool", "int", "float", "str", "list", "tuple", "dict", "NoneType")


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
        if not isinstance(a, str) or any(c in a for c in "*0123456789"):
            raise ValueError
        return a % (tuple(b) if isinstance(b, tuple) else b)
    return {ast.Add: lambda: a + b, ast.Sub: lambda: a - b, ast.Mult: lambda: a * b, ast.Div: lambda: a / b, ast.FloorDiv: lambda: a // b,
            ast.Mod: lambda: a % b, ast.BitOr: lambda: a | b, ast.BitAnd: lambda: a & b}[kind]()


class Expressions:
    """Works out values, as far as the source tells them."""

    def value(self, node, scope):
        self.step()
        handler = self.handlers.get(type(node))
        if handler:
            return handler(node, scope)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr) and not isinstance(node, ast.Lambda):
                self.value(child, scope)
        return Unknown(node)

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
        if node.id == "__doc__":
            return Const(ast.get_docstring(scope.module.source.tree, clean=False))
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
            return self.resolve(found) if isinstance(found, Lazy) else found or Unknown(node)
        if isinstance(owner, Seq) and name in owner.attrs:
            return owner.attrs[name]
        if isinstance(owner, Table) and name in owner.items and isinstance(owner.items[name], (ModuleValue, Table)):
            return owner.items[name]
        if isinstance(owner, (Instance, Parser)):
            if name in owner.attrs:
                return owner.attrs[name]
            if name == "__dict__" and isinstance(owner, Instance):
                return Table(owner.attrs)
            if owner.cls:
                found = self.member(owner.cls, name)
                if isinstance(found, Func):
                    return found if is_static(found.node) else Bound(found, owner)
                if found is not None:
                    return found
            return Method(owner, name)
        if isinstance(owner, Class):
            if self.is_enum(owner):
                for one in self.members_of(owner).items:
                    if one.attrs["name"].value == name:
                        return one
            found = self.member(owner, name)
            if isinstance(found, Func):
                return Bound(found, owner) if any(dotted(d) == "classmethod" for d in found.node.decorator_list) else found
            return found or Method(owner, name)
        if isinstance(owner, Namespace):
            return Unknown(node)
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
                    return Unknown(node)
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
                    return Unknown(node)
                items.update(got.items)
                continue
            name = self.value(key, scope)
            if not isinstance(name, Const) or not isinstance(name.value, (str, int, float, bool, type(None))):
                return Unknown(node)
            items[name.value] = got
        return Table(items)

    def on_UnaryOp(self, node, scope):
        try:
            return Const(UNARY[type(node.op)](plain(self.value(node.operand, scope))))
        except (NotPlain, KeyError, TypeError):
            return Unknown(node)

    def on_BinOp(self, node, scope):
        left, right = self.value(node.left, scope), self.value(node.right, scope)
        try:
            a, b = plain(left), plain(right)
            return wrap(binary(node.op, a, b))
        except (NotPlain, TypeError, ValueError, ArithmeticError, KeyError):
            pass
        if isinstance(node.op, ast.BitOr) and isinstance(left, (Class, Alternatives)):
            return self.alternatives([left, right])
        if isinstance(node.op, ast.Add) and isinstance(left, Seq) and isinstance(right, Seq):
            return Seq(left.items + right.items, left.kind)
        return Unknown(node)

    def on_BoolOp(self, node, scope):
        value = Unknown(node)
        for part in node.values:
            value = self.value(part, scope)
            known = self.truth(value)
            if known is None:
                return Unknown(node)
            if known == isinstance(node.op, ast.Or):
                return value
        return value

    def on_Compare(self, node, scope):
        left = self.value(node.left, scope)
        rights = [self.value(c, scope) for c in node.comparators]
        if len(rights) == 1 and isinstance(node.ops[0], (ast.Is, ast.IsNot)) and isinstance(rights[0], Const) and rights[0].value is None and isinstance(left, THERE):
            return Const(isinstance(node.ops[0], ast.IsNot))
        if len(rights) == 1 and type(node.ops[0]) in COMPARE:
            try:
                return Const(bool(COMPARE[type(node.ops[0])](plain(left), plain(rights[0]))))
            except (NotPlain, TypeError):
                pass
        if len(rights) == 1 and isinstance(left, Ext) and isinstance(rights[0], Ext) and left.name in BUILTIN and rights[0].name in BUILTIN and isinstance(node.ops[0], (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)):
            return Const((left.name == rights[0].name) == isinstance(node.ops[0], (ast.Is, ast.Eq)))
        return Unknown(node)

    def on_IfExp(self, node, scope):
        known = self.truth(self.value(node.test, scope))
        if known is None:
            self.value(node.body, scope), self.value(node.orelse, scope)
            return Unknown(node)
        return self.value(node.body if known else node.orelse, scope)

    def on_JoinedStr(self, node, scope):
        text = ""
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                if part.conversion not in (-1, ord("s")) or part.format_spec:
                    return Unknown(node)
                part = part.value
            try:
                got = plain(self.value(part, scope))
            except NotPlain:
                return Unknown(node)
            text += str(got)
            if len(text) > 10_000:
                return Unknown(node)
        return Const(text)

    def on_Subscript(self, node, scope):
        owner, index = self.value(node.value, scope), index_of(node)
        if isinstance(index, ast.Slice):
            try:
                parts = [plain(self.value(p, scope)) if p is not None else None for p in (index.lower, index.upper, index.step)]
                return wrap(plain(owner)[slice(*parts)])
            except (NotPlain, TypeError, ValueError, KeyError):
                return Unknown(node)
        key = self.value(index, scope)
        if isinstance(owner, (Seq, Table, Const)) and isinstance(key, Const):
            try:
                return wrap(owner.value[key.value]) if isinstance(owner, Const) else owner.items[key.value]
            except (TypeError, KeyError, IndexError):
                pass
        if isinstance(owner, Ext):
            if owner.name in ("typer.Option",):
                return owner
            return self.subscripted(owner.name, index, scope) or Unknown(node)
        return Unknown(node)

    def subscripted(self, name, index, scope):
        """Union[A, B] is a choice; Annotated[A, …] and what tyro wraps around a type are the type."""
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        if name in ("typing.Union", "typing.Optional"):
            return self.alternatives([self.value(p, scope) for p in parts])
        if name == "typing.Annotated" or name.startswith("tyro.conf."):
            return self.value(parts[0], scope)
        return None

    def alternatives(self, values):
        out = []
        for value in values:
            out += value.items if isinstance(value, Alternatives) else [value]
        return Alternatives(out)

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
        return Unknown(node)

    on_GeneratorExp = on_ListComp

    on_SetComp = on_ListComp

    def on_DictComp(self, node, scope):
        return Unknown(node)

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

    def quiet(self, func, scope):
        """Tells a call of something imported from a file of the tree that says nothing of arguments:
        neither that file is read for it, nor what it calls is followed."""
        if self.following:
            return False
        found = scope.lookup(func.id) if isinstance(func, ast.Name) else scope.lookup(func.value.id) if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) else None
        if isinstance(found, Lazy) and not found.module.ran and found.module.path.endswith("__init__.py") and found.name not in found.module.source.text:
            inner = self.local(os.path.dirname(found.module.path), [found.name])
            found = ModuleValue(inner) if inner else found
        return isinstance(found, (Lazy, ModuleValue)) and not found.module.ran and not found.module.source.speaks

    def on_Call(self, node, scope):
        quiet = self.quiet(node.func, scope)
        target = Unknown(node.func) if quiet else self.value(node.func, scope)
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
        if quiet and any(isinstance(v, (Parser, Group)) for v in args + list(kwargs.values())):
            target, quiet = self.value(node.func, scope), False
        return Deferred(node, scope) if quiet else self.call(target, args, kwargs, node, scope)

    def forced(self, value):
        """Follows a call that was left alone."""
        if not isinstance(value, Deferred):
            return value
        self.following += 1
        try:
            return self.value(value.source, value.scope)
        finally:
            self.following -= 1
