"""Trains in this process with the overlay on for some steps and then off again, beside
an undisturbed training: what the tests of the overlay have in common."""

import copy

import support

WHY = support.missing("torch")
if not WHY:
    import torch

    support.sys.path.insert(0, support.harness.SRC)
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


def forget():
    """Begins with no optimizer known."""
    _optimizer._watched.clear()
    _optimizer._most_steps = -1
    _optimizer_names._declared.clear()
    session.settings.known.clear()
    session.step = None


def move(overlay, on):
    """Lays values over, or takes them off; returns what was answered so far."""
    answers = []
    for name, value in overlay.items():
        handler = session.settings.known[name].handler

        def answer(status, value=None, step=None, reason=""):
            answers.append((status, step, reason))

        if on:
            assert not handler.gone(), handler.gone()
            handler.set(value, "user:test", answer)
        else:
            handler.release(answer)
    return answers


def plain(group):
    """Returns a group's hyperparameters, tensors as numbers."""
    return {k: float(v) if hasattr(v, "fill_") else v for k, v in group.items() if k not in ("params", "param_names")}


def weights(count=2):
    return [torch.nn.Parameter(torch.ones(2)) for _ in range(count)]


class Training:
    """What a training did: what its optimizers' groups held after each step, what
    the steps took, and the groups at the end."""

    def __init__(self, optimizers, step, overlay=None):
        """step(number) makes one step and returns what it took."""
        self.held, self.taken, self.answers = [], [], []
        for number in range(STEPS):
            if overlay and number in (ON, OFF):
                self.answers.append(move(overlay, number == ON))
            self.taken.append(step(number))
            self.held.append([plain(g) for o in optimizers for g in o.state_dict()["param_groups"]])
        self.last = [copy.deepcopy(o.state_dict()["param_groups"]) for o in optimizers]


def without_trace(test, make, overlay, bare=None):
    """Trains twice by make(), which returns the arguments of Training, and looks that
    the overlay changed the steps that it was on for and left no trace. bare is a
    Training without one, where it is there already."""
    if bare is None:
        forget()
        bare = Training(*make())
    forget()
    ours = Training(*make(), overlay=overlay)
    test.assertEqual(ours.held, bare.held)
    test.assertEqual(ours.last, bare.last)
    test.assertEqual(ours.taken[:ON], bare.taken[:ON])
    test.assertNotEqual(ours.taken[ON:OFF], bare.taken[ON:OFF])
    test.assertEqual(ours.taken[OFF:], bare.taken[OFF:])
    return ours
