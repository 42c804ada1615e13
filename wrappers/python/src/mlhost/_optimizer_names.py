"""The parameters that an optimizer's overlay is moved by.

optimizer.lr, optimizer.lr.scale, optimizer.lr.cap; the same for weight_decay and
momentum; optimizer.betas. A second optimizer is optimizer[1], and a group of
an optimizer that has several is optimizer.groups[0]. A parameter of the script
itself that the learning rate came from moves the overlay too.
"""

from __future__ import annotations

import _thread

from . import _bare, _parsed
from ._optimizer import RECORDED, Watched, all_watched, readable
from ._optimizer_change import NUMBERS, Change
from ._optimizer_guard import is_guarded
from ._optimizer_rules import CAP, SCALE, SET
from ._session import current
from ._spec import LIVE, RESTART, Spec
from ._typing import Any, Callable, Dict, List, Optional, Tuple

PAIRS = ("betas",)
READ_ONCE = {"Rprop": ("lr",)}  # by class, what counts for the first step alone
MOST_GROUPS = 16  # whose own parameters are declared
DECLARED_AFTER = 0.5  # seconds, where no step has come by then
MOST_LOOKS = 120  # at optimizers that are being made

#: Names of scripts' own parameters, and what they are in an optimizer.
MEANINGS = {"lr": "lr", "learning_rate": "lr", "weight_decay": "weight_decay", "wd": "weight_decay", "momentum": "momentum"}

_declaring = _thread.allocate_lock()
_soon = _thread.allocate_lock()  # held while a thread is about to declare
_declared: List[str] = []  # the optimizers' names


class Hyper:
    """One parameter of an overlay; a handler for Settings.offer."""

    def __init__(self, watched: Watched, key: str, mode: str, group: Optional[int]) -> None:
        self.watched, self.key, self.mode, self.group = watched, key, mode, group
        self.value: Any = None  # nothing is laid over
        self.before: Any = None  # the value before the last set
        self.siblings: List[Any] = [self]  # the parameters that move it
        inside = "" if group is None else ".groups[%d]" % group
        self.name = "%s%s.%s%s" % (watched.name, inside, key, "." + mode if mode else "")

    def get(self) -> Any:
        return self.own() if self.value is None else self.value

    def own(self) -> Any:
        """Returns the value where nothing is laid over."""
        if self.mode:
            return 1.0 if self.mode == SCALE else None
        return self.watched.held(self.index, self.key)

    @property
    def index(self) -> int:
        """The group whose value it shows."""
        return self.watched.rules.first(self.key) if self.group is None else self.group

    def gone(self) -> str:
        optimizer = self.watched.ref()
        if optimizer is None:
            return "not controllable: the script has let go of the optimizer"
        ranks = _ranks()
        if ranks > 1:
            return "distributed: %d ranks train one model, and a change on one of them would let them drift apart" % ranks
        if self.watched.captured:
            return RECORDED
        if not is_guarded(type(optimizer)):
            return "not controllable: %s does not step as PyTorch's optimizers do" % type(optimizer).__name__
        return ""

    def set(self, value: Any, author: str, answer: Callable[..., None]) -> None:
        if value is not None and self.key in PAIRS:
            fit = len(value) == 2 and all(isinstance(b, (int, float)) and 0 <= b < 1 for b in value)
            if not fit:
                return answer("rejected", reason="wants two numbers from 0 to below 1")
        Change(self, value, answer, self).begin()

    def release(self, answer: Callable[..., None]) -> None:
        Change(self, None, answer, self).begin()

    def undo(self) -> None:
        """Takes the last set back, because another of the same batch was refused."""
        Change(self, self.before, lambda *_, **__: None, self).begin()


def _ranks() -> int:
    import os
    import sys

    distributed: Any = sys.modules.get("torch.distributed")
    try:
        if distributed is not None and distributed.is_available() and distributed.is_initialized():
            return int(distributed.get_world_size())
        return int(os.environ.get("WORLD_SIZE") or 1)
    except (ValueError, RuntimeError):
        return 1


def declare_soon() -> None:
    """Declares optimizers whose first step does not come by itself."""

    def wait() -> None:
        quiet = _thread.allocate_lock()
        quiet.acquire()
        # Making the first optimizer takes torch seconds: it imports the compiler.
        for _ in range(MOST_LOOKS):
            quiet.acquire(True, DECLARED_AFTER)
            declare()
            if all(watched.name for watched in all_watched()):
                break
        _soon.release()

    if current().channel and _soon.acquire(False):
        _bare.start(wait)


def declare() -> None:
    """Declares the parameters of all optimizers, and of all groups, that are new."""
    if not _declaring.acquire(False):
        return
    try:
        for watched in all_watched():
            optimizer = watched.ref()
            groups = getattr(optimizer, "param_groups", None)
            if groups and len(groups) != watched.groups:
                _declare(watched, list(groups))
    finally:
        _declaring.release()


def _declare(watched: Watched, groups: List[Dict[str, Any]]) -> None:
    first_time = not watched.name
    if first_time:
        watched.name = "optimizer[%d]" % len(_declared) if _declared else "optimizer"
        _declared.append(watched.name)
    known, watched.groups = watched.groups, len(groups)
    for key in NUMBERS + PAIRS:
        start = "initial_lr" if key == "lr" and "initial_lr" in groups[0] else key
        values = [g.get(start, g.get(key)) for g in groups]
        if key not in groups[0] or isinstance(groups[0][key], bool) or key in READ_ONCE.get(type(watched.ref()).__name__, ()):
            continue
        watched.rules.measure(key, [readable(v) for v in values], values)
        if first_time:
            _offer(watched, key, None)
        if len(groups) > 1:
            for index in range(known if known > 1 else 0, min(len(groups), MOST_GROUPS)):
                _offer(watched, key, index)
    if len(groups) > MOST_GROUPS >= known:
        current().warn("%s has %d parameter groups: those from groups[%d] on have no parameters of their own" % (watched.name, len(groups), MOST_GROUPS))
    if first_time:
        _adopt(watched)


def _offer(watched: Watched, key: str, group: Optional[int]) -> None:
    offer = current().settings.offer
    modes = (SET,) if key in PAIRS else (SET, SCALE, CAP)
    for mode in modes:
        hyper = Hyper(watched, key, mode, group)
        value = hyper.get()
        if key in PAIRS:
            spec = Spec(hyper.name, None if value is None else list(value), "list", style="torch", doc="%s of the optimizer" % key)
        else:
            doc = {SET: "%s at each step of the optimizer", SCALE: "factor on what the script's %s is", CAP: "the most that %s may be"}[mode] % key
            spec = Spec(hyper.name, value, "float", min=0, style="torch", doc=doc)
        offer(spec, hyper)


def give_back(watched: Watched) -> None:
    """Takes off, for good, all that is laid over an optimizer, and tells so."""
    session = current()
    for name, offer in list(session.settings.known.items()):
        hyper = getattr(offer, "handler", None)
        if isinstance(hyper, Hyper) and hyper.watched is watched and hyper.value is not None:
            hyper.value = None
            watched.rules.put(hyper)
            for one in hyper.siblings:
                session.settings.overwritten(one.name, one.get(), session.step)
            session.warn("%s is the script's own again, since its step is recorded into a CUDA graph, which takes nothing from mlhost" % name)


class Alias:
    """A parameter of the script's own that an overlay stands for."""

    def __init__(self, name: str, start: Any, hyper: Hyper, ratio: float) -> None:
        self.name = name
        self._start, self._hyper, self._ratio = start, hyper, ratio
        hyper.siblings.append(self)

    def get(self) -> Any:
        value = self._hyper.value
        return self._start if value is None else value / self._ratio

    def gone(self) -> str:
        return self._hyper.gone()

    def set(self, value: Any, author: str, answer: Callable[..., None]) -> None:
        Change(self._hyper, None if value is None else value * self._ratio, answer, self).begin()

    def release(self, answer: Callable[..., None]) -> None:
        Change(self._hyper, None, answer, self).begin()

    def undo(self) -> None:
        self._hyper.undo()


def _adopt(watched: Watched) -> None:
    """Lets the script's own parameters, read only at the start, move the overlay."""
    settings = current().settings
    for spec, value in _read_at_start():
        key = MEANINGS.get(spec.name.rsplit(".", 1)[-1].replace("-", "_"))
        hyper = settings.known.get("%s.%s" % (watched.name, key)) if key else None
        if hyper is None or type(value) not in (int, float) or not value or spec.name in settings.known:
            continue
        own = hyper.handler.own()
        if own is None and key == "lr" and watched.name == "optimizer":
            own = value  # it lies on a device
        if type(own) not in (int, float) or (own != value and (key != "lr" or watched.name != "optimizer")):
            continue
        spec.mutability, spec.type = LIVE, "float"
        settings.offer(spec, Alias(spec.name, value, hyper.handler, (own / value) or 1.0), configured=False)


def _read_at_start() -> "List[Tuple[Spec, Any]]":
    """Returns the script's parameters that changing would do nothing to: those of
    parsers, and constants that are not read again."""
    import sys

    found = dict(_parsed.at_start)
    for entry in current().catalogue:
        name = entry["name"]
        if entry.get("style") == "constants" and entry.get("mutability") == RESTART and name not in found:
            value = _held(sys.modules["__main__"], _parsed.where(entry))
            found[name] = (Spec(name, value, style="constants", line=entry.get("line") or 0), value)
    return list(found.values())


def _held(owner: Any, path: "List[str]") -> Any:
    """Returns what lies at the end of a path of names, None where there is nothing."""
    for name in path:
        owner = owner.get(name) if type(owner) is dict else getattr(owner, "__dict__", {}).get(name)
    return owner
