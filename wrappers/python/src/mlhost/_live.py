"""Values of the script's own objects that the host may change while it runs:
fields of the namespace that a parser returned, and globals.

A target is held weakly, together with the way to the value from there. What it
was when it was offered is what is set, or nothing: a set that comes after the
end of its target is refused with the reason.
"""

from __future__ import annotations

import _thread
import _signal as signal  # type: ignore[import-not-found]  # signal itself takes 2 ms for its enumerations
import time
import weakref

from . import _children
from ._pending import run_on_main
from ._session import current
from ._typing import Any, Callable, Dict, List, Optional
from ._values import on_device, plain

FIRST_LOOK = 0.2  # seconds between a change and the first look whether it lasts
LAST_LOOK = 10.0  # and the last one
_NAP = 0.2  # between two looks; a thread that wakes up costs a busy script a turn


class Ended(LookupError):
    """The object that held the value is no more."""


class Field:
    """The handler of a parameter whose value is an attribute of target, at the end
    of a path of names. what is how a person calls the target."""

    def __init__(self, name: str, target: Any, path: "List[str]", what: str, convert: Optional[Callable[[Any], Any]] = None) -> None:
        self.name, self._path, self._what = name, path, what
        self._target = weakref.ref(target)  # TypeError: it cannot be held weakly
        self._convert = convert or _like

    def get(self) -> Any:
        owner = self._owner()
        value = _attribute(owner, self._path[-1])
        return None if on_device(value) else value

    def _owner(self) -> Any:
        owner = self._target()
        if owner is None:
            raise Ended("%s has ended" % self._what)
        for name in self._path[:-1]:
            owner = _attribute(owner, name)
        return owner

    def gone(self) -> str:
        try:
            self.get()
        except Ended as problem:
            return str(problem.args[0])
        except Exception:
            # A global may be there later: the script is still at its imports, say.
            return "%s has no %s%s" % (self._what, ".".join(self._path), " so far" if self._what == "the script" else "")
        return ""

    def set(self, value: Any, author: str, answer: Callable[..., None]) -> None:
        def put() -> None:
            try:
                owner = self._owner()
                new = self._convert(value, _attribute(owner, self._path[-1]))  # type: ignore[call-arg]
                _assign(owner, self._path[-1], new)
            except Exception as problem:
                return answer("rejected", reason="%s: %s" % (type(problem).__name__, problem))
            step = current().step
            answer("applied", new, step, _children.note())
            if not _children.waits():  # else nobody here is to look at it
                watch(self.name, self.get, new, step)

        run_on_main(put, late=put, expired=lambda: answer("rejected", reason="the script took no notice of it in time"))


def _attribute(owner: Any, name: str) -> Any:
    if isinstance(owner, dict):
        return owner[name]
    return getattr(owner, name)


def _assign(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, dict):
        owner[name] = value
    else:
        setattr(owner, name, value)


def _like(value: Any, old: Any) -> Any:
    """Gives a value of the host the type of the one that it replaces."""
    if type(old) is float and type(value) is int:
        return float(value)
    if type(old) is int and type(value) is float and value == int(value):
        return int(value)
    if type(old) is tuple and type(value) is list:
        return tuple(value)
    if value is not None and old is not None and type(old) not in (bool, int, float, str, list, dict) and type(value) is str:
        return type(old)(value)  # a Path, an Enum
    return value


class _Look:
    """A change of which the host wants to know whether it lasts."""

    def __init__(self, name: str, get: Callable[[], Any], value: Any, step: Optional[int]) -> None:
        self.name, self._get, self._value, self._step = name, get, value, step
        self._since = time.monotonic()
        self._said = False

    def over(self) -> bool:
        """Looks; reports what is new. True when there is nothing more to look for."""
        session, age = current(), time.monotonic() - self._since
        if age < FIRST_LOOK:
            return False
        try:
            now = self._get()
        except Exception:
            return True  # the target is gone: a set will be told so
        if not _same(now, self._value):
            session.settings.overwritten(self.name, now, session.step)
            return True
        passed = session.step is None or session.step != self._step
        if passed and not self._said:
            self._said = True
            session.settings.observed(self.name, now, session.step)
        return age >= LAST_LOOK


def _same(a: Any, b: Any) -> bool:
    try:
        return a is b or bool(a == b) or plain(a) == plain(b)
    except Exception:
        return False


_looks: Dict[str, _Look] = {}
_later: List[Any] = []  # (when, function)
_awake = _thread.allocate_lock()


def watch(name: str, get: Callable[[], Any], value: Any, step: Optional[int]) -> None:
    """Looks, from another thread, whether a value that was set stays: reports
    observed once a step has passed, overwritten when the script put another there."""
    _looks[name] = _Look(name, get, value, step)
    _wake()


def later(seconds: float, function: Callable[[], None]) -> None:
    """Calls function on another thread in so many seconds."""
    _later.append((time.monotonic() + seconds, function))
    _wake()


def _wake() -> None:
    if not _awake.acquire(False):
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        _thread.start_new_thread(_work, ())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _work() -> None:
    """Lives as long as there is something to look at."""
    while True:
        time.sleep(_NAP)
        try:
            _round()
        except Exception as problem:
            current().warn("mlhost could not look at a parameter: %s: %s" % (type(problem).__name__, problem))
        if not _looks and not _later:
            _awake.release()
            if not (_looks or _later) or not _awake.acquire(False):
                return


def _round() -> None:
    for name, look in list(_looks.items()):
        if look.over() and _looks.get(name) is look:
            del _looks[name]
    now = time.monotonic()
    for entry in [e for e in list(_later) if e[0] <= now]:
        _later.remove(entry)
        entry[1]()


def forked() -> None:
    """In a forked child, forgets what its parent looked at."""
    global _awake
    _looks.clear()
    _later.clear()
    _awake = _thread.allocate_lock()
