"""How a value gets into a script: by which argument, or why by none."""

import ast
import os

from values import Const, Ext

TEXTS = {"fire": "python", "jsonargparse": "yaml", "draccus": "yaml", "hydra": "hydra", "absl": "lower", "click": "lower", "typer": "lower"}


class Ways:
    """Says of each parameter what carries its value."""

    def way(self, p):
        """Returns the argument as a map, or None, and why there is none."""
        text = TEXTS.get(p.style, "")
        if p.form == "assigned" or p.style == "sys.argv":
            return dict(form="value", flag="--" + p.name, text="python"), ""
        if p.style in ("register_parameter", "mlhost.param", "constants"):
            return None, p.why
        if p.style == "omegaconf":
            return None, "the script reads it from a file"
        if p.style == "hydra":
            return dict(form="override", flag=p.name + "=", text=text), ""
        if p.style == "docopt":
            if not p.name.startswith("-"):
                return None, "docopt takes it by its place"
            return dict(form="flag" if p.type == "bool" else "value", flag=p.name, **({"off": ""} if p.type == "bool" else {})), ""
        if p.nested and not p.commands:
            return None, "it belongs to a subcommand whose name is computed"
        way, refused = self.own_way(p, text)
        if way is not None:
            self.spellings(p, way) if p.style != "gin" else None
            way.update({k: v for k, v in (("commands", p.commands), ("before", p.before)) if v and way["form"] != "command" or k == "commands" and v})
        return way, refused

    def spellings(self, p, way):
        """Notes under which other names the option goes."""
        used = (way.get("flag"), way.get("off"))
        others = [f for f in p.flags + [p.off] if f and f not in used]
        if p.form == "typer" and not p.flags or not way.get("flag", "").startswith("-") and not way.get("off"):
            others = []
        if others:
            way["aliases"] = others
        if p.abbreviates and way["form"] not in ("position", "command"):
            way["abbreviates"] = True

    def own_way(self, p, text):
        """Returns the argument without regard to subcommands."""
        if p.style == "gin":
            return (dict(form="value", flag=p.flags[0], text="python"), "") if p.form == "gin" else (None, p.why)
        if p.form == "command":
            return dict(form="command"), ""
        if p.position:
            way = dict(form="position", position=p.position, text=text)
            nargs = self.nargs(p)
            if nargs is not None:
                way["nargs"] = nargs
            return way, ""
        made = getattr(self, "way_" + p.form, None) if p.form else self.way_field
        way, refused = made(p)
        if way is not None and text:
            way.setdefault("text", text)
        return way, refused

    def nargs(self, p):
        """What add_argument's nargs says, None for a single value."""
        value = p.nargs.value if isinstance(p.nargs, Const) else p.nargs
        if value is None or isinstance(value, (int, str)):
            return None if value is None else str(value)
        return "*"

    def best(self, p):
        return next((f for f in p.flags if f.startswith("--")), p.flags[0] if p.flags else "")

    def way_argparse(self, p):
        flag, nargs, verb = self.best(p), self.nargs(p), p.verb
        if not flag:
            return None, "its option is not known"
        if verb in ("store_true", "store_false"):
            return dict(form="flag", **{"flag" if verb == "store_true" else "off": flag}), ""
        if verb.endswith("BooleanOptionalAction"):
            long = next((f for f in p.flags if f.startswith("--")), "")
            return dict(form="flag", flag=flag, off="--no-" + long[2:] if long else ""), ""
        if verb == "count":
            return dict(form="count", flag=flag), ""
        if verb in ("store_const", "append_const"):
            return None, "its option, %s, takes no value" % flag
        if verb in ("append", "extend"):
            if verb == "append" and nargs is not None:
                return None, "each use of its option, %s, takes several values" % flag
            way = dict(form="repeat" if nargs is None or verb == "extend" else "list", flag=flag)
            if p.default:
                way["appends"] = True
            return way, ""
        if nargs is not None and nargs != "?":
            if nargs in ("...", "A..."):
                return None, "its option, %s, takes the rest of the command line" % flag
            return dict(form="list", flag=flag, nargs=nargs), ""
        way = dict(form="value", flag=flag)
        if isinstance(p.converter, Ext) and p.converter.name == "bool":
            way["text"] = "truth"
        elif p.style == "jsonargparse":
            way["text"] = "yaml"
        return way, ""

    def way_click(self, p):
        flag = max(p.flags, key=lambda f: len(f) - len(f.lstrip("-")), default="")
        if p.verb == "flag":
            return dict(form="flag", flag=flag, off=p.off), ""
        if p.verb == "count":
            return dict(form="count", flag=flag), ""
        if not flag:
            return None, "its option is not known"
        if p.verb == "const":
            return None, "its option, %s, takes no value" % flag
        if p.verb == "multiple":
            if self.nargs(p) not in (None, "1"):
                return None, "each use of its option, %s, takes several values" % flag
            return dict(form="repeat", flag=flag), ""
        if self.nargs(p) not in (None, "1"):
            return dict(form="list", flag=flag, nargs=self.nargs(p)), ""
        return dict(form="value", flag=flag), ""

    def way_typer(self, p):
        flag = max(p.flags, key=lambda f: len(f) - len(f.lstrip("-")), default="") or "--" + p.name.replace("_", "-")
        if p.type == "bool":
            off = p.off or ("" if p.flags else "--no-" + flag[2:])
            return dict(form="flag", flag=flag, off=off), ""
        return dict(form="repeat" if p.type == "list" else "value", flag=flag), ""

    def way_absl(self, p):
        form = {"list": "csv", "spaceseplist": "words"}.get(p.verb, "repeat" if p.type == "list" else "value")
        return dict(form=form, flag="--" + p.name), ""

    def way_field(self, p):
        """A field of a dataclass, or an argument of a function."""
        if p.style == "simple_parsing" and not p.flags:
            return None, "several fields have its name: which option is whose depends on all of them"
        flag = p.flags[0] if p.style == "simple_parsing" else "--" + p.name
        if p.style == "docopt":
            if not p.name.startswith("-"):
                return None, "it stands by its place in the usage text"
            return dict(form="flag" if p.type == "bool" else "value", flag=p.name), ""
        if p.style == "tap" and p.type == "bool":
            return dict(form="flag", **{"off" if p.default is True else "flag": flag}), ""
        if p.style in ("fire", "jsonargparse", "draccus"):
            return dict(form="value", flag=flag), ""
        if p.style == "tyro" and p.type == "bool":
            head, _, last = p.name.rpartition(".")
            return dict(form="flag", flag=flag, off="--" + (head + "." if head else "") + "no-" + last), ""
        if p.style == "tap" and p.type == "bool":
            return dict(form="flag", **{"off" if p.default else "flag": flag}), ""
        if p.type == "list":
            return dict(form="list", flag=flag, nargs="*" if p.style != "HfArgumentParser" else "+"), ""
        if p.type == "map":
            return None, "a map has no form on a command line"
        return dict(form="value", flag=flag), ""

    def flags_of_fields(self, params):
        """simple_parsing's options are named by the field alone, as long as no other has that name."""
        leaves = [p.name.rpartition(".")[2] for p in params]
        for p, leaf in zip(params, leaves):
            if not p.form:
                p.flags = ["--" + leaf] if leaves.count(leaf) == 1 else []
                p.passed = p.flags[0] + ("=" if p.passed.endswith("=") else "") if p.flags and p.passed else ""

    def number_positions(self, params):
        """Gives positional arguments their places, in the order of declaration."""
        place = 0
        for p in params:
            if p.positional and not p.nested:
                place += 1
                p.position = place

    def join_flags(self, first, other):
        """Two options of one dest, one that sets it and one that clears it."""
        if not (first.form == other.form == "argparse" and {first.verb, other.verb} == {"store_true", "store_false"}):
            return
        on, off = (first, other) if first.verb == "store_true" else (other, first)
        first.verb, first.form, first.flags, first.off = "flag", "click", [self.best(on)], self.best(off)

    def literal(self, node):
        """The value of a default that stands there, as the environment holds it."""
        value = node.value if isinstance(node, ast.Constant) else None
        return str(value) if isinstance(value, (str, int, float)) else None

    def env_reads(self):
        """The environment variables that are read by a name that stands there."""
        out, seen = [], set()
        for module in self.modules.values():
            if module.path != self.path and not (module.ran and ("environ" in module.source.text or "getenv" in module.source.text)) or module.source.facts() is None:
                continue
            file = "" if module.path == self.path else os.path.relpath(module.path, os.path.dirname(self.path))
            for line, name, default in sorted(module.source.facts().env, key=lambda e: e[0]):
                if name and name not in seen:
                    seen.add(name)
                    out.append({"name": name, "line": line, "file": file, "default": self.literal(default)})
        return out
