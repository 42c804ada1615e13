"""What reading tells of classes of libraries, by their source in site-packages; nothing of them is imported."""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

from discovery import DISCOVER, by_name, discover


class Libraries(unittest.TestCase):
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


if __name__ == "__main__":
    unittest.main()
