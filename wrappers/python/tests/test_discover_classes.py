"""What reading tells of parsers that are made of classes: HfArgumentParser, tyro, simple_parsing, draccus, Tap."""

import unittest

from discovery import Reading, by_name, discover


class Classes(Reading):
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


if __name__ == "__main__":
    unittest.main()
