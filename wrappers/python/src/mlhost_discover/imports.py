"""Imports of files of the same tree."""

import os

from names import LIBRARIES, STARS, canonical
from scopes import Module
from values import Ext, Lazy, ModuleValue, Table

MAX_PROBLEMS = 60


class Imports:
    """Finds and opens the script's own modules."""

    def find_roots(self, folder):
        roots, package = [folder], folder
        while os.path.isfile(os.path.join(package, "__init__.py")) and os.path.dirname(package) != package:
            package = os.path.dirname(package)
        top = folder
        for _ in range(6):
            if any(os.path.exists(os.path.join(top, mark)) for mark in (".git", "pyproject.toml", "setup.py", "setup.cfg")):
                roots += [top, os.path.join(top, "src")]
                break
            top = os.path.dirname(top)
        roots.insert(1, package)
        return list(dict.fromkeys(roots))

    def problem(self, line, message, module=None):
        if module is not None and module.path != self.path:
            message = "%s:%d: %s" % (os.path.relpath(module.path, module.library[0] if module.library else os.path.dirname(self.path)), line, message)
            line = 0
        entry = {"line": line, "message": message}
        if entry not in self.problems and len(self.problems) < MAX_PROBLEMS:
            self.problems.append(entry)
            if len(self.problems) == MAX_PROBLEMS:
                self.problems[-1] = {"line": 0, "message": "there are more problems than are listed"}

    def open(self, path):
        source = self.tree.source(path)
        self.reads[path] = source.sha256
        return source

    def readable(self, source):
        """Parses a file of the tree; one that cannot be read is a problem."""
        if source.ready():
            return True
        self.problem(source.problem.line, "%s is imported: %s" % (os.path.relpath(source.path, os.path.dirname(self.path)), source.problem))
        return False

    def style(self, name):
        if name not in self.styles:
            self.styles.append(name)

    def local(self, folder, parts):
        """Returns the module of the tree that lies there, or None."""
        base = os.path.join(folder, *parts)
        for path in (base + ".py", os.path.join(base, "__init__.py")):
            if path in self.modules:
                return self.modules[path]
            if self.tree.is_file(path):
                source = self.open(path)
                if source.problem and not self.readable(source):
                    return None
                module = self.modules[path] = Module(self, source, ".".join(parts))
                if "DEFINE_" in source.text:
                    module.get("")
                return module
            self.reads.setdefault(path, "")
        return None

    def find_module(self, name, level, module):
        key = (name, level, os.path.dirname(module.path) if level else "")
        if key not in self.sought:
            self.sought[key] = self.seek_module(name, level, module)
        return self.sought[key]

    def seek_module(self, name, level, module):
        parts = [p for p in (name or "").split(".") if p]
        if not level and parts and parts[0] in LIBRARIES:
            return None  # what they mean is known; their source would only be followed into its depths
        if level:
            folder = os.path.dirname(module.path)
            for _ in range(level - 1):
                folder = os.path.dirname(folder)
            return self.local(folder, parts or ["__init__"])
        for root in self.roots:
            found = self.local(root, parts) if parts else None
            if found:
                return found
        return None

    def is_package(self, name):
        if name.split(".")[0] in LIBRARIES:
            return False
        for root in self.roots:
            if os.path.isdir(os.path.join(root, *name.split("."))):
                return True
        return False

    def do_import(self, node, scope):
        for alias in node.names:
            found = self.find_module(alias.name, 0, scope.module)
            if alias.asname:
                scope.names[alias.asname] = ModuleValue(found) if found else Ext(canonical(alias.name))
            else:
                first = alias.name.split(".")[0]
                top = self.find_module(first, 0, scope.module) if found and "." in alias.name else found
                if top and "." not in alias.name:
                    scope.names[first] = ModuleValue(top)
                elif found:
                    package = scope.names.get(first)
                    package = package if isinstance(package, Table) else Table({})
                    scope.names[first] = package
                    for part in alias.name.split(".")[1:-1]:
                        package = package.items.setdefault(part, Table({}))
                    if isinstance(package, Table):
                        package.items[alias.name.split(".")[-1]] = ModuleValue(found)
                else:
                    scope.names[first] = Ext(canonical(first))

    def do_import_from(self, node, scope):
        found = self.find_module(node.module, node.level, scope.module)
        for alias in node.names:
            name = alias.asname or alias.name
            if alias.name == "*":
                if found:
                    found.get("")
                    scope.names.update({k: v for k, v in found.env.items() if not k.startswith("_")})
                elif node.module and node.level == 0:
                    for star in STARS.get(node.module, ()):
                        scope.names[star] = Ext(canonical(node.module + "." + star))
                continue
            if found:
                scope.names[name] = Lazy(found, alias.name)
                continue
            inner = self.find_module(".".join(p for p in (node.module, alias.name) if p), node.level, scope.module) if node.level or self.is_package(node.module or "") else None
            scope.names[name] = ModuleValue(inner) if inner else Ext(canonical((node.module or "") + "." + alias.name))

    def do_Import(self, node, scope):
        if scope.module.library:
            self.library_import(node, scope)
        else:
            self.do_import(node, scope)

    def do_ImportFrom(self, node, scope):
        if scope.module.library:
            self.library_import(node, scope)
        else:
            self.do_import_from(node, scope)
