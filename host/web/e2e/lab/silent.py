"""Says one thing and then nothing."""

import time

print("waiting for data that never comes", flush=True)
time.sleep(3600)
