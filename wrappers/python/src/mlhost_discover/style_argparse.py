"""argparse, and parsers that are used like it."""

from libraries import PARSES
from syntax import is_dataclass
from values import Class, Const, Deco, Ext, Func, Group, Namespace, Parser, Seq, Subparsers, Unknown, type_of


ACTIONS = {"_StoreTrueAction": "store_true", "_StoreFalseAction": "store_false", "_StoreAction": "store", "_AppendAction": "append", "_CountAction": "count",
           "_StoreConstAction": "store_const", "_HelpAction": "help", "BooleanOptionalAction": "argparse.BooleanOptionalAction"}


class Argparse:
    """Parsers, groups and add_argument."""

    def new_parser(self, style, args, kwargs, node, scope):
        parser = Parser(style, node.lineno, scope.module)
        self.parsers.append(parser)
        parser.prefix = self.text(kwargs.get("prefix_chars")) or "-"
        parser.abbreviates = style in ("argparse", "optparse", "HfArgumentParser", "simple_parsing", "tap") and self.truth(kwargs.get("allow_abbrev", Const(True))) is True
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
        if style == "optparse":
            listed = kwargs.get("option_list")
            for deco in listed.items if isinstance(listed, Seq) else []:
                if isinstance(deco, Deco):
                    self.parser_method(parser, "add_option", deco.args, deco.kwargs, node, scope)
        if style == "simple_parsing":
            self.config_path_argument(parser, kwargs, node, scope)
            rule = kwargs.get("conflict_resolution")
            parser.merges = isinstance(rule, Ext) and rule.name.endswith("ALWAYS_MERGE")
        if style == "HfArgumentParser":
            given = args[0] if args else kwargs.get("dataclass_types") or Seq([])
            for cls in given.items if isinstance(given, Seq) else [given]:
                cls = self.class_of(cls)
                if isinstance(cls, Class):
                    parser.params += self.fields(cls, style, "", node.lineno)
                else:
                    self.problem(node.lineno, "the fields of %s are not seen: it is not in this tree" % getattr(cls, "name", "a class"), scope.module)
        return parser

    def parser_method(self, owner, name, args, kwargs, node, scope):
        parser = owner.parser if isinstance(owner, Group) else owner
        if name == "add_option" and parser.style == "optparse" and args and isinstance(args[0], Deco):
            args, kwargs = args[0].args, args[0].kwargs
        if name in ("add_argument", "add", "add_arg") and (args or kwargs) or name == "add_option" and parser.style == "optparse":
            made = self.argument(parser, args, kwargs, node, scope)
            if made is not None:
                parser.params = [p for p in parser.params if p.name != made.name or p.passed != made.passed or p.module is not made.module] + [made]
            return Unknown()
        if parser.style == "jsonargparse" and self.lightning_method(parser, name, args, kwargs, node, scope):
            return Unknown()
        if name in ("add_argument_group", "add_mutually_exclusive_group", "add_group"):
            return Group(parser)
        if name in ("add_subparsers", "add_subcommands"):
            dest, param = self.text(kwargs.get("dest")), None
            if dest:
                param = self.param(dest, node.lineno, scope, parser.style)
                param.type, param.doc, param.form = "string", self.text(kwargs.get("help")) or "", "command"
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
            if parser.style == "tap" and parser.cls is not None:
                self.tap(parser)
            if parser.style == "optparse":
                return Seq([Namespace(), Unknown()], tuple)
            known = Seq([Namespace(), Unknown()], tuple) if name in ("parse_known_args", "parse_known_intermixed_args") else Namespace()
            return known
        if name == "add_arguments" and parser.style == "simple_parsing":
            dest = self.text(kwargs.get("dest")) or (self.text(args[1]) if len(args) > 1 else None) or ""
            return self.add_class(parser, args[0] if args else Unknown(), dest, node, scope)
        if name in ("add_class_arguments", "add_dataclass_arguments", "add_function_arguments", "add_subclass_arguments"):
            nested = self.text(args[1]) if len(args) > 1 else self.text(kwargs.get("nested_key"))
            return self.add_class(parser, args[0] if args else Unknown(), nested or "", node, scope)
        return Unknown(node)

    def add_command(self, owner, child, word, aliases):
        """Makes a parser that of a subcommand."""
        parser, word = owner.parser, self.text(word) if word is not None else None
        child.nested = True
        if child not in parser.children:
            parser.children.append(child)
        if word is None:
            return
        words = [word] + [w for w in (self.text(a) for a in (aliases.items if isinstance(aliases, Seq) else [])) if w]
        parser.words += words
        child.paths += [path + [w] for path in (parser.paths or [[]]) for w in words]
        if owner.param is not None:
            owner.param.choices = (owner.param.choices or []) + [word]

    def from_optparse(self, kwargs):
        """optparse names types by words."""
        kind = self.text(kwargs.get("type"))
        return dict(kwargs, type=Ext({"int": "int", "long": "int", "float": "float"}.get(kind, "str"))) if kind else kwargs

    def tap(self, parser):
        """A Tap's fields are its options, and so is what configure() adds."""
        known = {p.name for p in parser.params}
        parser.params += [p for p in self.fields(parser.cls, "tap", "", parser.line) if p.name not in known]
        configure = self.member(parser.cls, "configure")
        if isinstance(configure, Func):
            before, parser.params = parser.params, []
            self.call_function(configure, [parser], {}, configure.node)
            for p in parser.params:
                field = next((q for q in before if q.name == p.name), None)
                if field is not None:
                    p.type, p.default = (field.type if p.type in ("any", "string") else p.type), field.default if p.default is None else p.default
            added = {p.name for p in parser.params}
            parser.params = [p for p in before if p.name not in added] + parser.params

    def add_class(self, parser, target, prefix, node, scope):
        target = self.class_of(target)
        if isinstance(target, Class) and (parser.style == "simple_parsing" or is_dataclass(target)):
            made = self.fields(target, parser.style, prefix, node.lineno)
            first = parser.merged.setdefault(target.node, made) if parser.merges else made
            if first is made:
                parser.params += made
            else:
                self.merge(parser, target.node, made)
        elif isinstance(target, Class) and isinstance(self.member(target, "__init__"), Func):
            parser.params += self.signature(self.member(target, "__init__"), parser.style, prefix, True)
        elif isinstance(target, Func):
            parser.params += self.signature(target, parser.style, prefix)
        else:
            self.problem(node.lineno, "the arguments of %s are not seen: it is not in this tree" % getattr(target, "name", "a class"), scope.module)
        return Unknown()

    def merge(self, parser, node, again):
        """One class, added again: simple_parsing makes lists of its first fields, a place for each."""
        parser.counts[node] = parser.counts.get(node, 1) + 1
        for first, other in zip(parser.merged[node], again):
            if parser.counts[node] == 2:
                first.default, first.type, first.passed = [first.default], "list", ""
            first.default = first.default + [other.default]

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
        if parser.style == "optparse":
            kwargs = self.from_optparse(kwargs)
        if isinstance(action, Class):
            action = next((Ext(ACTIONS[b.split(".")[-1]]) for b in self.foreign_bases(action) if b.split(".")[-1] in ACTIONS), action)
        verb = self.text(action) or (action.name if isinstance(action, Ext) else "store" if action is None else "")
        if verb in ("help", "version") or parser.style == "jsonargparse" and (verb == "config" or verb.endswith("ActionConfigFile")):
            return None
        param = self.param(name, node.lineno, scope, parser.style)
        if parser.unsure:
            param.confidence = "likely"
        param.doc = " ".join((self.text(kwargs.get("help")) or "").split())
        if "*" in kwargs:
            param.confidence = "likely"
            self.problem(node.lineno, "some arguments of %s are computed" % name, scope.module)
        param.form, param.flags, param.verb, param.nargs, param.converter = "argparse", flags, verb, kwargs.get("nargs"), kwargs.get("type")
        param.positional, param.nested = not flags, parser.nested
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
