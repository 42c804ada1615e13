"""Executing up to the first parse (`mlhost discover --run`), in each library that parses arguments."""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

import support

OBSERVE = os.path.join(support.harness.SRC, "mlhost_discover", "observe")

# Library, what the parser is to be called, script, and the parameters: name to (type, default).
CASES = [
    ("argparse", "argparse", """
        import argparse
        p = argparse.ArgumentParser()
        p.add_argument("--lr", type=float, default=0.1)
        p.parse_args()
     """, {"lr": ("float", 0.1)}),
    ("optparse", "optparse", """
        from optparse import OptionParser
        p = OptionParser()
        p.add_option("-l", "--lr", type="float", default=0.1)
        p.add_option("--tag", action="append")
        p.add_option("--fast", action="store_true", default=False)
        options, rest = p.parse_args()
     """, {"lr": ("float", 0.1), "tag": ("list", None), "fast": ("bool", False)}),
    ("docopt", "docopt", '''
        """Trains.

        Usage: s.py <data> [--lr=<rate>] [--fast]

        Options:
          --lr=<rate>  the rate [default: 0.1]
          --fast       no checks
        """
        from docopt import docopt
        docopt(__doc__)
     ''', {"<data>": ("string", None), "--lr": ("string", "0.1"), "--fast": ("bool", False)}),
    ("tap", "tap", """
        from tap import Tap
        class Args(Tap):
            lr: float = 0.1
            layers: int = 2
        Args().parse_args()
     """, {"lr": ("float", 0.1), "layers": ("int", 2)}),
    ("click", "click", """
        import click
        @click.group()
        def cli():
            pass
        @cli.command()
        @click.option("--lr", default=0.1)
        @click.option("--opt", type=click.Choice(["sgd", "adam"]), default="sgd")
        @click.option("--fast/--slow", default=True)
        @click.argument("data")
        def train(**given):
            pass
        cli()
     """, {"lr": ("float", 0.1), "opt": ("string", "sgd"), "fast": ("bool", True), "data": ("string", None)}),
    ("typer", "typer", """
        from enum import Enum
        from typing import List, Optional
        import typer
        class Opt(str, Enum):
            sgd = "sgd"
            adam = "adam"
        app = typer.Typer()
        @app.command()
        def train(data: str, lr: float = typer.Option(0.1, min=0), fast: bool = False, opt: Opt = Opt.sgd, tags: Optional[List[str]] = None, n: int = 3):
            pass
        app()
     """, {"data": ("string", None), "lr": ("float", 0.1), "fast": ("bool", False), "opt": ("string", "sgd"), "tags": ("list", None), "n": ("int", 3)}),
    ("absl", "absl", """
        from absl import app, flags
        flags.DEFINE_float("lr", 0.1, "the rate", lower_bound=0)
        flags.DEFINE_enum("opt", "sgd", ["sgd", "adam"], "")
        app.run(lambda argv: None)
     """, {"lr": ("float", 0.1), "opt": ("string", "sgd")}),
    ("fire", "fire", """
        import fire
        def train(data, lr=0.1, fast=False):
            pass
        fire.Fire(train)
     """, {"data": ("any", None), "lr": ("float", 0.1), "fast": ("bool", False)}),
    ("tyro", "tyro", """
        import dataclasses, tyro
        @dataclasses.dataclass
        class Optim:
            lr: float = 0.1
        @dataclasses.dataclass
        class Args:
            optim: Optim
            seed_first: int = 1
        tyro.cli(Args)
     """, {"optim.lr": ("any", None), "seed_first": ("any", None)}),
    ("hydra", "hydra", """
        from dataclasses import dataclass, field
        import hydra
        from hydra.core.config_store import ConfigStore
        @dataclass
        class Optim:
            lr: float = 0.1
        @dataclass
        class Config:
            optim: Optim = field(default_factory=Optim)
            data: str = "???"
        ConfigStore.instance().store(name="config", node=Config)
        @hydra.main(version_base=None, config_name="config")
        def main(cfg):
            pass
        main()
     """, {"optim.lr": ("float", 0.1), "data": ("any", None)}),
    ("simple_parsing", "simple_parsing", """
        from dataclasses import dataclass
        import simple_parsing
        @dataclass
        class Args:
            lr: float = 0.1
            n: int = 3
        simple_parsing.parse(Args, dest="a")
     """, {"a.lr": ("float", 0.1), "a.n": ("int", 3)}),
    ("jsonargparse", "jsonargparse", """
        from jsonargparse import ArgumentParser
        p = ArgumentParser()
        p.add_argument("--optim.lr", type=float, default=0.1)
        p.parse_args()
     """, {"optim.lr": ("float", 0.1)}),
    ("transformers", "HfArgumentParser", """
        from dataclasses import dataclass
        from transformers import HfArgumentParser
        @dataclass
        class Args:
            lr: float = 0.1
            fast: bool = False
        HfArgumentParser(Args).parse_args_into_dataclasses()
     """, {"lr": ("float", 0.1), "fast": ("bool", False)}),
    ("draccus", "draccus", """
        from dataclasses import dataclass
        import draccus
        @dataclass
        class Args:
            lr: float = 0.1
        draccus.parse(Args)
     """, {"lr": ("any", None)}),
]


class Observe(unittest.TestCase):
    """Each script is left where it parses."""


def case(library, parser, text, expected):
    def test(self):
        why = support.missing(library)
        if why:
            self.skipTest(why)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s.py")
            with open(path, "w", encoding="utf-8") as f:
                f.write(textwrap.dedent(text) + "\nraise SystemExit('the script went on')\n")
            done = subprocess.run([sys.executable, "-B", OBSERVE, "1", path], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                  env=support.harness.clean_environment(), timeout=120)
            self.assertEqual(os.listdir(folder), ["s.py"], done.stderr.decode())
        seen = json.loads(done.stdout)
        self.assertEqual((seen["parser"], seen["ended"]), (parser, "parsed"), done.stderr.decode())
        got = {p["name"]: (p["type"], p["default"]) for p in seen["parameters"]}
        for name, pair in expected.items():
            self.assertEqual(got.get(name), pair, name)

    return test


for _case in CASES:
    setattr(Observe, "test_" + _case[0], case(*_case))


if __name__ == "__main__":
    unittest.main()
