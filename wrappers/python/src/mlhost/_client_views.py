"""Views of a script's parameters, variables, results and samples."""

from __future__ import annotations

import html
import warnings

from ._client_http import Transport, number, path_of, with_query
from ._errors import Error
from ._typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple

ENDED = ("finished", "failed", "stopped", "lost")


class Table(List[Dict[str, Any]] if TYPE_CHECKING else list):  # type: ignore[misc]
    """Rows, each a dict: pandas.DataFrame(table) takes them as they are."""

    def _repr_html_(self) -> str:
        return html_table(self)


class Results(Dict[str, Any] if TYPE_CHECKING else dict):  # type: ignore[misc]
    """Results by name; results.accuracy works too."""

    def __init__(self, rows: List[Dict[str, Any]]) -> None:
        super().__init__((row["name"], number(row["value"])) for row in rows)

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError("there is no result %r; there is %s" % (name, ", ".join(self) or "none"))

    def __dir__(self) -> List[str]:
        return list(self) + dir(dict)

    def _repr_html_(self) -> str:
        return html_table([{"result": name, "value": value} for name, value in self.items()])


class _Names:
    """Named values of a script, as attributes and as items."""

    _what = ""
    _path = ""

    def __init__(self, transport: Transport, script: str) -> None:
        object.__setattr__(self, "_transport", transport)
        object.__setattr__(self, "_script", script)

    def _rows(self) -> List[Dict[str, Any]]:
        found = self._transport.ask("GET", path_of("scripts", self._script, self._path))
        return list(found[self._path])

    def _row(self, name: str) -> Optional[Dict[str, Any]]:
        for row in self._rows():
            if row["name"] == name:
                return row
        return None

    def _missing(self, name: str) -> str:
        names = ", ".join(self) or "none"
        return "%s has no %s %r; it has %s" % (self._script, self._what, name, names)

    def __getitem__(self, name: str) -> Any:
        row = self._row(name)
        if row is None:
            raise KeyError(self._missing(name))
        return number(row["value"], row["type"])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        row = self._row(name)
        if row is None:
            raise AttributeError(self._missing(name))
        return number(row["value"], row["type"])

    def __setitem__(self, name: str, value: Any) -> None:
        self.set({name: value})

    def __setattr__(self, name: str, value: Any) -> None:
        self.set({name: value})

    def set(
        self, values: Dict[str, Any], take: bool = False, at_step: Optional[int] = None
    ) -> List[Dict[str, Any]]:
        """Sets several values, all of them or none, and tells what became of each.
        take=True takes them over from a route."""
        body: Dict[str, Any] = {"values": dict(values), "take": take}
        if at_step is not None:
            body["at_step"] = at_step
        path = path_of("scripts", self._script, self._path)
        try:
            return list(self._transport.ask("PATCH", path, body)["outcomes"])
        except Error as error:
            if "--take" not in error.hint:
                raise
            hint = "params.set({...}, take=True) takes it over until params.release(name)"
            raise Error(error.code, error.message, hint) from None

    def info(self, name: str) -> Dict[str, Any]:
        """Tells everything about one: type, range, doc, owner."""
        row = self._row(name)
        if row is None:
            raise KeyError(self._missing(name))
        return row

    def __iter__(self) -> Iterator[str]:
        return iter([row["name"] for row in self._rows()])

    def __len__(self) -> int:
        return len(self._rows())

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def keys(self) -> List[str]:
        return list(self)

    def items(self) -> List[Tuple[str, Any]]:
        return [(row["name"], number(row["value"], row["type"])) for row in self._rows()]

    def __dir__(self) -> List[str]:
        return [n for n in self if n.isidentifier()] + ["info", "items", "keys", "set"]

    def _ipython_key_completions_(self) -> List[str]:
        return list(self)

    def __repr__(self) -> str:
        return "<%ss of %s: %s>" % (self._what, self._script, ", ".join("%s=%r" % item for item in self.items()))

    def _repr_html_(self) -> str:
        columns = ("name", "value", "type", "unit", "owner", "step", "doc")
        return html_table([{c: row[c] for c in columns if c in row} for row in self._rows()])


class Params(_Names):
    """The parameters of a script."""

    _what, _path = "parameter", "parameters"

    def release(self, name: str) -> None:
        """Takes a parameter from its owner, so that routes may move it again."""
        self._transport.ask("DELETE", path_of("scripts", self._script, "parameters", name, "owner"))

    def __dir__(self) -> List[str]:
        return super().__dir__() + ["release"]


class Vars(_Names):
    """The variables of a script."""

    _what, _path = "variable", "variables"


class Sample:
    """One value of a variable."""

    __slots__ = ("name", "run", "step", "time", "value")

    def __init__(self, name: str, value: Any, step: Optional[int], time: str, run: str) -> None:
        self.name, self.value, self.step, self.time, self.run = name, value, step, time, run

    def __repr__(self) -> str:
        return "Sample(%s=%r, step=%s)" % (self.name, self.value, self.step)


def watch(transport: Transport, script: str, names: Tuple[str, ...]) -> Iterator[Sample]:
    """Subscribes at once: nothing that comes after the call is missed."""
    path = with_query("/api/v1/events", script=script, kind=["samples", "state", "gap"])
    stream = transport.stream(path)
    return _samples(stream, script, frozenset(names))


def _samples(stream: Any, script: str, names: Any) -> Iterator[Sample]:
    with stream:
        for event in stream:
            data = event["data"]
            if event["kind"] == "samples":
                for s in data["samples"]:
                    if not names or s["name"] in names:
                        yield Sample(s["name"], number(s["value"], s["type"]), s["step"], s["time"], event["run"])
            elif event["kind"] == "gap":
                warnings.warn("samples of %s are missing here: %s" % (script, data), RuntimeWarning, stacklevel=2)
            elif event["kind"] == "state" and data["state"] in ENDED:
                return
    raise Error("host_not_running", "the host ended while %s was watched" % script, "the script may run on: start the host again, and connect")


class Samples:
    """All samples of a series, page by page."""

    def __init__(self, transport: Transport, run: str, name: str) -> None:
        self._transport, self._run, self._name = transport, run, name

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        seen = 0
        while True:
            path = with_query(path_of("runs", self._run, "samples"), name=self._name, after=seen)
            page = self._transport.ask("GET", path)["samples"]
            if not page:
                return
            seen += len(page)
            for step, time, value in page:
                yield {"step": step, "time": time, "value": number(value)}


def html_table(rows: List[Dict[str, Any]], bare: bool = False) -> str:
    """Renders rows. All text is escaped: scripts choose names and values."""
    if bare:
        return html.escape(" ".join(str(v) for row in rows for v in row.values()))
    if not rows:
        return "<i>none</i>"
    columns = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join("<th>%s</th>" % html.escape(c) for c in columns)
    body = "".join(
        "<tr>%s</tr>" % "".join("<td>%s</td>" % html.escape(_short(row.get(c))) for c in columns) for row in rows[:200]
    )
    more = "<p>%d more</p>" % (len(rows) - 200) if len(rows) > 200 else ""
    return "<table><thead><tr>%s</tr></thead><tbody>%s</tbody></table>%s" % (head, body, more)


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 80 else text[:79] + "…"
