"""A host from a notebook or a program: mlhost.connect()."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

from ._client_http import ACT_TIMEOUT, Transport, path_of, with_query
from ._client_views import Params, Results, Samples, Table, Vars, html_table
from ._errors import Error
from ._typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional

if TYPE_CHECKING:
    from ._client_views import Sample


class Host:
    """A running host. h["trainer"] is a script; completion knows their names."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.name = self.info()["name"]

    def info(self) -> Dict[str, Any]:
        """Tells which host this is: name, pid, version, directory."""
        return dict(self._transport.ask("GET", "/api/v1/host"))

    def __getitem__(self, name: str) -> "Script":
        names = self.scripts()
        if name not in names:
            raise KeyError("there is no script %r; the host has %s" % (name, ", ".join(names) or "none"))
        return Script(self, name)

    def __iter__(self) -> Iterator["Script"]:
        return iter([Script(self, name) for name in self.scripts()])

    def __len__(self) -> int:
        return len(self.scripts())

    def __contains__(self, name: object) -> bool:
        return name in self.scripts()

    def _ipython_key_completions_(self) -> List[str]:
        return self.scripts()

    def scripts(self) -> List[str]:
        """Lists the names of the scripts."""
        return [s["name"] for s in self.ps()]

    def ps(self) -> "Table":
        """Tells what every script is doing: a row each."""
        return Table(self._transport.ask("GET", "/api/v1/scripts")["scripts"])

    def runs(self, script: Optional[str] = None, state: Optional[str] = None, limit: Optional[int] = None) -> "Table":
        """Lists runs, the newest first, as rows that pandas.DataFrame takes:
        parameters are columns "param.NAME", results "result.NAME"."""
        found = self._transport.ask("GET", with_query("/api/v1/runs", script=script, state=state, limit=limit))
        return Table([_flat(run) for run in found["runs"]])

    def run(self, run: str) -> Dict[str, Any]:
        """Tells everything about one run; the beginning of its id is enough."""
        return dict(self._transport.ask("GET", path_of("runs", run)))

    def samples(self, run: str, name: str) -> "Table":
        """Reads all samples of one series: rows of step, time and value."""
        return Table(Samples(self._transport, run, name))

    def broadcast(self, topic: str, data: Any = None) -> List[str]:
        """Sends data to every script that lives; returns their names."""
        return list(self._transport.ask("POST", "/api/v1/broadcast", {"topic": topic, "data": data})["recipients"])

    def __dir__(self) -> List[str]:
        return sorted(n for n in object.__dir__(self) if not n.startswith("_"))

    def __repr__(self) -> str:
        return "<mlhost host %s: %s>" % (self.name, ", ".join(self.scripts()) or "no scripts")

    def _repr_html_(self) -> str:
        rows = [{k: s[k] for k in ("name", "state", "step", "run", "reason")} for s in self.ps()]
        return "<b>host %s</b>%s" % (html_table([{"name": self.name}], bare=True), html_table(rows))


class Script:
    """A script of a host, by its name."""

    def __init__(self, host: Host, name: str) -> None:
        self._host, self._transport, self.name = host, host._transport, name
        # Attributes, not properties: then notebooks complete what is below them.
        #: The parameters: script.params.lr, script.params["lr"], and = sets one.
        self.params = Params(self._transport, name)
        #: The variables' values now: script.vars.loss; = sets one that can be.
        self.vars = Vars(self._transport, name)

    @property
    def results(self) -> Results:
        """The results of the last run."""
        found = self._transport.ask("GET", path_of("scripts", self.name, "results"))
        return Results(found["results"])

    @property
    def status(self) -> Dict[str, Any]:
        """What `mlhost ps` shows of it."""
        for row in self._host.ps():
            if row["name"] == self.name:
                return dict(row)
        raise Error("not_found", "there is no script %r any more" % self.name)

    @property
    def state(self) -> str:
        """What it is doing: running, paused, finished, failed and so on."""
        return str(self.status["state"])

    def start(self) -> "Script":
        """Starts it; returns when it is ready, or has ended."""
        return self._act("start")

    def stop(self) -> "Script":
        """Stops it and everything that it has started; returns when nothing is left."""
        return self._act("stop")

    def pause(self) -> "Script":
        """Lets it pause at its next step; returns when it does."""
        return self._act("pause")

    def resume(self) -> "Script":
        """Lets it go on."""
        return self._act("resume")

    def restart(self) -> "Script":
        """Stops it and starts it again."""
        return self._act("restart")

    def _act(self, verb: str) -> "Script":
        self._transport.ask("POST", path_of("scripts", self.name, verb), timeout=ACT_TIMEOUT)
        return self

    def call(self, topic: str, data: Any = None, timeout: float = 30.0) -> Any:
        """Asks the script and returns its reply."""
        body = {"topic": topic, "data": data, "timeout": timeout}
        return self._transport.ask("POST", path_of("scripts", self.name, "ask"), body, timeout + 10)["reply"]

    def tell(self, topic: str, data: Any = None) -> str:
        """Puts a message into the script's mailbox; returns its id."""
        return str(self._transport.ask("POST", path_of("scripts", self.name, "tell"), {"topic": topic, "data": data})["id"])

    def logs(self, tail: int = 100, stream: Optional[str] = None, run: Optional[str] = None) -> "Table":
        """Returns the last lines of what it printed and logged; tail=0: all."""
        path = with_query(path_of("scripts", self.name, "logs"), tail=tail or None, stream=stream, run=run)
        return Table(self._transport.lines(path))

    def runs(self, state: Optional[str] = None, limit: Optional[int] = None) -> "Table":
        """Lists its runs, the newest first, as Host.runs does."""
        return self._host.runs(self.name, state, limit)

    def watch(self, *names: str) -> Iterator["Sample"]:
        """Yields samples of the named variables (of all without a name) as they
        come, each with name, value, step, time and run, until the run that lives,
        or the next one, has ended. A gap in them is told by a warning, the end of
        the host by an Error."""
        from ._client_views import watch

        return watch(self._transport, self.name, names)

    def __dir__(self) -> List[str]:
        return sorted(n for n in object.__dir__(self) if not n.startswith("_"))

    def __repr__(self) -> str:
        return "<mlhost script %s: %s>" % (self.name, self.state)

    def _repr_html_(self) -> str:
        return "%s%s%s" % (
            html_table([{k: self.status[k] for k in ("name", "state", "step", "run", "reason")}]),
            self.params._repr_html_(),
            self.vars._repr_html_(),
        )


def connect(
    url: Optional[str] = None,
    *,
    token: Optional[str] = None,
    token_file: Optional[str] = None,
    host: Optional[str] = None,
    state: Optional[str] = None,
    ca: Optional[str] = None,
) -> Host:
    """Connects with a host: with the one at url, by a token; else with the one of
    that name, or the only one that runs, in the state directory. In a script that
    a host has started it is that host. A url that is a name alone is a host's
    name, as for --host of the command line."""
    if url and not host and "://" not in url and "/" not in url and ":" not in url:
        url, host = None, url
    if url:
        if token_file:
            with open(token_file) as file:
                token = file.read().strip()
        token = token or os.environ.get("MLHOST_TOKEN", "")
        parts = urlsplit(url)
        if token and parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise Error("usage", "a token is not sent to %s without TLS" % parts.hostname, "use an https URL")
        return Host(Transport(url=url, token=token, ca=ca))
    return Host(Transport(socket_path=_find(host, state)))


def _own_socket() -> str:
    """The socket of the host that has started this script: these modules then lie
    in its directory."""
    here = os.path.abspath(__file__)
    for _ in range(4):
        here = os.path.dirname(here)
    path = os.path.join(here, "api.sock")
    return path if os.environ.get("MLHOST_RUN") and os.path.exists(path) else ""


def _find(host: Optional[str], state: Optional[str]) -> str:
    if not host and not state:
        own = _own_socket()
        if own:
            return own
    base = state or os.environ.get("MLHOST_STATE") or ""
    if not base:
        home = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
        base = os.path.join(home, "mlhost")
    hint = "start one with `mlhost run CONFIG`"
    if host:
        return os.path.join(base, host, "api.sock")
    live = []
    if os.path.isdir(base):
        for name in sorted(os.listdir(base)):
            path = os.path.join(base, name, "api.sock")
            if os.path.exists(path) and _answers(path):
                live.append(name)
    if not live:
        raise Error("host_not_running", "no host is running (state: %s)" % base, hint)
    if len(live) > 1:
        raise Error("usage", "several hosts run: %s" % ", ".join(live), 'choose one: mlhost.connect(host="%s")' % live[0])
    return os.path.join(base, live[0], "api.sock")


def _answers(path: str) -> bool:
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.settimeout(1)
        probe.connect(path)
        return True
    except OSError:
        return False
    finally:
        probe.close()


def _flat(run: Dict[str, Any]) -> Dict[str, Any]:
    from ._client_http import number

    row = {name: value for name, value in run.items() if name not in ("parameters", "results")}
    for name, value in run["parameters"].items():
        row["param." + name] = number(value)
    for name, value in run["results"].items():
        row["result." + name] = number(value)
    return row
