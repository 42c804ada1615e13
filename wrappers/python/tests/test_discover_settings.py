"""What reading tells of settings that are no options: constants, what the script itself changes, the environment, mlhost's own calls."""

import textwrap
import unittest

from discovery import Reading, by_name, discover


class Settings(Reading):
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

    def test_arithmetic_and_conditions(self):
        found = discover({"s.py": """
            import torch
            accumulation = 5 * 8  # micro-steps
            limit = -(2 ** 10)
            steps = int(1e5)
            rate = float(1) / 4
            typed = int("7x")
            other = int(1e5, 3)
            huge = 10 ** 10 ** 10
            dtype = "bfloat16" if torch.cuda.is_available() else "float16"
            mixed = 1 if torch.x else "one"
            half = accumulation / 2
            which = compute() if torch.x else 3
            if torch.x:
                accumulation //= 2
        """})
        self.assertEqual({n: (p["type"], p["default"], p["line"]) for n, p in by_name(found).items()},
                         {"accumulation": ("int", 40, 3), "limit": ("int", -1024, 4), "steps": ("int", 100000, 5), "rate": ("float", 0.25, 6), "dtype": ("string", None, 10),
                          "mixed": ("any", None, 11)})
        self.assertEqual([(p["line"], p["message"][:29]) for p in found["problems"]], [(10, "the default of dtype is compu"), (11, "the default of mixed is compu")])

    def test_settings_in_classes_and_dictionaries(self):
        found = discover({"s.py": """
            from dataclasses import dataclass
            from types import SimpleNamespace
            import torch
            class CFG:
                lr = 0.1  # the rate
                epochs = 3
                _hidden = 1
                path = torch.device("cpu")
            class Other:
                speed = 3
            class ConfigNet(torch.nn.Module):
                depth = 3
            @dataclass
            class TrainConfig:
                wd: float = 0.01
                steps: int = 5
            @dataclass(frozen=True)
            class FixedConfig:
                width: int = 2
            class Args:
                def __init__(self):
                    self.gamma = 0.9
            class Lost:
                pass
            cfg, args = TrainConfig(), 3
            config = TrainConfig()
            fixed = FixedConfig()
            options = Args()
            xgb_params = {"eta": 0.3, "max_depth": 3,  # deep
                          "nested": {"a": 1, "b c": 2}, 7: 8}
            opt = SimpleNamespace(momentum=0.9, beta=(0.9, 0.99))
            table = {"x": 1}
            size, rate = 4, 0.5
            for epoch in range(CFG.epochs):
                print(CFG.lr, config.wd, options.gamma, xgb_params["eta"], xgb_params["nested"]["a"], opt.momentum, fixed.width, rate)
                options.gamma = 1
        """})
        ours = by_name(found)
        self.assertEqual((found["style"], found["problems"]), ("constants", []))
        self.assertEqual({n: (p["default"], p["mutability"], p["target"]) for n, p in ours.items()}, {
            "CFG.lr": (0.1, "live", ""), "CFG.epochs": (3, "restart", ""), "TrainConfig.wd": (0.01, "live", "config.wd"), "TrainConfig.steps": (5, "restart", "config.steps"),
            "FixedConfig.width": (2, "restart", "fixed.width"), "Args.gamma": (0.9, "live", "options.gamma"), "xgb_params.eta": (0.3, "live", ""), "xgb_params.max_depth": (3, "restart", ""),
            "xgb_params.nested.a": (1, "live", ""), "opt.momentum": (0.9, "live", ""), "opt.beta": ([0.9, 0.99], "restart", ""), "size": (4, "restart", ""), "rate": (0.5, "live", ""),
            "args": (3, "restart", "")})
        self.assertEqual((ours["CFG.lr"]["doc"], ours["xgb_params.max_depth"]["doc"], ours["CFG.lr"]["line"]), ("the rate", "deep", 6))

    def test_settings_of_imported_files(self):
        found = discover({"s.py": "import config\nfrom lib.base import CFG\nimport other\nfor i in range(config.steps): print(CFG.lr, other.x)\n", "config.py": "steps = 3\n",
                          "lib/base.py": "width = 3\nclass CFG:\n    lr = 0.1\n", "other.py": "x = 1\n"}, "s.py")[0]
        self.assertEqual((found["style"], [p["message"] for p in found["problems"]]), ("none", [
            "config.py, which is imported, keeps settings (steps): values are put into the script's own file only",
            "lib/base.py, which is imported, keeps settings (CFG.lr): values are put into the script's own file only"]))

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

    def test_environment(self):
        found = discover({"s.py": """
            import os
            RATE = float(os.environ.get("RATE", "0.1"))
            NAME = os.getenv("NAME")
            HOST = os.environ.get("HOST_NAME", compute())
        """})
        self.assertEqual([(e["name"], e["line"], e["default"]) for e in found["env"]], [("RATE", 3, "0.1"), ("NAME", 4, None), ("HOST_NAME", 5, None)])
        self.assertIn("HOST_NAME", " ".join(p["message"] for p in found["problems"]))

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


if __name__ == "__main__":
    unittest.main()
