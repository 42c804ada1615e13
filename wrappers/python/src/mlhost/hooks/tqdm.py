"""Bars of tqdm, with all that build on them: tqdm.auto, tqdm.notebook, trange, ….

The iterations of the innermost bar are steps, the outermost tells the progress,
and what stands behind a bar (set_postfix) are variables. Bars that count bytes
are none of these, and neither are those of other threads.
"""

from __future__ import annotations

import functools
import threading
import time
import weakref

from .._imports import failed
from .._session import current
from .._typing import Any, Dict, Iterator, List, Optional
from . import _wrap

REPORT_EVERY = 0.1  # seconds between two reports of the progress

_open: List["_Bar"] = []  # from the outermost to the innermost
_steps = -1  # of all bars
_reported = 0.0


class _Bar:
    """A bar that somebody advances."""

    def __init__(self, bar: Any) -> None:
        self.bar = weakref.ref(bar)
        self.parent = _open[-1] if _open else None
        self.has_inner = False
        self.done = self.first = float(getattr(bar, "n", 0) or 0)
        total = getattr(bar, "total", None)
        self.total = float(total) if total else 0.0
        self.began = time.monotonic()
        self.iterates = False
        _open.append(self)

    def count(self, by: int = 1) -> None:
        """Counts steps, unless a bar within this one does."""
        global _steps
        parent = self.parent
        if self.has_inner or not _open or _open[-1] is not self:
            return
        if parent is not None and not parent.has_inner:
            parent.has_inner = True
            by -= 1  # the step that the parent counted for this iteration is our first
        if by > 0:
            _steps += by
            current().counter.advance("tqdm", _steps)

    def step(self) -> None:
        """Stands before an iteration."""
        try:
            self.count()
            _report()
        except Exception as problem:
            failed("tqdm", problem)

    def end(self) -> None:
        """Stands behind the last iteration."""
        try:
            _report(now=True)
        except Exception as problem:
            failed("tqdm", problem)
        self.close()

    def alive(self) -> bool:
        bar = self.bar()
        return bar is not None and (self.iterates or not bar.disable)

    def close(self) -> None:
        if self in _open:
            _open.remove(self)


def install(module: Any) -> None:
    kind = module.tqdm
    _follow_iterations(kind)
    _wrap.after(kind, "update", _update)
    _wrap.after(kind, "refresh", _refresh)
    _wrap.after(kind, "set_postfix", _set_postfix)


def _follow_iterations(kind: Any) -> None:
    original = kind.__iter__

    @functools.wraps(original)
    def __iter__(self: Any) -> Any:
        iterator = original(self)
        return _iterate(self, iterator) if _is_followed(self) else iterator

    kind.__iter__ = __iter__


def _is_followed(bar: Any) -> bool:
    if current().channel is None or threading.current_thread() is not threading.main_thread():
        return False
    unit = getattr(bar, "unit", "it")
    return unit not in ("B", "iB", "b", "bytes", "byte")


def _iterate(bar: Any, iterator: Any) -> Iterator[Any]:
    followed = _Bar(bar)
    followed.iterates = True
    del bar  # a bar must not live longer than without us
    try:
        for item in iterator:
            followed.step()
            yield item
            followed.done += 1
    finally:
        followed.end()
        close = getattr(iterator, "close", None)
        if close is not None:
            close()


def _find(bar: Any) -> Optional[_Bar]:
    for followed in _open:
        if followed.bar() is bar:
            return followed
    return None


def _update(bar: Any, n: Any = 1) -> None:
    if bar.disable or not _is_followed(bar):
        return
    _clean()
    followed = _find(bar)
    if followed is None:
        followed = _Bar(bar)
        followed.done = followed.first = bar.n - n
    if followed.iterates:
        return
    followed.done = bar.n
    if isinstance(n, int) and n > 0:
        followed.count(n)
    _report(now=followed.done == followed.total)


def _refresh(bar: Any, *rest: Any, **named: Any) -> None:
    """Sees a bar whose owner sets n by himself."""
    if not hasattr(bar, "start_t") or bar.disable or not _is_followed(bar):
        return
    _clean()
    followed = _find(bar)
    if followed is None and bar.n:
        followed = _Bar(bar)
    if followed is not None and not followed.iterates:
        followed.done, followed.total = float(bar.n), float(bar.total or 0)
        _report()


def _clean() -> None:
    for followed in list(_open):
        if not followed.alive():
            followed.close()


def _report(now: bool = False) -> None:
    """Tells how far the outermost bar is, with the part of its iteration that the
    innermost shows."""
    global _reported
    at = time.monotonic()
    if not now and at - _reported < REPORT_EVERY:
        return
    _reported = at
    session = current()
    _clean()
    if not _open or session.control.loops:
        return
    outer, inner = _open[0], _open[-1]
    done = outer.done
    if not outer.total:
        outer, done = inner, inner.done
    elif inner is not outer and inner.total:
        done = min(done + min(inner.done / inner.total, 1.0), outer.total)
    message: Dict[str, Any] = {"op": "progress", "done": done}
    passed = at - outer.began
    if passed > 0 and done > outer.first:
        message["rate"] = (done - outer.first) / passed
    if outer.total:
        message["total"] = outer.total
        if message.get("rate"):
            message["eta"] = max(outer.total - done, 0.0) / message["rate"]
    session.put(message)


def _set_postfix(bar: Any, ordered_dict: Any = None, refresh: Any = True, **named: Any) -> None:
    for name, value in list(dict(ordered_dict or {}, **named).items()):
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                continue
        # tqdm has printed the value, so a device has been waited for.
        _wrap.report("tqdm", name, value, waits=True)
