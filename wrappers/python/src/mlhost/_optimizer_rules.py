"""What an overlay makes of the values of an optimizer's parameter groups."""

from __future__ import annotations

from ._typing import Any, Dict, List, Tuple

SET, SCALE, CAP = "", "scale", "cap"


class Rules:
    """The overlay of one optimizer: for each key of its groups a value, a factor
    and a limit, for all groups and for single ones. A value for all groups keeps
    the ratios that the groups had to each other when the optimizer was made."""

    def __init__(self) -> None:
        self.keys: Tuple[str, ...] = ()  # that something is laid over
        self._given: Dict[Tuple[str, str, int], Any] = {}  # (key, mode, group or -1) -> value
        self._ratios: Dict[str, List[Any]] = {}  # numbers, or tensors on a device
        self._unread: Dict[str, List[Any]] = {}  # what groups held at the beginning where that cannot be read
        self._first: Dict[str, int] = {}

    def measure(self, key: str, values: List[Any], held: List[Any]) -> None:
        """Notes what the groups hold for a key at the beginning: as far as it can be
        read, in values."""
        plain = [v if isinstance(v, (int, float)) and not isinstance(v, bool) else None for v in values]
        reference = next((i for i, v in enumerate(plain) if v), 0)
        base = plain[reference] if plain else None
        self._first[key] = reference
        self._ratios[key] = [v / base if v is not None and base else 1.0 for v in plain]
        if len(held) > 1 and any(value is None and hasattr(h, "fill_") for value, h in zip(values, held)):
            self._unread[key] = held

    def compare(self) -> None:
        """Lets a device work out the ratios of what lies on it, on the thread of the
        script, whose device it is. Of such values the first group's stands for all."""
        while self._unread:
            key, held = self._unread.popitem()
            import torch

            with torch.no_grad():
                base = held[self._first[key]]
                for index, value in enumerate(held):
                    if index != self._first[key] and hasattr(value, "fill_"):
                        over = base.to(value.device, non_blocking=True) if hasattr(base, "to") else torch.full_like(value, base)
                        self._ratios[key][index] = torch.where(over != 0, value / over, torch.ones_like(value))

    def first(self, key: str) -> int:
        """Returns the group whose value stands for all: the first that has one other than 0."""
        return self._first.get(key, 0)

    def put(self, hyper: Any) -> None:
        """Takes over the value of a hyperparameter; None takes it away."""
        place = (hyper.key, hyper.mode, -1 if hyper.group is None else hyper.group)
        if hyper.value is None:
            self._given.pop(place, None)
        else:
            self._given[place] = hyper.value
        self.keys = tuple(sorted({key for key, _, _ in self._given}))

    def concerns(self, index: int, key: str) -> bool:
        return any(k == key and group in (-1, index) for k, _, group in self._given)

    def value(self, index: int, key: str, held: Any) -> Any:
        """Returns what a group's step takes where the group holds a plain value."""
        fixed = self._fixed(index, key)
        if isinstance(held, (tuple, list)) or isinstance(fixed, (tuple, list)):
            return type(held)(fixed) if fixed is not None else held
        if hasattr(fixed, "fill_"):  # it lay on a device before
            fixed = self._given[key, SET, -1]
        found = held if fixed is None else fixed
        for factor in self._of(index, key, SCALE):
            found = found * factor
        return min([found] + self._of(index, key, CAP))

    def told(self, index: int, key: str) -> Any:
        """Returns what a group's step takes where what the group holds cannot be read;
        None where it comes of that."""
        fixed = self._fixed(index, key)
        return None if fixed is None or hasattr(fixed, "fill_") else self.value(index, key, fixed)

    def fill(self, index: int, key: str, tensor: Any) -> None:
        """The same for a group that holds a tensor, without reading it."""
        import torch

        with torch.no_grad():
            fixed = self._fixed(index, key)
            if hasattr(fixed, "fill_"):
                tensor.copy_(fixed)
            elif fixed is not None:
                tensor.fill_(fixed)
            for factor in self._of(index, key, SCALE):
                tensor.mul_(factor)
            for limit in self._of(index, key, CAP):
                tensor.clamp_(max=limit)

    def _fixed(self, index: int, key: str) -> Any:
        own = self._given.get((key, SET, index))
        if own is not None:
            return own
        common = self._given.get((key, SET, -1))
        if common is None or isinstance(common, (tuple, list)):
            return common
        ratios = self._ratios.get(key, [])
        return common * ratios[index] if index < len(ratios) else common

    def _of(self, index: int, key: str, mode: str) -> List[Any]:
        found = (self._given.get((key, mode, -1)), self._given.get((key, mode, index)))
        return [v for v in found if v is not None]
