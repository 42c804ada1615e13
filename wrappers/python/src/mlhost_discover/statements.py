"""Statements, in order."""

import ast
import time

from scopes import Scope
from syntax import dotted, index_of, is_main_guard
from values import THERE, Budget, Class, Command, Const, Func, Instance, Namespace, NotPlain, Parser, Seq, Table, Unknown, Wrapped, plain

MAX_STEPS = 150_000  # expressions and statements of one script


class Statements:
    """Follows statements."""

    def step(self):
        self.steps += 1
        if self.steps > MAX_STEPS or (self.steps % 500 == 0 and time.process_time() > self.deadline):
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
        handler = self.handlers.get(type(node))
        if handler:
            return handler(node, scope)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child, scope)
        return None

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
            joined = Unknown(node.value)
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
                if isinstance(owner, Instance):
                    owner.lines[target.attr] = (target.lineno, scope.module)
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

    def do_Delete(self, node, scope):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and not self.unsure:
                table, key = self.value(target.value, scope), self.value(index_of(target), scope)
                if isinstance(table, Table) and isinstance(key, Const):
                    table.items.pop(key.value, None)

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
            self.assign(node.target, Unknown(node.target), scope)
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
        if isinstance(node.exc, ast.Call):
            self.value(node.exc, scope)  # raise SystemExit(main())
        return "end" if not self.unsure else None

    def do_Match(self, node, scope):
        self.value(node.subject, scope)
        self.unsure += 1
        for case in node.cases:
            self.walk(case.body, scope)
        self.unsure -= 1

    def truth(self, value):
        if isinstance(value, THERE):
            return True
        try:
            return bool(plain(value))
        except NotPlain:
            return None
