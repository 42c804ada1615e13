"""A loop whose parameters are set from outside, with nothing but a pending call."""

import collections
import ctypes
import json
import socket
import sys
import threading
import time

values = {"learning_rate": 0.1}
requests = collections.deque()
connection = socket.socket(fileno=3)


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
def apply(_):
    wanted = requests.popleft()
    old = {name: values[name] for name in wanted}
    values.update(wanted)
    connection.sendall((json.dumps(old) + "\n").encode())
    return 0


def read():
    for line in connection.makefile("r"):
        requests.append(json.loads(line))
        ctypes.pythonapi.Py_AddPendingCall(apply, None)


threading.Thread(target=read, daemon=True).start()
total = 0.0
if sys.argv[1] == "tight":
    while True:
        total += values["learning_rate"]
span = range(1000)
while sys.argv[1] == "computing":
    start = time.perf_counter()
    sum(span)
    if time.perf_counter() - start >= 0.02:
        break
    span = range(len(span) * 5 // 4)
while sys.argv[1] == "computing":
    total += values["learning_rate"] * sum(span)
while True:
    total += values["learning_rate"]
    time.sleep(0.01)
