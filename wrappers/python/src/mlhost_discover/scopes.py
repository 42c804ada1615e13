"""Modules of the tree, and the names in them."""

import os

from values import ModuleValue


class Module:
    def __init__(self, scan, source, name):
        self.scan, self.source, self.name = scan, source, name
        self.path, self.env, self.ran = source.path, {}, False
        self.library = None  # of a library: where it is installed, and its package

    def get(self, name):
        """Returns what the module calls so, after reading its top level; None where there is nothing."""
        if not self.ran:
            self.ran = True
            if self.scan.readable(self.source):
                self.scan.walk_module(self)
        found = self.env.get(name)
        if found is None:
            inner = self.scan.local(os.path.dirname(self.path), [name]) if self.path.endswith("__init__.py") else None
            return ModuleValue(inner) if inner else None
        return found


class Scope:
    def __init__(self, module, names, parent=None):
        self.module, self.names, self.parent = module, names, parent
        self.returned = []

    def lookup(self, name):
        scope = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return self.module.env.get(name)
