"""Draws numbers, and asks nobody."""

import math
import time

import mlhost

temperature = mlhost.param("temperature", 0.7, min=0.0, max=2.0, step=0.05)
for step in mlhost.loop(1_000_000):
    mlhost.log(reward=math.sin(step / 30) * temperature.value + step / 4000, entropy=1.4 * math.exp(-step / 3000))
    time.sleep(0.05)
