"""Settings that a script changes by itself: files that it executes, names that it takes from
sys.argv into its globals, and objects that take them as attributes."""

import ast
import os
import re

from scopes import Module, Scope
from syntax import dotted
from values import Const, Instance, Unknown

# A method of a configuration that is handed the arguments: config.merge_from_args(sys.argv[1:]).
TAKES = re.compile(r"\.(?:\w*_)?(?:merge|update|override|from|set)\w*\(\s*sys\.argv")


def of_argv(node):
    """Tells sys.argv, or a part of it."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return dotted(node) == "sys.argv"


def sets_by_name(node):
    """Tells code that takes --name=value apart and sets what has that name."""
    sets = splits = False
    for part in ast.walk(node):
        if isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Store):
            value = part.value
            sets = sets or isinstance(value, ast.Call) and dotted(value.func) in ("globals", "vars") or isinstance(value, ast.Attribute) and value.attr == "__dict__"
        elif isinstance(part, ast.Call):
            name = dotted(part.func) or ""
            sets = sets or name == "setattr" or isinstance(part.func, ast.Attribute) and part.func.attr == "update" and isinstance(part.func.value, ast.Call) and dotted(part.func.value.func) == "globals"
            splits = splits or isinstance(part.func, ast.Attribute) and part.func.attr in ("split", "partition") and any(isinstance(a, ast.Constant) and a.value == "=" for a in part.args)
    return sets and splits


def sets_globals(source):
    """Returns the line at which a file takes --name=value into its globals; 0 where it does not."""
    if "sys.argv" in source.text and ("globals()" in source.text or "vars()" in source.text):
        for node in source.tree.body:
            if isinstance(node, (ast.For, ast.While, ast.If)) and sets_by_name(node):
                return node.lineno
    return 0


class Assigned:
    """Globals and attributes that arguments change."""

    def executes(self, node, scope):
        """exec(open("configurator.py").read()): the file's statements are the script's."""
        path = self.executed_file(node, scope)
        if path is None:
            self.problem(node.lineno, "exec: names that it sets are not seen", scope.module)
            return
        if path in self.executed or len(self.executed) > 20:
            return
        source = self.open(path)
        if not source.ready():
            self.problem(node.lineno, "%s is executed: %s" % (os.path.basename(path), source.problem), scope.module)
            return
        module = Module(self, source, "__main__")
        module.ran, module.env = True, scope.module.env
        self.executed[path] = module
        if sets_globals(source):
            self.taken_at = node.lineno
        self.modules.setdefault(path, module)
        self.walk(source.tree.body, Scope(module, scope.names))

    def executed_file(self, node, scope):
        """Returns the file of the tree whose text exec is given."""
        given = node.args[0] if node.args else None
        if isinstance(given, ast.Call) and dotted(given.func) == "compile" and given.args:
            given = given.args[0]
        if not (isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute) and given.func.attr in ("read", "read_text", "read_bytes")):
            return None
        opened = given.func.value
        if not (isinstance(opened, ast.Call) and opened.args and (dotted(opened.func) or "").split(".")[-1] in ("open", "Path")):
            return None
        name = self.text(self.value(opened.args[0], scope))
        path = os.path.normpath(os.path.join(os.path.dirname(self.path), name)) if name else ""
        return path if path and os.path.isfile(path) else None

    def takes_globals(self):
        """Returns the line from which on --name=value has been taken into the globals; 0 where nothing does so."""
        return self.taken_at or sets_globals(self.modules[self.path].source)

    def takes_arguments(self, func, receiver, node):
        """A method that is handed sys.argv, and sets the attributes of its object by it."""
        if not (isinstance(node, ast.Call) and isinstance(receiver, Instance) and any(of_argv(a) for a in node.args) and sets_by_name(func.node)):
            return False
        self.following = 0
        self.style("sys.argv")
        self.attributes(receiver, "", node.lineno, 0)
        return True

    def attributes(self, owner, prefix, line, depth):
        """Adds a parameter for each attribute, those of objects within included."""
        for name, value in owner.attrs.items():
            full = prefix + name
            if isinstance(value, Instance) and depth < 8:
                self.attributes(value, full + ".", line, depth + 1)
                continue
            at, module = owner.lines.get(name, (line, self.modules[self.path]))
            if isinstance(value, (Const, Unknown)) or not hasattr(value, "node"):
                param = self.param(full, at, Scope(module, {}), "sys.argv")
                self.default(param, value, full)
                self.found.append(param)
