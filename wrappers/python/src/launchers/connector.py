"""The connector's menu.

    python hivemind_connector.py &
    python connector.py

On a terminal this is `mlhost menu`. Elsewhere, where mlhost is not installed,
and with --plain, it asks line by line, over the port of a host that runs:
127.0.0.1:10117, or $MLHOST_CONNECTOR. The numbers are the same. Leaving the
menu stops nothing.
"""

# Written by `mlhost sdk python`.

import json
import os
import socket
import sys
import time

import hivemind_connector

DEFAULT = "127.0.0.1:10117"
START_PATIENCE = 10.0  # seconds that a host which was just started may take


def address():
    return os.environ.get("MLHOST_CONNECTOR") or DEFAULT


class Host:
    """A connection to a host's port."""

    def __init__(self, patience=START_PATIENCE):
        host, _, port = address().rpartition(":")
        end = time.monotonic() + patience
        while True:
            try:
                self._sock = socket.create_connection((host.strip("[]"), int(port)), 5)
                break
            except OSError:
                if time.monotonic() >= end:
                    raise
                time.sleep(0.1)
        self._sock.settimeout(60)
        self._lines = self._sock.makefile("rb")

    def ask(self, **command):
        token = os.environ.get("MLHOST_CONNECTOR_TOKEN")
        if token:
            command["token"] = token
        self._sock.sendall(json.dumps(command).encode("utf-8"))
        line = self._lines.readline()
        if not line:
            raise ConnectionError("the host closed the connection")
        return json.loads(line.decode("utf-8"))


def show(answer):
    """Prints an answer; a failure with its hint."""
    if "error" in answer:
        print("failed: %s%s" % (answer["error"], " (%s)" % answer["hint"] if answer.get("hint") else ""))
    else:
        print(json.dumps(answer, indent=2, ensure_ascii=False))


def choose(host):
    """Has a script chosen, by its number or its name."""
    names = host.ask(command="list_scripts").get("scripts") or []
    running = set(host.ask(command="get_scripts_info").get("running_scripts") or [])
    for number, name in enumerate(names, 1):
        print("  %d. %s%s" % (number, name, " (running)" if name in running else ""))
    said = input("Script: ").strip()
    if said.isdigit() and 1 <= int(said) <= len(names):
        return names[int(said) - 1]
    return said


def value_of(text):
    """Reads a value: JSON, else text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def list_scripts(host):
    info = host.ask(command="get_scripts_info")
    registered = info.get("registered_scripts") or {}
    for name in info.get("available_scripts") or []:
        variables = (registered.get(name) or {}).get("variables") or {}
        shown = ", ".join("%s=%s" % (key, entry["value"]) for key, entry in list(variables.items())[:4])
        print("  %-30s %-10s %s" % (name, (registered.get(name) or {}).get("state", "-"), shown))


def execute(host):
    name = choose(host)
    print("  1. Run with connector integration\n  2. Run without")
    integrated = input("How [1]: ").strip() != "2"
    show(host.ask(command="execute", script=name, with_connector=integrated))


def stop(host):
    show(host.ask(command="stop", script=choose(host)))


def set_parameter(host):
    name = choose(host)
    info = host.ask(command="control", script=name, control_command={"command": "get_info"})
    if "error" in info:
        return show(info)
    for key, entry in info["parameters"].items():
        print("  %s = %s%s" % (key, entry["value"], "  of %s" % entry["valid_values"] if entry["valid_values"] else ""))
    parameter, value = input("Parameter: ").strip(), value_of(input("Value: ").strip())
    show(host.ask(command="control", script=name, control_command={"command": "set_parameter", "parameter": parameter, "value": value}))


def monitor(host):
    show(host.ask(command="control", script=choose(host), control_command={"command": "get_info"}))


def plain(command):
    return lambda host: show(host.ask(command=command))


MENU = (
    ("List scripts", list_scripts),
    ("Execute script", execute),
    ("Stop script", stop),
    ("Set parameter", set_parameter),
    ("Show parameters, variables and results", monitor),
    ("Status", plain("status")),
    ("Scan for scripts", plain("scan")),
    ("Troubleshoot", plain("troubleshoot")),
)


def on_terminal():
    """Goes on as `mlhost menu`, where somebody sits at a terminal and it is there."""
    if "--plain" in sys.argv[1:] or os.environ.get("MLHOST_CONNECTOR"):
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    try:
        path = hivemind_connector.program()
    except SystemExit:
        return  # the port of a host is all that is needed below
    os.execv(path, [path, "menu"] + sys.argv[1:])


def main():
    on_terminal()
    try:
        host = Host()
    except OSError as problem:
        print("no host answers at %s: %s" % (address(), problem))
        print("start it first: python hivemind_connector.py &")
        return 1
    while True:
        print("\nML Models Connector (%s)" % address())
        for number, (title, _) in enumerate(MENU, 1):
            print("  %d. %s" % (number, title))
        print("  0. Exit")
        try:
            said = input("Option: ").strip()
            if said in ("0", "q", "exit"):
                return 0
            if said.isdigit() and 1 <= int(said) <= len(MENU):
                MENU[int(said) - 1][1](host)
            else:
                print("there is no option %r" % said)
        except (EOFError, KeyboardInterrupt):
            return 0
        except (OSError, ValueError) as problem:
            print("the host is gone: %s" % problem)
            return 1


if __name__ == "__main__":
    sys.exit(main())
