"""Parameters, live values and messages for machine-learning scripts under mlhost.

    import mlhost

    lr = mlhost.param("lr", 1e-3, min=1e-6, max=1, scale="log")
    for step in mlhost.loop(10_000):
        mlhost.log(loss=train_step(lr.value))
    mlhost.result(accuracy=evaluate())

Without a host all of this does nothing but return the defaults; only ask, tell
and broadcast raise mlhost.NotConnected.
"""

from __future__ import annotations


from ._errors import Error, NotConnected
from ._session import current as _current
from ._typing import TYPE_CHECKING, Any, List, Optional
from ._values import SCALARS as _SCALARS
from ._values import plain as _plain

if TYPE_CHECKING:
    from ._client import Host
    from ._loop import Loop, loop
    from ._messages import Message, answers, ask, broadcast, tell
    from ._parameter import Param, param

__all__ = [
    "Error",
    "Loop",
    "Message",
    "NotConnected",
    "Param",
    "answers",
    "ask",
    "broadcast",
    "connect",
    "connected",
    "log",
    "loop",
    "param",
    "result",
    "stopping",
    "tell",
]

#: What is imported when it is used: in most processes this module is there for
#: the host alone, and nobody asks for these.
_LATER = {
    "Loop": "_loop",
    "Message": "_messages",
    "Param": "_parameter",
    "answers": "_messages",
    "ask": "_messages",
    "broadcast": "_messages",
    "loop": "_loop",
    "param": "_parameter",
    "tell": "_messages",
}


def __getattr__(name: str) -> Any:
    file = _LATER.get(name)
    if file is None:
        raise AttributeError("module %r has no attribute %r" % (__name__, name))
    from importlib import import_module

    found = globals()[name] = getattr(import_module("%s.%s" % (__name__, file)), name)
    return found


def __dir__() -> "List[str]":
    return sorted({*globals(), *_LATER})


def log(*, step: Optional[int] = None, **values: Any) -> None:
    """Reports values of variables, at the current step or at step, which then is
    the current one. Values are copied; the call never waits for the host."""
    session = _known or _find()
    if step is not None:
        session.counter.advance("loop", int(step))
    else:
        step = session.step
    channel = session.channel
    if channel is None:
        return
    for name, value in values.items():
        if type(value) not in _SCALARS:
            value = _plain(value)
        if name not in session.variables.known:
            session.variables.sample(name, step, value)
        else:
            channel.sample(name, step, value)


def result(**values: Any) -> None:
    """Reports results: the named final values of the run."""
    session = _current()
    for name, value in values.items():
        session.put({"op": "result", "name": name, "value": _plain(value)})


def connected() -> bool:
    """Tells whether the script runs under a host."""
    return _current().connected


def stopping() -> bool:
    """Tells whether the host has asked the script to stop."""
    return _current().control.stopping


def connect(
    url: Optional[str] = None,
    *,
    token: Optional[str] = None,
    token_file: Optional[str] = None,
    host: Optional[str] = None,
    state: Optional[str] = None,
    ca: Optional[str] = None,
) -> "Host":
    """Connects with a running host, to control it from a notebook or a program:

        h = mlhost.connect()
        h["trainer"].params.lr = 0.01
        for s in h["trainer"].watch("loss"): ...

    token, token_file and ca (a file of certificates) are for a url; host (its name)
    and state (a directory) choose a host on this machine, the only one that runs
    without them. In a script that a host has started it is that host."""
    from ._client import connect as connect_host

    return connect_host(url, token=token, token_file=token_file, host=host, state=state, ca=ca)


_known: Any = None


def _find() -> Any:
    global _known
    _known = _current()
    return _known
