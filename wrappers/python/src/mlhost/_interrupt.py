"""Whether an unmodified script has a way to end well, as by ctrl-C.

It has one where it installed a handler of SIGINT, or where a function that runs
now catches KeyboardInterrupt: it is then interrupted as ctrl-C would do it.
Any other script gets SIGTERM, whose handler it may have installed too. Nothing
else is guessed at: SIGUSR1 means something else in every script.
"""

from __future__ import annotations

import os
import _signal as signal  # type: ignore[import-not-found]  # signal itself takes 2 ms for its enumerations
import sys
import threading

from ._typing import Any


def is_handled() -> bool:
    """Tells whether a ctrl-C now would be taken for a wish to end well."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.default_int_handler:
        return callable(handler)
    frame: Any = sys._current_frames().get(threading.main_thread().ident or 0)
    library = os.path.dirname(os.__file__) + os.sep
    while frame is not None:
        code = frame.f_code
        if "KeyboardInterrupt" in code.co_names and not _is_standard(code.co_filename, library):
            return True
        frame = frame.f_back
    return False


def _is_standard(file: str, library: str) -> bool:
    return file.startswith("<frozen") or file.startswith(library) and "site-packages" not in file and "dist-packages" not in file


def interrupt() -> None:
    """Does what ctrl-C does, to this process alone."""
    os.kill(os.getpid(), signal.SIGINT)
