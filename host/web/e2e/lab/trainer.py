"""A training that answers at once to its learning rate: the loss falls towards
a floor that the rate sets, and becomes NaN when it is far too large."""

import math
import random
import time

import mlhost

learning_rate = mlhost.param("learning_rate", 0.03, min=1e-5, max=10, scale="log", doc="Step size of the optimizer.")
momentum = mlhost.param("momentum", 0.9, min=0, max=0.99, step=0.01, doc="How much of the last step is kept.")
batch_size = mlhost.param("batch_size", 64, choices=[16, 32, 64, 128, 256], doc="Samples in one step.")
augment = mlhost.param("augment", True, doc="Whether pictures are turned and cut.")
note = mlhost.param("note", "baseline", doc="Free text.")
pace = mlhost.param("pace", 0.02, min=0, max=1, unit="s", doc="How long one step takes.")

random.seed(7)
loss = 2.3
for step in mlhost.loop(100_000):
    rate = learning_rate.value
    floor = 0.08 + 0.9 * rate ** 0.5
    loss += (floor - loss) * min(0.4, 0.004 + rate ** 0.5 * 0.02)
    seen = loss * (1 + random.gauss(0, 0.02 + 0.02 * (64 / batch_size.value) ** 0.5))
    if rate > 5:
        seen = math.nan
    mlhost.log(loss=seen, val_loss=loss * 1.12 + 0.05 * math.sin(step / 40), accuracy=max(0.1, 1 - loss / 2.6), grad_norm=abs(random.gauss(1, 0.2)) * (0.4 + rate))
    if step % 50 == 0:
        print(f"batch {step} of 100000, learning rate {rate:g}", flush=True)
    if step == 200:
        mlhost.result(first_loss=2.3, half_way=loss)
    time.sleep(pace.value)
