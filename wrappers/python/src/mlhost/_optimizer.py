"""The overlay on the hyperparameters of PyTorch's optimizers.

While an optimizer's step runs, its parameter groups hold the host's values; before
and after it they hold the script's. Schedulers, schedules written by hand,
checkpoints and state_dict never see an overlay, so that taking it off returns
to just what the script would have had.

All that touches an optimizer happens on the thread that calls its step. Other
threads only append to a Watched's todo.
"""

from __future__ import annotations

import sys
import time
import weakref
from collections import deque

from ._optimizer_averaged import Rates, keeps_rates
from ._optimizer_rules import Rules
from ._session import current
from ._typing import Any, Deque, Dict, List, Tuple

REPORT_EVERY = 0.5  # seconds between two reports of the values in use
REPORTED = ("lr", "weight_decay", "momentum")
RECORDED = "not controllable: the optimizer's step is replayed by a CUDA graph"

_watched: Dict[int, "Watched"] = {}  # by id of the optimizer
_overlaid: Dict[int, bool] = {}  # ids of the groups that hold an overlay now
_most_steps = -1  # of all optimizers


class Watched:
    """One optimizer of the script."""

    def __init__(self, optimizer: Any) -> None:
        key = id(optimizer)
        self.ref = weakref.ref(optimizer, lambda _: _watched.pop(key, None))
        self.name = ""  # as parameters have it; "" until it is declared
        self.what = "step of the optimizer"
        self.steps = 0  # that have begun
        self.groups = 0  # that have been declared
        self.captured = False  # its last step was recorded into a CUDA graph
        self.stepping = False  # a step runs now
        self.rules = Rules()
        self.todo: Deque[Any] = deque()  # changes that wait for a step
        self.base: Dict[Tuple[int, str], Any] = {}  # what groups hold outside of the step that runs
        self._reported = 0.0

    def group(self, index: int) -> Dict[str, Any]:
        """Returns a parameter group; {} when it is gone."""
        optimizer = self.ref()
        groups = optimizer.param_groups if optimizer is not None else []
        return groups[index] if index < len(groups) else {}

    def held(self, index: int, key: str) -> Any:
        """Returns what a group holds outside of steps: a number, a tuple, or None
        where it cannot be told without waiting for a device."""
        held = self.base.get((index, key))
        return readable(self.group(index).get(key) if held is None else held)

    def in_use(self, index: int, key: str) -> Any:
        """Returns what the next step takes, or the one that runs took."""
        held = self.held(index, key)
        return self.rules.told(index, key) if held is None else self.rules.value(index, key, held)

    def begin(self, optimizer: Any) -> None:
        """Stands before a step: counts it, and lets the host's wishes come true."""
        global _most_steps
        session = current()
        if not self.name or len(optimizer.param_groups) != self.groups:
            from . import _optimizer_names

            _optimizer_names.declare()
        self.rules.compare()
        if not session.control.resumed.is_set():
            session.control.hold()
        step, self.steps = self.steps, self.steps + 1
        if step > _most_steps:
            _most_steps = step
            session.counter.advance("optimizer", step)

    def report(self) -> None:
        """Tells, now and then, what the step that begins takes."""
        now = time.monotonic()
        if now - self._reported < REPORT_EVERY or not self.name:
            return
        self._reported = now
        session = current()
        for key in REPORTED:
            value = self.in_use(self.rules.first(key), key)
            if type(value) in (int, float):
                session.variables.report("%s.%s" % (self.name, key), value)

    def put_on(self, optimizer: Any, worn: "Worn") -> None:
        """Lets what waits take effect with this step, and lays the values over the groups."""
        while self.todo:
            change = self.todo.popleft()
            change.take()
            worn.changes.append(change)
        for change in worn.changes:
            self.rules.put(change.hyper)
        for index, group in enumerate(optimizer.param_groups):
            if id(group) not in _overlaid:
                worn.cover(index, group)
        worn.cover_rates(optimizer)
        for change in worn.changes:
            change.took_effect(self.steps - 1)

    def record(self) -> None:
        """Stands before a step that is recorded into a CUDA graph. Replays do not come
        by here: they take what the groups hold now, so nothing is laid over, and
        nothing can be until the optimizer steps by itself again."""
        from . import _optimizer_names

        self.captured = True
        _optimizer_names.declare()
        while self.todo:
            self.todo.popleft().refuse(RECORDED)
        _optimizer_names.give_back(self)
        if all(w.captured or not w.steps for w in all_watched()):
            current().counter.retire("optimizer")


class Worn:
    """An overlay that is on, as long as one step runs."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self.changes: List[Any] = []
        self._covered: List[Tuple[Any, ...]] = []  # (group, key, held before, laid over, version, index)
        self._marked: List[int] = []
        self._rates: Any = None  # of an optimizer that keeps them in its state

    def cover(self, index: int, group: Dict[str, Any]) -> None:
        rules, base = self._watched.rules, self._watched.base
        for key in rules.keys:
            if key not in group or not rules.concerns(index, key):
                continue
            held = group[key]
            if hasattr(held, "fill_"):
                kept = held.detach().clone()
                rules.fill(index, key, held)
                self._covered.append((group, key, kept, held, held._version, index))
                base[index, key] = kept
            else:
                laid = rules.value(index, key, held)
                group[key] = laid
                self._covered.append((group, key, held, laid, None, index))
                base[index, key] = held
        if rules.keys:
            _overlaid[id(group)] = True
            self._marked.append(id(group))

    def cover_rates(self, optimizer: Any) -> None:
        """Sees to the rates that an optimizer has made of its groups' before this step."""
        if self._marked and "lr" in self._watched.rules.keys and keeps_rates(optimizer):
            self._rates = Rates(optimizer)
            self._rates.put_on()

    def take_off(self) -> None:
        """Gives the groups back what they held. A value that the step itself has
        put in place of ours is the optimizer's own, and stays."""
        overwritten: Dict[Tuple[int, str], Any] = {}
        for group, key, held, laid, version, index in reversed(self._covered):
            if group.get(key) is not laid or (version is not None and laid._version != version):
                overwritten[index, key] = group.get(key)
            elif version is not None:
                _copy_back(laid, held)
            else:
                group[key] = held
            self._watched.base.pop((index, key), None)
        for marked in self._marked:
            _overlaid.pop(marked, None)
        if self._rates is not None:
            self._rates.take_off()
        for change in self.changes:
            change.seen(overwritten, self._watched.steps - 1)


def _copy_back(tensor: Any, kept: Any) -> None:
    import torch

    with torch.no_grad():
        tensor.copy_(kept)


def readable(value: Any) -> Any:
    """Returns a plain value of a group's; None for what lies on a device, because
    reading that waits until the device has come to it."""
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    if isinstance(value, (tuple, list)):
        plain = [readable(v) for v in value]
        return None if None in plain else type(value)(plain)
    device = getattr(value, "device", None)
    if device is not None and getattr(device, "type", "cpu") != "cpu":
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def made(optimizer: Any) -> None:
    """Notes a new optimizer. What its groups are like is looked at later: it is
    still being made."""
    found = _watched.get(id(optimizer))
    if found is None or found.ref() is not optimizer:
        _watched[id(optimizer)] = Watched(optimizer)
        from . import _optimizer_names

        _optimizer_names.declare_soon()


def all_watched() -> List[Watched]:
    """Returns the optimizers that live, in the order in which they were made."""
    return [w for w in list(_watched.values()) if w.ref() is not None]


def is_recorded() -> bool:
    """Whether what the script does on the GPU is recorded into a CUDA graph now. CUDA
    is asked only where the script has begun to use it."""
    cuda: Any = sys.modules.get("torch.cuda")
    return cuda is not None and bool(cuda.is_initialized() and cuda.is_current_stream_capturing())
