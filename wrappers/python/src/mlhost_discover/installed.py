"""Classes of installed libraries, found by reading their source in site-packages; never imported."""

import ast
import os

from scopes import Module
from values import Class, Ext, Func

MAX_FILES, MAX_BYTES, MAX_HOPS = 16, 3_000_000, 8  # of libraries, for one script
#: Bases that have no fields.
PLAIN = {"object", "ABC", "Generic", "Protocol", "Enum", "IntEnum", "StrEnum", "Flag", "str", "int", "float", "dict", "list", "tuple", "NamedTuple", "TypedDict", "Exception", "type",
         "Serializable", "FrozenSerializable", "BaseModel", "JsonSerializable", "Tap", "ChoiceRegistry", "ChoiceType", "PluginRegistry"}


class Installed:
    """Looks up what a dotted name of a library is."""

    def installed(self, name):
        """Returns the class or function that a name of a library means; None where it is not found."""
        if name not in self.looked_up:
            self.looked_up[name] = None
            parts = name.split(".")
            for root in self.site if len(parts) > 1 and parts[0] not in ("typing", "dataclasses", "abc", "enum", "builtins") else ():
                if os.path.isdir(os.path.join(root, parts[0])) or os.path.isfile(os.path.join(root, parts[0] + ".py")):
                    self.looked_up[name] = self.installed_in(root, parts, 0)
                    break
        return self.looked_up[name]

    def installed_in(self, root, parts, hops):
        for i in range(len(parts) - 1, 0, -1):
            source, package = self.library_file(root, parts[:i])
            if source is not None:
                return self.exported(root, parts[:i], source, package, parts[i], hops) if i == len(parts) - 1 else None
        return None

    def library_file(self, root, parts):
        """Opens a module of a library; returns it and whether it is a package."""
        base = os.path.join(root, *parts)
        for path, package in ((os.path.join(base, "__init__.py"), True), (base + ".py", False)):
            if os.path.isfile(path):
                known = path in self.reads
                size = 0 if known else os.path.getsize(path)
                if not known and (self.library_files >= MAX_FILES or self.library_bytes + size > MAX_BYTES):
                    return None, False
                if not known:
                    self.library_files, self.library_bytes = self.library_files + 1, self.library_bytes + size
                source = self.open(path)
                return (source if source.ready() else None), package
        return None, False

    def exported(self, root, parts, source, package, name, hops):
        """Follows a name to where it is defined."""
        if hops > MAX_HOPS:
            return None
        for node in source.tree.body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
                module = self.modules.get(source.path)
                if module is None:
                    module = Module(self, source, ".".join(parts))
                    module.library = (root, parts if package else parts[:-1])
                    self.modules[source.path] = module
                return module.get(name)
        if name not in source.text:
            return None
        here = parts if package else parts[:-1]
        for node in ast.walk(source.tree):
            target = None
            if isinstance(node, ast.ImportFrom):
                found = next((a for a in node.names if (a.asname or a.name) == name), None)
                if found is not None:
                    target = self.absolute(here, node) + [found.name]
            elif isinstance(node, ast.Dict):  # of lazy modules: {"training_args": ["TrainingArguments"]}
                for key, value in zip(node.keys, node.values):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str) and isinstance(value, (ast.List, ast.Tuple)):
                        if any(isinstance(e, ast.Constant) and e.value == name for e in value.elts):
                            target = here + key.value.split(".") + [name]
            if target and target[0] == parts[0]:
                return self.installed_in(root, target, hops + 1)
        return None

    def absolute(self, package, node):
        """Returns the full name of what an import statement names."""
        above = package[:len(package) - node.level + 1] if node.level else []
        return above + [p for p in (node.module or "").split(".") if p]

    def library_import(self, node, scope):
        """An import within a library: what it names is looked up only when it is asked for."""
        _, package = scope.module.library
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                scope.names[alias.asname or alias.name] = Ext(".".join(self.absolute(package, node) + [alias.name]))
            else:
                scope.names[alias.asname or alias.name.split(".")[0]] = Ext(alias.name if alias.asname else alias.name.split(".")[0])

    def adopt(self, cls, depth=0):
        """Puts classes of libraries in the place of a class's bases that are known by name only."""
        if depth > 6:
            return
        for i, base in enumerate(cls.bases):
            if isinstance(base, Ext) and base.name.split(".")[-1] not in PLAIN:
                found = self.installed(base.name)
                if isinstance(found, Class) and found is not cls:
                    cls.bases[i] = base = found
            if isinstance(base, Class):
                self.adopt(base, depth + 1)

    def class_of(self, value):
        """Returns the class that a value is, one of a library by its source."""
        if isinstance(value, Ext):
            found = self.installed(value.name)
            return found if isinstance(found, (Class, Func)) else value
        return value
