"""Reads scripts of a new folder, for the tests of discovery."""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

from harness import SRC, clean_environment

DISCOVER = os.path.join(SRC, "mlhost_discover")


def discover(files, *names):
    """Reads scripts of a new folder; nothing may appear in it."""
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        for name, text in files.items():
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        paths = [os.path.join(folder, n) for n in names or ["s.py"]]
        done = subprocess.run([sys.executable, "-I", "-S", "-B", DISCOVER], input=json.dumps({"paths": paths}).encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(), cwd=folder, timeout=60)
        there = {os.path.relpath(os.path.join(d, f), folder) for d, _, fs in os.walk(folder) for f in fs}
    if done.returncode or done.stderr.replace(b"s_push: parser stack overflow\n", b""):  # 3.8 says so of what nests deeply
        raise AssertionError(done.stderr.decode())
    if there != {os.path.normpath(n) for n in files}:
        raise AssertionError("files appeared: %s" % there)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    return results if names else results[0]


def by_name(found):
    return {p["name"]: p for p in found["parameters"]}


class Reading(unittest.TestCase):
    def check(self, style, text, expected, files=None):
        found = discover(dict({"s.py": text}, **(files or {})))
        self.assertEqual(found["style"], style, found)
        ours = {n: (p["type"], p["default"]) for n, p in by_name(found).items()}
        self.assertEqual(ours, expected, found["problems"])
        return found
