"""Has far more parameters and series than a screen has room for."""

import json
import math
import os
import select
import socket
import time

host = socket.socket(fileno=int(os.environ["MLHOST_FD"]))
received = b""


def say(**line):
    host.sendall((json.dumps(line) + "\n").encode())


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


parts = ["data", "model", "optimizer", "schedule", "augment", "eval", "log", "mesh"]
values = {f"{part}.value_{n:02}": n for part in parts for n in range(25)}
series = [f"layer_{layer:02}/{what}" for layer in range(50) for what in ("weight", "gradient", "update", "dead", "scale", "bias")]

while not lines(60):
    pass  # the start
say(op="hello", version=1, holds=True)
for name, value in values.items():
    say(op="parameter", name=name, type="int", default=value, value=value, min=0, max=1000, doc=f"Setting {name}.")
step = 0
while True:
    for line in lines(0.2):
        if line["op"] == "set":
            outcomes = []
            for name, value in line["values"].items():
                outcomes.append({"name": name, "status": "applied", "old": values[name], "value": value, "step": step})
                values[name] = value
            say(op="done", id=line["id"], outcomes=outcomes)
        elif "id" in line:
            say(op="done", id=line["id"])
            if line["op"] == "stop":
                raise SystemExit
    step += 1
    now = time.time()
    say(op="samples", samples=[[name, step, now, math.sin(step / 9 + n)] for n, name in enumerate(series)])
    say(op="step", step=step)
