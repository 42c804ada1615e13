"""Scripts that train with PyTorch, from outside: what is set, and what is told of it."""

import unittest

import support

WHY = support.missing("torch")

HEAD = """
import sys, time
import torch
weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
def grow(optimizer):
    before = weight.item()
    weight.grad = -torch.ones_like(weight)
    optimizer.step()
    return round(weight.item() - before, 9)
"""


@unittest.skipIf(WHY, WHY)
class Optimizers(support.ScriptTest):
    def start(self, body, **options):
        return self.run_script(HEAD + body, **options)

    def test_configured_from_the_first_step_on(self):
        run = self.start("print(grow(torch.optim.SGD([weight], lr=0.1)))\n", parameters={"optimizer.lr": 0.5})
        self.assertEqual(run.finish()[:2], (0, "0.5\n"))

    def test_an_exception_inside_a_step_restores(self):
        run = self.start(
            "class Broken(torch.optim.SGD):\n"
            "    def step(self, closure=None):\n"
            "        print(self.param_groups[0]['lr'])\n"
            "        raise ValueError('no')\n"
            "o = Broken([weight], lr=0.1)\n"
            "try:\n    o.step()\n"
            "except ValueError:\n    print(o.param_groups[0]['lr'])\n",
            parameters={"optimizer.lr": 0.5},
        )
        self.assertEqual(run.finish()[:2], (0, "0.5\n0.1\n"))

    def test_a_traceback_of_a_step(self):
        """What a step raises, what it raises because of that, and what fit raises, look as under plain Python."""
        body = (
            "class Broken(torch.optim.SGD):\n"
            "    def step(self, closure=None):\n"
            "        raise ValueError('no')\n"
            "o = Broken([weight], lr=0.1)\n"
            "try:\n    o.step()\n"
            "except ValueError as problem:\n    raise RuntimeError('because of it') from problem\n"
        )
        run = self.start(body, parameters={"optimizer.lr": 0.5})
        self.assertEqual(run.finish(), self.run_plain([support.sys.executable, self.write(HEAD + body)]))
        if not support.missing("sklearn"):
            body = "from sklearn.linear_model import SGDRegressor\nSGDRegressor().partial_fit([[1.0]], ['x'])\n"
            run = self.run_script(body, parameters={"sklearn.alpha": 0.5})
            self.assertEqual(run.finish(), self.run_plain([support.sys.executable, self.write(body)]))

    def test_what_a_step_itself_writes_stays(self):
        run = self.start(
            "class Own(torch.optim.SGD):\n"
            "    def step(self, closure=None):\n"
            "        self.param_groups[0]['lr'] = 0.25\n"
            "        return super().step(closure)\n"
            "o = Own([weight], lr=0.1)\n"
            "grow(o); print(o.param_groups[0]['lr'])\n",
            parameters={"optimizer.lr": 0.5},
        )
        self.assertEqual(run.finish()[:2], (0, "0.25\n"))
        self.assertTrue([m for m in run.seen if m["op"] == "observed" and m["overwritten"]])

    def test_a_closure(self):
        run = self.start(
            "o = torch.optim.LBFGS([weight], lr=0.5, max_iter=2)\n"
            "def closure():\n"
            "    o.zero_grad(); loss = ((weight - 3) ** 2).sum(); loss.backward()\n"
            "    print(o.param_groups[0]['lr']); return loss\n"
            "o.step(closure); print(o.param_groups[0]['lr'])\n",
            parameters={"optimizer.lr": 0.125},
        )
        code, out, _ = run.finish()
        self.assertEqual((code, out.split()[0], out.split()[-1]), (0, "0.125", "0.5"))

    def test_a_tensor(self):
        run = self.start(
            "lr = torch.tensor(0.1, dtype=torch.float64)\n"
            "o = torch.optim.Adam([weight], lr=lr, foreach=False)\n"
            "print(round(grow(o), 6)); print(round(lr.item(), 6), o.param_groups[0]['lr'] is lr)\n",
            parameters={"optimizer.lr": 0.5},
        )
        code, out, err = run.finish()
        self.assertEqual((code, out), (0, "0.5\n0.1 True\n"), err)

    def test_several_optimizers_and_groups(self):
        run = self.start(
            "other = torch.nn.Parameter(torch.zeros(1))\n"
            "a = torch.optim.SGD([weight], lr=0.1)\n"
            "b = torch.optim.Adam([{'params': [other]}, {'params': [torch.nn.Parameter(torch.zeros(1))], 'lr': 0.01}], lr=0.1)\n"
            "a.step(); b.step(lambda: print([g['lr'] for g in b.param_groups]))\n",
            parameters={"optimizer[1].lr": 1.0, "optimizer[1].groups[1].lr": 7},
        )
        self.assertEqual(run.finish()[:2], (0, "[1.0, 7.0]\n"))

    def test_groups_keep_their_ratio(self):
        run = self.start(
            "o = torch.optim.SGD([{'params': [weight]}, {'params': [torch.nn.Parameter(torch.zeros(1))], 'lr': 0.01}], lr=0.1)\n"
            "o.step(lambda: print([round(g['lr'], 9) for g in o.param_groups]))\n",
            parameters={"optimizer.lr": 1.0},
        )
        self.assertEqual(run.finish()[:2], (0, "[1.0, 0.1]\n"))

    def test_no_step_is_told(self):
        run = self.start("o = torch.optim.SGD([weight], lr=0.1)\nsys.stdout.flush()\ntime.sleep(60)\n")
        run.expect("parameter", name="optimizer.lr")
        outcome = run.set(**{"optimizer.lr": 0.5})[0]
        self.assertEqual(outcome["status"], "pending")
        self.assertIn("none was seen", outcome["reason"])

    def test_an_optimizer_that_is_gone(self):
        run = self.start("o = torch.optim.SGD([weight], lr=0.1)\ngrow(o)\ndel o\nprint('x')\ntime.sleep(60)\n")
        run.expect("parameter", name="optimizer.lr.cap")
        outcome = run.set(**{"optimizer.lr": 0.5})[0]
        while outcome["status"] == "pending":  # it was set before the script let go of it
            outcome = run.set(**{"optimizer.lr": 0.5})[0]
        if outcome["status"] == "rejected":
            self.assertIn("not controllable", outcome["reason"])

    def test_ranks(self):
        run = self.start("import os; os.environ['WORLD_SIZE'] = '2'\no = torch.optim.SGD([weight], lr=0.1)\nwhile True: grow(o); time.sleep(0.01)\n")
        run.expect("parameter", name="optimizer.lr.cap")
        outcome = run.set(**{"optimizer.lr": 0.5})[0]
        self.assertEqual(outcome["status"], "rejected")
        self.assertTrue(outcome["reason"].startswith("distributed:"), outcome)

    def test_pause_before_a_step(self):
        run = self.start("o = torch.optim.SGD([weight], lr=0.1)\nwhile True: grow(o); time.sleep(0.01)\n")
        run.expect("step")
        self.assertNotIn("error", run.ask("pause"))
        self.assertNotIn("error", run.ask("resume"))
        self.assertEqual(run.set(**{"optimizer.lr": 0.5})[0]["status"], "applied")


if __name__ == "__main__":
    unittest.main()
