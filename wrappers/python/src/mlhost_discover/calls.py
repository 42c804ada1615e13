"""Calls of functions and classes of the tree."""

import ast

from libraries import PARSERS
from scopes import Scope
from style_lightning import NAMES as LIGHTNING
from values import (
    Bound, Class, Command, Const, Deco, Ext, Func, Group, Instance, Lazy, Method, ModuleValue, Namespace, Parser, Partial, Seq, Subparsers,
    Table, Unknown, Wrapped,
)

MAX_DEPTH = 40
SMALL = 6  # statements of a function that is followed whatever it says
MAX_CALLS = 24  # of one function that is handed nothing of interest


class Calls:
    """Follows calls."""

    def call(self, target, args, kwargs, node, scope):
        self.step()
        if isinstance(target, Func):
            return self.call_function(target, args, kwargs, node)
        if isinstance(target, Bound):
            if self.takes_arguments(target.func, target.receiver, node):
                return Const(None)
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
        return self.passed_on(node.func if isinstance(node, ast.Call) else "", args, kwargs, node, scope)

    def passed_on(self, name, args, kwargs, node, scope):
        """A call of something unseen: a parser that it is handed may grow there."""
        for value in args + list(kwargs.values()):
            if isinstance(value, (Parser, Group)):
                self.problem(node.lineno, "the parser is passed to %s, which is not in this tree: what that adds is not seen" % Unknown(name).text, scope.module)
                return value
        return Unknown(node)

    def call_function(self, func, args, kwargs, node):
        key = (func.module.path, func.node.lineno, func.node.name)
        interesting = any(isinstance(v, (Parser, Group, Subparsers, Func, Command)) for v in args + list(kwargs.values()))
        made = any(isinstance(v, Instance) for v in args[:1])
        self.calls[key] = self.calls.get(key, 0) + 1
        if key in self.stack or len(self.stack) > MAX_DEPTH or (self.calls[key] > MAX_CALLS and not interesting and not made):
            return Unknown("a call of " + func.node.name)
        if not interesting and not self.matters(func):
            self.note_namespaces(func, args, kwargs)
            return Unknown(node)
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

    def matters(self, func):
        """Tells whether following a function can show a parameter, or a value of one. What trains a
        model is left alone: only names of the function, and of what it calls in its file, decide."""
        if self.following or func.node.name == "<lambda>" or len(func.node.body) <= SMALL:
            return True
        facts = func.module.source.facts()
        return func.node.name in facts.matters or any(
            isinstance(func.module.env.get(n), (Lazy, ModuleValue)) and func.module.env[n].module.source.speaks for n in facts.names.get(func.node.name, ()))

    def note_namespaces(self, func, args, kwargs):
        spec = func.node.args
        for name, value in list(zip([a.arg for a in getattr(spec, "posonlyargs", []) + spec.args], args)) + list(kwargs.items()):
            if isinstance(value, Namespace):
                self.namespaces.add(name)

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
        handed = next((a for a in args if isinstance(a, (Parser, Group))), None)
        if handed is not None and any(b in ("argparse._ArgumentGroup", "argparse._MutuallyExclusiveGroup") for b in foreign):
            return Group(handed if isinstance(handed, Parser) else handed.parser)
        if any(b in LIGHTNING for b in foreign) and not isinstance(self.member(cls, "__init__"), Func):
            return self.lightning(args, kwargs, node, scope, cls)
        if kind:
            made = self.new_parser(kind, args, kwargs, node, scope)
            made.cls = cls
        else:
            made = Instance(cls)
            made.given = dict(kwargs) if not args else dict(zip(self.field_names(cls), args), **kwargs)
        init = self.member(cls, "__init__")
        if isinstance(init, Func):
            self.call_function(init, [made] + args, kwargs, node)
        return made
