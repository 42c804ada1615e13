"""A loop that knows nothing of mlhost; its learning rate is a global that is set
from outside: "tight", asleep most of the time, or in C for 20 ms at a time."""

import sys
import time

learning_rate = 0.1
total = 0.0
mode = sys.argv[1]
span = range(1000)
while mode == "computing":
    start = time.perf_counter()
    sum(span)
    if time.perf_counter() - start >= 0.02:
        break
    span = range(len(span) * 5 // 4)
while mode == "tight":
    total += learning_rate
while mode == "computing":
    total += learning_rate * sum(span)
while True:
    total += learning_rate
    time.sleep(0.01)
