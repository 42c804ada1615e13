"""Unmodified scripts: constants, the real parser, and values that change while they run."""

import time

from harness import ScriptTest

PARSER = """
import argparse, gc, sys, time
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default="0.1", help="the rate")
p.add_argument("--steps", "-n", type=int, default=3)
p.add_argument("--kind", choices=["a", "b"], default="a")
p.add_argument("--fast", action="store_true")
p.add_argument("--sizes", nargs="+", type=int, default=[1])
p.add_argument("files", nargs="*")
args = p.parse_args()
"""


def entry(name, mutability="live", style="argparse", **more):
    return dict({"name": name, "style": style, "mutability": mutability, "type": "any", "line": 1, "set": False}, **more)


def by_name(outcomes):
    return {o["name"]: (o["status"], o["value"], o.get("reason", "")) for o in outcomes}


class Parsers(ScriptTest):
    def declared(self, run):
        return {m["name"]: m for m in run.seen if m["op"] == "parameter"}

    def test_what_the_parser_has(self):
        run = self.run_script(PARSER + "print(args)\ntime.sleep(1.5)", "--lr", "2", "--fast", catalogue=[entry("lr", "restart"), entry("ghost"), entry("other", style="click")])
        self.assertEqual(run.expect("forget"), {"op": "forget", "names": ["ghost"], "reason": "the script's parser does not have it"})
        code, out, err = run.finish()
        self.assertEqual((code, err), (0, ""))
        found = self.declared(run)
        lr, sizes = found["lr"], found["sizes"]
        self.assertEqual((lr["type"], lr["default"], lr["value"], lr["doc"], lr["style"], lr["mutability"]), ("float", 0.1, 2.0, "the rate", "argparse", "restart"))
        self.assertEqual((sizes["type"], sizes["value"]), ("list", [1]))
        self.assertEqual((found["kind"]["choices"], found["kind"]["type"]), (["a", "b"], "string"))
        self.assertEqual((found["fast"]["type"], found["fast"]["value"], found["steps"]["type"]), ("bool", True, "int"))
        self.assertEqual(sorted(found), ["fast", "files", "kind", "lr", "sizes", "steps"])

    def test_as_under_plain_python(self):
        import sys

        for rest, arguments in (("", ["--steps", "x"]), ("", ["--help"]), ("", ["--nothing"]), ("import pickle; print(pickle.loads(pickle.dumps(args)))", []),
                                ("p2 = argparse.ArgumentParser(); p2.add_argument('x', type=lambda t: {}[t])\np2.parse_args(['k'])", []),
                                ("import inspect; print(inspect.signature(p.parse_args), hasattr(args, 'lr'))", [])):
            path = self.write(PARSER + rest)
            run = self.run_script(PARSER + rest, *arguments, catalogue=[entry("lr")])
            self.assertEqual(run.finish(), self.run_plain([sys.executable, path] + arguments))

    def test_subcommands(self):
        run = self.run_script(
            """
            import argparse
            p = argparse.ArgumentParser()
            s = p.add_subparsers(dest="command")
            a = s.add_parser("train"); a.add_argument("--lr", type=float, default=1.0)
            b = s.add_parser("test"); b.add_argument("--limit", type=int, default=7)
            print(p.parse_args())
            """,
            "train", "--lr", "2",
        )
        self.assertEqual(run.finish()[0], 0)
        found = self.declared(run)
        self.assertEqual({n: m["value"] for n, m in found.items()}, {"command": "train", "lr": 2.0, "limit": 7})

    def test_set_of_a_namespace(self):
        run = self.run_script(PARSER + "print('ready', flush=True)\nwhile args.steps == 3: pass\nprint(repr(args.steps), args.lr)", catalogue=[entry("lr"), entry("steps"), entry("kind")])
        self.assertEqual(run.process.stdout.readline(), b"ready\n")
        run.expect("parameter", name="kind")
        self.assertEqual(by_name(run.set(lr=5))["lr"], ("applied", 5.0, ""))
        self.assertEqual(run.expect("observed", name="lr"), {"op": "observed", "name": "lr", "value": 5.0, "step": None, "overwritten": False})
        self.assertEqual(by_name(run.set(kind="c"))["kind"][0], "rejected")
        self.assertEqual(by_name(run.set(steps=4))["steps"], ("applied", 4, ""))
        self.assertEqual(run.finish(), (0, "4 5.0\n", ""))

    def test_type_of_the_parser(self):
        run = self.run_script(
            """
            import argparse, pathlib
            def truth(text): return text.lower() in ("yes", "true")
            p = argparse.ArgumentParser()
            p.add_argument("--flag", type=truth, default=False)
            p.add_argument("--out", type=pathlib.Path, default=pathlib.Path("x"))
            args = p.parse_args()
            while not args.flag: pass
            print(args)
            """,
            catalogue=[entry("flag"), entry("out")],
        )
        run.expect("parameter", name="out")
        self.assertEqual(by_name(run.set(out="y/z"))["out"][0], "applied")
        self.assertEqual(by_name(run.set(flag=True))["flag"][0], "applied")
        self.assertEqual(run.finish()[1], "Namespace(flag=True, out=PosixPath('y/z'))\n")

    def test_a_target_that_has_ended(self):
        run = self.run_script(PARSER + "del args\ngc.collect()\nprint('ready', flush=True)\nwhile True: pass", catalogue=[entry("lr")])
        self.assertEqual(run.process.stdout.readline(), b"ready\n")
        self.assertEqual(by_name(run.set(lr=1.0))["lr"], ("rejected", None, "the namespace of the parser has ended"))

    def test_overwritten(self):
        run = self.run_script(PARSER + "import mlhost\nfor i in mlhost.loop(10**9):\n    time.sleep(0.01); args.lr = 0.25", catalogue=[entry("lr")])
        run.expect("step")
        self.assertEqual(by_name(run.set(lr=5.0))["lr"][0], "applied")
        seen = run.expect("observed", name="lr")
        self.assertEqual((seen["value"], seen["overwritten"]), (0.25, True))

    def test_a_fork_has_none_of_it(self):
        run = self.run_script(
            PARSER + """
import os, threading
time.sleep(0.3)
if os.fork() == 0:
    os._exit(len(os.listdir("/proc/self/task")))
print(os.WEXITSTATUS(os.wait()[1]))
""",
            catalogue=[entry("lr")],
        )
        run.expect("parameter", name="steps")
        run.set(lr=3.0)
        self.assertEqual(run.finish()[:2], (0, "1\n"))


class Constants(ScriptTest):
    SOURCE = """
        # -*- coding: utf-8 -*-
        "the docstring"
        rate = 0.1  # the rate
        count: int = 3
        names = ("a", "b")
        rate = rate * 2
        offset = -1
        if __name__ == "__main__":
            depth = 4
            print(rate, count, names, offset, depth, __doc__, flush=True)
            1 / 0
    """

    def test_replaced(self):
        import sys

        names = ["rate", "count", "names", "offset", "depth"]
        catalogue = [entry(n, "restart", "constants", constant=n, set=n != "count") for n in names] + [entry("gone", "restart", "constants", constant="gone", set=True)]
        run = self.run_script(self.SOURCE, parameters={"rate": 2, "names": ["c"], "offset": -7, "depth": 9, "gone": 1}, catalogue=catalogue)
        code, out, err = run.finish()
        self.assertEqual((code, out), (1, "4.0 3 ('c',) -7 9 the docstring\n"))
        self.assertEqual(err, self.run_plain([sys.executable, self.write(self.SOURCE)])[2])
        self.assertIn({"op": "warning", "text": "the value of gone is not used: the script has no literal for it"}, run.seen)

    def test_conversions_of_a_number_are_replaced(self):
        catalogue = [entry(n, "restart", "constants", constant=n, set=True) for n in ("steps", "rate", "made")]
        run = self.run_script("steps = int(1e5)\nrate = 2 * float(1)\nmade = int(input, 3) if 0 else 5\nprint(steps, rate)", parameters={"steps": 7, "rate": 1, "made": 2}, catalogue=catalogue)
        self.assertEqual(run.finish()[:2], (0, "7 1.0\n"))
        self.assertIn({"op": "warning", "text": "the value of made is not used: the script has no literal for it"}, run.seen)

    def test_settings_of_processes_of_its_own(self):
        import os

        run = self.run_script(PARSER + """
import multiprocessing, os
def work():
    while not os.path.exists("go"):
        time.sleep(0.01)
    print("worker", args.lr, flush=True)
process = multiprocessing.get_context("fork").Process(target=work)
process.start()
print("ready", flush=True)
process.join()
print("script", args.lr)
""", catalogue=[entry("lr")], cwd=self.dir)
        self.assertEqual(run.process.stdout.readline(), b"ready\n")
        status, value, reason = by_name(run.set(lr=5))["lr"]
        self.assertEqual((status, value), ("applied", 5.0))
        self.assertRegex(reason, "processes .*keep what they began with")
        open(os.path.join(self.dir, "go"), "w").close()
        self.assertEqual(run.finish(), (0, "worker 0.1\nscript 5.0\n", ""))

    HELD = """
import time
from types import SimpleNamespace
class CFG:
    rate = 0.5
    names = ["a"]
class Args:
    def __init__(self):
        self.gamma = 0.9
args = Args()
params = {"eta": 0.3, "deep": {"a": 1}}
opt = SimpleNamespace(momentum=0.9)
limit, step = 3, 0
print(CFG.rate, CFG.names, args.gamma, params, opt.momentum, limit, flush=True)
while limit < 10: pass
print(CFG.rate, CFG().rate, args.gamma, params, opt.momentum)
"""

    def test_settings_in_classes_and_dictionaries(self):
        places = {"CFG.rate": "", "CFG.names": "", "Args.gamma": "args.gamma", "params.eta": "", "params.deep.a": "", "opt.momentum": "", "limit": "", "params.late": ""}
        catalogue = [entry(n, "live", "constants", constant=n, set=n != "params.late", dest=to) for n, to in places.items()]
        values = {"CFG.rate": 2, "CFG.names": ["b"], "Args.gamma": 0.25, "params.eta": 1, "params.deep.a": 7, "opt.momentum": 0.5, "limit": 4}
        run = self.run_script(self.HELD, parameters=values, catalogue=catalogue)
        self.assertEqual(run.process.stdout.readline(), b"2.0 ['b'] 0.25 {'eta': 1.0, 'deep': {'a': 7}} 0.5 4\n")
        for name, value in (("CFG.rate", 3.5), ("Args.gamma", 0.125), ("params.eta", 4.5), ("params.deep.a", 8), ("opt.momentum", 0.75)):
            self.assertEqual(by_name(run.set(**{name: value}))[name], ("applied", value, ""))
        self.assertEqual(by_name(run.set(**{"params.late": 2}))["params.late"], ("rejected", None, "the script has no params.late so far"))
        run.set(limit=10)
        self.assertEqual(run.finish(), (0, "3.5 3.5 0.125 {'eta': 4.5, 'deep': {'a': 8}} 0.75\n", ""))

    def test_live_global(self):
        run = self.run_script("import time\nrate = 0.5\nlimit = 3\nprint('ready', flush=True)\nwhile limit < 10: pass\nprint(rate, limit)",
                              catalogue=[entry(n, "live", "constants", constant=n) for n in ("rate", "limit", "absent")])
        self.assertEqual(run.process.stdout.readline(), b"ready\n")
        self.assertEqual(by_name(run.set(absent=2))["absent"], ("rejected", None, "the script has no absent so far"))
        self.assertEqual(by_name(run.set(rate=2))["rate"], ("applied", 2.0, ""))
        self.assertEqual(by_name(run.set(limit=10))["limit"], ("applied", 10, ""))
        self.assertEqual(run.finish(), (0, "2.0 10\n", ""))

    def test_set_while_blocked_in_c(self):
        run = self.run_script("import signal\nrate = 0.5\nprint('ready', flush=True)\nsignal.pause()", catalogue=[entry("rate", "live", "constants", constant="rate")])
        self.assertEqual(run.process.stdout.readline(), b"ready\n")
        begun = time.monotonic()
        self.assertEqual(by_name(run.set(rate=2.5))["rate"], ("applied", 2.5, ""))
        self.assertLess(time.monotonic() - begun, 5)


class PauseAndStop(ScriptTest):
    COUNTING = """
import itertools, time
from mlhost._session import current
count = current().counter
try:
    print("ready", flush=True)
    for i in itertools.count():
        count.advance("tqdm")
        time.sleep(0.001)
%s
"""

    def test_pause_at_a_step_of_tqdm(self):
        run = self.run_script(self.COUNTING % "finally:\n    pass")
        run.expect("step")
        self.assertEqual(run.ask("pause")["outcomes"], [])
        stands = [run.ask("set", values={"nothing": 1})["outcomes"][0]["step"] for _ in range(20)]
        self.assertEqual(len(set(stands)), 1)
        self.assertEqual(run.ask("resume")["outcomes"], [])
        while run.expect("step")["step"] <= stands[0]:
            pass

    def test_stop_where_ctrl_c_is_handled(self):
        run = self.run_script(self.COUNTING % "except KeyboardInterrupt:\n    print('saved')")
        self.assertEqual(run.process.stdout.readline(), b"ready\n")
        self.assertNotIn("error", run.ask("stop", grace=10))
        self.assertEqual(run.finish(), (0, "saved\n", ""))

    def test_stop_with_a_handler_of_its_own(self):
        run = self.run_script("import signal, sys, time\nsignal.signal(signal.SIGINT, lambda *_: sys.exit('saved'))\nprint('ready', flush=True)\nwhile True: time.sleep(60)")
        self.assertEqual(run.process.stdout.readline(), b"ready\n")
        self.assertNotIn("error", run.ask("stop", grace=10))
        self.assertEqual(run.finish(), (1, "", "saved\n"))

    def test_stop_of_a_script_that_offers_nothing(self):
        run = self.run_script(self.COUNTING % "finally:\n    pass")
        self.assertEqual(run.process.stdout.readline(), b"ready\n")
        self.assertEqual(run.ask("stop", grace=10)["error"]["code"], "unavailable")
