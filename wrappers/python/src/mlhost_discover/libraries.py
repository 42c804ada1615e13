"""What calls of libraries mean: hands each to its style; and what all styles share."""

import ast
import os

from scopes import Scope
from style_gin import PARSES as GIN
from style_lightning import NAMES as LIGHTNING
from values import (
    TYPES, Bound, Class, Command, Const, Deco, Ext, Func, Group, Instance, Method, Namespace, NotPlain, Param, Parser,
    Partial, Seq, Subparsers, Super, Table, Unknown, plain, wrap,
)

PARSERS = {
    "argparse.ArgumentParser": "argparse", "jsonargparse.ArgumentParser": "jsonargparse", "transformers.HfArgumentParser": "HfArgumentParser",
    "simple_parsing.ArgumentParser": "simple_parsing", "optparse.OptionParser": "optparse", "tap.Tap": "tap",
}
PARSES = {"parse_args", "parse_known_args", "parse_intermixed_args", "parse_known_intermixed_args", "parse_args_into_dataclasses",
          "parse_dict", "parse_json_file", "parse_yaml_file", "parse_args_and_config", "parse_path", "parse_object", "parse_string"}
ENTRIES = {"tyro.cli": "tyro", "simple_parsing.parse": "simple_parsing", "draccus.parse": "draccus", "jsonargparse.CLI": "jsonargparse"}
CONFIG_DICTS = ("ml_collections.ConfigDict", "ml_collections.config_dict.ConfigDict", "ml_collections.config_dict.config_dict.ConfigDict", "ml_collections.FrozenConfigDict")
CONFIG_FILES = ("ml_collections.config_flags.DEFINE_config_file", "ml_collections.config_flags.config_flags.DEFINE_config_file")
CLICK = ("option", "argument", "command", "group", "pass_context", "version_option", "help_option", "pass_obj", "confirmation_option", "password_option")
SAFE = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "tuple": tuple, "sorted": sorted, "len": len, "min": min, "max": max,
        "abs": abs, "round": round, "sum": sum, "set": lambda v=(): list(dict.fromkeys(v)), "dict": dict, "os.path.join": os.path.join,
        "os.path.dirname": os.path.dirname, "os.path.basename": os.path.basename, "pathlib.Path": lambda *p: os.path.join(*p) if p else "."}
TEXT = {"lower", "upper", "strip", "title", "split", "join", "replace", "keys", "values", "format", "lstrip", "rstrip"}


class Libraries:
    """Tells the styles apart."""

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
                app.children.append((args[0], "typer", None))
                self.run_command(app)
            return app
        if head == "tyro.extras":
            return self.tyro_extra(last, args, kwargs, node, scope)
        if name in CONFIG_DICTS:
            return self.config_dict(args, kwargs)
        if name in CONFIG_FILES:
            return self.config_file(args, kwargs, node, scope)
        if head in ("typer", "tyro", "simple_parsing", "dataclasses", "attr", "attrs") and last in ("Option", "Argument", "field", "arg", "choice", "flag", "list_field", "mutable_field", "ib", "mutable_default", "subgroups"):
            return Deco(name, args, kwargs, node.lineno)
        if head == "click" and last in ("IntRange", "FloatRange", "Choice"):
            return Deco(name, args, kwargs, node.lineno)
        if name in TYPES and name not in SAFE:
            return Ext(name)
        if head == "absl.flags":
            return self.absl(last, args, kwargs, node, scope)
        if name == "absl.app.run":
            return self.call(args[0], [Unknown()], {}, node, scope) if args and isinstance(args[0], (Func, Bound)) else Unknown()
        if name == "docopt.docopt":
            return self.docopt(args, kwargs, node, scope)
        if name == "optparse.OptionGroup" and args and isinstance(args[0], Parser):
            return Group(args[0])
        if name == "optparse.make_option":
            return Deco(name, args, kwargs, node.lineno)
        if name == "fire.Fire":
            return self.fire(args, kwargs, node, scope)
        if name.endswith("ConfigStore.instance") and head.startswith("hydra."):
            return Ext("hydra.ConfigStore")
        if name == "hydra.ConfigStore.store":
            return self.config_store(name, args, kwargs, node, scope)
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
        if name == "exec":
            self.executes(node, scope)
            return Const(None)
        if name == "eval":
            self.problem(node.lineno, "eval: names that it sets are not seen", scope.module)
            return Unknown()
        if name in ("os.getenv", "os.environ.get"):
            return Unknown(node)
        if name in ("inspect.getfullargspec", "inspect.getargspec") and args and isinstance(args[0], Func):
            spec, within = args[0].node.args, Scope(args[0].module, {}, args[0].closure)
            given = getattr(spec, "posonlyargs", []) + spec.args
            made = Seq([Seq([Const(a.arg) for a in given])])
            made.attrs = {"args": made.items[0], "annotations": Table({a.arg: self.value(a.annotation, within) for a in given + spec.kwonlyargs if a.annotation is not None})}
            return made
        if name in ("type", "isinstance") and args:
            return self.asked_type(name, args, node)
        if name in SAFE:
            return self.safe(name, args, kwargs, node)
        if name == "range" and args:
            try:
                r = range(*[plain(a) for a in args])
                return Seq([Const(i) for i in r]) if len(r) <= 1000 else Unknown(node)
            except (NotPlain, TypeError, ValueError):
                return Unknown(node)
        if name == "typing.cast" and len(args) > 1:
            return args[1]
        if name in ("copy.deepcopy", "copy.copy", "absl.flags.FLAGS") and args:
            return args[0]
        if name == "functools.partial" and args and isinstance(args[0], (Func, Class, Ext)):
            return Partial(args[0], args[1:], kwargs)
        if name in LIGHTNING:
            return self.lightning(args, kwargs, node, scope)
        if head in ("gin", "gin.config") and last in GIN:
            self.gin(last, args, kwargs, node, scope)
            return Unknown()
        for tool in ("hydra.compose", "hydra.initialize", "getopt.getopt", "plac.call"):
            if name == tool:
                self.problem(node.lineno, "%s is not understood: the parameters that it takes are not seen" % name, scope.module)
        return self.passed_on(name, args, kwargs, node, scope)

    def asked_type(self, name, args, node):
        """type(x) and isinstance(x, y) of what is known."""
        if isinstance(args[0], (Seq, Table)):
            kind = args[0].kind if isinstance(args[0], Seq) else dict
        elif isinstance(args[0], Const):
            kind = type(args[0].value)
        else:
            return Unknown(node)
        if name == "type":
            return Ext(kind.__name__) if len(args) == 1 else Unknown(node)
        asked = args[1].items if len(args) > 1 and isinstance(args[1], Seq) else args[1:]
        if not asked or not all(isinstance(a, Ext) and a.name in ("bool", "int", "float", "str", "list", "tuple", "dict") for a in asked):
            return Unknown(node)
        return Const(any(base.__name__ == a.name for base in kind.__mro__ for a in asked))

    def safe(self, name, args, kwargs, node):
        if name in ("list", "tuple", "sorted") and args and isinstance(args[0], Class):
            return self.members_of(args[0])
        if name == "dict" and not args and "*" not in kwargs:
            return Table(dict(kwargs))
        try:
            return wrap(SAFE[name](*[plain(a) for a in args], **{k: plain(v) for k, v in kwargs.items()}))
        except Exception:  # whatever a constant's conversion raises: it is no constant
            return Unknown(node)

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
            self.add_command(owner, child, args[0] if args else kwargs.get("name"), kwargs.get("aliases"))
            return child
        if isinstance(owner, Subparsers) and name == "add_subcommand" and len(args) > 1 and isinstance(args[1], Parser):
            self.add_command(owner, args[1], args[0], None)
            return Unknown()
        if name == "register_parameter" and (args or kwargs) and self.takes_parameters(owner):
            return self.declared("register_parameter", args, kwargs, node, scope)
        if isinstance(owner, Func) and owner.command:
            owner = owner.command
        if isinstance(owner, Command):
            return self.command_method(owner, name, args, kwargs, node)
        if isinstance(owner, (Const, Seq, Table)):
            return self.data_method(owner, name, args, node, kwargs)
        return self.passed_on(node.func if isinstance(node, ast.Call) else name, args, kwargs, node, scope)

    def takes_parameters(self, owner):
        """Tells ours from torch's register_parameter, that of modules."""
        owner = owner.receiver if isinstance(owner, Super) else owner
        cls = owner.cls if isinstance(owner, Instance) else None
        return cls is None or any(b.split(".")[-1] == "ScriptInterface" for b in self.foreign_bases(cls))

    def data_method(self, owner, name, args, node, kwargs=None):
        if isinstance(owner, Seq) and name in ("append", "extend") and args and not self.unsure:
            owner.items += [args[0]] if name == "append" else args[0].items if isinstance(args[0], Seq) else []
            return Const(None)
        if isinstance(owner, Table) and name == "update" and not self.unsure and all(isinstance(a, Table) for a in args):
            for more in args:
                owner.items.update(more.items)
            owner.items.update({k: v for k, v in (kwargs or {}).items() if k != "*"})
            return Const(None)
        if isinstance(owner, Table) and name in ("keys", "items", "values", "copy", "get"):
            if name == "get":
                key = args[0].value if args and isinstance(args[0], Const) else None
                return owner.items.get(key, args[1] if len(args) > 1 else Unknown(node))
            if name == "copy":
                return Table(dict(owner.items))
            return Seq([Const(k) if name == "keys" else v if name == "values" else Seq([Const(k), v], tuple) for k, v in owner.items.items()])
        try:
            if name in TEXT and isinstance(plain(owner), str) and not (name == "format" and set(plain(owner)) & set(":[.")):
                return wrap(getattr(plain(owner), name)(*[plain(a) for a in args]))
        except Exception:  # not that kind of constant
            pass
        return Unknown(node)

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
            if isinstance(value, Ext) and value.name == "omegaconf.MISSING":
                param.required = True
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
