"""Files of hydra and OmegaConf."""

import hashlib
import os
import re

from scopes import Scope
from sources import MAX_BYTES, Unreadable
from values import Class, Instance, Namespace, Param, Table, Unknown, YamlFile
from yaml_reader import Yaml


def group_of(root, path):
    """Returns the group that a file is of: its folder below the root."""
    rel = os.path.relpath(os.path.dirname(path), root)
    return "" if rel == "." or rel.startswith("..") else rel.replace(os.sep, "/")


class Config:
    """Configurations in YAML."""

    def run_wrapped(self, wrapped, node, scope):
        func, deco = wrapped.func, wrapped.deco
        here = Scope(func.module, {})
        if deco.name == "hydra.main":
            self.hydra(func, deco)
        else:
            spec = func.node.args.args
            cls = self.value(spec[0].annotation, here) if spec and spec[0].annotation is not None else Unknown()
            self.entry("draccus", [cls], {}, func.node, here)
        return self.call_function(func, [Namespace()], {}, node)

    def hydra(self, func, deco):
        self.style("hydra")
        given = dict(zip(("config_path", "config_name", "version_base"), deco.args), **deco.kwargs)
        name, folder = self.text(given.get("config_name")), self.text(given.get("config_path")) or "."
        if name is None:
            self.problem(deco.line, "hydra's config_name is not told here: its configuration is not seen", func.module)
            return
        root = os.path.join(os.path.dirname(func.module.path), folder)
        path = os.path.join(root, name if name.endswith((".yaml", ".yml")) else name + ".yaml")
        found = {}
        self.compose(root, path, "", found, deco.line, 0)
        for name in [n for n in found if found[n].required and any(other.startswith(n + ".") for other in found)]:
            del found[name]  # what a defaults list has chosen for it is there
        for p in found.values():
            p.passed = p.name + "=" if p.type not in ("list", "map", "any") else ""
            self.found.append(p)

    def package(self, named, prefix, group):
        """Returns the name that a file's values lie below."""
        if not named:
            return group
        if named.startswith("_global_"):
            return named[len("_global_"):].lstrip(".")
        named = "" if named == "_here_" else group if named == "_group_" else named
        return ".".join(p for p in (prefix, named) if p)

    def compose(self, root, path, prefix, found, line, depth, optional=False):
        """Reads a YAML file and what its defaults list names."""
        if depth > 10:
            self.problem(line, "the defaults lists of hydra's configuration go round in a circle")
            return
        stored = self.stored_config(os.path.relpath(path, root)[:-len(".yaml")].split(os.sep))
        if not os.path.isfile(path) and (stored is not None or optional):
            self.reads[path] = ""
            for p in stored or ():
                p.name = ".".join(n for n in (prefix, p.name) if n)
                found[p.name] = p
            return
        entries, lines = self.yaml(path, line)
        if entries is None:
            return
        header = re.match(r"\s*#\s*@package\s+(\S+)", self.header)
        if header:
            prefix = self.package(header.group(1), "", prefix)
        defaults = entries.pop("defaults", None) or []
        own = False
        for item in defaults if isinstance(defaults, list) else []:
            if isinstance(item, dict):
                for group, option in item.items():
                    if group.split()[0] == "override":
                        self.overrides[group.split()[-1].lstrip("/")] = option
        for item in defaults if isinstance(defaults, list) else []:
            if item == "_self_":
                own = True
                self.flatten(entries, lines, prefix, path, found, "hydra")
            elif isinstance(item, str):
                name, _, package = item.partition("@")
                name = name.lstrip("/") if name.startswith("/") else "/".join([g for g in [group_of(root, path)] if g] + [name])
                self.compose(root, os.path.join(root, name + ".yaml"), self.package(package, prefix, ".".join(name.split("/")[:-1])), found, line, depth + 1)
            elif isinstance(item, dict) and len(item) == 1:
                (group, option), = item.items()
                words = group.split()
                group, _, package = words[-1].partition("@")
                group = group.lstrip("/") if group.startswith("/") else "/".join([g for g in [group_of(root, path)] if g] + [group])
                if words[0] == "override":
                    continue  # taken up before the files are read
                option = self.overrides.get(group, option)
                for one in option if isinstance(option, list) else [option]:
                    if isinstance(one, str) and not group.startswith("hydra/") and group != "hydra":
                        if one == "???":
                            self.problem(line, "hydra's defaults: %s has to be chosen: its values are not seen" % group)
                        else:
                            full = os.path.join(root, group, one if one.endswith((".yaml", ".yml")) else one + ".yaml")
                            self.compose(root, full, self.package(package, prefix, group.replace("/", ".")), found, line, depth + 1, "optional" in words[:-1])
        if not own:
            self.flatten(entries, lines, prefix, path, found, "hydra")

    def config_store(self, name, args, kwargs, node, scope):
        """ConfigStore.instance().store(name=…, node=…, group=…)."""
        given = dict(zip(("name", "node", "group", "package"), args), **kwargs)
        named, group = self.text(given.get("name")), self.text(given.get("group")) or ""
        if named is None:
            self.problem(node.lineno, "the name of a stored configuration is computed", scope.module)
            return Unknown()
        self.stored[tuple([p for p in group.split("/") if p] + [named[:-5] if named.endswith(".yaml") else named])] = (given.get("node", Unknown()), node.lineno, scope.module)
        return Unknown()

    def stored_config(self, key):
        """Returns the parameters of a stored configuration, None where there is none of that name."""
        if tuple(key) not in self.stored:
            return None
        node, line, module = self.stored[tuple(key)]
        if isinstance(node, (Class, Instance)) and (isinstance(node, Class) or node.cls is not None):
            return [p for p in self.fields(node if isinstance(node, Class) else node.cls, "hydra", "", line) if p.name.split(".")[0] not in ("defaults", "hydra")]
        out = []

        def walk(table, prefix):
            for key, value in table.items.items():
                name = ".".join(p for p in (prefix, str(key)) if p)
                if isinstance(value, Table) and value.items:
                    walk(value, name)
                elif name != "defaults":
                    param = Param(name, line, module, "hydra")
                    self.default(param, value, name)
                    out.append(param)

        if isinstance(node, Table):
            walk(node, "")
        else:
            self.problem(line, "what is stored as %s is computed" % "/".join(key), module)
        return out

    def yaml(self, path, line):
        path = os.path.normpath(path)
        shown = os.path.relpath(path, os.path.dirname(self.path))
        try:
            with open(path, "rb") as f:
                data = f.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                raise Unreadable("it has more than %d MB" % (MAX_BYTES // 1_000_000))
            self.reads[path] = hashlib.sha256(data).hexdigest()
            self.header = data[:200].decode("utf-8", "replace")
            reader = Yaml(data.decode("utf-8"))
            tree = reader.read()
        except OSError as e:
            self.reads[path] = ""
            self.problem(line, "%s cannot be read: %s" % (shown, e.strerror))
            return None, None
        except (Unreadable, UnicodeDecodeError, RecursionError) as e:
            self.problem(line, "%s%s: %s" % (shown, ":%d" % e.line if getattr(e, "line", 0) else "", e))
            return None, None
        if tree is None:
            tree = {}
        if not isinstance(tree, dict):
            self.problem(line, "%s holds no map" % shown)
            return None, None
        return tree, reader.lines

    def flatten(self, tree, lines, prefix, path, found, style, at=()):
        source = YamlFile(path)
        for key, value in tree.items():
            where = at + (key,)
            name = ".".join([p for p in [prefix] if p] + [str(k) for k in where])
            if isinstance(value, dict) and value:
                self.flatten(value, lines, prefix, path, found, style, where)
                continue
            if name.split(".")[0] == "hydra":
                continue
            param = Param(name, lines.get(where, 0), source, style)
            if value == "???":
                param.required = True
            elif isinstance(value, str) and "${" in value:
                param.confidence = "likely"
                self.problem(0, "%s:%d: the value of %s is computed: %s" % (os.path.relpath(path, os.path.dirname(self.path)), param.line, name, value[:60]))
            else:
                param.set_default(value)
            found[name] = param

    def omegaconf(self, last, args, kwargs, node, scope):
        if last == "load" and args:
            path = self.text(args[0])
            if path is None:
                self.problem(node.lineno, "the file that OmegaConf loads is computed: its values are not seen", scope.module)
                return Namespace()
            self.style("omegaconf")
            found = {}
            full = os.path.join(os.path.dirname(self.path), path)
            tree, lines = self.yaml(full, node.lineno)
            if tree is not None:
                self.flatten(tree, lines, "", os.path.normpath(full), found, "omegaconf")
            names = {p.name for p in self.found}
            for p in found.values():
                p.confidence = "likely" if p.confidence == "sure" else p.confidence
                if p.name not in names:
                    self.found.append(p)
            return Namespace()
        if last == "structured" and args and isinstance(args[0], (Class, Instance)):
            self.style("omegaconf")
            for p in self.fields(args[0] if isinstance(args[0], Class) else args[0].cls, "omegaconf", "", node.lineno):
                p.passed, p.confidence = "", "likely"
                self.found.append(p)
            return Namespace()
        if last == "from_cli":
            self.reads_cli = True
        if last in ("merge", "from_cli", "create", "to_container", "to_object", "unsafe_merge"):
            return Namespace()
        return Unknown(node)
