"""A loop whose learning rate is set from outside: "tight", or asleep most of the time."""

import sys
import time

import mlhost

learning_rate = mlhost.param("learning_rate", 0.1)
total = 0.0
if sys.argv[1] == "tight":
    while True:
        total += learning_rate.value
while True:
    total += learning_rate.value
    time.sleep(0.01)
