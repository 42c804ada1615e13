"""Ends with an error as soon as it begins."""

import sys

print("reading data", flush=True)
print("Traceback: CUDA out of memory while allocating 2.00 GiB", file=sys.stderr, flush=True)
sys.exit(1)
