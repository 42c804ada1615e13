"""Sets one variable as often as its argument says, and times the calls."""

import sys
import time

from script_interface import ScriptInterface

count = int(sys.argv[1])
samples = ScriptInterface("samples", "As many samples as there can be")
samples.register_variable("loss", -1.0)
samples.update_results("began", time.time())
set_variable = samples.set_variable
start = time.perf_counter()
for i in range(count - 1):  # registering was the first
    set_variable("loss", float(i))
samples.update_results("microseconds", (time.perf_counter() - start) / count * 1e6)
