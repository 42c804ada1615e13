"""torch.compile of models and of steps, beside an overlay: by a backend that compiles nothing
but is handed the same graphs, and by torch's own, which generates code."""

import copy
import shutil
import unittest

import support

import overlays
from overlays import ON, WHY, session

if not WHY:
    import torch
    from mlhost import _optimizer

RATE = {"optimizer.lr": 0.75}


def no_compiler(device):
    """Returns why torch's own backend cannot be tried."""
    if device != "cpu":
        return support.missing("triton")
    if not any(shutil.which(name) for name in ("g++", "clang++")):
        return "no C++ compiler is here"
    return ""


def stepping(kind, lr, wrap, device="cpu", **options):
    """Returns how one trains with a compiled step."""

    def training():
        torch._dynamo.reset()
        weight = torch.nn.Parameter(torch.ones(2, device=device))
        optimizer = kind([weight], lr=lr() if callable(lr) else lr)
        if wrap == "a function":
            compiled = torch.compile(lambda: optimizer.step(), **options)
        elif wrap == "the method":
            compiled = torch.compile(optimizer.step, **options)
        else:
            compiled = optimizer.step = torch.compile(optimizer.step, **options)

        def step(number):
            weight.data.fill_(1.0)
            weight.grad = torch.full_like(weight, 0.01)
            compiled()
            return weight.tolist()

        return [optimizer], step

    return training


@unittest.skipIf(WHY, WHY)
class Compiled(unittest.TestCase):
    device = "cpu"

    def setUp(self):
        try:
            import torch._dynamo
        except Exception as problem:
            self.skipTest("no torch.compile here: %s" % problem)
        torch._dynamo.reset()
        self.addCleanup(torch._dynamo.reset)
        self.backends = ["eager"] if no_compiler(self.device) else ["eager", "inductor"]

    def test_that_code_is_generated(self):
        if no_compiler(self.device):
            self.skipTest(no_compiler(self.device) + ": what torch.compile generates was not tried")

    def test_a_model(self):
        def training():
            torch.manual_seed(0)
            model = torch.nn.Linear(2, 1).double().to(self.device)
            optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
            compiled = torch.compile(model, backend=backend)
            start = copy.deepcopy(model.state_dict())

            def step(number):
                model.load_state_dict(start)
                optimizer.zero_grad()
                compiled(torch.ones(1, 2, dtype=torch.float64, device=self.device)).sum().backward()
                optimizer.step()
                return model.weight.tolist()

            return [optimizer], step

        for backend in self.backends:
            with self.subTest(backend=backend):
                overlays.without_trace(self, training, RATE)

    def test_a_step(self):
        rates = {"a number": 0.1, "a tensor": lambda: torch.tensor(0.1, device=self.device)}
        for backend in self.backends:
            for kind in (torch.optim.SGD, torch.optim.Adam):
                for name, lr in rates.items():
                    with self.subTest(backend=backend, optimizer=kind.__name__, lr=name):
                        ours = overlays.without_trace(self, stepping(kind, lr, "a function", self.device, backend=backend), RATE)
                        self.assertEqual(ours.answers[0], [("applied", ON, "")])
        for wrap in ("the method", "in its place"):
            with self.subTest(compiled=wrap):
                overlays.without_trace(self, stepping(torch.optim.SGD, 0.1, wrap, self.device, backend="eager"), RATE)

    def test_nothing_of_ours_is_compiled(self):
        """A rate that is a tensor moves without the step being compiled again, and of ours not a line is."""
        graphs = []

        def backend(graph, inputs):
            graphs.append(graph)
            return graph.forward

        read = set()
        counters = torch._dynamo.utils.counters
        counters.clear()
        ours = overlays.Training(*self.begin(stepping(torch.optim.Adam, lambda: torch.tensor(0.1, device=self.device), "a function", self.device, backend=backend)), overlay=RATE)
        self.assertEqual(ours.answers[0][0][0], "applied")
        self.assertEqual(len(graphs), 1)
        self.assertLess(counters["frames"]["total"], 20, counters["frames"])  # of torch's own; there were 60 with ours
        for graph in graphs:
            read.update(line for node in graph.graph.nodes for line in (node.stack_trace or "").splitlines() if "_optimizer_names" in line)
        self.assertEqual(read, set())

    def begin(self, make):
        overlays.forget()
        return make()

    def test_a_step_that_is_compiled_whole(self):
        """It does not come to Python: as it runs without mlhost, and what is set waits."""

        class Own(torch.optim.Optimizer):
            def __init__(self, parameters, lr):
                super().__init__(parameters, {"lr": lr})

            @torch.no_grad()
            def step(self, closure=None):
                for group in self.param_groups:
                    for p in group["params"]:
                        p.add_(p.grad, alpha=-group["lr"])

        overlays.forget()
        (optimizer,), step = stepping(Own, 0.1, "a function", self.device, backend="eager", fullgraph=True)()
        session.channel = overlays._Channel()  # so that it is declared without a step
        self.addCleanup(setattr, session, "channel", None)
        overlays._optimizer_names.declare()
        first = step(0)
        answers = overlays.move(RATE, True)
        self.assertEqual([step(number) for number in range(1, 5)], [first] * 4)
        self.assertEqual(answers, [])
        self.assertEqual([w.steps for w in _optimizer.all_watched()], [0])


SCRIPT = """
import torch
weight = torch.nn.Parameter(torch.ones(2))
optimizer = torch.optim.Adam([weight], lr=torch.tensor(0.1))
schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
step = torch.compile(lambda: optimizer.step(), backend="eager")
for _ in range(20):
    weight.grad = torch.ones(2)
    step()
    schedule.step()
print(weight.tolist(), optimizer.param_groups[0]["lr"].item())
"""


WHOLE = """
import torch
class Own(torch.optim.Optimizer):
    def __init__(self, parameters, lr):
        super().__init__(parameters, {"lr": lr})
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(p.grad, alpha=-group["lr"])
weight = torch.nn.Parameter(torch.ones(2))
optimizer = Own([weight], 0.1)
step = torch.compile(lambda: optimizer.step(), backend="eager", fullgraph=True)
for _ in range(20):
    weight.grad = torch.ones(2)
    step()
print(weight.tolist())
"""


@unittest.skipIf(WHY, WHY)
class Outside(support.ScriptTest):
    def test_as_by_plain_python(self):
        """torch warns of much that it cannot compile; of ours there is nothing."""
        if not hasattr(torch, "compile"):
            self.skipTest("no torch.compile here")
        for name, script in (("in part", SCRIPT), ("whole", WHOLE)):
            with self.subTest(compiled=name):
                run = self.run_script(script)
                code, out, err = run.finish()
                plain = self.run_plain([support.sys.executable, self.write(script)])
                strip = lambda text: [line.partition("] ")[2] for line in text.splitlines()]  # noqa: E731  (times and process ids)
                self.assertEqual((code, out, strip(err)), (plain[0], plain[1], strip(plain[2])))
                self.assertEqual(run.warnings(), [])


if __name__ == "__main__":
    unittest.main()
