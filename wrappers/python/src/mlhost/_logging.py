"""The logger of a script: its lines go to the host, or to stderr without one."""

from __future__ import annotations

import logging
import sys

from ._session import Session

_LEVELS = ((logging.ERROR, "error"), (logging.WARNING, "warn"), (logging.INFO, "info"))


def logger_of(name: str, session: Session) -> logging.Logger:
    """Returns the logger of a script; it passes info and above."""
    logger = logging.getLogger("script.%s" % name)
    for handler in [h for h in logger.handlers if isinstance(h, _Handler)]:
        logger.removeHandler(handler)
    logger.addHandler(_Handler(session))
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    return logger


class _Handler(logging.Handler):
    """Takes what the script has not arranged for itself: a root logger with
    handlers (logging.basicConfig) prints the line already."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def emit(self, record: logging.LogRecord) -> None:
        if logging.getLogger().handlers:
            return
        try:
            text = self.format(record)
            level = next((name for least, name in _LEVELS if record.levelno >= least), "debug")
            self._session.put({"op": "log", "level": level, "text": text})
            if self._session.channel is None and sys.stderr is not None:
                sys.stderr.write("%s: %s: %s\n" % (record.name[len("script.") :], record.levelname.lower(), text))
        except Exception:
            self.handleError(record)
