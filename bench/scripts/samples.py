"""Sets one variable as often as its argument says: a burst to time the calls, the rest at a steady 220,000 a second."""

import sys
import time

from script_interface import ScriptInterface

BURST, CHUNK, RATE = 20_000, 2_200, 220_000

count = int(sys.argv[1])
samples = ScriptInterface("samples", "As many samples as there can be")
samples.register_variable("loss", -1.0)  # the first sample
set_variable = samples.set_variable
start = time.perf_counter()
for i in range(BURST - 1):
    set_variable("loss", float(i))
samples.update_results("microseconds", (time.perf_counter() - start) / BURST * 1e6)
time.sleep(0.5)  # the burst drains

samples.update_results("began", time.time())
start = time.perf_counter()
for done in range(0, count, CHUNK):
    for i in range(min(CHUNK, count - done)):
        set_variable("loss", float(i))
    ahead = (done + CHUNK) / RATE - (time.perf_counter() - start)
    if ahead > 0:
        time.sleep(ahead)
samples.update_results("samples", BURST + count)
