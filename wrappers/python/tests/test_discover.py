"""What reading a script tells; the parser that it really makes is the measure."""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

from harness import SRC, clean_environment

DISCOVER = os.path.join(SRC, "mlhost_discover")

# Scripts whose parser is made in the test, to compare with.
REAL = {
    "plain": """
        import argparse
        HIDDEN = 4 * 16
        def get():
            parser = argparse.ArgumentParser(description="x")
            parser.add_argument("data", nargs="?", default="iris.csv")
            parser.add_argument("--lr", "-l", type=float, default=1e-3, help="rate")
            parser.add_argument("--no-cuda", action="store_true")
            parser.add_argument("--keep", action="store_false", dest="drop")
            parser.add_argument("--hidden-size", type=int, default=HIDDEN)
            parser.add_argument("--betas", type=float, nargs=2, default=(0.9, 0.999))
            parser.add_argument("--tag", action="append")
            parser.add_argument("-v", action="count", default=0)
            parser.add_argument("--epochs", type=int, default="10")
            parser.add_argument("--neg", type=int, default=-1, choices=[-1, 0, 1])
            parser.add_argument("--c", action="store_const", const=3)
            return parser
        PARSER = get()
        args = PARSER.parse_args([])
    """,
    "groups": """
        import argparse
        p = argparse.ArgumentParser(prefix_chars="-+")
        g = p.add_argument_group("optimizer")
        g.add_argument("--opt", choices=("sgd", "adam"), default="sgd")
        m = g.add_mutually_exclusive_group()
        m.add_argument("--fast", action="store_true")
        m.add_argument("--slow", action="store_true")
        for name in ("train", "test"):
            p.add_argument("--%s-size" % name if False else "--" + name + "-size", type=int, default=8)
        for name, default in {"a": 1, "b": 2}.items():
            p.add_argument(f"--w-{name}", type=int, default=default)
        p.set_defaults(opt="adam")
        PARSER = p
        p.parse_known_args([])
    """,
    "parents": """
        import argparse
        def base():
            q = argparse.ArgumentParser(add_help=False)
            q.add_argument("--seed", type=int, default=0)
            return q
        class Options:
            def __init__(self):
                self.parser = argparse.ArgumentParser(parents=[base()])
                self.setup(self.parser)
            def setup(self, parser):
                parser.add_argument("--name", default="x")
            def parse(self):
                return self.parser.parse_args([])
        class More(Options):
            def setup(self, parser):
                super().setup(parser)
                parser.add_argument("--extra", type=float, default=2 ** 3 / 2)
        o = More()
        PARSER = o.parser
        o.parse()
    """,
    "commands": """
        import argparse
        p = argparse.ArgumentParser()
        p.add_argument("--verbose", action="store_true")
        s = p.add_subparsers(dest="command")
        t = s.add_parser("train")
        t.add_argument("--lr", type=float, default=0.1)
        e = s.add_parser("eval")
        e.add_argument("data-csv")
        PARSER = p
        p.parse_args([])
    """,
}


def discover(files, *names):
    """Reads scripts of a new folder; nothing may appear in it."""
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        for name, text in files.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        paths = [os.path.join(folder, n) for n in names or ["s.py"]]
        done = subprocess.run([sys.executable, "-I", "-S", "-B", DISCOVER], input=json.dumps({"paths": paths}).encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), cwd=folder, timeout=60)
        there = {os.path.relpath(os.path.join(d, f), folder) for d, _, fs in os.walk(folder) for f in fs}
    if done.returncode or done.stderr.replace(b"s_push: parser stack overflow\n", b""):  # 3.8 says so of what nests deeply
        raise AssertionError(done.stderr.decode())
    if there != {os.path.normpath(n) for n in files}:
        raise AssertionError("files appeared: %s" % there)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    return results if names else results[0]


def by_name(found):
    return {p["name"]: p for p in found["parameters"]}


class Argparse(unittest.TestCase):
    def test_as_the_real_parser(self):
        for name, text in REAL.items():
            with self.subTest(name):
                scope = {"__name__": "__main__"}
                exec(compile(textwrap.dedent(text), name, "exec"), scope)
                real, todo = {}, [scope["PARSER"]]
                while todo:
                    for action in todo.pop()._actions:
                        if action.dest not in ("help", "==SUPPRESS=="):
                            real[action.dest] = action
                        if type(action).__name__ == "_SubParsersAction":
                            todo += action.choices.values()
                found = discover({"s.py": text})
                ours = by_name(found)
                self.assertEqual(found["style"], "argparse")
                self.assertEqual(found["problems"], [])
                self.assertEqual(set(ours), set(real))
                defaults = vars(scope["PARSER"].parse_args([]))
                for dest, action in real.items():
                    default = defaults.get(dest, action.default)
                    self.assertEqual(ours[dest]["default"], list(default) if isinstance(default, tuple) else default, dest)
                    choices = None if action.choices is None else list(action.choices)
                    self.assertEqual(ours[dest]["choices"], choices, dest)

    def test_helpers_in_other_files(self):
        found = discover({
            "s.py": """
                from pkg.options import add_all
                import argparse
                from pkg import more
                def unused():
                    q = argparse.ArgumentParser()
                    q.add_argument("--other-tool")
                    return q.parse_args()
                def main():
                    parser = argparse.ArgumentParser()
                    add_all(parser)
                    more.extend(parser, "size")
                    args = parser.parse_args()
                    while True:
                        step(args)
                def step(args):
                    print(args.lr)
                if __name__ == "__main__":
                    main()
            """,
            "pkg/__init__.py": "",
            "pkg/options.py": "from .defaults import LR\ndef add_all(p):\n    p.add_argument('--lr', type=float, default=LR)\n",
            "pkg/defaults.py": "from pkg import options\nLR = 0.5\n",
            "pkg/more.py": "def extend(p, name, default=3):\n    p.add_argument('--' + name, type=int, default=default)\n",
        })
        ours = by_name(found)
        self.assertEqual({n: p["default"] for n, p in ours.items()}, {"lr": 0.5, "size": 3})
        self.assertEqual((ours["lr"]["file"], ours["lr"]["line"]), ("pkg/options.py", 3))
        self.assertEqual((ours["lr"]["mutability"], ours["size"]["mutability"]), ("live", "restart"))
        self.assertEqual(found["problems"], [])

    def test_what_is_computed_is_a_problem(self):
        found = discover({"s.py": """
            import argparse, os, unseen
            p = argparse.ArgumentParser()
            p.add_argument("--workers", type=int, default=os.cpu_count())
            p.add_argument("--flag", type=bool, default=False)
            p.add_argument(unseen.NAME)
            unseen.extend(p)
            print(os.environ["HOME"])
            p.parse_args()
        """})
        self.assertEqual(set(by_name(found)), {"workers", "flag"})
        told = " | ".join(p["message"] for p in found["problems"])
        for part in ("default of workers", "type=bool", "name of an option", "passed to unseen.extend", "variable HOME"):
            self.assertIn(part, told)

    def test_boolean_optional_action_and_required(self):
        ours = by_name(discover({"s.py": """
            import argparse
            p = argparse.ArgumentParser()
            p.add_argument("--amp", action=argparse.BooleanOptionalAction, default=True)
            p.add_argument("--data", required=True)
            p.add_argument("file")
            p.parse_args()
        """}))
        self.assertEqual((ours["amp"]["type"], ours["amp"]["default"]), ("bool", True))
        self.assertEqual([ours[n]["required"] for n in ("amp", "data", "file")], [False, True, True])


class OtherStyles(unittest.TestCase):
    def check(self, style, text, expected, files=None):
        found = discover(dict({"s.py": text}, **(files or {})))
        self.assertEqual(found["style"], style, found)
        ours = {n: (p["type"], p["default"]) for n, p in by_name(found).items()}
        self.assertEqual(ours, expected, found["problems"])
        return found

    def test_click(self):
        found = self.check("click", """
            import click
            def common(f):
                return click.option("--seed", default=1)(f)
            @click.group()
            @click.option("--debug/--no-debug", default=False)
            def cli(debug): pass
            @cli.command()
            @click.option("--lr", "-l", "rate", type=click.FloatRange(0, 1), default=0.1, help="rate")
            @click.option("--opt", type=click.Choice(["sgd", "adam"]), default="sgd")
            @click.option("--tag", multiple=True)
            @common
            @click.argument("data-csv")
            def train(**kw): pass
            if __name__ == "__main__":
                cli()
        """, {"debug": ("bool", False), "rate": ("float", 0.1), "opt": ("string", "sgd"), "tag": ("list", None), "seed": ("int", 1), "data_csv": ("string", None)})
        ours = by_name(found)
        self.assertEqual((ours["rate"]["min"], ours["rate"]["max"], ours["opt"]["choices"]), (0, 1, ["sgd", "adam"]))

    def test_typer(self):
        found = self.check("typer", """
            import typer
            from typing import Annotated
            app = typer.Typer()
            @app.command()
            def main(data: str, lr: float = typer.Option(0.1, "--rate", min=0, max=1, help="r"), n: Annotated[int, typer.Option(min=1)] = 5, fast: bool = False):
                pass
            app()
        """, {"data": ("string", None), "lr": ("float", 0.1), "n": ("int", 5), "fast": ("bool", False)})
        ours = by_name(found)
        self.assertEqual((ours["lr"]["min"], ours["n"]["min"], ours["lr"]["pass"], ours["data"]["required"]), (0, 1, "--rate=", True))

    def test_absl(self):
        found = self.check("absl", """
            from absl import app, flags
            FLAGS = flags.FLAGS
            flags.DEFINE_float("lr", 0.1, "rate", lower_bound=0.0)
            flags.DEFINE_enum("opt", "sgd", ["sgd", "adam"], "o")
            flags.DEFINE_list("xs", "a,b", "x")
            flags.DEFINE_string("data", None, "d")
            flags.mark_flag_as_required("data")
            def main(argv):
                for _ in range(3):
                    print(FLAGS.lr)
            app.run(main)
        """, {"lr": ("float", 0.1), "opt": ("string", "sgd"), "xs": ("list", ["a", "b"]), "data": ("string", None)})
        ours = by_name(found)
        self.assertEqual((ours["lr"]["mutability"], ours["opt"]["mutability"], ours["data"]["required"]), ("live", "restart", True))

    def test_fire(self):
        self.check("fire", """
            import fire
            def train(data, lr: float = 0.1, layers=(1, 2)): pass
            if __name__ == "__main__":
                fire.Fire(train)
        """, {"data": ("any", None), "lr": ("float", 0.1), "layers": ("list", [1, 2])})

    CLASSES = """
        from dataclasses import dataclass, field
        from typing import Optional, List, Literal
        from enum import Enum
        class Kind(Enum):
            A = "a"
            B = "b"
        @dataclass
        class Optim:
            lr: float = field(default=1e-3, metadata={"help": "rate"})
        @dataclass
        class Base:
            seed: Optional[int] = None
        @dataclass
        class Args(Base):
            name: str = "x"
            xs: List[int] = field(default_factory=lambda: [1])
            mode: Literal["fit", "test"] = "fit"
    """

    def test_dataclasses(self):
        flat = {"seed": ("int", None), "name": ("string", "x"), "xs": ("list", [1]), "mode": ("string", "fit")}
        found = self.check("HfArgumentParser", self.CLASSES + """
        from transformers import HfArgumentParser
        parser = HfArgumentParser((Args, Optim))
        args, optim = parser.parse_args_into_dataclasses()
        while True:
            print(optim.lr)
        """, dict(flat, lr=("float", 0.001)))
        self.assertEqual((by_name(found)["lr"]["doc"], by_name(found)["lr"]["mutability"]), ("rate", "live"))
        nested = self.CLASSES + """
        @dataclass
        class Top(Args):
            optim: Optim = field(default_factory=Optim)
        """
        for style, call in (("tyro", "import tyro\n        tyro.cli(Top)"), ("draccus", "import draccus\n        draccus.parse(config_class=Top)"),
                            ("simple_parsing", "from simple_parsing import parse\n        parse(Top)"),
                            ("jsonargparse", "from jsonargparse import CLI\n        CLI(Top)"),
                            ("draccus", "import pyrallis\n        @pyrallis.wrap()\n        def main(cfg: Top): pass\n        main()")):
            with self.subTest(call):
                expected = dict(flat, **{"optim.lr": ("float", 0.001)})
                if style == "draccus":
                    expected.update({"config_path": ("string", None)}, **({} if "pyrallis" in call else {"optim": ("string", None)}))
                if style == "simple_parsing":  # parse() puts all below the name "config"
                    expected = {"config." + name: pair for name, pair in expected.items()}
                self.check(style, nested + call + "\n", expected)

    def test_choices_between_classes(self):
        found = self.check("tyro", self.CLASSES + """
        from typing import Union
        import tyro
        @dataclass
        class Train:
            optim: Optim
            lr: float = 0.5
        @dataclass
        class Test:
            lr: float = 0.25
        tyro.cli(Union[Train, Test])
        """, {"optim.lr": ("float", 0.001), "lr": ("float", 0.5)})
        self.assertTrue(any("several subcommands have lr" in p["message"] for p in found["problems"]), found["problems"])
        self.assertEqual(by_name(found)["lr"]["argument"]["commands"], [["train"], ["test"]])
        self.check("tyro", """
        import tyro
        app = tyro.extras.SubcommandApp()
        @app.command
        def fit(lr: float = 0.1, /):
            pass
        @app.command(name="check")
        def test(n: int):
            pass
        app.cli()
        """, {"lr": ("float", 0.1), "n": ("int", None)})
        self.check("jsonargparse", """
        from jsonargparse import CLI
        def fit(lr: float = 0.1): pass
        def test(n: int = 2): pass
        CLI({"fit": fit, "test": test})
        """, {"lr": ("float", 0.1), "n": ("int", 2), "subcommand": ("string", None)})

    def test_simple_parsing(self):
        found = self.check("simple_parsing", self.CLASSES + """
        from enum import Enum
        from simple_parsing import ArgumentParser, subgroups, mutable_field, list_field
        from simple_parsing.helpers import choice
        class Heat(Enum):
            LOW = 1
            HIGH = 2
        @dataclass
        class Sgd:
            momentum: float = 0.9
        @dataclass
        class Top:
            heat: Heat = Heat.HIGH
            xs: List[str] = list_field("a", "b")
            opt: Optim = mutable_field(Optim, lr=0.5)
            kind: Sgd = subgroups({"sgd": Sgd, "adam": Optim}, default="sgd")
        parser = ArgumentParser()
        parser.add_arguments(Top, dest="top")
        parser.parse_args()
        """, {"top.heat": ("string", "HIGH"), "top.xs": ("list", ["a", "b"]), "top.opt.lr": ("float", 0.5), "top.kind": ("string", "sgd"), "top.kind.momentum": ("float", 0.9)})
        self.assertEqual(by_name(found)["top.opt.lr"]["argument"]["flag"], "--lr")
        self.check("simple_parsing", self.CLASSES + """
        from simple_parsing import ArgumentParser, ConflictResolution
        parser = ArgumentParser(conflict_resolution=ConflictResolution.ALWAYS_MERGE)
        parser.add_arguments(Optim, "one")
        parser.add_arguments(Optim, "two")
        parser.parse_args()
        """, {"one.lr": ("list", [0.001, 0.001])})

    def test_config_flags(self):
        self.check("absl", """
        from absl import app
        from ml_collections import config_flags
        config_flags.DEFINE_config_file("config", "configs/default.py")
        app.run(lambda argv: None)
        """, {"config": ("string", "configs/default.py"), "config.lr": ("float", 0.1), "config.model.dim": ("int", 64)}, {"configs/default.py": """
        import ml_collections
        def get_config():
            config = ml_collections.ConfigDict()
            config.lr = 0.1
            config.model = ml_collections.ConfigDict()
            config.model.dim = 2 * 32
            return config
        """})

    def test_options_of_a_dictionary(self):
        self.check("argparse", """
        import argparse, inspect
        def make(lr, depth, name):
            pass
        def defaults():
            out = dict(lr=0.1, depth=None, other=1)
            out.update({"name": "x", "fast": False})
            for key in out.copy().keys():
                if key == "other":
                    del out[key]
            return out
        def add(parser, table):
            for key, value in table.items():
                kind = type(value)
                if value is None:
                    kind = str
                elif isinstance(value, bool):
                    kind = bool
                parser.add_argument("--" + key, default=value, type=kind)
        p = argparse.ArgumentParser()
        add(p, defaults())
        p.parse_args()
        """, {"lr": ("float", 0.1), "depth": ("string", None), "name": ("string", "x"), "fast": ("bool", False)})

    def test_optparse(self):
        found = self.check("optparse", """
            from optparse import OptionParser, OptionGroup
            parser = OptionParser()
            parser.add_option("-l", "--lr", type="float", default=0.1, help="rate")
            parser.add_option("--fast", action="store_true", default=False)
            group = OptionGroup(parser, "more")
            group.add_option("--name", dest="label", default="x")
            parser.add_option_group(group)
            options, rest = parser.parse_args()
            while True:
                print(options.lr)
        """, {"lr": ("float", 0.1), "fast": ("bool", False), "label": ("string", "x")})
        self.assertEqual((by_name(found)["lr"]["mutability"], by_name(found)["lr"]["pass"]), ("live", "--lr="))

    def test_docopt(self):
        found = self.check("docopt", '''
            """Train.

            Usage:
              train.py <data> [--lr=<r>] [--fast] [-n N]

            Options:
              --lr=<r>  The rate [default: 0.1].
              --fast    Quickly.
              -n N      Times.
            """
            from docopt import docopt
            args = docopt(__doc__)
        ''', {"<data>": ("string", None), "--lr": ("string", "0.1"), "--fast": ("bool", False), "-n": ("string", None)})
        self.assertEqual(by_name(found)["--lr"]["pass"], "--lr=")

    def test_tap(self):
        self.check("tap", """
            from tap import Tap
            from typing import List
            class Args(Tap):
                lr: float = 0.1
                name: str
                sizes: List[int] = [1]
                def configure(self):
                    self.add_argument("-n", "--name")
            args = Args().parse_args()
        """, {"lr": ("float", 0.1), "name": ("string", None), "sizes": ("list", [1])})

    def test_fire_of_a_class(self):
        self.check("fire", """
            import fire
            class Trainer:
                def __init__(self, seed: int = 1): pass
                def fit(self, lr: float = 0.1): pass
                def test(self, split="val"): pass
                def _hidden(self, no=1): pass
            fire.Fire(Trainer)
        """, {"seed": ("int", 1), "lr": ("float", 0.1), "split": ("string", "val")})

    def test_environment(self):
        found = discover({"s.py": """
            import os
            RATE = float(os.environ.get("RATE", "0.1"))
            NAME = os.getenv("NAME")
            HOST = os.environ.get("HOST_NAME", compute())
        """})
        self.assertEqual([(e["name"], e["line"], e["default"]) for e in found["env"]], [("RATE", 3, "0.1"), ("NAME", 4, None), ("HOST_NAME", 5, None)])
        self.assertIn("HOST_NAME", " ".join(p["message"] for p in found["problems"]))

    def test_resume(self):
        for text, name in (("p.add_argument('--resume', default='')", "resume"), ("p.add_argument('--resume-from-checkpoint', type=str)", "resume_from_checkpoint"),
                           ("p.add_argument('--lr', type=float)", "")):
            found = discover({"s.py": "import argparse\np = argparse.ArgumentParser()\n" + text + "\np.parse_args()\n"})
            self.assertEqual(found["resume"], name)

    def test_names_that_are_put_together(self):
        ours = by_name(discover({"s.py": """
            import argparse
            p = argparse.ArgumentParser()
            for kind in ("train", "test"):
                p.add_argument("--%s-size" % kind, type=int, default=8)
                p.add_argument("--{}-name".format(kind), default="x")
            p.parse_args()
        """}))
        self.assertEqual(set(ours), {"train_size", "test_size", "train_name", "test_name"})

    def test_own_parser_groups_and_actions(self):
        found = discover({"s.py": """
            import argparse
            class Yes(argparse._StoreTrueAction): pass
            class Group(argparse._ArgumentGroup): pass
            class Parser(argparse.ArgumentParser):
                def add_argument(self, *args, **kwargs):
                    super().add_argument(*args, **kwargs)
                def add_argument_group(self, *args, **kwargs):
                    return Group(self, *args, **kwargs)
            p = Parser()
            g = p.add_argument_group("g")
            g.add_argument("--fast", action=Yes)
            p.add_argument("--lr", type=float, default=0.1)
            p.parse_args()
        """})
        self.assertEqual({n: (p["type"], p["default"]) for n, p in by_name(found).items()}, {"fast": ("bool", False), "lr": ("float", 0.1)})
        self.assertEqual(found["problems"], [])

    def test_a_library_in_the_tree_is_not_followed(self):
        ours = by_name(discover({"s.py": "import click\n@click.command()\n@click.option('--lr', default=0.1)\ndef main(lr): pass\nmain()\n", "click/__init__.py": "def command(): pass\n"}))
        self.assertEqual(ours["lr"]["default"], 0.1)

    def test_foreign_base_is_a_problem(self):
        found = discover({"s.py": """
            from dataclasses import dataclass
            from transformers import HfArgumentParser, TrainingArguments
            @dataclass
            class Mine(TrainingArguments):
                beta: float = 0.1
            HfArgumentParser(Mine).parse_args_into_dataclasses()
        """})
        self.assertEqual(list(by_name(found)), ["beta"])
        self.assertIn("transformers.TrainingArguments", found["problems"][0]["message"])

    HYDRA = """
        import hydra
        @hydra.main(config_path="conf", config_name="config", version_base=None)
        def main(cfg): pass
        if __name__ == "__main__":
            main()
    """

    def test_hydra(self):
        found = self.check("hydra", self.HYDRA, {"lr": ("float", 0.001), "name": ("string", "a: b"), "xs": ("list", [1, "two", None]), "model.depth": ("int", 18),
                                                 "model.opt.on": ("bool", True), "data": ("any", None)}, {
            "conf/config.yaml": "defaults:\n  - model: resnet\n  - _self_\n\nlr: 1e-3  # rate\nname: 'a: b'\nxs: [1, two, null]\ndata: ???\n",
            "conf/model/resnet.yaml": "depth: 18\nopt:\n  on: yes\n"})
        ours = by_name(found)
        self.assertEqual((ours["lr"]["file"], ours["lr"]["line"], ours["data"]["required"]), ("conf/config.yaml", 5, True))

    def test_hydra_overrides_and_packages(self):
        self.check("hydra", self.HYDRA, {"lr": ("float", 0.1), "db.host": ("string", "b"), "src.path": ("string", "p"), "top": ("int", 1)}, {
            "conf/config.yaml": "defaults:\n  - base\n  - data@src: one\n  - override db: second\n  - optional extra: absent\nlr: 0.1\n",
            "conf/base.yaml": "defaults:\n  - db: first\n", "conf/db/first.yaml": "host: a\n", "conf/db/second.yaml": "host: b\n",
            "conf/data/one.yaml": "defaults:\n  - /glob: g\npath: p\n", "conf/glob/g.yaml": "# @package _global_\ntop: 1\n"})

    def test_hydra_structured(self):
        self.check("hydra", """
            from dataclasses import dataclass, field
            import hydra
            from hydra.core.config_store import ConfigStore
            from omegaconf import MISSING
            @dataclass
            class Opt:
                lr: float = 0.1
            @dataclass
            class Config:
                opt: Opt = field(default_factory=Opt)
                name: str = MISSING
            cs = ConfigStore.instance()
            cs.store(name="config", node=Config)
            @hydra.main(version_base=None, config_name="config")
            def main(cfg): pass
            main()
        """, {"opt.lr": ("float", 0.1), "name": ("string", None)})

    def test_yaml_that_is_not_understood(self):
        for text in ("a: &x 1\n", "a: |\n  text\n", "a: !!python/name:os.system\n", "? a\n: b\n", "a: [1,\n", "a: 1\n   b: 2\n", "a:\n\tb: 1\n", "a: 1\na: 2\n", "\x00\x01"):
            found = discover({"s.py": self.HYDRA, "conf/config.yaml": text})
            self.assertTrue(found["problems"], text)

    def test_omegaconf(self):
        self.check("omegaconf", "from omegaconf import OmegaConf\ncfg = OmegaConf.load('c.yaml')\n", {"a.b": ("int", 1)}, {"c.yaml": "a:\n  b: 1\n"})

    def test_registered(self):
        found = self.check("register_parameter", """
            from script_interface import ScriptInterface
            import mlhost
            class Mine(ScriptInterface):
                def __init__(self):
                    super().__init__("mine")
                    self.register_parameter("lr", 0.1, [0.1, 0.2])
                    self.register_parameter("n", 4, range(1, 11, 3))
            s = Mine()
            x = mlhost.param("x", 1.0, min=0, max=2)
        """, {"lr": ("float", 0.1), "n": ("int", 4), "x": ("float", 1.0)})
        ours = by_name(found)
        self.assertEqual((ours["n"]["min"], ours["n"]["max"], ours["lr"]["choices"]), (1, 10, [0.1, 0.2]))
        self.assertEqual({p["mutability"] for p in ours.values()}, {"live"})

    def test_constants(self):
        found = self.check("constants", """
            import sys
            lr = 0.1  # rate
            epochs: int = 3
            best = 0
            _private = 1
            for epoch in range(epochs):
                best += lr
            print(sys.argv[1])
        """, {"lr": ("float", 0.1), "epochs": ("int", 3)})
        ours = by_name(found)
        self.assertEqual((ours["lr"]["mutability"], ours["epochs"]["mutability"], ours["lr"]["doc"]), ("live", "restart", "rate"))
        self.assertIn("sys.argv", found["problems"][0]["message"])


class Installed(unittest.TestCase):
    """Classes of libraries, by their source in site-packages; nothing of them is imported."""

    LIBRARY = {
        "site/lib/__init__.py": "raise SystemExit('imported')\n_import_structure = {'args': ['Training', 'Other']}\n",
        "site/lib/args.py": """
            from dataclasses import dataclass, field
            from .kinds import Kind
            from typing import Union
            open("made", "w")
            @dataclass
            class Base:
                out: str = field(default="o", metadata={"help": "where"})
            @dataclass
            class Training(Base):
                lr: float = 0.1
                kind: Union[Kind, str] = field(default="a")
                made: str = field(default_factory=compute)
        """,
        "site/lib/kinds.py": "from enum import Enum\nclass Kind(Enum):\n    A = 'a'\n    B = 'b'\n",
    }
    SCRIPT = """
        from dataclasses import dataclass
        from transformers import HfArgumentParser
        from lib import Training
        @dataclass
        class Mine(Training):
            beta: float = 0.5
        HfArgumentParser(Mine).parse_args_into_dataclasses()
    """

    def read(self, script, libraries=()):
        files = dict(self.LIBRARY, **{"s.py": script, **dict(libraries)})
        with tempfile.TemporaryDirectory() as folder:
            folder = os.path.realpath(folder)
            for name, text in files.items():
                path = os.path.join(folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w") as f:
                    f.write(textwrap.dedent(text))
            path = os.path.join(folder, "s.py")
            done = subprocess.run([sys.executable, "-I", "-S", "-B", DISCOVER], input=json.dumps({"paths": [path], "site": {path: [os.path.join(folder, "site")]}}).encode(),
                                  stdout=subprocess.PIPE, check=True, cwd=folder, timeout=60)
            self.assertFalse(os.path.exists(os.path.join(folder, "made")))
        return json.loads(done.stdout)

    def test_fields_of_a_library(self):
        found = self.read(self.SCRIPT)
        ours = by_name(found)
        self.assertEqual({n: p["default"] for n, p in ours.items()}, {"out": "o", "lr": 0.1, "kind": "a", "made": None, "beta": 0.5})
        self.assertEqual((ours["kind"]["choices"], ours["out"]["doc"], ours["lr"]["file"], ours["lr"]["line"]), (["a", "b"], "where", "site/lib/args.py", 11))
        self.assertEqual([p["message"] for p in found["problems"]], ["lib/args.py:13: the default of made is computed: a factory"])
        self.assertTrue(any(name.endswith("site/lib/kinds.py") for name in found["reads"]))

    def test_a_class_of_a_library_alone(self):
        found = self.read("from transformers import HfArgumentParser\nfrom lib.args import Base\nHfArgumentParser((Base,)).parse_args_into_dataclasses()\n")
        self.assertEqual(list(by_name(found)), ["out"])

    def test_lightning(self):
        found = self.read("""
            from lightning.pytorch.cli import LightningCLI
            class Model:
                def __init__(self, lr: float = 0.1): pass
            class Own(LightningCLI):
                def add_arguments_to_parser(self, parser):
                    parser.add_argument("--extra", default=1)
                    parser.set_defaults({"trainer.max_epochs": 5})
            Own(Model, seed_everything_default=3)
        """, {"site/lightning/__init__.py": "", "site/lightning/pytorch/__init__.py": "from lightning.pytorch.trainer import Trainer\n",
              "site/lightning/pytorch/trainer.py": "class Trainer:\n    def __init__(self, max_epochs=None, devices='auto'): pass\n    def fit(self, model, ckpt_path=None): pass\n"})
        ours = by_name(found)
        self.assertEqual({n: p["default"] for n, p in ours.items()}, {"seed_everything": 3, "trainer.max_epochs": 5, "trainer.devices": "auto", "model.lr": 0.1, "data": None,
                                                                     "ckpt_path": None, "extra": 1, "optimizer": None, "lr_scheduler": None})
        self.assertEqual((ours["ckpt_path"]["argument"]["commands"], ours["model.lr"]["argument"]["commands"][1]), ([["fit"]], ["validate"]))
        self.assertIn("which class data is", found["problems"][0]["message"])
        without = discover({"s.py": "from lightning.pytorch.cli import LightningCLI\nclass M:\n    def __init__(self, lr=1): pass\nLightningCLI(M, M, run=False)\n"})
        self.assertEqual([p["message"][:50] for p in without["problems"]], ["the arguments of lightning.pytorch.Trainer are not"])

    def test_gin(self):
        script = """
            import gin
            from absl import app, flags
            import model
            flags.DEFINE_multi_string("gin_file", ["base.gin"], "files")
            flags.DEFINE_%s("gin_bindings", [], "bindings")
            FLAGS = flags.FLAGS
            @gin.configurable
            def train(data, lr=0.1, steps=10): pass
            def main(argv):
                gin.parse_config_files_and_bindings(FLAGS.gin_file, FLAGS.gin_bindings)
                train("x")
            app.run(main)
        """
        files = {"base.gin": "include 'more.gin'\ntrain.lr = 0.5  # rate\nNet.sizes = [\n  1,\n  2]\nNet.act = @relu\n", "more.gin": "Net.depth = 7\n",
                 "model.py": "import gin\n@gin.configurable('Net')\nclass Network:\n    def __init__(self, depth=1, width=2): pass\n"}
        found = discover(dict(files, **{"s.py": script % "multi_string"}))
        ours = {n: p for n, p in by_name(found).items() if "." in n}
        self.assertEqual({n: (p["default"], p["confidence"]) for n, p in ours.items()}, {"Net.depth": (7, "sure"), "train.lr": (0.5, "sure"), "Net.sizes": ([1, 2], "sure"),
                                                                                         "Net.act": (None, "likely"), "train.steps": (10, "likely"), "Net.width": (2, "likely")})
        self.assertEqual((ours["train.lr"]["argument"]["flag"], ours["train.lr"]["file"], ours["train.lr"]["line"]), ("--gin_bindings=train.lr", "base.gin", 2))
        found = discover(dict(files, **{"s.py": script % "list"}))
        self.assertEqual(by_name(found)["train.lr"]["refused"], "gin takes it from a .gin file")

    def test_choices_of_draccus(self):
        found = discover({
            "s.py": """
                from dataclasses import dataclass, field
                import draccus
                from robots import arm
                from robots.base import Robot
                @dataclass
                class Config:
                    robot: Robot = field(default_factory=arm.Arm)
                @draccus.wrap()
                def main(cfg: Config): pass
                main()
            """,
            "robots/__init__.py": "", "robots/base.py": "import draccus\nfrom dataclasses import dataclass\n@dataclass\nclass Robot(draccus.ChoiceRegistry):\n    name: str = 'r'\n",
            "robots/arm/__init__.py": "from .config import Arm\n",
            "robots/arm/config.py": "from dataclasses import dataclass\nfrom ..base import Robot\n@Robot.register_subclass('arm')\n@dataclass\nclass Arm(Robot):\n    joints: int = 6\n",
        })
        ours = by_name(found)
        self.assertEqual({n: p["default"] for n, p in ours.items()}, {"config_path": None, "robot": None, "robot.type": "arm", "robot.name": "r", "robot.joints": 6})
        self.assertEqual((ours["robot.type"]["choices"], found["problems"]), (["arm"], []))

    def test_tuples_and_nested_applications_of_tyro(self):
        found = discover({"s.py": """
            from typing import NamedTuple, Tuple
            import tyro
            class Color(NamedTuple):
                r: int
                g: int = 3
            class Args(NamedTuple):
                two: Tuple[Color, Color] = (Color(1), Color(0, 5))
            tyro.cli(Args)
        """})
        self.assertEqual({n: p["default"] for n, p in by_name(found).items()}, {"two.0.r": 1, "two.0.g": 3, "two.1.r": 0, "two.1.g": 5})
        found = discover({"s.py": """
            from tyro.extras import SubcommandApp
            db = SubcommandApp()
            @db.command
            def move_it(version: int = 1): pass
            app = SubcommandApp()
            app.command(db, name="db")
            @app.command
            def greet(name: str = "world"): pass
            app.cli()
        """})
        self.assertEqual({n: p["argument"]["commands"] for n, p in by_name(found).items()}, {"version": [["db", "move-it"]], "name": [["greet"]]})

    def test_a_decorator_of_the_tree_that_parses(self):
        found = discover({
            "s.py": """
                from dataclasses import dataclass
                from conf import parser
                @dataclass
                class Config:
                    lr: float = 0.1
                @parser.wrap()
                def main(cfg: Config): pass
                if __name__ == "__main__":
                    main()
            """,
            "conf/__init__.py": "",
            "conf/parser.py": """
                import functools, inspect
                from typing import cast
                import draccus
                def wrap():
                    def outer(fn):
                        @functools.wraps(fn)
                        def inner(*args, **kwargs):
                            spec = inspect.getfullargspec(fn)
                            return fn(draccus.parse(config_class=spec.annotations[spec.args[0]]), *args)
                        return inner
                    return cast(object, outer)
            """,
        })
        self.assertEqual({n: p["default"] for n, p in by_name(found).items()}, {"config_path": None, "lr": 0.1})

    def test_configurations_to_choose_between(self):
        found = discover({
            "s.py": """
                from dataclasses import dataclass, field
                from typing import Union
                import tyro
                from kinds import One, Two
                @dataclass
                class Config:
                    kind: Union[One, Two] = field(default_factory=One)
                    n: int = 1
                tyro.extras.overridable_config_cli({"first": ("1", Config(kind=One(deep=True))), "second": ("2", Config(n=2, kind=Two(wide=5)))})
            """,
            "kinds.py": "from dataclasses import dataclass\n@dataclass\nclass One:\n    deep: bool = False\n@dataclass\nclass Two:\n    wide: int = 3\n",
        })
        self.assertEqual({n: (p["default"], p["argument"]["commands"]) for n, p in by_name(found).items()},
                         {"kind.deep": (True, [["first"]]), "n": (1, [["first"], ["second"]]), "kind.wide": (5, [["second"]])})


class Assigned(unittest.TestCase):
    """Settings that a script changes by itself."""

    def test_arithmetic_and_conditions(self):
        found = discover({"s.py": """
            import torch
            accumulation = 5 * 8  # micro-steps
            limit = -(2 ** 10)
            huge = 10 ** 10 ** 10
            dtype = "bfloat16" if torch.cuda.is_available() else "float16"
            mixed = 1 if torch.x else "one"
            half = accumulation / 2
            which = compute() if torch.x else 3
            if torch.x:
                accumulation //= 2
        """})
        self.assertEqual({n: (p["type"], p["default"], p["line"]) for n, p in by_name(found).items()},
                         {"accumulation": ("int", 40, 3), "limit": ("int", -1024, 4), "dtype": ("string", None, 6), "mixed": ("any", None, 7)})
        self.assertEqual([(p["line"], p["message"][:29]) for p in found["problems"]], [(6, "the default of dtype is compu"), (7, "the default of mixed is compu")])

    CONFIGURATOR = """
        import sys
        for arg in sys.argv[1:]:
            key, val = arg.split("=")
            globals()[key[2:]] = eval(val)
    """

    def test_configurator(self):
        found = discover({"s.py": """
            rate = 0.1
            name = "a"
            exec(open("configurator.py").read())
            late = 3
            print(rate, name)
        """, "configurator.py": self.CONFIGURATOR})
        ours = by_name(found)
        self.assertEqual({n: (p["argument"] or {}).get("flag") for n, p in ours.items()}, {"rate": "--rate", "name": "--name", "late": None})
        self.assertEqual((found["style"], ours["rate"]["argument"]["text"]), ("constants", "python"))
        self.assertEqual([p["message"] for p in found["problems"]], [])
        inline = discover({"s.py": "rate = 0.1\n" + textwrap.dedent(self.CONFIGURATOR) + "print(rate)\n"})
        self.assertEqual(by_name(inline)["rate"]["argument"]["flag"], "--rate")

    def test_settings_that_are_executed(self):
        found = discover({"s.py": "rate = 0.1\nexec(compile(open('conf.py').read(), 'conf.py', 'exec'))\nexec(open('absent.py').read())\nprint(rate)\n", "conf.py": "rate = 0.5\nn = 3\n"})
        ours = by_name(found)
        self.assertEqual({n: p["refused"] for n, p in ours.items()},
                         {"rate": "conf.py, which the script executes, sets it again", "n": "it stands in conf.py, which the script executes"})
        self.assertEqual([p["message"] for p in found["problems"]], ["exec: names that it sets are not seen"])

    def test_object_that_takes_arguments(self):
        found = discover({
            "s.py": """
                import sys
                from lib.node import Node as N
                from lib.model import Model
                def get_config():
                    c = N(seed=1)
                    c.model = Model.get_default_config()
                    c.model.kind = "small"
                    return c
                if __name__ == "__main__":
                    config = get_config()
                    config.merge_from_args(sys.argv[1:])
                    train(config)
            """,
            "lib/__init__.py": "",
            "lib/node.py": """
                class Node:
                    def __init__(self, **kwargs):
                        self.__dict__.update(kwargs)
                    def merge_from_args(self, args):
                        for arg in args:
                            key, val = arg.split("=")
                            keys = key[2:].split(".")
                            obj = self
                            for k in keys[:-1]:
                                obj = getattr(obj, k)
                            setattr(obj, keys[-1], val)
            """,
            "lib/model.py": "from lib.node import Node\nclass Model:\n    @staticmethod\n    def get_default_config():\n        c = Node()\n" + "".join("        c.x%d = %d\n" % (i, i) for i in range(8)) + "        c.kind = None\n        return c\n",
        })
        ours = by_name(found)
        self.assertEqual((found["style"], found["problems"]), ("sys.argv", []))
        self.assertEqual({n: p["default"] for n, p in ours.items()}, dict({"model.x%d" % i: i for i in range(8)}, seed=1, **{"model.kind": "small"}))
        self.assertEqual((ours["model.kind"]["line"], ours["model.x3"]["file"], ours["model.x3"]["argument"]["flag"]), (8, "lib/model.py", "--model.x3"))


class BadInput(unittest.TestCase):
    def test_each_is_a_problem(self):
        cases = {
            "syntax.py": ("def f(:\n", "syntax error"),
            "two.py": ("print 'hello'\n", "Python 2"),
            "binary.py": (b"\x7fELF\0\0", "binary"),
            "latin.py": (b"x = '\xff'\n", ""),
            "large.py": (b"#" * 5_000_001, "more than 5 MB"),
            "deep.py": ("x = " + "(" * 5000 + ")" * 5000, ""),
            "sum.py": ("x = " + "+".join(["y"] * 20_000), ""),
        }
        results = discover({n: t for n, (t, _) in cases.items()}, *list(cases) + ["absent.py"])
        for found, (name, (_, part)) in zip(results, cases.items()):
            self.assertTrue(found["problems"], name)
            self.assertIn(part, found["problems"][0]["message"])
        self.assertIn("not there", results[-1]["problems"][0]["message"])

    def test_what_nests_and_odd_encodings(self):
        lists = "x = " + "[" * 90 + "]" * 90 + "\n"
        attributes = "def f():\n    return a" + ".b" * 3000 + "\n"
        found = discover({"a.py": lists, "b.py": attributes, "c.py": b"\xef\xbb\xbflr = 0.1\n", "d.py": b"# -*- coding: latin-1 -*-\nname = '\xe9'\n",
                          "e.py": "lr = 0.1\n".encode("utf-16")}, "a.py", "b.py", "c.py", "d.py", "e.py", ".")
        self.assertEqual([p["default"] for p in found[2]["parameters"] + found[3]["parameters"]], [0.1, "\xe9"])
        self.assertIn("binary", found[4]["problems"][0]["message"])
        self.assertIn("no regular file", found[5]["problems"][0]["message"])
        self.assertNotIn("mlhost could not", str(found))

    def test_nothing_is_executed(self):
        found = discover({"s.py": "open('made', 'w')\nimport helper\nhelper.f()\nx = 10 ** 10 ** 10\ny = 'a' * 10 ** 10\n", "helper.py": "open('made2', 'w')\ndef f(): open('made3', 'w')\n"})
        self.assertEqual(found["parameters"], [])

    def test_recursion_ends(self):
        found = discover({"s.py": "import a\nfrom a import *\ndef f(n):\n    return f(n)\nf(a.x)\nclass A(A): pass\n", "a.py": "from b import x\nimport s\n", "b.py": "from a import x\n"})
        self.assertEqual(found["style"], "none")

    def test_broken_import_is_a_problem(self):
        found = discover({"s.py": "from broken import x\nprint(x)\n", "broken.py": "def f(:\n"})
        self.assertIn("broken.py is imported: syntax error", found["problems"][0]["message"])


if __name__ == "__main__":
    unittest.main()
