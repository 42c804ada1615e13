"""The overlay of an optimizer beside every scheduler of torch: laid on for some
steps and taken off, it leaves no trace."""

import copy
import unittest

import support

WHY = support.missing("torch")
if not WHY:
    import torch
    from torch.optim import lr_scheduler as schedulers

    sys_path = support.sys.path
    sys_path.insert(0, support.harness.SRC)
    from mlhost import _optimizer, _optimizer_names
    from mlhost.hooks import torch_optimizer

    class _Channel:
        """Stands in for the tie to a host: it takes lines and drops them."""

        broken = False
        put = put_now = sample = staticmethod(lambda *_: None)

    session = _optimizer.current()
    session.channel = _Channel()
    session._started.set()
    torch_optimizer.install(support.sys.modules["torch.optim.optimizer"])
    session.channel = None

STEPS, ON, OFF = 24, 7, 15  # the overlay is on for the steps from ON to OFF

SCHEDULES = {
    "LambdaLR": lambda o: schedulers.LambdaLR(o, lambda e: 0.9**e),
    "MultiplicativeLR": lambda o: schedulers.MultiplicativeLR(o, lambda e: 0.95),
    "StepLR": lambda o: schedulers.StepLR(o, 5),
    "MultiStepLR": lambda o: schedulers.MultiStepLR(o, [4, 9, 17]),
    "ConstantLR": lambda o: schedulers.ConstantLR(o, 0.3, 10),
    "LinearLR": lambda o: schedulers.LinearLR(o, 0.1, 1.0, 12),
    "ExponentialLR": lambda o: schedulers.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda o: schedulers.PolynomialLR(o, 20, 2.0),
    "CosineAnnealingLR": lambda o: schedulers.CosineAnnealingLR(o, 10),
    "CosineAnnealingWarmRestarts": lambda o: schedulers.CosineAnnealingWarmRestarts(o, 5, 2),
    "CyclicLR": lambda o: schedulers.CyclicLR(o, 0.01, 0.2, 4, cycle_momentum=True),
    "OneCycleLR": lambda o: schedulers.OneCycleLR(o, 0.5, total_steps=40),
    "ReduceLROnPlateau": lambda o: schedulers.ReduceLROnPlateau(o, factor=0.8, patience=2),
    "SequentialLR": lambda o: schedulers.SequentialLR(
        o, [schedulers.LinearLR(o, 0.1, 1.0, 6), schedulers.ExponentialLR(o, 0.8)], [6]
    ),
    "ChainedScheduler": lambda o: schedulers.ChainedScheduler([schedulers.StepLR(o, 6), schedulers.ExponentialLR(o, 0.97)]),
    "SWALR": lambda o: torch.optim.swa_utils.SWALR(o, 0.02, anneal_epochs=6),
    "by hand, from the step": "assign",
    "by hand, from the value before": "multiply",
    "none": "none",
}

OVERLAYS = {
    "set": {"optimizer.lr": 0.77},
    "scale": {"optimizer.lr.scale": 0.5},
    "cap": {"optimizer.lr.cap": 0.003},
    "group": {"optimizer.groups[1].lr": 3.0, "optimizer.momentum": 0.1},
}


def _optimizers():
    """Each returns an optimizer over two groups of two parameters."""

    def over(kind, **options):
        def make(parameters):
            groups = [{"params": [parameters[0]]}, {"params": [parameters[1]], "lr": 0.01}]
            return kind(groups, lr=0.1, **options)

        return make

    return {"SGD": over(torch.optim.SGD, momentum=0.9), "RMSprop": over(torch.optim.RMSprop, momentum=0.5)}


@unittest.skipIf(WHY, WHY)
class Schedules(unittest.TestCase):
    def setUp(self):
        _optimizer._watched.clear()
        _optimizer._most_steps = -1
        _optimizer_names._declared.clear()
        session.settings.known.clear()
        session.step = None

    def train(self, make, schedule, overlay):
        """Returns what the groups hold after each step of training, and what the steps took."""
        self.setUp()
        parameters = [torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))]
        optimizer = make(parameters)
        scheduler = schedule(optimizer) if callable(schedule) else schedule
        held, taken = [], []
        original = type(optimizer)._optimizer_step_code if hasattr(type(optimizer), "_optimizer_step_code") else None
        self.assertIsNotNone(original)
        for step in range(STEPS):
            if step == 1:
                self.assertEqual(_optimizer.all_watched()[0].name, "optimizer")
            if overlay and step in (ON, OFF):
                self.move(overlay, step == ON)
            for p in parameters:
                p.grad = torch.full_like(p, 0.01)
            optimizer.step(lambda: taken.append([self.plain(g) for g in optimizer.param_groups]) or torch.tensor(1.0))
            held.append([self.plain(g) for g in optimizer.state_dict()["param_groups"]])
            self.advance(scheduler, optimizer, step)
        return held, taken, copy.deepcopy(optimizer.state_dict()["param_groups"])

    def move(self, overlay, on):
        answers = []
        for name, value in overlay.items():
            handler = session.settings.known[name].handler
            change = (lambda *a, **k: answers.append((a, k)))
            if on:
                handler.set(value, "user:test", change)
            else:
                handler.release(change)

    @staticmethod
    def plain(group):
        return {k: float(v) if hasattr(v, "fill_") else v for k, v in group.items() if k != "params"}

    @staticmethod
    def advance(scheduler, optimizer, step):
        if scheduler == "assign":
            for i, group in enumerate(optimizer.param_groups):
                group["lr"] = 0.1 * 0.9**step / (i + 1)
        elif scheduler == "multiply":
            for group in optimizer.param_groups:
                group["lr"] *= 0.93
        elif type(scheduler).__name__ == "ReduceLROnPlateau":
            scheduler.step(1.0)
        elif scheduler != "none":
            scheduler.step()

    def test_no_trace(self):
        for kind, make in _optimizers().items():
            for name, schedule in SCHEDULES.items():
                if not isinstance(schedule, str) and not self.has(name):
                    continue
                bare, taken_bare, last_bare = self.train(make, schedule, None)
                for how, overlay in OVERLAYS.items():
                    with self.subTest(optimizer=kind, schedule=name, overlay=how):
                        held, taken, last = self.train(make, schedule, overlay)
                        self.assertEqual(held, bare)
                        self.assertEqual(last, last_bare)
                        self.assertEqual(taken[:ON], taken_bare[:ON])
                        self.assertEqual(taken[OFF:], taken_bare[OFF:])
                        self.assertNotEqual(taken[ON:OFF], taken_bare[ON:OFF])

    def has(self, name):
        return name == "SWALR" or hasattr(schedulers, name)

    def test_every_scheduler_is_here(self):
        kinds = {
            name
            for name, found in vars(schedulers).items()
            if isinstance(found, type) and name[0] != "_" and name not in ("LRScheduler", "Optimizer", "Counter", "Tensor")
            and hasattr(found, "step")
        }
        self.assertEqual(kinds - set(SCHEDULES), set())


if __name__ == "__main__":
    unittest.main()
