"""click and typer."""

import ast

from scopes import Scope
from syntax import dotted, index_of
from values import Command, Const, Deco, Ext, Func, Param, Unknown, Wrapped


class Click:
    """Decorators, commands and groups."""

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
            value.command.name = self.command_word(deco, value)
            self.commands.append(value.command)
            parent = getattr(deco, "parent", None)
            if parent is not None:
                parent.children.append((value, "click", value.command.name))
            return value.command
        elif deco.name in ("typer.command", "typer.callback", "tyro.command"):
            deco.parent.children.append((value, "typer", "" if deco.name == "typer.callback" else self.command_word(deco, value)))
        elif deco.name == "hydra.main":
            return Wrapped(value, deco)
        elif deco.name == "draccus.wrap":
            return Wrapped(value, deco)
        return value

    def command_word(self, deco, func):
        """Returns the name of a command; None where it is computed."""
        given = next((a for a in deco.args if not isinstance(a, Func)), deco.kwargs.get("name"))
        if given is not None and not (isinstance(given, Const) and given.value is None):
            return self.text(given)
        name = func.node.name.lower().replace("_", "-")
        if deco.name.startswith("click."):
            for end in ("-command", "-cmd", "-group", "-grp"):
                name = name[:-len(end)] if name.endswith(end) else name
        return name

    def command_method(self, command, name, args, kwargs, node):
        if name == "command" and args and isinstance(args[0], Command):
            command.children.append((args[0], command.style, self.text(kwargs.get("name"))))
            return args[0]
        if name in ("command", "group", "callback"):
            made = Deco(command.style + "." + name, args, kwargs, node.lineno)
            made.parent = command
            return self.decorate(made, args[0]) if args and isinstance(args[0], Func) else made
        if name in ("add_command", "add_typer") and args and isinstance(args[0], Command):
            given = args[1] if len(args) > 1 else kwargs.get("name")
            command.children.append((args[0], command.style, self.text(given) if given is not None else args[0].name))
        elif name == "cli" and command.style == "tyro":
            below = self.commands_below(command, ())
            self.commands_parser([func for func, _ in below], "tyro", node, None, [path for _, path in below])
        elif name in ("main", "__call__", "callback"):
            self.run_command(command)
        return Unknown()

    def commands_below(self, command, path):
        """Returns the functions of an application and of those within it, each with its words."""
        out = []
        for child, _, word in command.children:
            words = path + (word,) if word and path is not None else None
            out += self.commands_below(child, words) if isinstance(child, Command) else [(child, words)]
        return out

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
        param.form, param.flags, param.off, param.nargs, param.positional = "click", flags, toggle.strip(), nargs, not option
        count = self.truth(kwargs.get("count", Const(False))) is True
        param.verb = "const" if "flag_value" in kwargs else "flag" if flag else "count" if count else "multiple" if multiple else ""
        param.required = self.truth(kwargs.get("required", Const(False))) is True
        if not option:
            param.required = kwargs.get("required") is None and "default" not in kwargs and not (isinstance(nargs, Const) and nargs.value == -1) or param.required
        elif flag:
            param.passed = best if param.default is False else ""
        elif "count" not in kwargs and best and (multiple or not several):
            param.passed = best + "=" if best.startswith("--") else best
        return param

    def run_command(self, command, path=()):
        """A command is called: what it takes is what the script takes. path are the words
        before its own; None where one of them is not known."""
        if command.listed:
            return
        command.listed = True
        self.style(command.style)
        words = [word for _, _, word in command.children if word]
        single = command.style == "typer" and len(command.children) == 1
        if command.func:
            self.take(command.func, command.style, path, words)
        for child, style, word in command.children:
            below = path if single or word == "" else None if word is None or path is None else tuple(path) + (word,)
            if isinstance(child, Command):
                self.run_command(child, below)
            elif child.command and style == "click":
                self.run_command(child.command, below)
            else:
                self.take(child, style, below, words if word == "" else [])

    def take(self, func, style, path, words):
        params = func.click if style == "click" else self.typer_params(func)
        place = 0
        for p in params:
            if path is None or path:
                p.nested, p.passed = True, ""
                place += bool(p.positional)
                p.position = place if p.positional else 0
                p.commands = [list(path)] if path else []
            p.before = words
            before = next((q for q in self.found if q.name == p.name), None)
            if before is None:
                self.found.append(p)
            elif before is not p:
                before.join(p)
        self.call_function(func, [], {}, func.node)

    def typer_params(self, func):
        out = []
        for p in self.signature(func, "typer"):
            arg = next((a for a in getattr(func.node.args, "posonlyargs", []) + func.node.args.args + func.node.args.kwonlyargs if a.arg == p.name), None)
            if arg is not None and dotted(arg.annotation) in ("typer.Context", "Context"):
                continue
            option = not p.required
            p.form, p.flags, p.off = "typer", [], ""
            for mark in self.typer_marks(func, p.name):
                option = mark.name == "typer.Option"
                names = [self.text(a) for a in mark.args]
                first = mark.args[0] if mark.args else None
                if isinstance(first, Ext) and first.name == "Ellipsis" or isinstance(first, Const) and first.value is Ellipsis:
                    p.default, p.required = None, True
                flags = [n for n in names if n and n.startswith("-")]
                p.flags, p.off = [f.partition("/")[0] for f in flags], next((f.partition("/")[2] for f in flags if "/" in f), "")
                p.flag = max(flags, key=lambda f: len(f) - len(f.lstrip("-")), default="").partition("/")[0]
            p.positional = not option
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
