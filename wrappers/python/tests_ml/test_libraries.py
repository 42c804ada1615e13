"""What reading tells, against the parser that the real library makes of the same script."""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import unittest

import support

DISCOVER = os.path.join(support.harness.SRC, "mlhost_discover")
OBSERVE = os.path.join(DISCOVER, "observe")

SCRIPTS = {
    "transformers": """
        from dataclasses import dataclass
        from transformers import HfArgumentParser, TrainingArguments
        @dataclass
        class Model:
            name: str = "x"
        @dataclass
        class Training(TrainingArguments):
            beta: float = 0.1
            learning_rate: float = 1e-4
        HfArgumentParser((Model, Training)).parse_args_into_dataclasses()
    """,
    "transformers of two": """
        from transformers import HfArgumentParser, Seq2SeqTrainingArguments
        HfArgumentParser(Seq2SeqTrainingArguments).parse_args_into_dataclasses()
    """,
    "docopt": '''
        """Trains.

        Usage: s.py <data> [--lr=<rate>] [--fast] [-n N]

        Options:
          --lr=<rate>  the rate [default: 0.1]
          --fast       no checks
          -n N         times [default: 3]
        """
        from docopt import docopt
        docopt(__doc__)
    ''',
    "tap": """
        from tap import Tap
        from typing import List, Optional
        from typing_extensions import Literal
        class Args(Tap):
            lr: float = 0.1
            layers: List[int] = [1, 2]
            kind: Literal["a", "b"] = "a"
            note: Optional[str] = None
            fast: bool = False
            def configure(self):
                self.add_argument("-l", "--lr")
        Args().parse_args()
    """,
    "draccus": """
        from dataclasses import dataclass, field
        import draccus
        @dataclass
        class Robot(draccus.ChoiceRegistry):
            name: str = "r"
        @Robot.register_subclass("arm")
        @dataclass
        class Arm(Robot):
            joints: int = 6
        @Robot.register_subclass("car")
        @dataclass
        class Car(Robot):
            wheels: int = 4
        @dataclass
        class Optim:
            lr: float = 0.1
            betas: tuple = (0.9, 0.99)
        @dataclass
        class Config:
            robot: Robot = field(default_factory=Arm)
            optim: Optim = field(default_factory=Optim)
            seed: int = 1
        @draccus.wrap()
        def main(cfg: Config):
            pass
        main()
    """,
    "pyrallis": """
        from dataclasses import dataclass, field
        import pyrallis
        @dataclass
        class Optim:
            lr: float = 0.1
        @dataclass
        class Config:
            optim: Optim = field(default_factory=Optim)
            seed: int = 1
        pyrallis.parse(config_class=Config)
    """,
    "configargparse": """
        import configargparse
        p = configargparse.ArgParser()
        p.add("-l", "--lr", type=float, default=0.1, env_var="LR")
        p.add("--layers", type=int, nargs="+", default=[1])
        p.parse_args()
    """,
    "lightning": """
        from lightning.pytorch.cli import LightningCLI
        import lightning as L
        class Model(L.LightningModule):
            def __init__(self, lr: float = 0.1, layers: int = 2):
                super().__init__()
        class Data(L.LightningDataModule):
            def __init__(self, batch_size: int = 32):
                super().__init__()
        LightningCLI(Model, Data, run=False)
    """,
    "lightning with subcommands": """
        from lightning.pytorch.cli import LightningCLI
        import lightning as L
        class Model(L.LightningModule):
            def __init__(self, lr: float = 0.1, layers: int = 2):
                super().__init__()
        class CLI(LightningCLI):
            def add_arguments_to_parser(self, parser):
                parser.add_argument("--extra", type=int, default=3)
                parser.set_defaults({"trainer.max_epochs": 7})
        CLI(Model, L.LightningDataModule, seed_everything_default=5)
    """,
}
NEEDS = {"transformers of two": "transformers", "lightning with subcommands": "lightning"}
# What only the library's code computes, or its parser turns into something else.
COMPUTED = {"transformers": {"optim", "debug", "include_num_input_tokens_seen"}, "transformers of two": {"optim", "debug", "include_num_input_tokens_seen"}}


def read(path):
    request = json.dumps({"paths": [path], "site": {path: [sysconfig.get_paths()["purelib"]]}}).encode()
    done = subprocess.run([sys.executable, "-I", "-S", "-B", DISCOVER], input=request, stdout=subprocess.PIPE, check=True, timeout=60)
    return json.loads(done.stdout)


# lightning's imports write files, which the observer refuses: its parser is asked without one.
LIGHTNING = '''
import json, os, runpy, sys
import jsonargparse
def take(self, *args, **kwargs):
    names, todo = {}, [self]
    while todo:
        for action in todo.pop()._actions:
            if hasattr(action, "_name_parser_map"):
                todo += action._name_parser_map.values()
            elif not type(action).__name__.startswith(("_ActionConfig", "ActionConfig", "_ActionPrint", "_Help", "_ActionHelp", "ActionLink", "_ActionLink")):
                names[action.dest] = action.default
    print(json.dumps([{"name": n, "default": d, "computed": not (d is None or isinstance(d, (bool, int, float, str)))} for n, d in names.items()], default=str))
    sys.stdout.flush()
    os._exit(0)
jsonargparse.ArgumentParser.parse_args = take
sys.argv = [sys.argv[1]]
runpy.run_path(sys.argv[0], run_name="__main__")
'''


def of_lightning(path):
    done = subprocess.run([sys.executable, "-B", "-c", LIGHTNING, path], stdout=subprocess.PIPE, cwd=os.path.dirname(path), timeout=300)
    return {"parameters": json.loads(done.stdout.splitlines()[-1])}


def real(path):
    done = subprocess.run([sys.executable, "-B", OBSERVE, "1", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=os.path.dirname(path), timeout=300)
    return json.loads(done.stdout.splitlines()[-1])


class Libraries(unittest.TestCase):
    def check(self, name):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(os.path.realpath(folder), "s.py")
            with open(path, "w") as f:
                f.write(textwrap.dedent(SCRIPTS[name]))
            theirs = {p["name"]: p for p in (of_lightning if name.startswith("lightning") else real)(path)["parameters"]}
            found = read(path)
        ours = {p["name"]: p for p in found["parameters"]}
        self.assertTrue(theirs, "no parser was reached")
        self.assertEqual(sorted(ours), sorted(theirs), found["problems"])
        for key in set(ours) - COMPUTED.get(name, set()):
            if not theirs[key]["computed"] and name not in ("draccus", "pyrallis", "docopt"):
                self.assertEqual(ours[key]["default"], theirs[key]["default"], key)
        return ours


def case(name):
    library = NEEDS.get(name, name)
    why = support.missing(library)

    @unittest.skipIf(why, why)
    def test(self):
        self.check(name)

    return test


for each in SCRIPTS:
    setattr(Libraries, "test_" + each.replace(" ", "_"), case(each))


if __name__ == "__main__":
    unittest.main()
