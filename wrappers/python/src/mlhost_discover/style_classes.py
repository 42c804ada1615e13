"""Fields of dataclasses and arguments of functions: HfArgumentParser, tyro, simple_parsing, draccus, jsonargparse."""

import ast

from scopes import Scope
from syntax import docstring_arguments, dotted, hyphenated, index_of, is_dataclass
from values import TYPES, Alternatives, Bound, Class, Const, Deco, Ext, Func, Instance, Namespace, Param, Parser, Partial, Seq, Table, Unknown, type_of, wrap


class Classes:
    """Dataclasses and signatures."""

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
        if isinstance(value, Ext) and scope.module.library and param.style != "jsonargparse" and value.name not in TYPES and value.name.split(".")[0] == scope.module.name.split(".")[0]:
            found = self.installed(value.name)  # an enumeration of the library, as a rule
            value = found if isinstance(found, Class) and self.is_enum(found) else value
        if isinstance(value, Alternatives):
            classes = [v for v in self.targets_of(value) if isinstance(v, Class) and not self.is_enum(v)]
            if classes and len(classes) == len(self.targets_of(value)):
                param.several = classes
                return classes[0]
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
        if param.style == "tyro" and len(real) > 1:
            values = [self.value(p, scope) for p in real]
            if all(isinstance(v, (Class, Alternatives)) and not self.is_enum(v) for v in values):
                param.several = self.targets_of(self.alternatives(values))
                return param.several[0]
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
            param.mixed = param.type == "any" and param.style == "jsonargparse"
        return found

    def fields(self, cls, style, prefix, line, depth=0):
        """Returns the parameters that a dataclass's fields are."""
        if depth > 8:
            self.problem(line, "%s nests without end" % cls.node.name, cls.module)
            return []
        out = {}
        self.adopt(cls)
        for base in self.foreign_bases(cls):
            if base.split(".")[-1] not in ("object", "ABC", "Generic", "Protocol", "Serializable", "FrozenSerializable", "NamedTuple", "BaseModel", "JsonSerializable", "Tap", "ChoiceRegistry", "PluginRegistry") and not base.startswith("typing"):
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
        param.extra, param.enum, param.several = [], "", []
        cls = self.annotation(param, annotation, scope) if annotation is not None else None
        if param.type == "skip":
            return []
        value = self.forced(self.value(value_node, scope)) if value_node is not None else None
        for extra in param.extra:
            self.described(param, extra)
        factory = None
        if isinstance(value, Deco):
            deco, value = value, None
            self.described(param, deco)
            if self.truth(deco.kwargs.get("init", Const(True))) is False or self.truth(deco.kwargs.get("cmd", Const(True))) is False:
                return []
            if deco.name == "simple_parsing.subgroups":
                return self.subgroups(param, deco, line, depth)
            if deco.name == "simple_parsing.list_field" and "choices" in deco.kwargs:
                self.choices(param, deco.kwargs["choices"])
            if deco.name == "simple_parsing.list_field" and "default" not in deco.kwargs:
                deco.kwargs["default"] = Seq(deco.args)
            first = deco.args[0] if deco.args and (deco.name == "simple_parsing.field" or not deco.name.endswith((".choice", ".field"))) else None
            value = deco.kwargs.get("default", first)
            factory = deco.kwargs.get("default_factory") or deco.kwargs.get("factory")
            if deco.name in ("simple_parsing.mutable_field", "simple_parsing.mutable_default") and deco.args:
                factory = Partial(deco.args[0], deco.args[1:], deco.kwargs) if isinstance(deco.args[0], Class) else deco.args[0]
                value = None
            if isinstance(value, Ext) and value.name in ("dataclasses.MISSING", "Ellipsis"):
                value = None
        if len(param.several) > 1:
            out = []
            for one in param.several:
                made = self.fields(one, param.style, param.name, line, depth + 1) if isinstance(one, Class) else []
                for p in made:
                    p.nested, p.passed = True, ""
                    p.commands = p.commands or [[hyphenated(param.name) + ":" + hyphenated(one.node.name)]]
                out += made
            return self.first_of_each(out)
        if param.style == "tyro" and cls is None:
            made = self.tuple_of_classes(param, annotation, value, factory, scope, line, depth)
            if made is not None:
                return made
        if cls is not None and param.style in ("hydra", "omegaconf") and (value is None and factory is None or isinstance(value, Ext) and value.name == "omegaconf.MISSING"):
            param.required = True  # what it is to be is chosen by hydra's defaults
            return [param]
        if cls is not None and (param.style in ("typer", "fire") or param.style == "jsonargparse" and (not is_dataclass(cls) or isinstance(value, Const) and value.value is None)):
            cls = None  # one value, which the class makes of a text
        if param.style == "tyro" and isinstance(value, Table) and value.items and param.type == "map":
            return self.items_of(param, value)
        if cls is not None and param.style == "draccus" and self.is_choice(cls):
            return self.choice_fields(param, cls, self.made_class(value, factory), scope, line, depth)
        if cls is not None:
            changed = {}
            if isinstance(factory, Partial) and isinstance(factory.target, Class):
                factory, changed = factory.target, factory.kwargs
            elif isinstance(factory, Func) and factory.node.name == "<lambda>" and isinstance(factory.node.body[0].value, ast.Call):
                call = factory.node.body[0].value
                made_of = self.value(call.func, Scope(factory.module, {}, factory.closure))
                if isinstance(made_of, Class) and not call.args:
                    changed = {k.arg: self.value(k.value, Scope(factory.module, {}, factory.closure)) for k in call.keywords if k.arg}
                    factory = made_of
            inner = factory if isinstance(factory, Class) else cls
            nested = self.fields(inner, param.style, param.name, line, depth + 1)
            made = value if isinstance(value, Instance) else None
            for p in nested:
                key = p.name[len(param.name) + 1:]
                if key in changed:
                    if isinstance(changed[key], Instance) and p.enum:
                        changed[key] = changed[key].attrs.get(p.enum, changed[key])
                    self.default(p, changed[key], p.name)
                    p.required = False
            if isinstance(factory, Func):
                self.problem(param.line, "%s is made by a function: its defaults are those of %s" % (param.name, cls.node.name), param.module)
            if made is not None and value_node is not None and isinstance(value_node, ast.Call) and (value_node.args or value_node.keywords):
                for keyword in value_node.keywords:
                    for p in nested:
                        if p.name == "%s.%s" % (param.name, keyword.arg):
                            self.default(p, self.value(keyword.value, scope), p.name)
                            p.required = False
            if param.style == "draccus" and not self.is_pyrallis():
                return [self.file_of_values(param.name, param.line, scope, "a file of values for it")] + nested
            return nested
        self.field_default(param, value, factory, scope)
        self.field_flag(param)
        return [param]

    def tuple_of_classes(self, param, annotation, value, factory, scope, line, depth):
        """tyro takes Tuple[Color, Color] as two_colors.0.r, two_colors.1.r."""
        index = index_of(annotation) if isinstance(annotation, ast.Subscript) else None
        if not isinstance(index, ast.Tuple) or (dotted(annotation.value) or "").split(".")[-1].lower() != "tuple":
            return None
        classes = [self.value(e, scope) for e in index.elts]
        if not classes or not all(isinstance(c, Class) and (is_dataclass(c) or any(b.endswith("NamedTuple") for b in self.foreign_bases(c))) for c in classes):
            return None
        given = value if isinstance(value, Seq) else self.call_function(factory, [], {}, factory.node) if isinstance(factory, Func) else None
        out = []
        for i, cls in enumerate(classes):
            name = "%s.%d" % (param.name, i)
            one = self.forced(given.items[i]) if isinstance(given, Seq) and i < len(given.items) else None
            made = self.filled(one, "tyro", name, annotation) if isinstance(one, Instance) and one.cls is not None else self.fields(cls, "tyro", name, line, depth + 1)
            out += made
        return out

    def items_of(self, param, table):
        """tyro makes a parameter of each key of a dictionary that has a default."""
        out = []
        for key, value in table.items.items():
            one = param.copy()
            one.name, one.type = "%s.%s" % (param.name, key), "any"
            if isinstance(value, Table) and value.items:
                out += self.items_of(one, value)
                continue
            self.default(one, value, one.name)
            out.append(one)
        return out

    def first_of_each(self, params, what="several subcommands"):
        """Joins what several subcommands have under one name, and says so where they differ."""
        out = {}
        for p in params:
            before = out.setdefault(p.name, p)
            if before is not p:
                before.join(p)
            if before is not p and (before.default != p.default or before.type != p.type):
                before.confidence = "likely"
                self.problem(p.line, "%s have %s, with other values: those of line %d are listed" % (what, p.name, before.line), p.module)
        return list(out.values())

    def subgroups(self, param, deco, line, depth):
        """A choice between dataclasses, and the fields of the one that is taken if nothing is said."""
        table = deco.args[0] if deco.args else deco.kwargs.get("subgroups")
        key = self.text(deco.kwargs.get("default"))
        if not isinstance(table, Table):
            self.problem(param.line, "the subgroups of %s are computed" % param.name, param.module)
            return [param]
        param.type, param.choices, param.default = "string", [str(k) for k in table.items], key
        param.required = key is None
        chosen = table.items.get(key)
        changed = chosen.kwargs if isinstance(chosen, Partial) else {}
        chosen = chosen.target if isinstance(chosen, Partial) else chosen
        nested = self.fields(chosen, param.style, param.name, line, depth + 1) if isinstance(chosen, Class) else []
        for p in nested:
            if p.name[len(param.name) + 1:] in changed:
                self.default(p, changed[p.name[len(param.name) + 1:]], p.name)
        if key is not None:
            self.problem(param.line, "%s is a choice between classes: listed are the fields of %s" % (param.name, key), param.module)
        return [param] + nested

    def config_path_argument(self, parser, kwargs, node, scope):
        """simple_parsing adds an option for a file of defaults if it is told to."""
        asked = kwargs.get("add_config_path_arg")
        name = self.text(asked) or ("config_path" if asked is not None and self.truth(asked) or asked is None and "config_path" in kwargs else "")
        if name:
            param = self.param(name.lstrip("-").replace("-", "_"), node.lineno, scope, "simple_parsing")
            param.type, param.doc = "string", "a file of defaults"
            parser.params.append(param)
        if "config_path" in kwargs and not (isinstance(kwargs["config_path"], Const) and kwargs["config_path"].value is None):
            self.problem(node.lineno, "config_path: the defaults that it gives are not seen", scope.module)

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
        target = self.class_of(self.forced(args[0] if args else kwargs.get("config_class") or kwargs.get("components") or Unknown()))
        if style == "tyro" and isinstance(target, Alternatives):
            self.commands_parser(self.targets_of(target), style, node, scope)
            return Namespace()
        if style == "jsonargparse" and self.json_cli(target if args or "components" in kwargs else None, node, scope):
            return Namespace()
        parser = Parser(style, node.lineno, scope.module)
        parser.parsed, parser.abbreviates = True, style == "simple_parsing"
        self.parsers.append(parser)
        if style == "simple_parsing":
            self.config_path_argument(parser, kwargs, node, scope)
            prefix = self.text(kwargs.get("dest")) or "config"
            parser.params += self.fields(target, style, prefix, node.lineno) if isinstance(target, Class) else []
            if not isinstance(target, Class):
                self.problem(node.lineno, "what simple_parsing is given is not understood: its parameters are not seen", scope.module)
            return Namespace()
        if style == "draccus":
            path = kwargs.get("config_path") or (args[1] if len(args) > 1 else None)
            param = self.file_of_values("config_path", node.lineno, scope, "a file of values")
            parser.params.append(param)
            if path is not None and not (isinstance(path, Const) and path.value is None):
                self.problem(node.lineno, "config_path: the defaults that it gives are not seen", scope.module)
        if isinstance(target, Class):
            init = self.member(target, "__init__")
            if isinstance(init, Func) and not is_dataclass(target):
                parser.params += self.signature(init, style, "", True)
            elif style == "draccus" and self.is_choice(target):
                parser.params += self.choice_fields(self.param("", node.lineno, scope, style), target, None, scope, node.lineno, 0)
            else:
                parser.params += self.fields(target, style, "", node.lineno)
            return Namespace()
        if isinstance(target, (Func, Bound)):
            func = target.func if isinstance(target, Bound) else target
            parser.params += self.signature(func, style, "", isinstance(target, Bound))
            return self.call_function(func, [], {}, node)
        self.problem(node.lineno, "what %s is given is not understood: its parameters are not seen" % style, scope.module)
        return Namespace()
