"""The overlay of an optimizer beside every scheduler of torch: laid on for some
steps and taken off, it leaves no trace."""

import inspect
import pkgutil
import unittest

import support

import overlays
from overlays import WHY

if not WHY:
    import torch
    from torch.optim import lr_scheduler as schedulers

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
    def training(self, make, schedule):
        parameters = overlays.weights()
        optimizer = make(parameters)
        scheduler = schedule(optimizer) if callable(schedule) else schedule

        def step(number):
            taken = []
            for p in parameters:
                p.grad = torch.full_like(p, 0.01)
            optimizer.step(lambda: taken.append([overlays.plain(g) for g in optimizer.param_groups]) or torch.tensor(1.0))
            state = optimizer.state_dict()["param_groups"]
            self.assertEqual([overlays.plain(g) for g in state], [overlays.plain(g) for g in optimizer.param_groups])
            self.advance(scheduler, optimizer, number)
            return taken

        return [optimizer], step

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
                if callable(schedule) and name not in every_scheduler():
                    continue  # of a newer torch
                overlays.forget()
                bare = overlays.Training(*self.training(make, schedule))
                for how, overlay in OVERLAYS.items():
                    with self.subTest(optimizer=kind, schedule=name, overlay=how):
                        overlays.without_trace(self, lambda: self.training(make, schedule), overlay, bare)

    def test_every_scheduler_is_here(self):
        """Those that this torch has, wherever in torch.optim they are."""
        found = every_scheduler()
        self.assertGreater(len(found), 15)
        self.assertEqual(found - set(SCHEDULES), set())


def every_scheduler():
    """Returns the names of the schedulers in torch.optim and its modules."""
    bases = {"LRScheduler", "_LRScheduler"}
    kinds = [getattr(schedulers, name) for name in bases if hasattr(schedulers, name)]
    kinds.append(schedulers.ReduceLROnPlateau)  # before torch 2.2 of no family
    modules = [m for n, m in support.sys.modules.items() if n == "torch.optim" or n.startswith("torch.optim.")]
    for module in pkgutil.iter_modules(torch.optim.__path__):
        __import__("torch.optim." + module.name)
        modules.append(support.sys.modules["torch.optim." + module.name])
    classes = {c for m in modules for _, c in inspect.getmembers(m, inspect.isclass)}
    return {c.__name__ for c in classes if issubclass(c, tuple(kinds)) and c.__name__ not in bases}


if __name__ == "__main__":
    unittest.main()
