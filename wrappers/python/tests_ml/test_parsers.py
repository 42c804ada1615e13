"""What the script's own parser has, by real parser libraries: told to the host
with the values in use, set where the script reads it again, and the libraries
print, exit and raise as without us."""

import sys
import unittest

import support


def needs(*modules):
    why = support.missing(*modules)
    return unittest.skipIf(why, why)


def live(name):
    return {"name": name, "style": "any", "mutability": "live", "type": "any", "line": 1, "set": False}


class Parsers(support.ScriptTest):
    def both(self, source, *arguments):
        """Runs a script under plain Python and under the shim, compares them, and
        returns the latter with the parameters that it told of."""
        path = self.write(source)
        bare = self.run_plain([sys.executable, path, *arguments], cwd=self.dir)
        run = self.run_script(source, *arguments, cwd=self.dir)
        self.assertEqual(run.finish(), bare)
        self.assertEqual(run.warnings(), [])
        return run, {m["name"]: m for m in run.seen if m["op"] == "parameter"}

    def as_under_plain_python(self, source, *tries):
        """The help, a refusal and what the script raises are what they are without us."""
        for arguments in tries:
            with self.subTest(arguments=arguments):
                self.both(source, *arguments)

    def told(self, found, name, *want):
        """Compares the type, the default, the value and the style of a parameter."""
        one = found[name]
        self.assertEqual((one["type"], one["default"], one["value"], one["style"]), want)

    def changes(self, source, *arguments, name, value):
        """Sets a field that the script reads in a loop, until it ends of that."""
        run = self.run_script(source, *arguments, catalogue=[live(name)], cwd=self.dir)
        while run.expect("parameter", name=name)["mutability"] != "live":
            pass  # told first by the parser that this one is made of
        outcome = run.set(**{name: value})[0]
        self.assertEqual((outcome["status"], outcome["value"]), ("applied", value), outcome)
        code, out, err = run.finish()
        self.assertEqual((code, out, err), (0, "%r\n" % value, ""))

    CLICK = """
        import click
        @click.command()
        @click.option("--lr", type=click.FloatRange(0, 1), default=0.1, help="the rate")
        @click.option("--kind", type=click.Choice(["a", "b"]), default="a")
        @click.option("--fast/--slow", default=False)
        @click.option("--size", multiple=True, type=int, default=[1])
        @click.argument("data")
        def main(**values):
            print(sorted(values.items()))
            if values["data"] == "raise":
                {}["missing"]
        main()
    """

    @needs("click")
    def test_click(self):
        _, found = self.both(self.CLICK, "x", "--lr", "0.5", "--fast")
        self.told(found, "lr", "float", 0.1, 0.5, "click")
        self.assertEqual((found["lr"]["min"], found["lr"]["max"], found["lr"]["doc"]), (0, 1, "the rate"))
        self.told(found, "fast", "bool", False, True, "click")
        self.told(found, "size", "list", [1], [1], "click")
        self.told(found, "data", "string", None, "x", "click")
        self.assertEqual(found["kind"]["choices"], ["a", "b"])
        self.assertEqual({m["mutability"] for m in found.values()}, {"restart"})
        self.as_under_plain_python(self.CLICK, ["--help"], ["x", "--lr", "2"], [], ["raise"])

    @needs("click")
    def test_click_group(self):
        _, found = self.both(
            """
            import click
            @click.group()
            @click.option("--seed", default=1)
            def main(seed): pass
            @main.command()
            @click.option("--epochs", default=3)
            def train(epochs): print(epochs)
            main()
            """,
            "--seed", "2", "train", "--epochs", "4",
        )
        self.assertEqual({n: m["value"] for n, m in found.items()}, {"seed": 2, "epochs": 4})

    TYPER = """
        import enum, typer
        from typing import List, Optional
        class Kind(str, enum.Enum):
            a = "a"
            b = "b"
        def main(data: str, kind: Kind = Kind.a, lr: float = typer.Option(0.1, min=0, max=1, help="the rate"), n: int = 3, fast: bool = False, sizes: Optional[List[int]] = None):
            print(data, kind, lr, n, fast, sizes)
            if data == "raise":
                {}["missing"]
        typer.run(main)
    """

    @needs("typer")
    def test_typer(self):
        _, found = self.both(self.TYPER, "x", "--lr", "0.5", "--kind", "b", "--sizes", "4")
        self.told(found, "lr", "float", 0.1, 0.5, "typer")
        self.assertEqual((found["lr"]["min"], found["lr"]["max"], found["lr"]["doc"]), (0, 1, "the rate"))
        self.told(found, "kind", "string", "a", "b", "typer")
        self.assertEqual(found["kind"]["choices"], ["a", "b"])
        self.told(found, "n", "int", 3, 3, "typer")
        self.told(found, "fast", "bool", False, False, "typer")
        self.told(found, "data", "string", None, "x", "typer")
        self.told(found, "sizes", "list", None, [4], "typer")
        self.assertEqual(sorted(found), ["data", "fast", "kind", "lr", "n", "sizes"])
        self.as_under_plain_python(self.TYPER, ["--help"], ["x", "--lr", "2"], [], ["raise"])

    ABSL = """
        from absl import app, flags
        flags.DEFINE_float("rate", 0.1, "the rate", lower_bound=0)
        flags.DEFINE_enum("kind", "a", ["a", "b"], "the kind")
        flags.DEFINE_list("names", ["x"], "names")
        FLAGS = flags.FLAGS
        def main(argv):
            print(FLAGS.rate, FLAGS.kind, FLAGS.names, argv[1:])
            if argv[1:]:
                {}["missing"]
        app.run(main)
    """

    @needs("absl")
    def test_absl(self):
        _, found = self.both(self.ABSL, "--rate=0.5")
        self.told(found, "rate", "float", 0.1, 0.5, "absl")
        self.assertEqual((found["rate"]["min"], found["rate"]["doc"]), (0, "the rate"))
        self.told(found, "kind", "string", "a", "a", "absl")
        self.assertEqual(found["kind"]["choices"], ["a", "b"])
        self.told(found, "names", "list", ["x"], ["x"], "absl")
        self.assertEqual(sorted(found), ["kind", "names", "rate"])
        self.as_under_plain_python(self.ABSL, ["--help"], ["--rate=-1"], ["--nothing"], ["raise"])
        self.changes(self.ABSL.replace("print(", "while FLAGS.rate != 2: pass\n            print(repr(FLAGS.rate)) or ("), name="rate", value=2.0)

    FIRE = """
        import fire
        def main(lr=0.1, n=3, name=None):
            print(lr, n, name)
            if name == "raise":
                {}["missing"]
        fire.Fire(main)
    """

    @needs("fire")
    def test_fire(self):
        _, found = self.both(self.FIRE, "--lr", "0.5")
        self.told(found, "lr", "float", 0.1, 0.5, "fire")
        self.told(found, "n", "int", 3, 3, "fire")
        self.told(found, "name", "any", None, None, "fire")
        self.as_under_plain_python(self.FIRE, ["--", "--help"], ["--nothing", "1"], ["--name", "raise"])

    DATACLASS = """
        import dataclasses
        from dataclasses import dataclass, field
        @dataclass
        class Inner:
            depth: int = 4
        @dataclass
        class Options:
            rate: float = 0.1
            steps: int = 3
            name: str = "x"
    """

    HF = DATACLASS + """
        from transformers import HfArgumentParser
        options, = HfArgumentParser(Options).parse_args_into_dataclasses()
        %s
    """

    @needs("transformers")
    def test_hf_argument_parser(self):
        _, found = self.both(self.HF % "print(options)", "--rate", "0.5")
        self.told(found, "rate", "float", 0.1, 0.5, "HfArgumentParser")
        self.told(found, "steps", "int", 3, 3, "HfArgumentParser")
        self.told(found, "name", "string", "x", "x", "HfArgumentParser")
        self.as_under_plain_python(self.HF % "{}['missing']", ["--help"], ["--steps", "x"], [])
        self.changes(self.HF % "while options.rate != 2: pass\n        print(repr(options.rate))", name="rate", value=2.0)

    TYRO = DATACLASS.replace("rate:", "inner: Inner = field(default_factory=Inner)\n            rate:") + """
        import tyro
        options = tyro.cli(Options)
        %s
    """

    @needs("tyro")
    def test_tyro(self):
        _, found = self.both(self.TYRO % "print(options)", "--rate", "0.5", "--inner.depth", "5")
        self.told(found, "rate", "float", 0.1, 0.5, "tyro")
        self.told(found, "inner.depth", "int", 4, 5, "tyro")
        self.as_under_plain_python(self.TYRO % "{}['missing']", ["--help"], ["--steps", "x"], [])
        self.changes(self.TYRO % "while options.inner.depth != 9: pass\n        print(repr(options.inner.depth))", name="inner.depth", value=9)

    SIMPLE = DATACLASS + """
        from simple_parsing import ArgumentParser
        parser = ArgumentParser()
        parser.add_argument("--seed", type=int, default=7)
        parser.add_arguments(Options, dest="options")
        args = parser.parse_args()
        options = args.options
        %s
    """

    @needs("simple_parsing")
    def test_simple_parsing(self):
        _, found = self.both(self.SIMPLE % "print(args)", "--rate", "0.5", "--seed", "8")
        self.told(found, "rate", "float", 0.1, 0.5, "simple_parsing")
        self.told(found, "steps", "int", 3, 3, "simple_parsing")
        self.assertEqual((found["seed"]["type"], found["seed"]["value"]), ("int", 8))
        self.as_under_plain_python(self.SIMPLE % "{}['missing']", ["--help"], ["--steps", "x"], [])
        self.changes(self.SIMPLE % "while options.rate != 2: pass\n        print(repr(options.rate))", name="rate", value=2.0)

    JSONARGPARSE = """
        from jsonargparse import ArgumentParser
        parser = ArgumentParser()
        parser.add_argument("--rate", type=float, default=0.1, help="the rate")
        parser.add_argument("--model.depth", type=int, default=4)
        args = parser.parse_args()
        %s
    """

    @needs("jsonargparse")
    def test_jsonargparse(self):
        _, found = self.both(self.JSONARGPARSE % "print(args)", "--rate", "0.5", "--model.depth", "5")
        self.assertEqual((found["rate"]["type"], found["rate"]["value"], found["rate"]["style"]), ("float", 0.5, "jsonargparse"))
        self.assertEqual((found["model.depth"]["type"], found["model.depth"]["value"]), ("int", 5))
        self.as_under_plain_python(self.JSONARGPARSE % "{}['missing']", ["--help"], ["--rate", "x"], [])
        self.changes(self.JSONARGPARSE % "while args.model.depth != 9: pass\n        print(repr(args.model.depth))", name="model.depth", value=9)

    HYDRA = """
        import hydra
        @hydra.main(version_base=None, config_path=".", config_name="config")
        def main(config):
            %s
        main()
    """

    @needs("hydra")
    def test_hydra(self):
        self.write("rate: 0.1\nmodel:\n  depth: 4\n  sizes: [1, 2]\n", "config.yaml")
        _, found = self.both(self.HYDRA % "print(config)", "rate=0.5")
        self.told(found, "rate", "float", 0.5, 0.5, "hydra")
        self.told(found, "model.depth", "int", 4, 4, "hydra")
        self.told(found, "model.sizes", "list", [1, 2], [1, 2], "hydra")
        self.as_under_plain_python(self.HYDRA % "{}['missing']", ["--help"], ["nothing=1"], [])
        self.changes(self.HYDRA % "while config.model.depth != 9: pass\n            print(repr(config.model.depth))", name="model.depth", value=9)


if __name__ == "__main__":
    unittest.main()
