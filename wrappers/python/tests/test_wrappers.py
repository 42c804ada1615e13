"""create_wrapper_for_script, under mlhost and standalone."""

import sys
import unittest

from harness import SRC, ScriptTest

ARGPARSE = '''
"""A legacy trainer.

More text."""
import argparse, sys
parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("--lr", "-l", type=float, default=0.1, choices=[0.1, 0.2], help="rate")
parser.add_argument("--verbose", action="store_true")
parser.add_argument("--layers", nargs="+", type=int, default=[1])
parser.add_argument("--batch-size", type=int, default="32")
parser.add_argument("--offset", type=int, default=0)
args = parser.parse_args()
print(sorted(vars(args).items()), __name__, len(sys.argv))
if args.verbose: sys.exit(3)
'''

CONSTANTS = """
LR: float = 0.1
EPOCHS = 3
BOTH = LR * 2
_hidden = 1
EPOCHS = EPOCHS + 1
class A: pass
import pickle
print(LR, EPOCHS, BOTH, pickle.loads(pickle.dumps(A())).__class__.__name__, __file__.endswith("legacy.py"))
"""


class Wrappers(ScriptTest):
    def wrap(self, legacy, rest, **options):
        path = self.write(legacy, "legacy.py")
        source = "from script_wrappers import create_wrapper_for_script\nfrom pathlib import Path\nw = create_wrapper_for_script(Path(%r))\n" % path
        return self.run_script(source + rest, **options)

    def test_arguments(self):
        run = self.wrap(ARGPARSE, "w.run_with_connector()", parameters={"lr": 0.2, "data": "iris.csv", "layers": [3, 4], "batch_size": 64, "offset": -5})
        code, out, err = run.finish()
        self.assertEqual((code, err), (0, ""))
        found = "[('batch_size', 64), ('data', 'iris.csv'), ('layers', [3, 4]), ('lr', 0.2), ('offset', -5), ('verbose', False)]"
        self.assertEqual(out, found + " __main__ 8\n")
        hello = [m for m in run.seen if m["op"] == "hello"][-1]
        self.assertEqual((hello["name"], hello["doc"]), ("legacy", "A legacy trainer."))
        declared = {m["name"]: m["type"] for m in run.seen if m["op"] == "parameter"}
        self.assertEqual(declared, {"data": "any", "lr": "float", "verbose": "bool", "layers": "list", "batch_size": "int", "offset": "int"})
        self.assertEqual(run.samples("state"), ["ready", "running", "finished"])
        self.assertEqual(run.samples("exit_code"), [None, 0])

    def test_exit_code(self):
        run = self.wrap(ARGPARSE, "w.run_with_connector()", parameters={"data": "x", "verbose": True})
        self.assertEqual(run.finish()[0], 3)
        self.assertEqual(run.samples("exit_code"), [None, 3])

    def test_constants(self):
        run = self.wrap(CONSTANTS, "w.set_parameter('LR', 0.5)\nw.run_with_connector()", parameters={"EPOCHS": 9})
        self.assertEqual(run.finish(), (0, "0.5 10 1.0 A True\n", ""))

    def test_a_failure_is_the_script_s_own(self):
        run = self.wrap("N = 1\nraise ValueError(N)", "w.run()")
        code, _, err = run.finish()
        self.assertEqual(code, 1)
        self.assertIn("legacy.py\", line 2, in <module>", err)
        self.assertEqual(run.samples("state")[-1], "failed")

    def test_a_set_while_it_runs_waits_for_the_next_run(self):
        run = self.wrap("import mlhost\nN = 1\nmlhost.result(ready=1)\nwhile True: pass", "w.run()")
        run.expect("result")
        outcome = run.set(N=5)[0]
        self.assertEqual((outcome["status"], outcome["value"]), ("needs_restart", 5))
        self.assertNotIn("error", run.ask("stop", grace=5))
        self.assertEqual(run.finish(), (0, "", ""))

    def test_standalone(self):
        path = self.write(CONSTANTS, "legacy.py")
        source = "from script_wrappers import create_wrapper_for_script\ncreate_wrapper_for_script(%r).run_with_connector()" % path
        environment = {"PYTHONPATH": SRC, "MLHOST_CONNECTOR": "127.0.0.1:1"}
        code, out, _ = self.run_plain([sys.executable, self.write(source)], env=environment)
        self.assertEqual((code, out), (0, "0.1 4 0.2 A True\n"))

    def test_missing_file(self):
        run = self.run_script("from script_wrappers import create_wrapper_for_script\ntry: create_wrapper_for_script('%s/none.py')\nexcept FileNotFoundError: print('missing')" % self.dir)
        self.assertEqual(run.finish(), (0, "missing\n", ""))


if __name__ == "__main__":
    unittest.main()
