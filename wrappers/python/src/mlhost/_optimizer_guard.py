"""What stands around the methods of PyTorch's optimizers.

torch.compile reads the code that is called from what it compiles. A step that it
reads is the bare one. Where it leaves a step to Python and compiles what that
calls, nothing of ours is shown to it: it would compile that as well, again for
every number that counts, and warn the script of it.
"""

from __future__ import annotations

import functools
import sys

from ._optimizer import Watched, Worn, _watched, is_recorded
from ._session import current
from ._typing import Any, Callable, Optional, Tuple


class Compiler:
    """What torch.compile is doing. torch imports it after its optimizers: what tells of
    it is looked for when an optimizer is made."""

    def __init__(self) -> None:
        self.reads: Callable[[], bool] = lambda: False
        self.waits: Callable[[], Any] = lambda: self.hidden  # None where nothing that is called now would be compiled
        self.hidden: Optional[Tuple[Callable[..., Any], ...]] = None  # enter and leave, where it does not see them

    def look(self, torch: Any) -> None:
        """Takes notice of what there is of it."""
        public, inner = getattr(torch, "compiler", None), getattr(torch._C, "_dynamo", None)
        self.reads = getattr(public, "is_compiling", None) or self.reads
        self.waits = getattr(getattr(inner, "eval_frame", None), "get_eval_frame_callback", None) or self.waits
        dynamo: Any = sys.modules.get("torch._dynamo")
        if self.hidden is None and hasattr(dynamo, "disable"):
            self.loaded(dynamo)

    def loaded(self, dynamo: Any) -> None:
        """It has been imported."""
        self.hidden = (dynamo.disable(enter), dynamo.disable(leave))


def enter(watched: Watched, optimizer: Any) -> Optional[Worn]:
    """Stands before a step; returns what leave has to take off again."""
    worn: Optional[Worn] = None
    try:
        if is_recorded():
            watched.record()
            return None
        watched.captured = False
        watched.begin(optimizer)
        if watched.todo or watched.rules.keys:
            worn = Worn(watched)
            watched.put_on(optimizer, worn)
        watched.report()
    except Exception as problem:
        current().warn("mlhost could not reach into an optimizer: %s: %s" % (type(problem).__name__, problem))
    return worn


def leave(worn: Worn) -> None:
    """Stands behind a step."""
    try:
        worn.take_off()
    except Exception as problem:
        current().warn("mlhost could not give an optimizer back what it had: %s: %s" % (type(problem).__name__, problem))


def guarded(step: Callable[..., Any], compiler: Compiler) -> Callable[..., Any]:
    """Returns an optimizer class's step with the overlay around it."""
    reads, waits = compiler.reads, compiler.waits

    @functools.wraps(step)
    def guard(*args: Any, **kwargs: Any) -> Any:
        if reads():
            return step(*args, **kwargs)
        watched = _watched.get(id(args[0])) if args else None
        if watched is None or watched.stepping:  # the step of a class that calls the one it is made of
            return step(*args, **kwargs)
        before, behind = enter, leave
        if waits() is not None:
            before, behind = compiler.hidden or (enter, leave)
        worn = before(watched, args[0])
        watched.stepping = True
        try:
            return step(*args, **kwargs)
        finally:
            watched.stepping = False
            if worn is not None:
                behind(worn)

    guard._mlhost_guard = True  # type: ignore[attr-defined]
    return guard


def undisturbed(state_dict: Callable[..., Any]) -> Callable[..., Any]:
    """Returns an optimizer's state_dict, which holds the script's values also where
    a closure or another thread asks for it while a step runs."""

    @functools.wraps(state_dict)
    def told(*args: Any, **kwargs: Any) -> Any:
        state = state_dict(*args, **kwargs)
        watched = _watched.get(id(args[0])) if args else None
        if watched is not None and watched.base:
            for (index, key), held in list(watched.base.items()):
                groups = state.get("param_groups", ())
                if index < len(groups) and key in groups[index]:
                    groups[index][key] = held
        return state

    return told


def is_guarded(kind: Any) -> bool:
    """Whether a class of optimizers calls its step through a guard."""
    step: Any = getattr(kind, "step", None)
    while step is not None:
        if getattr(step, "_mlhost_guard", False):
            return True
        step = getattr(step, "__wrapped__", None)
    return False
