"""Variables of a script that reports nothing are seen from outside."""

import sys

from harness import SRC, ScriptTest

#: The script goes on when it has been told to, so that no test counts on time.
WAIT = """
def wait_until_seen(name, value):
    from mlhost._session import current
    import time
    while True:
        if any(type(i) is tuple and i[0] == name and i[3] == value for i in list(sent)):
            return
        time.sleep(0.01)
from mlhost import _channel
sent = []
_append = _channel.Channel.sample
def _sample(self, name, step, value):
    sent.append((name, step, None, value))
    _append(self, name, step, value)
_channel.Channel.sample = _sample

def wait_for_looks(n=2):
    import time
    until = len(looks) + n
    while len(looks) < until:
        time.sleep(0.01)
from mlhost import _sampling
looks = []
_look = _sampling.Sampler._look
def _counted(self):
    going = _look(self)
    looks.append(1)
    return going
_sampling.Sampler._look = _counted
"""


class Sampling(ScriptTest):
    def see(self, source, **options):
        run = self.run_script(WAIT + source, **options)
        code, _, err = run.finish()
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(run.warnings(), [])
        return run

    def declared(self, run):
        return {m["name"]: m.get("source") for m in run.seen if m["op"] == "variable"}

    def test_named_global(self):
        run = self.see(
            "x = 1.5\nwait_until_seen('x', 1.5)\nx = 2.5\nwait_until_seen('x', 2.5)\nword = 'a'\nwait_until_seen('word', 'a')\n",
            variables=["x", "word"],
        )
        self.assertEqual(run.samples("x"), [1.5, 2.5])
        self.assertEqual(self.declared(run), {"x": "sampled", "word": "sampled"})

    def test_named_local_and_attribute(self):
        run = self.see(
            "class Args: lr = 0\nargs = Args(); args.rate = 0.25\n"
            "def train():\n    width = 3\n    wait_until_seen('train.width', 3)\n    wait_until_seen('args.rate', 0.25)\ntrain()\n",
            variables=["train.width", "args.rate"],
        )
        self.assertEqual(self.declared(run), {"train.width": "sampled", "args.rate": "sampled"})

    def test_interesting_ones_that_change(self):
        run = self.see(
            "learning_rate = 0.1\n"
            "def train():\n    for epoch in range(3):\n        _loss = val_loss = 1 / (1 + epoch)\n"
            "        if epoch: wait_until_seen('epoch', epoch)\n        else: wait_for_looks()\ntrain()\n"
        )
        self.assertEqual(run.samples("epoch"), [1, 2])
        self.assertEqual(set(self.declared(run)), {"epoch", "val_loss"})

    def test_step(self):
        run = self.see("global_step = 0\nwait_for_looks()\nfor global_step in (5, 7): wait_until_seen('global_step', global_step)\n")
        self.assertIn(7, [m["step"] for m in run.seen if m["op"] == "step"])

    def test_a_script_that_reports_by_itself(self):
        run = self.see("import mlhost\nmlhost.log(x=1)\nfor epoch in range(3): wait_for_looks()\nnamed = 4\nwait_until_seen('named', 4)\n", variables=["named"])
        self.assertEqual(self.declared(run), {"x": None, "named": "sampled"})

    def test_nothing_of_the_script_is_called(self):
        self.see(
            """
class Loss(float):
    def __getattribute__(self, name): raise SystemExit("called " + name)
    def __eq__(self, other): raise SystemExit("compared")
    __hash__ = None
class Module:
    def __getattribute__(self, name): raise SystemExit("called " + name)
def train():
    for loss in (Loss(1), Loss(2), Module()):
        x = 1
        wait_for_looks()
    x = 2
    wait_until_seen('x', 2)
module = Module()
train()
""",
            variables=["x", "loss", "module.lr", "module.__class__"],
        )

    def test_nothing_is_kept_alive(self):
        self.see(
            """
import weakref
class Big: pass
def train():
    big, loss = Big(), 1.0
    seen = weakref.ref(big)
    for epoch in range(3):
        wait_for_looks()
    loss = 2.0
    wait_until_seen('loss', 2.0)
    big = None
    assert seen() is None, "kept alive"
train()
"""
        )

    def test_locals_stay_what_they_are(self):
        run = self.see(
            """
def train():
    loss = 1
    kept = locals()
    for loss in (2, 3, 4):
        wait_for_looks()
    assert "kept" not in kept and kept["loss"] == 1, kept
train()
"""
        )
        if sys.version_info < (3, 13):
            self.assertEqual(run.samples("loss"), [])

    def test_numbers(self):
        sys.path.insert(0, SRC)
        self.addCleanup(sys.path.remove, SRC)
        from mlhost._sampling import number

        self.assertEqual([number(v) for v in (1, 1.5, True, "a", None, [1], 2**70, object())], [1, 1.5, True, None, None, None, None, None])
        self.assertEqual(number("a", True), "a")
