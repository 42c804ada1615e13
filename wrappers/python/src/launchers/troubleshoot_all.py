"""Runs the diagnostics of the connector.

    python troubleshoot_all.py

A host that runs is asked for them; without one it is told what would keep it
from starting. The exit code is 0 when nothing is wrong, else 1.
"""

# Written by `mlhost sdk python`.

import importlib
import os
import socket
import sys

import connector
import hivemind_connector


def local_checks():
    """Checks what a host needs, without one."""
    yield "host", "fail", "no host answers at %s" % connector.address(), "start it: python hivemind_connector.py &"
    try:
        yield "mlhost", "ok", hivemind_connector.program(), ""
    except SystemExit as problem:
        yield "mlhost", "fail", str(problem), "install mlhost"
    for port in (10117, 10118):
        try:
            with socket.create_server(("127.0.0.1", port)):
                yield "port %d" % port, "ok", "it is free", ""
        except OSError as problem:
            yield "port %d" % port, "fail", str(problem), "end what has it, or set `listen` in the configuration"
    for module in ("script_interface", "script_wrappers", "mlhost"):
        try:
            importlib.import_module(module)
            yield module, "ok", "it can be imported", ""
        except ImportError as problem:
            yield module, "fail", str(problem), "mlhost sdk python %s" % os.path.dirname(os.path.abspath(__file__))


def main():
    try:
        answer = connector.Host(patience=0).ask(command="troubleshoot")
        checks = [(c["name"], c["status"], c["detail"], c.get("fix") or "") for c in answer.get("checks", [])]
        if "error" in answer:
            checks = [("host", "fail", answer["error"], answer.get("hint") or "")]
    except OSError:
        checks = list(local_checks())
    width = max([len(check[0]) for check in checks] or [0])
    for name, status, detail, fix in checks:
        print("%-5s %-*s  %s" % (status, width, name, detail))
        if fix and status != "ok":
            print("%-5s %-*s  fix: %s" % ("", width, "", fix))
    return 1 if any(status == "fail" for _, status, _, _ in checks) else 0


if __name__ == "__main__":
    sys.exit(main())
