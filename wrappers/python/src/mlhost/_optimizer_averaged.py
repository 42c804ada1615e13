"""torch.optim.ASGD makes the rate of a step when the step before it ends, and keeps
it in its state. While a learning rate is laid over, the state holds, during a
step, the rate that comes of it, and before and after what the script would have.

What rate comes of what is not written down here a second time: the optimizer's own
step tells, made over parameters of one number each.
"""

from __future__ import annotations

import sys

from ._typing import Any, Dict, List, Tuple

RATE = "eta"  # as the state has it


def keeps_rates(optimizer: Any) -> bool:
    """Whether an optimizer is one of these."""
    module: Any = sys.modules.get("torch.optim.asgd")
    return module is not None and isinstance(optimizer, module.ASGD)


class Rates:
    """The rates of an optimizer's parameters, during one of its steps."""

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer
        self._before: Dict[int, Tuple[int, Any]] = {}  # by id of the state: the version of its count of steps, its rate

    def put_on(self) -> None:
        """The groups hold what is laid over: the step that comes takes the rates of that.
        A parameter that has made no step takes its group's as it is."""
        states = self._states()
        self._before = {id(state): (state["step"]._version, state[RATE].clone()) for _, _, state in states}
        _renew(self._optimizer, states)

    def take_off(self) -> None:
        """The groups hold the script's values again: so do the rates of the next step. A
        parameter that made no step, since it had no gradient, gets its rate back."""
        moved = []
        for group, parameter, state in self._states():
            version, rate = self._before.get(id(state), (-1, None))
            if state["step"]._version == version:
                state[RATE].copy_(rate)
            else:
                moved.append((group, parameter, state))
        _renew(self._optimizer, moved)

    def _states(self) -> "List[Tuple[Dict[str, Any], Any, Dict[str, Any]]]":
        every = self._optimizer.state
        return [(group, p, every[p]) for group in self._optimizer.param_groups for p in group["params"] if RATE in every.get(p, ())]


def _renew(optimizer: Any, states: "List[Tuple[Dict[str, Any], Any, Dict[str, Any]]]") -> None:
    """Makes the rates anew from what the groups hold, as the step before has made them."""
    import torch

    step: Any = sys.modules["torch.optim.asgd"].ASGD.step
    while hasattr(step, "__wrapped__"):
        step = step.__wrapped__
    twin = object.__new__(type(optimizer))
    twin.__dict__.update(optimizer.__dict__)
    twin.state, twin.param_groups = {}, []
    ones = []
    with torch.no_grad():
        for group, parameter, state in states:
            one = torch.zeros(1, dtype=parameter.dtype, device=parameter.device)
            one.grad = torch.zeros_like(one)
            twin.state[one] = dict(state, step=state["step"] - 1, eta=state[RATE].clone(), mu=state["mu"].clone(), ax=torch.zeros_like(one))
            twin.param_groups.append(dict(group, params=[one]))
            ones.append(one)
        step(twin)
        for (_, _, state), one in zip(states, ones):
            state[RATE].copy_(twin.state[one][RATE])
