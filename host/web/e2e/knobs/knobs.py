"""Speaks lines with its host by itself, and answers each set as its name says:
now, later, in the next run, or by putting another value in its place."""

import json
import math
import os
import select
import socket

host = socket.socket(fileno=int(os.environ["MLHOST_FD"]))
received = b""


def lines(wait):
    """What has come within a time, as lines."""
    global received
    ready, _, _ = select.select([host], [], [], wait)
    if ready:
        part = host.recv(1 << 16)
        if not part:
            raise SystemExit
        received += part
    *whole, received = received.split(b"\n")
    return [json.loads(line) for line in whole]


def say(**line):
    host.sendall((json.dumps(line) + "\n").encode())


values = {"rate": 0.5, "later": 10, "next": 3, "stubborn": 1.0, "fixed": 7, "gain": 0.25, "epoch": 0}
declared = {
    "rate": {"type": "float", "min": 0, "max": 1, "doc": "Taken at once."},
    "later": {"type": "int", "min": 1, "max": 100, "mutability": "boundary", "doc": "Taken when the epoch ends."},
    "next": {"type": "int", "mutability": "restart", "doc": "Taken by the next run."},
    "stubborn": {"type": "float", "doc": "Taken, and overwritten."},
    "fixed": {"type": "int", "mutability": "fixed"},
    "gain": {"type": "float", "min": 0, "max": 1, "doc": "Moved by a route."},
    "epoch": {"type": "int", "doc": "Ends the epoch."},
}
later = {}
step = 0
resting = False


def outcome(name, new):
    if name == "later":
        later[name] = new
        return {"name": name, "status": "pending", "old": values[name], "value": new, "reason": "when the epoch ends"}
    if name == "next":
        return {"name": name, "status": "needs_restart", "old": values[name], "value": new}
    old, values[name] = values[name], new
    return {"name": name, "status": "applied", "old": old, "value": new, "step": step}


def obey(line):
    global resting
    op = line.get("op")
    if op == "set":
        say(op="done", id=line["id"], outcomes=[outcome(n, v) for n, v in line["values"].items()])
        if "stubborn" in line["values"]:
            values["stubborn"] = 1.0
            say(op="observed", name="stubborn", value=1.0, step=step, overwritten=True)
        if "epoch" in line["values"]:
            for name, new in later.items():
                say(op="changed", changes=[{"name": name, "old": values[name], "value": new, "step": step}])
                values[name] = new
            later.clear()
    elif op in ("pause", "resume", "stop"):
        resting = op == "pause"
        say(op="done", id=line["id"])
        if op == "stop":
            raise SystemExit
    elif "id" in line:
        say(op="done", id=line["id"], error={"code": "unavailable", "message": "not known here"})


while not lines(60):
    pass  # the start
say(op="hello", version=1, holds=True)
for name, about in declared.items():
    say(op="parameter", name=name, default=values[name], value=values[name], **about)
for level in ("debug", "info", "warn", "error"):
    say(op="log", level=level, text="first line of level " + level)
while True:
    asked = lines(0.02)
    for line in asked:
        obey(line)
    if not asked and not resting:
        step += 1
        say(op="samples", samples=[["signal", step, None, math.sin(step / 10) * 5], ["other/a", step, None, step], ["other/b", step, None, -step]])
        say(op="step", step=step)
        if step % 20 == 0:
            print("step", step, flush=True)
