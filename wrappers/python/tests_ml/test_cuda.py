"""What wants a GPU: optimizers whose rates and counts lie on it, mixed precision, CUDA graphs,
generated code, and that nothing of mlhost waits for it. Skipped where there is none."""

import collections
import itertools
import unittest
import unittest.mock

import support

import overlays
import test_compiled
import test_overlays
import test_trainers
from overlays import WHY, session

if not WHY:
    import torch
    from mlhost import _optimizer

    if not torch.cuda.is_available():
        WHY = "no GPU that CUDA reaches is here"

RATE = {"optimizer.lr": 0.75}
OVERLAYS = (RATE, {"optimizer.lr.scale": 0.5}, {"optimizer.lr.cap": 0.001})
FLAGS = ({}, {"foreach": True}, {"fused": True}, {"capturable": True}, {"foreach": True, "capturable": True}, {"fused": True, "capturable": True})
WAITS = ("aten::item", "aten::_local_scalar_dense", "cudaDeviceSynchronize", "cudaStreamSynchronize", "cudaEventSynchronize")


def constant(make, read=True):
    """Returns how one trains on the GPU with gradients that are always the same."""

    def training():
        weight = torch.nn.Parameter(torch.ones(2, 2, device="cuda"))
        optimizer = make([weight])
        gradient = torch.full_like(weight, 0.01)

        def step(number):
            with torch.no_grad():
                weight.fill_(1.0)
            weight.grad = gradient.clone()
            optimizer.step()
            return weight.tolist() if read else None

        return [optimizer], step

    return training


def on_gpu(rate):
    return torch.tensor(rate, device="cuda")


def takes(kind, options):
    """Whether torch makes and steps such an optimizer at all."""
    try:
        _, step = constant(lambda p: kind(p, **options()))()
        step(0)
        return True
    except (AssertionError, RuntimeError, TypeError, ValueError):
        return False


@unittest.skipIf(WHY, WHY)
class OnGpu(unittest.TestCase):
    def setUp(self):
        overlays.forget()
        self.warnings = []
        patch = unittest.mock.patch.object(session, "warn", self.warnings.append)
        patch.start()
        self.addCleanup(patch.stop)
        self.addCleanup(self.no_warning)

    def no_warning(self):
        self.assertEqual(self.warnings, [])

    def test_every_optimizer(self):
        classes = [c for c in vars(torch.optim).values() if isinstance(c, type) and issubclass(c, torch.optim.Optimizer) and c is not torch.optim.Optimizer]
        tried = 0
        for kind, flags, rate in itertools.product(classes, FLAGS, (lambda: 0.1, lambda: on_gpu(0.1))):
            if kind.__name__ in ("LBFGS", "Rprop", "SparseAdam"):
                continue  # test_overlays.py
            options = lambda flags=flags, rate=rate: dict(flags, lr=rate())  # noqa: E731
            overlays.forget()
            if not takes(kind, options):
                continue
            tried += 1
            for overlay in OVERLAYS if type(rate()) is not float else (RATE,):
                with self.subTest(optimizer=kind.__name__, flags=flags, lr=type(rate()).__name__, overlay=overlay):
                    overlays.without_trace(self, constant(lambda p, o=options, kind=kind: kind(p, **o())), overlay)
        self.assertGreater(tried, 20)

    def test_schedules_of_tensors(self):
        def training():
            (optimizer,), step = constant(lambda p: torch.optim.AdamW(p, lr=on_gpu(0.1), capturable=True))()
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)

            def stepping(number):
                taken = step(number)
                schedule.step()
                return taken

            return [optimizer], stepping

        for overlay in OVERLAYS:
            overlays.without_trace(self, training, overlay)

    def test_ratios_of_groups(self):
        parameters = [torch.nn.Parameter(torch.ones(1, device="cuda")) for _ in range(2)]
        optimizer = torch.optim.SGD([{"params": [parameters[0]], "lr": on_gpu(0.5)}, {"params": [parameters[1]], "lr": on_gpu(0.25)}], lr=0.1)
        for p in parameters:
            p.grad = torch.ones_like(p)
        optimizer.step()
        overlays.move({"optimizer.lr": 0.25}, True)
        before = [p.item() for p in parameters]
        optimizer.step()
        self.assertEqual([b - p.item() for b, p in zip(before, parameters)], [0.25, 0.125])

    def both(self, steps, make):
        """Steps bare, and with an overlay put on, on and taken off."""
        found = []
        for overlay in (None, RATE):
            overlays.forget()
            (optimizer,), step = constant(make, read=False)()
            for number in range(3):
                step(number)
            torch.cuda.synchronize()

            def run():
                for number in range(12):
                    if overlay and number in (3, 8):
                        overlays.move(overlay, number == 3)
                    for watched in _optimizer.all_watched():
                        watched._reported = 0.0  # each step tells what it takes
                    step(number)

            found.append(steps(run))
        return found

    def makes(self):
        yield "a number", lambda p: torch.optim.AdamW(p, lr=0.1)
        yield "a number, fused", lambda p: torch.optim.AdamW(p, lr=0.1, fused=True)
        yield "a tensor", lambda p: torch.optim.AdamW(p, lr=on_gpu(0.1), capturable=True)
        yield "a tensor, fused", lambda p: torch.optim.AdamW(p, lr=on_gpu(0.1), fused=True)

    def test_nobody_waits(self):
        """torch itself raises where a call waits for the GPU."""

        def steps(run):
            torch.cuda.set_sync_debug_mode("error")
            try:
                run()
            finally:
                torch.cuda.set_sync_debug_mode("default")

        for name, make in self.makes():
            with self.subTest(lr=name):
                self.both(steps, make)

    def test_no_call_that_waits(self):
        def steps(run):
            activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
            with torch.profiler.profile(activities=activities) as profile:
                run()
            counts = collections.Counter(event.name for event in profile.events())
            away = sum(n for name, n in counts.items() if name.startswith("Memcpy DtoH"))
            return {name: counts[name] for name in WAITS}, away

        for name, make in self.makes():
            with self.subTest(lr=name):
                bare, ours = self.both(steps, make)
                self.assertEqual(ours, bare)


@unittest.skipIf(WHY, WHY)
class Graphs(OnGpu):
    def warm(self, make):
        (optimizer,), step = constant(make, read=False)()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for number in range(3):
                step(number)
        torch.cuda.current_stream().wait_stream(side)
        return optimizer

    def no_warning(self):
        pass  # they are looked at one by one

    def test_a_whole_step(self):
        for name, make in self.makes():
            with self.subTest(lr=name):
                if name == "a number, fused":
                    continue  # torch captures none that is not capturable
                if name == "a number":
                    make = lambda p: torch.optim.AdamW(p, lr=0.1, capturable=True)  # noqa: E731
                if name == "a tensor, fused":
                    make = lambda p: torch.optim.AdamW(p, lr=on_gpu(0.1), fused=True, capturable=True)  # noqa: E731
                moves = []
                for overlay in (None, RATE):
                    overlays.forget()
                    self.warnings.clear()
                    optimizer = self.warm(make)
                    weight = optimizer.param_groups[0]["params"][0]
                    if overlay:
                        overlays.move(overlay, True)
                        optimizer.step()
                    optimizer.state.clear()  # both begin to count here
                    optimizer.step()
                    graph = torch.cuda.CUDAGraph()
                    with torch.cuda.graph(graph):
                        optimizer.step()
                    with torch.no_grad():
                        weight.fill_(1.0)
                    graph.replay()
                    moves.append(weight.tolist())
                self.assertEqual(moves[0], moves[1])
                self.assertEqual(len(self.warnings), 1, self.warnings)
                self.assertIn("CUDA graph", session.settings.known["optimizer.lr"].handler.gone())
                self.assertAlmostEqual(float(optimizer.param_groups[0]["lr"]), 0.1, 6)

    def test_a_model_alone(self):
        def training():
            torch.manual_seed(0)
            model = torch.nn.Linear(2, 2).cuda()
            start = {k: v.clone() for k, v in model.state_dict().items()}
            graphed = torch.cuda.make_graphed_callables(model, (torch.ones(3, 2, device="cuda"),))
            optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)

            def step(number):
                model.load_state_dict(start)
                optimizer.zero_grad()
                graphed(torch.ones(3, 2, device="cuda")).sum().backward()
                optimizer.step()
                return model.weight.tolist()

            return [optimizer], step

        overlays.without_trace(self, training, RATE)

    test_every_optimizer = test_schedules_of_tensors = test_ratios_of_groups = test_nobody_waits = test_no_call_that_waits = None


@unittest.skipIf(WHY, WHY)
class Mixed(test_overlays.Mixed):
    device = "cuda"


@unittest.skipIf(WHY, WHY)
class Compiled(test_compiled.Compiled):
    device = "cuda"


@unittest.skipIf(WHY, WHY)
class Trainers(test_trainers.Trainers):
    device = "cuda"


@unittest.skipIf(WHY, WHY)
class Scripts(support.ScriptTest):
    def test_losses_on_the_gpu(self):
        """They are not read; what the script itself has read is a variable."""
        run = self.run_script(
            "import time, torch\n"
            "weight = torch.nn.Parameter(torch.ones(4, device='cuda'))\n"
            "optimizer = torch.optim.AdamW([weight], lr=torch.tensor(0.1, device='cuda'), capturable=True)\n"
            "torch.cuda.synchronize()\n"
            "torch.cuda.set_sync_debug_mode('error')\n"
            "for step in range(400):\n"
            "    optimizer.zero_grad()\n"
            "    loss = weight.square().sum()\n"
            "    loss.backward()\n"
            "    acc = step / 2\n"
            "    optimizer.step()\n"
            "    time.sleep(0.005)\n"
            "print(torch.cuda.is_initialized())\n",
            variables=["loss"],
        )
        code, out, err = run.finish()
        self.assertEqual((code, out), (0, "True\n"), err)
        self.assertEqual((run.samples("loss"), run.warnings()), ([], []))
        self.assertTrue(run.samples("acc"))

    def test_a_set_while_a_graph_is_replayed(self):
        """Neither mlhost's threads nor a set disturb the recording."""
        run = self.run_script(
            "import sys, time, torch\n"
            "weight = torch.nn.Parameter(torch.ones(4, device='cuda'))\n"
            "weight.grad = torch.ones_like(weight)\n"
            "optimizer = torch.optim.AdamW([weight], lr=0.1, capturable=True)\n"
            "side = torch.cuda.Stream()\n"
            "with torch.cuda.stream(side):\n"
            "    for _ in range(3): optimizer.step()\n"
            "torch.cuda.synchronize()\n"
            "for _ in range(50):\n"
            "    graph = torch.cuda.CUDAGraph()\n"
            "    with torch.cuda.graph(graph): optimizer.step(); time.sleep(0.01)\n"
            "print('recorded', flush=True)\n"
            "end = time.monotonic() + 60\n"
            "while time.monotonic() < end: graph.replay(); time.sleep(0.001)\n"
        )
        self.assertEqual(run.process.stdout.readline(), "recorded\n")
        outcome = run.set(**{"optimizer.lr": 0.5})[0]
        self.assertEqual(outcome["status"], "rejected")
        self.assertIn("CUDA graph", outcome["reason"])

    def test_workers_of_a_loader(self):
        """Begun when the script uses the GPU already: forked ones that leave it alone, and spawned ones."""
        run = self.run_script(
            "import torch\n"
            "from torch.utils.data import DataLoader\n"
            "class Rows:\n"
            "    def __len__(self): return 8\n"
            "    def __getitem__(self, i): return i, torch.cuda.is_initialized()\n"
            "def main():\n"
            "    weight = torch.nn.Parameter(torch.ones(4, device='cuda'))\n"
            "    weight.grad = torch.ones_like(weight)\n"
            "    optimizer = torch.optim.AdamW([weight], lr=0.1)\n"
            "    for how in ('fork', 'spawn'):\n"
            "        for rows, begun in DataLoader(Rows(), batch_size=4, num_workers=2, multiprocessing_context=how, pin_memory=True):\n"
            "            optimizer.step(); print(how, rows.cuda().tolist(), begun.tolist())\n"
            "if __name__ == '__main__':\n    main()\n",
            parameters={"optimizer.lr": 0.5},
        )
        code, out, err = run.finish()
        rows = "%s [0, 1, 2, 3] [False, False, False, False]\n%s [4, 5, 6, 7] [False, False, False, False]\n"
        self.assertEqual((code, out), (0, rows.replace("%s", "fork") + rows.replace("%s", "spawn")), err)
        self.assertEqual(run.warnings(), [])


if __name__ == "__main__":
    unittest.main()
