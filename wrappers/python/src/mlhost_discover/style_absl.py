"""absl's flags."""

import re

from values import Class, Const, Func, Instance, NotPlain, Seq, Table, Unknown, plain


IMPORT = re.compile(r"(?m)^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+\(?([\w \t,]*)|import[ \t]+([\w., \t]+))")
MAX_FILES = 300


class Absl:
    """DEFINE_* and what belongs to it."""

    def flags_of_imports(self):
        """Reads the flags that modules define which are imported by imported ones: text alone tells which."""
        todo, done = list(self.modules.values()), set()
        while todo and len(done) < MAX_FILES:
            module = todo.pop()
            if module.path in done:
                continue
            done.add(module.path)
            for of, names, plain in IMPORT.findall(module.source.text):
                base = of.lstrip(".")
                wanted = [w.split(" as ")[0].strip() for w in plain.split(",")] if plain else [base] + [(base + "." if base else "") + n.split(" as ")[0].strip() for n in names.split(",") if n.strip()]
                for name in wanted:
                    found = self.find_module(name, len(of) - len(base), module) if name else None
                    if found is not None and found.path not in done:
                        todo.append(found)

    def config_dict(self, args, kwargs):
        """A ConfigDict of ml_collections: an object whose attributes are its values."""
        made = Instance(None)
        made.config = True
        given = dict(args[0].items) if args and isinstance(args[0], Table) else {}
        for key, value in list(given.items()) + [(k, v) for k, v in kwargs.items() if k not in ("*", "initial_dictionary", "type_safe")]:
            made.attrs[key] = self.config_dict([value], {}) if isinstance(value, Table) else value
        return made

    def config_file(self, args, kwargs, node, scope):
        """config_flags.DEFINE_config_file: its flag, and the values of the file where that is named and literal."""
        given = dict(zip(("name", "default", "help_string"), args), **kwargs)
        name = self.text(given.get("name"))
        if name is None:
            self.problem(node.lineno, "the name of a flag is computed", scope.module)
            return Unknown()
        self.absl("DEFINE_string", [Const(name), given.get("default", Const(None)), given.get("help_string", Const(""))], {}, node, scope)
        path = self.text(given.get("default"))
        if path is None:
            self.problem(node.lineno, "the file of --%s is named on the command line: its values are not seen" % name, scope.module)
            return Unknown()
        path, _, word = path.partition(":")
        module = next((m for m in (self.local(folder, path[:-3].split("/")) for folder in self.roots if path.endswith(".py")) if m), None)
        function = module.get("get_config") if module is not None else None
        self.following += 1
        made = self.call(function, [Const(word)] if word else [], {}, node, scope) if isinstance(function, Func) else None
        self.following -= 1
        if not getattr(made, "config", False):
            self.problem(node.lineno, "%s: what get_config returns is not understood: the values of --%s are not seen" % (path, name), scope.module)
            return Unknown()
        self.config_values(made, name, function, node)
        return Unknown("a flag")

    def config_values(self, made, prefix, function, node):
        for key, value in made.attrs.items():
            full = "%s.%s" % (prefix, key)
            if getattr(value, "config", False):
                self.config_values(value, full, function, node)
                continue
            param = self.param(full, function.node.lineno, function, "absl")
            self.default(param, value, full)
            param.form, param.verb = "absl", ""
            try:
                param.passed = "--%s=" % full if isinstance(plain(value), (bool, int, float, str)) else ""
            except NotPlain:
                param.passed = ""
            self.found.append(param)

    def absl(self, last, args, kwargs, node, scope):
        kinds = {"integer": "int", "float": "float", "string": "string", "bool": "bool", "boolean": "bool", "enum": "string", "list": "list",
                 "spaceseplist": "list", "enum_class": "string"}
        if last == "FLAGS" or not last.startswith("DEFINE"):
            if last == "mark_flag_as_required" and args or last == "mark_flags_as_required" and args and isinstance(args[0], Seq):
                for value in args[0].items if isinstance(args[0], Seq) else [args[0]]:
                    for p in self.found:
                        if p.style == "absl" and p.name == self.text(value):
                            p.required = True
            return Unknown(node)
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
        param.form, param.verb = "absl", "" if several else kind
        self.found = [p for p in self.found if not (p.style == "absl" and p.name == name)] + [param]
        self.namespaces.update(("FLAGS", "flags.FLAGS"))
        return Unknown("a flag")
