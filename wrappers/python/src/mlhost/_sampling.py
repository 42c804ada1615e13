"""Looks, a few times a second, at what the script's variables are worth.

Looked at are the globals of the main module and the local variables of the main
thread's functions that lie beside it. A variable that the configuration names
is reported whatever it is; others by their names (loss, acc, epoch, lr, …), once
they have changed, and only of scripts that report nothing themselves. Only
numbers are taken: nothing of the script is called, no repr, and nothing that
lies on a GPU. A thread of ours does it; it takes less than 1 % of one core, or
looks less often.
"""

from __future__ import annotations

import _thread
import _signal as signal  # type: ignore[import-not-found]  # signal itself takes 2 ms for its enumerations
import os
import sys
import threading
import time

from ._typing import TYPE_CHECKING, Any, Dict, Tuple

if TYPE_CHECKING:
    from ._session import Session

SOON, PERIOD = 0.1, 0.25  # seconds between two looks: the first few, and later
MOST_COST = 0.008  # of the time
MOST_NAMES = 50  # that nobody has named
MOST_FRAMES = 40

_WORDS = frozenset(
    "loss losses lossf acc accuracy err error mae mse rmse nll ppl perplexity f1 auc iou dice psnr ssim bleu reward score cost elbo kl"
    " entropy lr epoch ep step it iter iteration episode round mfu temperature epsilon eps".split()
)
_PAIRS = frozenset(("learning_rate", "grad_norm", "iter_num", "batch_idx", "steps_done", "n_iter"))
_SUFFIXES = frozenset("ema avg mean value val item train test cur current idx num".split())
#: What counts a script's steps where nothing else does, the best first.
_STEPS = ("global_step", "step", "iter_num", "iteration", "it", "n_iter", "num_steps", "total_steps", "epoch", "episode", "round")
#: A function that uses one of these may hold on to its locals, which before 3.13
#: are one dict for all who ask.
_HOLDERS = frozenset(("locals", "vars", "eval", "exec", "dir", "_getframe", "currentframe", "f_locals", "query", "save_hyperparameters"))
_SNAPSHOTS = sys.version_info < (3, 13)
_OPTIMIZED = 1  # of co_flags: the locals are no dict


class Sampler:
    """Looks at the variables of a session's script."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._names: Tuple[str, ...] = ()  # those that the configuration names
        self._main = threading.main_thread().ident or 0
        self._codes: Dict[Any, Tuple[str, ...]] = {}  # the names to look at in functions
        self._globals: Tuple[int, int, Tuple[str, ...]] = (0, 0, ())
        self._first: Dict[str, Any] = {}  # what was seen of a name that nobody has named
        self._last: Dict[str, Any] = {}
        self._step_name = ""
        self._folder = ""

    def start(self) -> None:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            _thread.start_new_thread(self._run, ())
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _run(self) -> None:
        session = self._session
        session.wait_for_start()
        self._names = tuple(session.sampled)
        looks, period = 0, SOON
        while session.connected and not session.ending:
            time.sleep(period)
            began = time.thread_time()
            try:
                if not self._look():
                    return
            except Exception as problem:
                session.warn("mlhost does not look at the script's variables any more: %s: %s" % (type(problem).__name__, problem))
                return
            looks += 1
            period = max(SOON if looks < 20 else PERIOD, (time.thread_time() - began) / MOST_COST)

    def _look(self) -> bool:
        """Looks once; False when the main thread is gone."""
        frame = sys._current_frames().get(self._main)
        if frame is None or self._session.ending:
            return False
        found: Dict[str, Any] = {}
        main = sys.modules.get("__main__")
        space = getattr(main, "__dict__", None)
        if space is None:
            return True
        self._folder = self._folder or os.path.dirname(os.path.abspath(getattr(main, "__file__", None) or ""))
        for _ in range(MOST_FRAMES):
            if frame is None:
                break
            self._look_at(frame, space, found)
            frame = frame.f_back
        del frame
        for name in self._of_module(space):
            if name not in found:
                found[name] = space.get(name)
        for name in self._names:
            if "." in name and name not in found:
                found[name] = _below(space, name)
        self._tell(found)
        return True

    def _look_at(self, frame: Any, space: Any, found: Dict[str, Any]) -> None:
        code = frame.f_code
        names = self._codes.get(code)
        if names is None:
            names = self._codes[code] = self._of_code(code, frame.f_globals is space)
        if not names or frame.f_trace is not None:
            return
        values = frame.f_locals
        for name in names:
            if name not in values:
                continue
            for known in (name, "%s.%s" % (code.co_name, name)):
                if known not in found and (known == name or known in self._names):
                    found[known] = values[name]
        if _SNAPSHOTS:
            # The dict stays with the frame and would keep alive what it holds.
            if sys.getrefcount(values) > 3:
                self._codes[code] = ()
            else:
                values.clear()

    def _of_code(self, code: Any, is_main: bool) -> Tuple[str, ...]:
        """Returns the names to look at in a function."""
        if not code.co_flags & _OPTIMIZED or len(self._codes) > 5000:
            return ()
        file = code.co_filename
        if not is_main and (not file.startswith(self._folder + os.sep) or "site-packages" in file or "importlib_bootstrap" in file):
            return ()
        if _SNAPSHOTS and not _HOLDERS.isdisjoint(code.co_names):
            return ()
        own = [n.rpartition(".")[2] for n in self._names if n.rpartition(".")[0] in ("", code.co_name)]
        return tuple(n for n in code.co_varnames + code.co_cellvars if n in own or is_interesting(n))

    def _of_module(self, space: Any) -> Tuple[str, ...]:
        """Returns the names to look at in the main module."""
        which, size, names = self._globals
        if which != id(space) or size != len(space):
            keys = [n for n in list(space) if type(n) is str]
            names = tuple(n for n in keys if n in self._names or is_interesting(n) and not n.isupper())
            self._globals = (id(space), len(space), names)
        return names

    def _tell(self, found: Dict[str, Any]) -> None:
        variables, last = self._session.variables, self._last
        for name, value in found.items():
            named = name in self._names
            value = number(value, named)
            if value is None:
                continue
            if name in last:
                if _same(last[name], value):
                    continue
            elif not named:
                # One that never changes is a setting, and no variable.
                if name not in self._first:
                    if len(self._first) < 10 * MOST_NAMES:
                        self._first[name] = value
                    continue
                if _same(self._first[name], value) or len(last) >= MOST_NAMES + len(self._names) or variables.known:
                    continue
            elif variables.reports(name):
                continue
            last[name] = value
            variables.sampled(name, value)
        self._count(found)

    def _count(self, found: Dict[str, Any]) -> None:
        """Takes the script's own counter as its step where nothing else counts."""
        if not self._step_name:
            self._step_name = next((n for n in _STEPS if n in self._last and type(self._last[n]) is int), "")
        name = self._step_name
        value = found.get(name)
        if not name or type(value) is not int or value < 0:
            return
        counter, source = self._session.counter, "variable:" + name
        if counter.source in ("", source) and (self._session.step is None or value > self._session.step):
            counter.advance(source, value)


def is_interesting(name: str) -> bool:
    """Tells whether a name is one of training: loss, val_loss, loss_avg, …; one that
    begins with _ its function keeps to itself."""
    parts = name.lower().rstrip("_").split("_")
    if not parts[0]:
        return False
    while True:
        if parts[-1] in _WORDS or "_".join(parts[-2:]) in _PAIRS:
            return True
        if len(parts) == 1 or not (parts[-1] in _SUFFIXES or parts[-1].isdigit()):
            return False
        parts.pop()


def _same(a: Any, b: Any) -> bool:
    return bool(a == b or (a != a and b != b))


def number(value: Any, text: bool = False) -> Any:
    """Returns the number that value is; None for anything that is not one or
    cannot be read without the script's own code, or without a wait."""
    kind = type(value)
    if kind is float or kind is bool:
        return value
    if kind is int:
        return value if -(2**63) <= value < 2**63 else None
    if kind is str:
        return value[:200] if text else None
    library = kind.__module__
    if library == "numpy":
        numpy = sys.modules.get("numpy")
        scalar = numpy is not None and (isinstance(value, (numpy.number, numpy.bool_)) or kind is numpy.ndarray and value.shape == ())
    elif library == "torch":
        torch = sys.modules.get("torch")
        scalar = torch is not None and kind is torch.Tensor and value.device.type == "cpu" and value.dim() == 0
    else:
        return None
    if not scalar:
        return None
    try:
        value = value.item()
    except Exception:
        return None  # a tensor within vmap and the like has no value
    return value if type(value) in (float, int, bool) else None


def _below(space: Any, name: str) -> Any:
    """Finds "args.lr" and "module.value" without calling anything of the script."""
    value: Any = space
    for part in name.split("."):
        if type(value) is not dict:
            try:
                value = object.__getattribute__(value, "__dict__")
            except Exception:
                return None
        if part not in value:
            return None
        value = value[part]
    return value
