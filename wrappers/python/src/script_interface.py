"""The Python API of the connector: ScriptInterface and ConnectorClient.

Under mlhost a script is connected from its first line on. Started by hand it
runs without a host; with --with-connector, or by run_with_connector(), it finds
the host's connector port (127.0.0.1:10118, or $MLHOST_CONNECTOR) by itself.
Nothing here raises for want of a host.
"""

from __future__ import annotations

import sys
import threading

from mlhost import _connector
from mlhost._callbacks import run_safely
from mlhost._logging import logger_of
from mlhost._session import Session, current
from mlhost._settings import Parameter
from mlhost._spec import Misfit, Spec
from mlhost._typing import Any, Callable, Dict, List, Optional
from mlhost._values import SCALARS, plain, required_positionals
from mlhost._variables import Variable

__all__ = ["ConnectorClient", "ScriptInterface"]

_first_lock = threading.RLock()
_first: Optional[ScriptInterface] = None


class ScriptInterface:
    """Base class of scripts: parameters that can be set from outside, variables
    and results that can be read there. All methods may be called by any thread."""

    def __init__(self, script_name: str, description: str = "") -> None:
        self.script_name = script_name
        self.description = description
        self.parameters: Dict[str, Dict[str, Any]] = {}
        self.variables: Dict[str, Dict[str, Any]] = {}
        self.results: Dict[str, Any] = {}
        self._running = True
        self._watched = False  # whether anybody has looked at running
        self._thread: Optional[threading.Thread] = None
        self._connection: Optional[_connector.Connection] = None
        self._callbacks: Dict[str, List[Callable[..., Any]]] = {}
        self._declared: Dict[str, Parameter] = {}
        self._session = self._take_session()
        self._channel = self._session.channel
        self.logger = logger_of(script_name, self._session)
        if self._channel:
            self._session.put({"op": "hello", "version": 1, "name": script_name, "doc": description})
            self._session.control.stop_listeners.append((self._listens, self._hear_stop))

    def _take_session(self) -> Session:
        """A process's first object is the script that the host started; further
        ones keep to themselves until they connect."""
        global _first
        with _first_lock:
            if _first is None:
                _first = self
                return current()
        return Session()

    # Parameters.

    def register_parameter(self, name: str, default: Any, valid_values: Any = None) -> None:
        """Declares a parameter. valid_values is a list or tuple of choices, a range
        (its least, its greatest element and its step), or None for any value of
        the default's type. A configured value takes the default's place."""
        spec = Spec.of_valid_values(name, default, valid_values, sys._getframe(1).f_lineno)
        entry = {"value": default, "default": default, "valid_values": valid_values}
        parameter = Parameter(spec, lambda: entry["value"], lambda value: entry.__setitem__("value", value))
        parameter.callbacks.append(lambda old, new: self._call_back(name, new))
        self.parameters[name] = entry
        self._declared[name] = parameter
        self._session.settings.register(parameter)

    def get_parameter(self, name: str) -> Any:
        """Returns a parameter's value, None for an unknown one."""
        entry = self.parameters.get(name)
        if entry is None:
            self.logger.warning("there is no parameter %s", name)
            return None
        return entry["value"]

    def set_parameter(self, name: str, value: Any) -> bool:
        """Sets a parameter and calls its callbacks. An unknown name or a value that
        does not fit is logged and changes nothing: False."""
        parameter = self._declared.get(name)
        try:
            if parameter is None:
                raise Misfit("there is no such parameter")
            self._session.settings.set_own(parameter, value)
        except Misfit as problem:
            self.logger.warning("parameter %s is not set: %s", name, problem)
            return False
        return True

    def register_callback(self, parameter_name: str, callback: Callable[..., Any]) -> None:
        """Has callback(new_value), or callback(script, new_value) if it takes two
        arguments, called after each change of a parameter: by set_parameter on its
        own thread, else on the main thread where that is possible within 50 ms."""
        callbacks = self._callbacks.setdefault(parameter_name, [])
        if callback not in callbacks:
            callbacks.append(callback)

    def _call_back(self, name: str, value: Any) -> None:
        for callback in list(self._callbacks.get(name, ())):
            arguments = (self, value) if required_positionals(callback) >= 2 else (value,)
            run_safely(self._session.warn, "the callback of parameter %s" % name, callback, *arguments)

    # Variables and results.

    def register_variable(self, name: str, value: Any, read_only: bool = False) -> None:
        """Declares a variable with its first value. read_only keeps the host from
        setting it; the script itself may always."""
        entry = self.variables[name] = {"value": value, "read_only": bool(read_only)}

        def put(new: Any) -> None:
            entry["value"] = new
            if self._channel:
                self._channel.sample(name, self._session.step, plain(new))

        first = plain(value)
        self._session.variables.declare(name, Variable(lambda: entry["value"], None if read_only else put), first)
        self._session.variables.sample(name, self._session.step, first)

    def get_variable(self, name: str) -> Any:
        """Returns a variable's value, None for an unknown one."""
        entry = self.variables.get(name)
        if entry is None:
            self.logger.warning("there is no variable %s", name)
            return None
        return entry["value"]

    def set_variable(self, name: str, value: Any) -> bool:
        """Sets a variable, which reports its value; False for an unknown one."""
        entry = self.variables.get(name)
        if entry is None:
            self.logger.warning("there is no variable %s", name)
            return False
        entry["value"] = value
        channel = self._channel
        if channel is not None:
            channel.sample(name, self._session.step, value if type(value) in SCALARS else plain(value))
        elif self._connection is not None:
            self._connection.sample(name, self._session.step, plain(value))
        return True

    def update_results(self, key: str, value: Any) -> None:
        """Sets a result: a named final value of the run, a dict for instance."""
        self.results[key] = value
        self._session.put({"op": "result", "name": str(key), "value": plain(value)})

    # The connector.

    def send_to_connector(self, message: Dict[str, Any]) -> Dict[str, Any]:
        """Sends a command of the connector protocol and returns its answer. An
        answer with "error" and "code" tells what went wrong; nothing raises."""
        return _connector.send(self, message)

    def notify_connector(self, event: str, data: Any = None) -> None:
        """Tells the host of something; no answer is awaited."""
        if self._channel:
            self._session.put_now({"op": "notify", "event": event, "data": plain(data)})
        elif self._connection:
            self._connection.post({"command": "notification", "script": self.script_name, "event": event, "data": plain(data)})

    # Life.

    @property
    def running(self) -> bool:
        """True from construction until the script is stopped."""
        self._watched = True
        return self._running

    @running.setter
    def running(self, value: bool) -> None:
        self._running = bool(value)

    def run(self) -> None:
        """Does the script's work; subclasses define it."""
        raise NotImplementedError("%s does not define run()" % type(self).__name__)

    def run_with_connector(self) -> None:
        """Runs the script connected to the host; without one it just runs."""
        if self._channel is None and self._connection is None:
            self._connection = _connector.connect(self)
        try:
            self.run()
        except BaseException as problem:
            self._disconnect(*_connector.ending(problem, self._running))
            raise
        self._disconnect("finished" if self._running else "stopped")

    def _disconnect(self, state: str, reason: str = "") -> None:
        if self._connection:
            self._connection.close(state, reason)
            self._connection = None

    def start(self) -> threading.Thread:
        """Runs the script on a thread of its own, which is returned; a second call
        returns the same as long as it runs."""
        if self._thread is None or not self._thread.is_alive():
            self._running = True
            self._thread = threading.Thread(target=self.run, name=self.script_name)
            self._thread.start()
        return self._thread

    def stop(self) -> None:
        """Asks the script to stop: running becomes False. Subclasses may do more."""
        self._running = False

    def _listens(self) -> bool:
        """Tells whether the script will take notice of a stop."""
        return self._watched or type(self).stop is not ScriptInterface.stop

    def _hear_stop(self) -> None:
        """The host stops the script."""
        self._running = False
        if type(self).stop is not ScriptInterface.stop:
            arguments = (self._session.warn, "stop()", self.stop)
            threading.Thread(target=run_safely, args=arguments, name="mlhost-stop", daemon=True).start()


class ConnectorClient:
    """A script's way to other scripts."""

    def __init__(self, script: ScriptInterface) -> None:
        self.script = script
        self.script_name = script.script_name

    def register_script(self) -> Dict[str, Any]:
        """Makes the script known to the host."""
        return _connector.register(self.script)

    def request_collaboration(self, target_script: str, data: Any) -> Dict[str, Any]:
        """Sends data to a script. Returns {"status": "collaboration_requested", "id"} at
        once, with "reply" where the target answers messages of data's "type"."""
        message = {"command": "collaborate", "source": self.script_name, "target": target_script, "data": data}
        return self.script.send_to_connector(message)

    def broadcast_data(self, data: Any) -> Dict[str, Any]:
        """Sends data to every other script that lives."""
        return self.script.send_to_connector({"command": "broadcast", "source": self.script_name, "data": data})

    def get_script_list(self) -> List[str]:
        """Returns the names of the host's scripts, [] without a host."""
        answer = self.script.send_to_connector({"command": "list_scripts"})
        return [str(name) for name in answer.get("scripts") or []]


