"""gin: the arguments of configurable functions, and .gin files."""

import ast
import os
import re

from scopes import Scope
from syntax import dotted
from values import Class, Const, Func, Seq

PARSES = ("parse_config_file", "parse_config_files_and_bindings", "parse_config")
BINDING = re.compile(r"^((?:[\w/]+/)?[\w.]+)\.(\w+)\s*=\s*(.+)$")


class Gin:
    """Functions and classes that gin configures."""

    def gin(self, last, args, kwargs, node, scope):
        self.style("gin")
        files = kwargs.get("config_files") or kwargs.get("config_file") or (args[0] if args and last != "parse_config" else None)
        bound, named = {}, self.gin_files(files, node)
        for path in named:
            self.gin_file(path, bound, node, 0)
        if not named and last != "parse_config":
            self.problem(node.lineno, "which .gin file is read is computed: its values are not seen", scope.module)
        option = self.gin_option(kwargs.get("bindings"), node) if last == PARSES[1] else None
        params = dict(bound)
        for name, param in self.gin_configurables().items():
            if name not in params:
                params[name] = param
        for name, param in params.items():
            if option is not None:
                param.form, param.flags = "gin", ["--%s=%s" % (option, name)]
            else:
                param.why = "gin takes it from a .gin file" if last != "parse_config" else "gin takes it from a text in the script"
            self.found.append(param)

    def gin_files(self, value, node):
        """Returns the .gin files that are named."""
        if value is None:
            return []
        if not isinstance(value, (Const, Seq)):
            value = self.gin_default(node)
        items = value.items if isinstance(value, Seq) else [value]
        out = []
        for item in items:
            name = self.text(item)
            for folder in [os.path.dirname(self.path)] + self.roots if name else ():
                path = os.path.normpath(os.path.join(folder, name))
                if os.path.isfile(path):
                    out.append(path)
                    break
            else:
                if name:
                    self.problem(node.lineno, "%s is not there: its values are not seen" % name)
        return out

    def gin_default(self, node):
        """The default of the option that names the files."""
        given = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg in ("config_files", "config_file")), None)
        chain = dotted(given.elts[0] if isinstance(given, (ast.List, ast.Tuple)) and given.elts else given) if given is not None else None
        for param in self.options() if chain else ():
            if param.name == chain.split(".")[-1] and param.default:
                return Seq([Const(v) for v in param.default]) if isinstance(param.default, (list, tuple)) else Const(param.default)
        return Const(None)

    def options(self):
        return [p for parser in self.parsers for p in parser.params] + self.found

    def gin_option(self, given, node):
        """Returns the option whose values are bindings; None where there is none that can be repeated."""
        source = node.args[1] if len(node.args) > 1 else next((k.value for k in node.keywords if k.arg == "bindings"), None)
        chain = dotted(source) if source is not None else None
        for param in self.options() if chain else ():
            if param.name == chain.split(".")[-1] and (param.verb in ("append", "multiple") or param.style == "absl" and param.type == "list" and param.verb not in ("list", "spaceseplist")):
                return param.name
        return None

    def gin_file(self, path, bound, node, depth):
        """Reads the bindings of a file, those of files that it includes first."""
        source = self.open(path)
        if depth > 8 or source.problem is not None or len(source.data) > 1_000_000:
            self.problem(node.lineno, "%s cannot be read" % os.path.basename(path))
            return
        module = self.modules.setdefault(path, _GinModule(path, source))
        pending, start = "", 0
        for number, line in enumerate(source.text.splitlines(), 1):
            line = re.sub(r"(^|\s)#.*$", "", line).rstrip()
            if pending:
                line = pending + " " + line.strip()
            else:
                start = number
            pending = ""
            if line.endswith("\\") or line.count("(") + line.count("[") + line.count("{") > line.count(")") + line.count("]") + line.count("}"):
                pending = line.rstrip("\\")
                continue
            include = re.match(r"include\s+['\"](.+)['\"]$", line.strip())
            if include:
                inner = next((p for p in (os.path.join(f, include.group(1)) for f in [os.path.dirname(path), os.path.dirname(self.path)] + self.roots) if os.path.isfile(p)), None)
                if inner:
                    self.gin_file(os.path.normpath(inner), bound, node, depth + 1)
                else:
                    self.problem(node.lineno, "%s includes %s, which is not there" % (os.path.basename(path), include.group(1)))
                continue
            found = BINDING.match(line.strip())
            if not found:
                continue
            name = "%s.%s" % (found.group(1), found.group(2))
            param = self.param(name, start, Scope(module, {}), "gin")
            text = found.group(3).strip()
            try:
                param.set_default(ast.literal_eval(text))
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                param.confidence = "likely"
                self.problem(node.lineno, "the default of %s is computed: %s (%s:%d)" % (name, text[:60], os.path.basename(path), start))
            bound[name] = param

    def gin_configurables(self):
        """Returns the arguments with defaults of what is marked as configurable in the files that the script imports."""
        out = {}
        for module in list(self.modules.values()):
            source = module.source
            if "configurable" not in source.text or not source.ready() or not hasattr(module, "get"):
                continue
            module.get("")
            for node in source.tree.body:
                if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    continue
                for mark in node.decorator_list:
                    call = mark if isinstance(mark, ast.Call) else None
                    if (dotted(call.func if call else mark) or "").split(".")[-1] not in ("configurable", "register"):
                        continue
                    named = call.args[0] if call and call.args else next((k.value for k in call.keywords if k.arg == "name"), None) if call else None
                    name = (named.value if isinstance(named, ast.Constant) and isinstance(named.value, str) else node.name).split(".")[-1]
                    value = module.env.get(node.name)
                    func = self.member(value, "__init__") if isinstance(value, Class) else value
                    if isinstance(func, Func):
                        spec = func.node.args
                        least = len(getattr(spec, "posonlyargs", [])) + len(spec.args) - len(spec.defaults)
                        having = {a.arg for a in (getattr(spec, "posonlyargs", []) + spec.args)[least:]} | {a.arg for a, d in zip(spec.kwonlyargs, spec.kw_defaults) if d is not None}
                        for param in self.signature(func, "gin", name, isinstance(value, Class)):
                            if param.name.split(".")[-1] in having:
                                param.confidence = "likely"
                                out.setdefault(param.name, param)
        return out


class _GinModule:
    """Stands for a .gin file as the place of a parameter."""

    def __init__(self, path, source):
        self.path, self.source, self.env, self.ran, self.library = path, source, {}, False, None
        self.name = ""
