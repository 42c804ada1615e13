"""What a script that was started by hand tells the host by itself."""

from __future__ import annotations

import collections
import threading
import time

from ._typing import Any, Callable, Deque, Dict, List, Optional

MOST_WAITING = 100_000  # samples, and lines of the log
MOST_AT_ONCE = 2_000  # samples or lines in one report


class News:
    """What the host has not been told yet. It is bounded: of samples and lines
    beyond that the oldest are dropped, and counted."""

    def __init__(self, describe: Callable[[], Dict[str, Any]]) -> None:
        self._describe = describe
        self._lock = threading.RLock()  # guards what follows; a callback may interrupt its holder
        self.bell = threading.Event()
        self._samples: Deque[List[Any]] = collections.deque(maxlen=MOST_WAITING)
        self._logs: Deque[Dict[str, Any]] = collections.deque(maxlen=MOST_WAITING)
        self._results: Dict[str, Any] = {}
        self._parameters: Dict[str, Any] = {}
        self._declared = False
        self._dropped = 0  # samples and lines of which the host has not been told

    def sample(self, name: str, step: Optional[int], value: Any) -> None:
        with self._lock:
            self._keep(self._samples, [name, step, time.time(), value])
        self.bell.set()

    def line(self, line: Dict[str, Any]) -> None:
        """Takes what would be a line of the line protocol."""
        op = line.get("op")
        with self._lock:
            if op == "changed":
                self._parameters.update((c["name"], c["value"]) for c in line["changes"])
            elif op == "result":
                self._results[line["name"]] = line["value"]
            elif op == "log":
                self._keep(self._logs, {"level": line.get("level"), "text": line.get("text")})
            elif op == "warning":
                self._keep(self._logs, {"level": "warn", "text": line.get("text")})
            elif op in ("parameter", "variable", "topics"):
                self._declared = True
            else:
                return
        self.bell.set()

    def take(self) -> Dict[str, Any]:
        """Returns what is new, and forgets it; {} if nothing is."""
        self.bell.clear()
        news: Dict[str, Any] = {}
        with self._lock:
            if self._declared:
                news["info"], self._declared = self._describe(), False
            for key, waiting in (("samples", self._samples), ("logs", self._logs)):
                if waiting:
                    news[key] = [waiting.popleft() for _ in range(min(len(waiting), MOST_AT_ONCE))]
                if waiting:
                    self.bell.set()
            for key, table in (("results", self._results), ("parameters", self._parameters)):
                if table:
                    news[key] = dict(table)
                    table.clear()
            if self._dropped:
                news["dropped"], self._dropped = self._dropped, 0
        return news

    def _keep(self, waiting: Deque[Any], one: Any) -> None:
        self._dropped += len(waiting) == waiting.maxlen
        waiting.append(one)
