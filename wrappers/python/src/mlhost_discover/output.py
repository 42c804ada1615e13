"""From what a script made of its parsers to its result."""

import ast
import os

from scopes import Module, Scope
from style_assigned import TAKES
from syntax import sets_up
from values import Budget, Func, Wrapped, jsonable

STYLES = ["argparse", "click", "typer", "absl", "fire", "HfArgumentParser", "tyro", "simple_parsing", "draccus", "jsonargparse",
          "hydra", "omegaconf", "optparse", "docopt", "tap", "gin", "register_parameter", "mlhost.param", "sys.argv"]


RESUME = ("resume_from_checkpoint", "resume_from", "resume_path", "resume_checkpoint", "resume", "load_checkpoint", "init_checkpoint", "checkpoint_path", "ckpt_path", "restore_from",
          "checkpoint", "ckpt", "restore", "resume_training", "init_from")


def resume(params):
    """Returns the parameter that names a checkpoint to go on from; \"\" where none is seen."""
    for word in RESUME:
        for p in params:
            if p.name.split(".")[-1].replace("-", "_") == word and p.type in ("string", "bool", "any"):
                return p.name
    return ""


class Output:
    """Runs one script and says what it has."""

    def run(self):
        source = self.open(self.path)
        if not source.ready():
            self.problem(source.problem.line, str(source.problem))
            return dict(self.result([], "none"), unreadable=True)
        module = self.modules[self.path] = Module(self, source, "__main__")
        module.ran = True
        self.following = 1 if TAKES.search(source.text) else 0
        try:
            facts = source.facts()
        except RecursionError:
            self.problem(0, "the script nests too deeply to be read")
            return dict(self.result([], "none"), unreadable=True)
        try:
            self.walk_module(module)
            self.fall_back(module)
            if "absl" in self.styles or "absl" in source.text:
                self.flags_of_imports()
        except Budget:
            self.problem(0, "the script is too large to follow to its end: parameters may be missing")
        except RecursionError:
            self.problem(0, "the script nests too deeply: parameters may be missing")
        self.is_script = self.is_script or any(
            isinstance(n, (ast.For, ast.While, ast.With)) or isinstance(n, ast.Expr) and isinstance(n.value, ast.Call) and not sets_up(n.value)
            for n in source.tree.body)
        params = self.gather()
        style = next((s for s in STYLES if s in self.styles), None)
        if style is None:
            params, style = self.constants(source.tree, facts), "constants"
            style = style if params else "none"
        for line, name, _ in sorted(facts.env, key=lambda e: e[0]):
            self.problem(line, "reads the environment variable %s" % name if name else "reads an environment variable with a computed name")
        if facts.argv and style in ("constants", "none") and not (params and params[0].form == "assigned"):
            self.problem(facts.argv, "reads sys.argv by itself: what it takes from there is not seen")
            style = "sys.argv" if style == "none" else style
        for p in params:
            self.settle(p, facts)
        self.problems.sort(key=lambda p: p["line"])
        return self.result(params, style)

    def fall_back(self, module):
        """Where nothing is reached from the top level, reads what another file would call."""
        if any(p.parsed for p in self.parsers) or self.found or self.styles:
            for command in self.commands:
                if not any(c.listed for c in self.commands):
                    self.run_command(command)
            return
        made = len(self.parsers)
        for name in ("main", "cli", "run", "app", "train", "parse_args", "get_args", "get_parser", "parse_opt", "make_parser", "build_parser"):
            value = module.env.get(name)
            if isinstance(value, (Func, Wrapped)) and not any(p.parsed for p in self.parsers) and not self.styles:
                self.call(value, [], {}, value.node if isinstance(value, Func) else value.func.node, Scope(module, module.env))
                if len(self.parsers) > made or self.found:
                    self.problem(0, "nothing at the top level calls %s; it is read as if something did" % name)

    def gather(self):
        """Joins the parameters of the parsers that are reached, and of what else is declared."""
        reached = [p for p in self.parsers if p.parsed]
        doubt = not reached
        if doubt:
            children = [c for p in self.parsers for c in p.children]
            reached = [p for p in self.parsers if p.params and p not in children]
            reached += [c for c in children if c not in reached]
            if reached:
                self.problem(reached[0].line, "no call of parse_args is seen: the parser's options may not be the script's", reached[0].module)
        out = {}
        for parser in reached:
            self.style(parser.style)
            if parser.style == "simple_parsing":
                self.flags_of_fields(parser.params)
            for p in self.placed(parser):
                if doubt and p.confidence == "sure":
                    p.confidence = "likely"
                before = out.get(p.name)
                if before is None:
                    out[p.name] = p
                elif before is not p and before.default == p.default and before.type == p.type:
                    before.join(p)
                elif before is not p and (before.default != p.default or before.type != p.type):
                    # Several options with one dest, or one dest in several subcommands.
                    if before.type == "bool" and p.type == "bool":
                        before.passed = ""
                        self.join_flags(before, p)
                    before.join(p)
                    before.confidence = "likely" if parser.nested or p.nested else before.confidence
                    if p.nested and before.nested:
                        self.problem(p.line, "several subcommands have %s, with other values: those of line %d are listed" % (p.name, before.line), p.module)
        for p in self.found:
            out.setdefault(p.name, p)
        self.number_positions(out.values())
        return list(out.values())

    def placed(self, parser):
        """Returns the parameters of a parser, each with the subcommands that it belongs to."""
        place = 0
        for p in parser.params:
            p.before, p.abbreviates = p.before or parser.words, parser.abbreviates
            p.nested = p.nested or parser.nested
            if parser.nested and not p.commands:
                p.commands, p.passed = list(parser.paths), ""
                place += bool(p.positional)
                p.position = place if p.positional else 0
        return parser.params

    def result(self, params, style):
        out = []
        for p in params:
            if not isinstance(p.choices, list):
                p.choices = None
            argument, refused = self.way(p)
            file = "" if p.module.path == self.path else os.path.relpath(p.module.path, os.path.dirname(self.path))
            out.append({
                "name": p.name, "type": p.type, "default": jsonable(p.default), "choices": jsonable(p.choices), "min": jsonable(p.min), "max": jsonable(p.max),
                "required": p.required, "doc": jsonable(p.doc.replace("\0", "")), "line": p.line, "confidence": p.confidence, "mutability": p.mutability or "restart",
                "file": file, "pass": p.passed, "style": p.style, "target": p.target, "argument": argument, "refused": refused,
            })
        return {"path": self.path, "style": style, "parameters": out, "problems": self.problems, "resume": resume(params), "script": self.is_script or bool(params and style not in ("constants",)),
                "reads": self.reads, "env": self.env_reads()}
