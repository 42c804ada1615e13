"""draccus: classes that are chosen by a name, and files of values."""

import ast
import os

from scopes import Scope
from values import Class, Func, Instance, Lazy, Partial

REGISTRIES = ("ChoiceRegistry", "PluginRegistry", "ChoiceType")
MAX_MODULES = 300


class Draccus:
    """What draccus adds to the fields of dataclasses."""

    def is_pyrallis(self):
        return "draccus" not in self.modules[self.path].source.text

    def file_of_values(self, name, line, scope, doc):
        """An option that names a file of values."""
        param = self.param(name, line, scope, "draccus")
        param.type, param.doc, param.passed = "string", doc, "--" + name + "="
        return param

    def is_choice(self, cls):
        return any(base.split(".")[-1] in REGISTRIES for base in self.foreign_bases(cls))

    def registered(self, cls):
        """Returns the subclasses that the imported files register for a class, by name."""
        if cls.node in self.registries:
            return self.registries[cls.node]
        found, seen = self.registries.setdefault(cls.node, {}), set()
        while True:
            todo = [m for p, m in list(self.modules.items()) if p not in seen and hasattr(m, "get") and not m.library]
            if not todo or len(seen) > MAX_MODULES:
                break
            for module in todo:
                seen.add(module.path)
                if not (module.path == self.path or module.path.endswith("__init__.py") or "register_subclass" in module.source.text):
                    continue
                module.get("")
                self.submodules(module)
                if "register_subclass" not in module.source.text or module.source.tree is None:
                    continue
                for node in ast.walk(module.source.tree):
                    if isinstance(node, ast.ClassDef):
                        self.register(cls, node, module, found)
        return found

    def submodules(self, module):
        """Opens the modules that are imported from a package by name: they may register something."""
        for value in list(module.env.values()):
            if isinstance(value, Lazy) and value.module.path.endswith("__init__.py") and not value.module.library:
                beside = os.path.join(os.path.dirname(value.module.path), value.name)
                if os.path.isfile(beside + ".py") or os.path.isfile(os.path.join(beside, "__init__.py")):
                    value.module.get(value.name)

    def register(self, cls, node, module, found):
        for mark in node.decorator_list:
            call = mark if isinstance(mark, ast.Call) else None
            func = call.func if call else mark
            if isinstance(func, ast.Attribute) and func.attr == "register_subclass":
                owner = self.value(func.value, Scope(module, {}))
                if isinstance(owner, Class) and owner.node is cls.node:
                    given = call.args[0] if call and call.args else next((k.value for k in call.keywords if k.arg == "name"), None) if call else None
                    name = self.text(self.value(given, Scope(module, {}))) if given is not None else node.name
                    value = module.env.get(node.name)
                    if name and isinstance(value, Class):
                        found.setdefault(name, value)

    def choice_fields(self, param, cls, made, scope, line, depth):
        """The name of the class, and the fields of all that it may be."""
        known = self.registered(cls)
        kind = self.param(param.name + ".type" if param.name else "type", param.line, scope, "draccus")
        kind.type, kind.choices = "string", list(known)
        kind.default = next((name for name, one in known.items() if made is not None and one.node is made.node), None)
        out = [] if self.is_pyrallis() or not param.name else [self.file_of_values(param.name, param.line, scope, "a file of values for it")]
        out.append(kind)
        fields = []
        for one in known.values():
            fields += self.fields(one, "draccus", param.name, line, depth + 1)
        if not known:
            self.problem(param.line, "no class that %s may be is seen: what it takes is not listed" % (param.name or cls.node.name), param.module)
        return out + self.first_of_each(fields, "several classes")

    def made_class(self, value, factory):
        """Returns the class of a field's default."""
        if isinstance(factory, Partial):
            factory = factory.target
        if isinstance(factory, Func) and factory.node.name == "<lambda>" and isinstance(factory.node.body[0].value, ast.Call):
            factory = self.value(factory.node.body[0].value.func, Scope(factory.module, {}, factory.closure))
        if isinstance(factory, Class):
            return factory
        return value.cls if isinstance(value, Instance) else None
