"""A training loop in pure Python that knows nothing of mlhost: writes the seconds
that it took into the file that it is given."""

import os
import sys
import time

loss = 1.0
rate = 0.001
begun = time.perf_counter()
for step in range(int(sys.argv[2])):
    gradient = 0.0
    for sample in range(200):
        gradient += (loss - sample) * rate
    loss -= rate * gradient
taken = time.perf_counter() - begun
with open(sys.argv[1] + ".new", "w") as file:
    file.write(repr(taken))
os.rename(sys.argv[1] + ".new", sys.argv[1])
