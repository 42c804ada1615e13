"""The errors that a script can meet."""

from __future__ import annotations

from ._typing import Any, Dict


class Error(Exception):
    """What the host refused or could not do: code, message, and what to do next."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__("%s (%s)" % (message, hint) if hint else message)
        self.code, self.message, self.hint = code, message, hint

    @classmethod
    def of(cls, error: Dict[str, Any]) -> "Error":
        """Reads an error object of the protocol."""
        code = str(error.get("code") or "internal")
        kind = NotConnected if code == "not_connected" else cls
        found = kind.__new__(kind)
        Error.__init__(found, code, str(error.get("message") or code), str(error.get("hint") or ""))
        return found


class NotConnected(Error):
    """There is no host: the script runs by itself."""

    def __init__(self) -> None:
        super().__init__("not_connected", "this script is not connected to a host", "run it with: mlhost run SCRIPT")
