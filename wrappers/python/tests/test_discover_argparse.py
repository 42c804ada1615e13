"""What reading tells of argparse; the parser that a script really makes is the measure."""

import textwrap
import unittest

from discovery import Reading, by_name, discover

#: Scripts whose parser is made in the test, to compare with.
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


class Argparse(Reading):
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

    def test_what_is_called_where_something_is_raised(self):
        found = discover({"s.py": """
            import argparse
            def main():
                p = argparse.ArgumentParser()
                p.add_argument("--lr", type=float, default=0.1)
                p.parse_args()
            if __name__ == "__main__":
                raise SystemExit(main())
        """})
        self.assertEqual((list(by_name(found)), found["problems"]), (["lr"], []))

    def test_resume(self):
        for text, name in (("p.add_argument('--resume', default='')", "resume"), ("p.add_argument('--resume-from-checkpoint', type=str)", "resume_from_checkpoint"),
                           ("p.add_argument('--lr', type=float)", "")):
            found = discover({"s.py": "import argparse\np = argparse.ArgumentParser()\n" + text + "\np.parse_args()\n"})
            self.assertEqual(found["resume"], name)


if __name__ == "__main__":
    unittest.main()
