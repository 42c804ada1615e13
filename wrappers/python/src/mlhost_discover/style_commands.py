"""Commands made of classes and functions: tyro's unions and applications, CLI of jsonargparse."""

from syntax import is_dataclass
from values import Alternatives, Bound, Class, Command, Const, Ext, Func, Instance, Namespace, Param, Parser, Partial, Seq, Table, Unknown


class Commands:
    """Subcommands that no call declares one by one."""

    def commands_parser(self, targets, style, node, scope=None):
        """Adds a parser with what each target takes; one alone is the script itself."""
        module = scope.module if scope is not None else next((t.module for t in targets if isinstance(t, (Func, Class))), self.modules[self.path])
        parser = Parser(style, node.lineno, module)
        parser.parsed = True
        self.parsers.append(parser)
        for target in targets:
            child = Parser(style, node.lineno, module)
            child.parsed, child.nested = True, len(targets) > 1
            self.parsers.append(child)
            child.params = self.taken(target, style, "", node)
            for p in child.params if child.nested else ():
                p.nested, p.passed = True, ""
        return parser

    def taken(self, target, style, prefix, node):
        """Returns the parameters that a class, an object of one, or a function takes."""
        if isinstance(target, Seq) and len(target.items) == 2:
            target = target.items[1]  # with its description before it
        if isinstance(target, Partial):
            target = target.target
        if isinstance(target, Instance) and target.cls is not None:
            target = target.cls
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
            self.commands_parser(self.targets_of(given), "tyro", node, scope)
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
        parser = self.commands_parser(targets, "jsonargparse", node, scope)
        if len(targets) > 1:
            choice = Param("subcommand", node.lineno, scope.module, "jsonargparse")
            choice.type, choice.required, choice.nested = "string", True, True
            names = [str(k) for k in target.items] if isinstance(target, Table) else [t.node.name if isinstance(t, (Func, Class)) else "" for t in targets]
            choice.choices = [n for n in names if n and not n.startswith("_")]
            parser.params.append(choice)
        return True
