"""The overlay of an optimizer in the ways in which scripts step: every optimizer class of
torch, GradScaler, sparse gradients, closures, tensors as rates, states that
are loaded. Laid on for some steps and taken off, it leaves no trace."""

import copy
import unittest

import support

import overlays
from overlays import OFF, ON, WHY, session, weights

if not WHY:
    import torch
    from mlhost import _optimizer

RATE = {"optimizer.lr": 0.75}

#: What the classes of torch.optim want to be made with.
OPTIONS = {"SGD": {"lr": 0.1, "momentum": 0.9}, "LBFGS": {"lr": 0.1, "max_iter": 2}, "Muon": {"lr": 0.1}}


def constant(make, shape=(2,), sparse=False):
    """Returns how one trains with gradients that are always the same, from weights that are
    always the same: what a step makes of them tells what it took."""

    def training():
        weight = torch.nn.Parameter(torch.ones(*shape, dtype=torch.float64))
        optimizer = make([weight])

        def step(number):
            weight.data.fill_(1.0)
            gradient = torch.full_like(weight, 0.01)
            weight.grad = gradient.to_sparse(1) if sparse else gradient
            optimizer.step()
            return weight.tolist()

        return [optimizer], step

    return training


@unittest.skipIf(WHY, WHY)
class Overlays(unittest.TestCase):
    def test_every_optimizer(self):
        classes = {n: c for n, c in vars(torch.optim).items() if isinstance(c, type) and issubclass(c, torch.optim.Optimizer) and c is not torch.optim.Optimizer}
        self.assertGreater(len(classes), 10)
        for name, kind in classes.items():
            if name in ("LBFGS", "ASGD", "Rprop"):
                continue  # below
            with self.subTest(optimizer=name):
                make = lambda p: kind(p, **OPTIONS.get(name, {"lr": 0.1}))  # noqa: E731
                shape = (2, 2) if name in ("Muon", "SparseAdam") else (2,)
                overlays.without_trace(self, constant(make, shape, sparse=name == "SparseAdam"), RATE)

    def test_averaged(self):
        """ASGD makes the rate of a step when the step before it ends, and keeps it in its state."""
        states = []
        for foreach in (False, True):

            def training():
                (optimizer,), step = constant(lambda p: torch.optim.ASGD(p, lr=0.1, lambd=0.01, foreach=foreach))()
                left_out = torch.nn.Parameter(torch.ones(1))
                optimizer.add_param_group({"params": [left_out], "lr": 0.2})
                states.append([])

                def stepping(number):
                    left_out.grad = None if number % 3 else torch.ones(1)
                    with torch.no_grad():
                        left_out.fill_(1.0)
                    if number == ON + 2:
                        optimizer.param_groups[0]["lr"] = 0.07
                    taken = step(number), left_out.tolist()
                    kept = optimizer.state_dict()["state"]
                    states[-1].append([{k: float(v) for k, v in kept[i].items() if k != "ax"} for i in kept])
                    return taken

                return [optimizer], stepping

            with self.subTest(foreach=foreach):
                overlays.without_trace(self, training, RATE)
                bare, ours = states[-2:]
                self.assertEqual(ours, bare)

    def test_averaged_of_which_a_step_raises(self):
        overlays.forget()
        weight = weights(1)[0]
        optimizer = torch.optim.ASGD([weight], lr=0.1, lambd=0.01)
        weight.grad = torch.ones(2)
        optimizer.step()
        before = float(optimizer.state[weight]["eta"])
        overlays.move(RATE, True)

        def fails():
            self.assertNotEqual(float(optimizer.state[weight]["eta"]), before)
            raise ValueError("no")

        with self.assertRaises(ValueError):
            optimizer.step(fails)
        self.assertEqual(float(optimizer.state[weight]["eta"]), before)

    def test_a_rate_that_is_read_once(self):
        """Rprop begins with the rate, and has sizes of its own from then on."""
        overlays.forget()
        (optimizer,), step = constant(lambda p: torch.optim.Rprop(p, lr=0.1))()
        step(0)
        self.assertEqual([w.name for w in _optimizer.all_watched()], ["optimizer"])
        self.assertFalse([name for name in session.settings.known if ".lr" in name])

    def test_a_closure(self):
        def training():
            weight = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
            optimizer = torch.optim.LBFGS([weight], lr=0.1, max_iter=2)
            seen = []

            def closure():
                optimizer.zero_grad()
                loss = ((weight - 3) ** 2).sum()
                loss.backward()
                seen.append((optimizer.param_groups[0]["lr"], optimizer.state_dict()["param_groups"][0]["lr"]))
                return loss

            def step(number):
                seen.clear()
                optimizer.state.clear()  # else it goes by how far the steps before went
                weight.data.fill_(1.0)
                optimizer.step(closure)
                return [groups for groups, _ in seen] if {state for _, state in seen} == {0.1} else ["state", seen]

            return [optimizer], step

        overlays.without_trace(self, training, RATE)

    def test_a_state_that_is_saved_inside_of_a_step(self):
        """A closure, or another thread, may save a checkpoint: it holds the script's values."""
        for lr in (0.1, torch.tensor(0.1)):
            overlays.forget()
            optimizer = torch.optim.Adam(weights(1), lr=lr, foreach=False, **({"capturable": False}))
            optimizer.step()
            overlays.move({"optimizer.lr": 0.75, "optimizer.betas": [0.5, 0.5]}, True)
            seen = []
            optimizer.step(lambda: seen.append((overlays.plain(optimizer.param_groups[0]), optimizer.state_dict()["param_groups"][0])))
            took, saved = seen[0]
            self.assertEqual((took["lr"], took["betas"]), (0.75, (0.5, 0.5)))
            self.assertAlmostEqual(float(saved["lr"]), 0.1)
            self.assertEqual((type(saved["lr"]), saved["betas"]), (type(lr), (0.9, 0.999)))

    def test_several_optimizers(self):
        def training():
            one, other = (torch.nn.Parameter(torch.ones(2, dtype=torch.float64)) for _ in range(2))
            pair = [torch.optim.SGD([one], lr=0.1), torch.optim.AdamW([other], lr=0.2)]
            schedule = torch.optim.lr_scheduler.LambdaLR(pair[1], lambda e: 0.9**e)

            def step(number):
                taken = []
                for optimizer, weight in zip(pair, (one, other)):
                    weight.data.fill_(1.0)
                    weight.grad = torch.full_like(weight, 0.01)
                    if optimizer is pair[0] or number % 2 == 0:
                        optimizer.step()
                    taken.append(weight.tolist())
                schedule.step()
                return taken

            return pair, step

        ours = overlays.without_trace(self, training, {"optimizer.lr": 0.75, "optimizer[1].lr.scale": 0.5})
        self.assertEqual([step for _, step, _ in ours.answers[0]], [ON, (ON + 1) // 2])  # each by its own count

    def test_a_class_made_of_another(self):
        """Whose step calls the other's, which is guarded too."""

        class Own(torch.optim.SGD):
            def step(self, closure=None):
                return super().step(closure)

        other = torch.optim.SGD(weights(1), lr=0.5)
        make = constant(lambda p: Own(p, lr=0.1, momentum=0.5))
        ours = overlays.without_trace(self, make, RATE)
        self.assertEqual([step for _, step, _ in ours.answers[0]], [ON])
        del other

    def test_a_class_that_torch_takes_for_hooked(self):
        """The compiler of torch before 2.6 marks the steps of all classes when it is imported."""

        class Marked(torch.optim.SGD):
            def step(self, closure=None):
                return super().step(closure)

        Marked.step.hooked = True
        overlays.without_trace(self, constant(lambda p: Marked(p, lr=0.1)), RATE)

    def test_two_that_share_their_groups(self):
        """As Lookahead and Accelerate do: what wraps an optimizer steps it."""

        class Outer(torch.optim.Optimizer):
            def __init__(self, inner):
                super().__init__(inner.param_groups, {})
                self.inner, self.param_groups = inner, inner.param_groups

            def step(self, closure=None):
                return self.inner.step(closure)

        def training():
            make = constant(lambda p: Outer(torch.optim.SGD(p, lr=0.1)))
            (outer,), step = make()
            return [outer, outer.inner], step

        overlays.without_trace(self, training, RATE)
        overlays.without_trace(self, training, {"optimizer[1].lr": 0.75})

    def test_a_state_that_is_loaded(self):
        """Before, while and after something is laid over: groups are then made anew."""

        def training():
            (optimizer,), step = constant(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9))()
            saved = []

            def stepping(number):
                if number == 4:
                    saved.append(copy.deepcopy(optimizer.state_dict()))
                if number in (ON - 1, ON + 2, ON + 4, OFF + 1):
                    optimizer.load_state_dict(saved[0])
                    optimizer.param_groups[0]["lr"] = 0.1 + number / 100
                if number == ON + 3:
                    saved[0] = copy.deepcopy(optimizer.state_dict())
                return step(number)

            return [optimizer], stepping

        bare, ours = [], []
        for overlay, found in ((None, bare), ({"optimizer.lr": 0.75}, ours)):
            overlays.forget()
            found.append(overlays.Training(*training(), overlay=overlay))
        self.assertEqual(ours[0].held, bare[0].held)
        self.assertNotEqual(ours[0].taken[ON + 5], bare[0].taken[ON + 5])
        overlays.without_trace(self, training, {"optimizer.lr": 0.75})

    def test_a_state_that_is_loaded_inside_of_a_step(self):
        overlays.forget()
        optimizer = torch.optim.SGD(weights(1), lr=0.1)
        optimizer.step()
        saved = copy.deepcopy(optimizer.state_dict())
        saved["param_groups"][0]["lr"] = 0.3
        overlays.move(RATE, True)
        optimizer.step(lambda: optimizer.load_state_dict(saved))
        self.assertEqual(optimizer.param_groups[0]["lr"], 0.3)
        overlays.move(RATE, False)
        optimizer.step()
        self.assertEqual(optimizer.param_groups[0]["lr"], 0.3)

    def test_a_group_that_is_added(self):
        def training():
            (optimizer,), step = constant(lambda p: torch.optim.SGD(p, lr=0.1))()
            more = torch.nn.Parameter(torch.ones(1))

            def stepping(number):
                if number == ON + 2:
                    optimizer.add_param_group({"params": [more], "lr": 0.4})
                return step(number)

            return [optimizer], stepping

        overlays.without_trace(self, training, RATE)

    def test_tensor_rates_and_schedules(self):
        try:
            torch.optim.SGD(weights(1), lr=torch.tensor(0.1))
        except (TypeError, ValueError):
            self.skipTest("this torch takes no tensor")
        schedulers = torch.optim.lr_scheduler
        for kind in (torch.optim.SGD, torch.optim.Adam):
            for schedule in (lambda o: schedulers.LambdaLR(o, lambda e: 0.9**e), lambda o: schedulers.CosineAnnealingLR(o, 10), lambda o: schedulers.StepLR(o, 5)):
                def training():
                    (optimizer,), step = constant(lambda p: kind(p, lr=torch.tensor(0.1, dtype=torch.float64), foreach=False))()
                    scheduler = schedule(optimizer)

                    def stepping(number):
                        taken = step(number)
                        scheduler.step()
                        return taken

                    return [optimizer], stepping

                for overlay in (RATE, {"optimizer.lr.scale": 0.5}, {"optimizer.lr.cap": 0.001}):
                    with self.subTest(optimizer=kind.__name__, overlay=overlay):
                        overlays.without_trace(self, training, overlay)


@unittest.skipIf(WHY, WHY)
class Mixed(unittest.TestCase):
    """torch.amp.GradScaler leaves steps out where gradients are infinite."""

    device = "cpu"

    def training(self, make):
        scaler = torch.amp.GradScaler(self.device, init_scale=8.0, growth_interval=3)
        weight = torch.nn.Parameter(torch.ones(2, device=self.device))
        optimizer = make([weight])
        schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        self.skipped = []

        def step(number):
            weight.data.fill_(1.0)
            optimizer.zero_grad()
            scaler.scale((weight * 0.01).sum()).backward()
            if number in (2, ON, ON + 1, OFF):
                weight.grad.fill_(float("inf"))
            before = scaler.get_scale()
            scaler.step(optimizer)
            scaler.update()
            if scaler.get_scale() < before:
                self.skipped.append(number)
            else:
                schedule.step()
            return weight.tolist(), scaler.get_scale()

        return [optimizer], step

    def test_skipped_steps(self):
        if not hasattr(torch, "amp") or not hasattr(torch.amp, "GradScaler"):
            self.skipTest("this torch has no GradScaler for every device")
        makes = {
            "SGD": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
            "Adam": lambda p: torch.optim.Adam(p, lr=0.1),
            "fused": lambda p: torch.optim.Adam(p, lr=0.1, fused=True),
        }
        for name, make in makes.items():
            with self.subTest(optimizer=name):
                ours = overlays.without_trace(self, lambda make=make: self.training(make), RATE)
                self.assertEqual(self.skipped, [2, ON, ON + 1, OFF])
                # Steps that are left out are not counted, where the scaler does not call them.
                (status, step, _), = ours.answers[0]
                self.assertEqual((status, step), ("applied", ON if name == "fused" else ON - 1))


if __name__ == "__main__":
    unittest.main()
