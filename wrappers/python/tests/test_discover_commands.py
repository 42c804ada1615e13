"""What reading tells of command lines that are no argparse: click, typer, absl, fire, optparse and docopt."""

import unittest

from discovery import Reading, by_name, discover


class Commands(Reading):
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

    def test_a_library_in_the_tree_is_not_followed(self):
        ours = by_name(discover({"s.py": "import click\n@click.command()\n@click.option('--lr', default=0.1)\ndef main(lr): pass\nmain()\n", "click/__init__.py": "def command(): pass\n"}))
        self.assertEqual(ours["lr"]["default"], 0.1)


if __name__ == "__main__":
    unittest.main()
