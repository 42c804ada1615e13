"""Optimizers on a device, where there is none. What may not be read lies on torch's device
"meta", on which every operation goes and any reading raises; and that a CUDA graph is being
recorded is said by a stand-in. What wants a real GPU: test_cuda.py."""

import unittest
import unittest.mock

import support

import overlays
from overlays import ON, WHY, session, weights

if not WHY:
    import torch
    from mlhost import _live, _optimizer, _values


class Told:
    """Collects what the session says."""

    def __init__(self, test):
        self.warnings, self.overwritten = [], []
        for owner, name, list_ in ((session, "warn", self.warnings), (session.settings, "overwritten", self.overwritten)):
            patch = unittest.mock.patch.object(owner, name, lambda *what, list_=list_: list_.append(what))
            patch.start()
            test.addCleanup(patch.stop)


@unittest.skipIf(WHY, WHY)
class Unreadable(unittest.TestCase):
    """Rates that lie on a device: they are moved there, and not once looked at."""

    def setUp(self):
        try:
            self.rate = torch.tensor(0.1, device="meta")
        except Exception as problem:
            self.skipTest("this torch has no device of that kind: %s" % problem)
        overlays.forget()
        self.told = Told(self)

    def optimizer(self, *rates):
        class Own(torch.optim.Optimizer):
            """Computes nothing."""

            def step(self, closure=None):
                return [(id(g["lr"]), getattr(g["lr"], "_version", 0)) for g in self.param_groups]

        parameters = weights(len(rates))
        return Own([{"params": [p], "lr": lr} for p, lr in zip(parameters, rates)], {"lr": 0.1})

    def test_nothing_is_read(self):
        optimizer = self.optimizer(self.rate)
        optimizer.step()
        for overlay in ({"optimizer.lr": 0.75}, {"optimizer.lr.scale": 0.5}, {"optimizer.lr.cap": 0.001}):
            before, number = self.rate._version, _optimizer.all_watched()[0].steps
            answers = overlays.move(overlay, True)
            (which, version), = optimizer.step()
            self.assertEqual((which, version > before, answers), (id(self.rate), True, [("applied", number, "")]))
            overlays.move(overlay, False)
            after = self.rate._version
            (which, version), = optimizer.step()
            self.assertEqual((which, version), (id(self.rate), after))
        self.assertEqual(self.told.warnings, [])
        self.assertEqual(session.settings.known["optimizer.lr"].get(), None)

    def test_what_is_told(self):
        """Where nothing can be read, what was set is what steps take."""
        optimizer = self.optimizer(self.rate)
        optimizer.step()
        watched, = _optimizer.all_watched()
        self.assertEqual(watched.in_use(0, "lr"), None)
        overlays.move({"optimizer.lr": 0.75, "optimizer.lr.scale": 0.5}, True)
        optimizer.step()
        self.assertEqual(watched.in_use(0, "lr"), 0.375)
        overlays.move({"optimizer.lr": None}, False)
        optimizer.step()
        self.assertEqual(watched.in_use(0, "lr"), None)

    def test_ratios(self):
        """Groups on a device keep theirs, by numbers that the device itself has worked out."""
        for held in ([torch.tensor(0.5), torch.tensor(0.25)], [torch.tensor(0.0), torch.tensor(0.25)], [0.5, torch.tensor(0.25)]):
            rules = _optimizer.Rules()
            rules.measure("lr", [h if isinstance(h, float) else None for h in held], held)
            rules.compare()
            rules._given["lr", "", -1] = 4.0
            moved = torch.tensor(1.0)
            rules.fill(1, "lr", moved)
            self.assertEqual(float(moved), 4.0 if float(held[0]) == 0 else 2.0)
            self.assertEqual(rules.value(1, "lr", 0.3), 4.0)  # a number by now
        optimizer = self.optimizer(self.rate, torch.tensor(0.2, device="meta"))
        optimizer.step()
        overlays.move({"optimizer.lr": 0.75}, True)
        optimizer.step()
        self.assertEqual(self.told.warnings, [])

    def test_betas_that_are_tensors(self):
        optimizer = self.optimizer(0.1)
        optimizer.param_groups[0]["betas"] = (torch.tensor(0.9, device="meta"), torch.tensor(0.99, device="meta"))
        optimizer.step()
        self.assertEqual(session.settings.known["optimizer.betas"].get(), None)
        self.assertEqual(self.told.warnings, [])

    def test_globals(self):
        """A field of the script's that became a tensor on a device is not looked into."""
        space = type("Namespace", (), {})()
        space.rate = self.rate
        self.assertEqual(_live.Field("rate", space, ["rate"], "it").get(), None)
        self.assertEqual([_values.on_device(v) for v in (self.rate, torch.tensor(1.0), 1.0, "x", torch)], [True, False, False, False, False])


@unittest.skipIf(WHY, WHY)
class Recorded(unittest.TestCase):
    """A step that is recorded into a CUDA graph is replayed without Python."""

    def setUp(self):
        overlays.forget()
        self.told = Told(self)
        self.recording = False
        patch = unittest.mock.patch.multiple(torch.cuda, is_initialized=lambda: True, is_current_stream_capturing=lambda: self.recording)
        patch.start()
        self.addCleanup(patch.stop)

    def optimizer(self):
        self.weight = weights(1)[0]
        self.weight.grad = torch.ones(2)
        return torch.optim.SGD([self.weight], lr=0.1)

    def step(self, optimizer, recording=False):
        self.recording = recording
        with torch.no_grad():
            self.weight.fill_(1.0)
        optimizer.step()
        return round(1.0 - float(self.weight.detach()[0]), 6)

    def test_what_is_laid_over_is_not_recorded(self):
        optimizer = self.optimizer()
        self.step(optimizer)
        overlays.move({"optimizer.lr": 0.75}, True)
        self.assertEqual(self.step(optimizer), 0.75)
        self.assertEqual(self.step(optimizer, recording=True), 0.1)
        self.assertEqual(self.told.overwritten, [("optimizer.lr", 0.1, session.step)])
        self.assertEqual(len(self.told.warnings), 1, self.told.warnings)
        handler = session.settings.known["optimizer.lr"].handler
        self.assertIn("CUDA graph", handler.gone())
        self.assertEqual((handler.get(), handler.watched.in_use(0, "lr")), (0.1, 0.1))

    def test_what_waits_is_refused(self):
        optimizer = self.optimizer()
        self.step(optimizer)
        answers = overlays.move({"optimizer.lr": 0.75}, True)
        self.assertEqual(self.step(optimizer, recording=True), 0.1)
        (status, _, reason), = answers
        self.assertEqual(status, "rejected")
        self.assertIn("CUDA graph", reason)

    def test_steps_that_are_not_recorded(self):
        """Recording is no step; one that comes again after it can be moved again."""
        optimizer = self.optimizer()
        for _ in range(3):
            self.step(optimizer)
        self.step(optimizer, recording=True)
        watched, = _optimizer.all_watched()
        self.assertEqual(watched.steps, 3)
        self.assertEqual(self.step(optimizer), 0.1)
        answers = overlays.move({"optimizer.lr": 0.75}, True)
        self.assertEqual(self.step(optimizer), 0.75)
        self.assertEqual([(status, step) for status, step, _ in answers], [("applied", 4)])

    def test_another_counts(self):
        """Replays are not seen: what else counts is the script's step from then on."""
        counter = session.counter
        patch = unittest.mock.patch.multiple(counter, source="", _rank=4)
        patch.start()
        self.addCleanup(patch.stop)
        optimizer = self.optimizer()
        self.step(optimizer)
        counter.advance("tqdm", 7)
        self.assertEqual((counter.source, session.step), ("optimizer", 0))
        self.step(optimizer, recording=True)
        counter.advance("tqdm", 8)
        self.assertEqual((counter.source, session.step), ("tqdm", 8))
        self.step(optimizer)
        self.assertEqual((counter.source, session.step), ("optimizer", 1))


@unittest.skipIf(WHY, WHY)
class Untouched(support.ScriptTest):
    """mlhost begins nothing with CUDA: a process that forks after that could not use it."""

    def test_cuda_is_not_begun(self):
        body = (
            "import torch, os\n"
            "from torch.utils.data import DataLoader\n"
            "class Rows:\n"
            "    def __len__(self): return 8\n"
            "    def __getitem__(self, i): return i, torch.cuda.is_initialized(), 'mlhost._channel' in __import__('sys').modules and __import__('mlhost')._session.current().channel is not None\n"
            "def main():\n"
            "    weight = torch.nn.Parameter(torch.ones(2))\n"
            "    weight.grad = torch.ones(2)\n"
            "    optimizer = torch.optim.Adam([weight], lr=0.1)\n"
            "    for _ in range(3): optimizer.step()\n"
            "    for how in ('fork', 'spawn'):\n"
            "        rows = list(DataLoader(Rows(), batch_size=None, num_workers=2, multiprocessing_context=how))\n"
            "        print(how, [r[0] for r in rows], {r[1] for r in rows}, {r[2] for r in rows})\n"
            "    print(torch.cuda.is_initialized(), optimizer.param_groups[0]['lr'])\n"
            "if __name__ == '__main__':\n    main()\n"
        )
        run = self.run_script(body, parameters={"optimizer.lr": 0.5})
        code, out, err = run.finish()
        rows = "[0, 1, 2, 3, 4, 5, 6, 7] {False} {False}\n"
        self.assertEqual((code, out, err), (0, "fork " + rows + "spawn " + rows + "False 0.1\n", ""))


if __name__ == "__main__":
    unittest.main()
