"""Commands made of classes and functions: tyro's unions and applications, CLI of jsonargparse."""

import ast

from syntax import hyphenated, is_dataclass
from values import Alternatives, Bound, Class, Command, Const, Ext, Func, Instance, Namespace, Param, Parser, Partial, Seq, Table, Unknown


class Commands:
    """Subcommands that no call declares one by one."""

    def commands_parser(self, targets, style, node, scope=None, words=()):
        """Adds a parser with what each target takes; one alone is the script itself. words are the
        names of the subcommands, where they are not those of the targets."""
        module = scope.module if scope is not None else next((t.module for t in targets if isinstance(t, (Func, Class))), self.modules[self.path])
        parser = Parser(style, node.lineno, module)
        parser.parsed, parser.abbreviates = True, False
        self.parsers.append(parser)
        for i, target in enumerate(targets):
            child = Parser(style, node.lineno, module)
            child.parsed, child.nested, child.abbreviates = True, len(targets) > 1, False
            self.parsers.append(child)
            child.params = self.taken(target, style, "", node)
            word = (words[i] if i < len(words) else self.word_of(target, style)) if child.nested else None
            path = list(word) if isinstance(word, tuple) else [word]
            if word and all(path):
                child.paths = [path]
                parser.words += [path[0]] if path[0] not in parser.words else []
        return parser

    def word_of(self, target, style):
        """Returns the subcommand's name that a class or a function gets."""
        target = target.target if isinstance(target, Partial) else target
        target = target.func if isinstance(target, Bound) else target
        if not isinstance(target, (Class, Func)):
            return None
        name = target.node.name
        return hyphenated(name) if style == "tyro" else name

    def words_in(self, table):
        """Returns the names that a dictionary gives its subcommands; none where it nests."""
        if any(isinstance(v, Table) for v in table.items.values()):
            return [None] * 1000
        return [str(name) for name in table.items if not str(name).startswith("_")]

    def taken(self, target, style, prefix, node):
        """Returns the parameters that a class, an object of one, or a function takes."""
        if isinstance(target, Seq) and len(target.items) == 2:
            target = target.items[1]  # with its description before it
        target = self.forced(target.target if isinstance(target, Partial) else target)
        if isinstance(target, Instance) and target.cls is not None:
            return self.filled(target, style, prefix, node)
        if isinstance(target, Bound):
            return self.signature(target.func, style, prefix, True)
        if isinstance(target, Func):
            return self.signature(target, style, prefix)
        if isinstance(target, Class):
            init = self.member(target, "__init__")
            if isinstance(init, Func) and not is_dataclass(target):
                return self.signature(init, style, prefix, True)
            return self.fields(target, style, prefix, node.lineno)
        self.problem(node.lineno, "a subcommand of %s is computed: its parameters are not seen" % style)
        return []

    def filled(self, made, style, prefix, node):
        """Returns what an object's class takes, with the object's own values for defaults."""
        params = self.taken(made.cls, style, prefix, node)
        for key, value in made.given.items():
            name = prefix + "." + key if prefix else key
            value = self.forced(value)
            below = [p for p in params if p.name == name or p.name.startswith(name + ".")]
            if isinstance(value, Instance) and value.cls is not None and not self.is_enum(value.cls) and "value" not in value.attrs:
                if any(p.commands for p in below) and not self.avoids:
                    continue  # a choice: its subcommands have all of them
                at = params.index(below[0]) if below else len(params)
                params = [p for p in params if p not in below]
                params[at:at] = self.filled(value, style, name, node)
            elif below and below[0].name == name:
                self.default(below[0], value.attrs.get(below[0].enum, value) if isinstance(value, Instance) and below[0].enum else value, name)
                below[0].required = False
        return params

    def field_names(self, cls):
        """Returns the names of a class's annotated fields, in order."""
        return list(dict.fromkeys(n.target.id for one in reversed(self.ancestry(cls)) for n in one.node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)))

    def targets_of(self, value):
        """Returns what a choice is between; None where the value is no choice."""
        if isinstance(value, Alternatives):
            return [v for v in value.items if not (isinstance(v, Const) and v.value is None or isinstance(v, Ext) and v.name == "NoneType")]
        if isinstance(value, Table):
            out = []
            for name, one in value.items.items():
                if not str(name).startswith("_"):
                    out += self.targets_of(one) if isinstance(one, Table) else [one]
            return out
        if isinstance(value, Seq):
            return list(value.items)
        return None

    def tyro_extra(self, last, args, kwargs, node, scope):
        """tyro.extras."""
        given = args[0] if args else next(iter(kwargs.values()), None)
        if last == "SubcommandApp":
            return Command(None, "tyro")
        if last in ("subcommand_cli_from_dict", "overridable_config_cli") and isinstance(given, Table):
            self.avoids = last == "overridable_config_cli"
            self.commands_parser(self.targets_of(given), "tyro", node, scope, self.words_in(given))
            return Namespace()
        if last in ("subcommand_type_from_defaults", "overridable_config_cli_type") and isinstance(given, Table):
            return Alternatives(self.targets_of(given))
        if last in ("subcommand_cli_from_dict", "overridable_config_cli", "subcommand_type_from_defaults", "get_parser"):
            self.problem(node.lineno, "what tyro.extras.%s is given is computed: its parameters are not seen" % last, scope.module)
        return Unknown(node)

    def json_cli(self, target, node, scope):
        """CLI of jsonargparse makes subcommands where it is given several components."""
        targets = self.targets_of(target)
        if targets is None and target is None:
            targets = [v for k, v in scope.module.env.items() if isinstance(v, (Func, Class)) and v.module is scope.module and not k.startswith("_")]
        if targets is None:
            return False
        parser = self.commands_parser(targets, "jsonargparse", node, scope, self.words_in(target) if isinstance(target, Table) else ())
        if len(targets) > 1:
            choice = Param("subcommand", node.lineno, scope.module, "jsonargparse")
            choice.type, choice.required, choice.form = "string", True, "command"
            names = [str(k) for k in target.items] if isinstance(target, Table) else [t.node.name if isinstance(t, (Func, Class)) else "" for t in targets]
            choice.choices = [n for n in names if n and not n.startswith("_")]
            parser.params.append(choice)
        return True
