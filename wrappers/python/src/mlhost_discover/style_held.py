"""Literals that a script without a parser keeps in a class, a dictionary or a namespace of settings."""

import ast
import os
import re

from scopes import Scope
from style_constants import Computed, assigned, top_level
from syntax import dotted, hyphenated, index_chain, is_dataclass
from values import Class, NotPlain, Param, type_of

#: Words of a name that say that settings are kept there: CFG, TrainConfig, xgb_params.
WORDS = {"cfg", "conf", "config", "configs", "configuration", "args", "arguments", "kwargs", "hparam", "hparams", "hp", "hps", "hyper", "hyperparams", "hyperparameters",
         "setting", "settings", "param", "params", "parameters", "option", "options", "opt", "opts", "flags", "constants", "defaults"}
#: What makes an object of names and values, or of one dictionary.
MAKERS = {"dict", "OrderedDict", "SimpleNamespace", "Namespace", "EasyDict", "edict", "AttrDict", "Munch", "Box", "DotMap", "ConfigDict"}
NAME = re.compile(r"[A-Za-z]\w*$")
DEEPEST = 3
MOST = 200


def tells_settings(name):
    return not WORDS.isdisjoint(hyphenated(name).replace("-", "_").split("_"))


def entries(node):
    """Returns the names and expressions that a dictionary or namespace is made of, None where it is neither."""
    if isinstance(node, ast.Dict):
        return [(k.value, v) for k, v in zip(node.keys, node.values) if isinstance(k, ast.Constant) and isinstance(k.value, str)]
    if isinstance(node, ast.Call) and (dotted(node.func) or "").split(".")[-1] in MAKERS:
        first = entries(node.args[0]) if len(node.args) == 1 and isinstance(node.args[0], ast.Dict) else []
        return None if node.args and not first else first + [(k.arg, k.value) for k in node.keywords if k.arg]
    return None


class Held:
    """Settings that lie in something."""

    def held(self, module, tree, facts):
        """Returns the literals in classes, dictionaries and namespaces of the module's own that are named for settings."""
        out, classes, body = {}, {"object"}, list(top_level(tree))
        for node in body:
            found, (target, value) = [], assigned(node)
            if isinstance(node, ast.ClassDef) and tells_settings(node.name) and not node.keywords and all(isinstance(b, ast.Name) and b.id in classes for b in node.bases):
                classes.add(node.name)
                found = self.held_in_class(node, body, module, tree, facts)
            elif isinstance(target, ast.Name) and tells_settings(target.id):
                found = self.held_in(target.id, entries(value) or [], module, facts, 1)
            for param in found:
                out.setdefault(param.name, param)
        return list(out.values())[:MOST]

    def tell_imported(self, main):
        """Says of settings that imported files of the tree keep that no value gets there."""
        for path, module in list(self.modules.items()):
            stem = os.path.basename(path)[:-3]
            if module is main or module.library or path in self.executed or not module.source.ready():
                continue
            tree, facts = module.source.tree, module.source.facts()
            found = self.constants_of(module, tree, facts) if tells_settings(stem) else self.held(module, tree, facts)
            if found:
                names = ", ".join(p.name for p in found[:5]) + (", …" if len(found) > 5 else "")
                self.problem(0, "%s, which is imported, keeps settings (%s): values are put into the script's own file only" % (os.path.relpath(path, os.path.dirname(self.path)), names))

    def held_in(self, owner, items, module, facts, depth):
        out = []
        for key, value in items:
            inner = entries(value) if depth < DEEPEST else None
            name = "%s.%s" % (owner, key)
            if inner and NAME.match(key):
                out += self.held_in(name, inner, module, facts, depth + 1)
            elif NAME.match(key):
                out.append(self.held_one(name, value, None, module, facts, comment_behind(module, value)))
        return [param for param in out if param]

    def held_in_class(self, cls, body, module, tree, facts):
        """Returns the literals of a class's body, and those that a constructor without arguments puts into its objects."""
        data = is_dataclass(Class(cls, module, [], None))
        out = [(line, target.id, not data) for line in cls.body for target, _ in [assigned(line)] if isinstance(target, ast.Name)]
        for method in cls.body:
            if isinstance(method, ast.FunctionDef) and method.name == "__init__" and len(method.args.args) == 1:
                own = method.args.args[0].arg
                out += [(line, target.attr, False) for line in method.body for target, _ in [assigned(line)] if isinstance(target, ast.Attribute) and dotted(target) == own + "." + target.attr]
        found = []
        for line, field, shared in out:
            param = self.held_one("%s.%s" % (cls.name, field), assigned(line)[1], getattr(line, "annotation", None), module, facts, self.comment(module, line, None)) if NAME.match(field) else None
            if param is not None:
                found.append(param)
                self.find_target(param, cls, field, shared, body, tree, facts)
        return found

    def find_target(self, param, cls, field, shared, body, tree, facts):
        """Says where the running script reads a class's setting: off the class, or off the one object that is made of it."""
        made = [target.id for target, value in map(assigned, body) if isinstance(target, ast.Name) and is_call_of(value, cls.name)]
        param.mutability = "restart"
        if shared:
            others = {target.id for target, value in map(assigned, ast.walk(tree)) if isinstance(target, ast.Name) and (is_call_of(value, cls.name) or dotted(value) == cls.name)}
            if any("%s.%s" % (name, field) in facts.live for name in others | {cls.name}):
                param.mutability = "live"
        elif len(made) == 1:
            frozen = any(k.arg == "frozen" for d in cls.decorator_list if isinstance(d, ast.Call) for k in d.keywords)
            param.target = "%s.%s" % (made[0], field)
            if param.target in facts.live and not frozen:
                param.mutability = "live"

    def held_one(self, name, node, annotation, module, facts, doc):
        """Returns a parameter for one literal, None where it is none that one would set."""
        param = Param(name, node.lineno, module, "constants")
        if annotation is not None:
            self.annotation(param, annotation, Scope(module, module.env))
        try:
            value = self.literal_value(node, module)
        except (Computed, NotPlain, ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            return None
        if isinstance(value, (dict, set)) or isinstance(value, (list, tuple)) and (len(value) > 16 or any(type_of(v) in ("list", "map") for v in value)):
            return None
        param.set_default(value)
        param.doc = doc
        once = name not in facts.put and index_chain(name) not in facts.put
        param.confidence = "likely" if once and type_of(value) in ("bool", "int", "float", "string") else "guess"
        return param


def is_call_of(node, name):
    return isinstance(node, ast.Call) and dotted(node.func) == name


def comment_behind(module, node):
    """Returns the comment behind an entry of a dictionary."""
    lines, end = module.source.lines, getattr(node, "end_lineno", node.lineno)
    text = lines[end - 1].encode()[node.end_col_offset:].decode("utf-8", "replace").strip(" ,") if end <= len(lines) else ""
    return text[1:].strip() if text.startswith("#") else ""
