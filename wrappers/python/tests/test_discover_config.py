"""What reading tells of files of values: hydra, OmegaConf, gin, config_flags."""

import unittest

from discovery import Reading, by_name, discover


class Config(Reading):
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


if __name__ == "__main__":
    unittest.main()
