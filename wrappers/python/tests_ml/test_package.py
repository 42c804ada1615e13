"""The package: its wheel installs into a fresh environment and works there, and
its types hold: mypy --strict, for it and for a program that uses it."""

import glob
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest
import venv

from support import harness

try:
    import mypy
except ImportError:
    mypy = None

SRC = harness.SRC

PROGRAM = """
    from typing import List

    import mlhost

    def steer() -> List[float]:
        h = mlhost.connect(host="lab1")
        trainer = h["trainer"]
        trainer.params.lr = 0.01
        trainer.params.set({"lr": 0.1}, take=True)
        seen = [float(s.value) for s in trainer.watch("loss")]
        for row in h.runs("trainer"):
            print(row["param.lr"])
        print(trainer.stop().state.upper(), h.broadcast("epoch", 3)[0].upper())
        return seen

    rate = mlhost.param("rate", 0.1)
    half: float = rate.value / 2
"""
WRONG = """
    import mlhost

    mlhost.connect(hots="lab1")
    mlhost.connect()["trainer"].sotp()
"""


def run(*command, **options):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MLHOST_"))}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, **options)
    return done.returncode, done.stdout


class PackageTest(unittest.TestCase):
    def setUp(self):
        self.dir = os.path.realpath(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.dir)

    def install(self):
        """Builds the wheel and installs it, offline; returns the new environment's Python."""
        copy, out, new = (os.path.join(self.dir, name) for name in ("copy", "out", "new"))
        ignored = shutil.ignore_patterns("tests*", "__pycache__", "*.egg-info")
        shutil.copytree(os.path.dirname(SRC), copy, ignore=ignored)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        status, said = run(*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", out, copy)
        self.assertEqual(status, 0, said)
        (wheel,) = glob.glob(os.path.join(out, "*.whl"))
        self.assertTrue(wheel.endswith("-py3-none-any.whl"), wheel)
        venv.create(new, with_pip=False, symlinks=True)
        python = os.path.join(new, "bin", "python")
        status, said = run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel)
        self.assertEqual(status, 0, said)
        return python

    @unittest.skipUnless(importlib.util.find_spec("pip") and importlib.util.find_spec("setuptools"), "this Python cannot build wheels")
    def test_wheel_in_a_fresh_environment(self):
        python = self.install()
        script = "import mlhost, mlhost.hooks, script_interface, script_wrappers; print(mlhost.__file__)\ntry: mlhost.connect(state='nowhere')\nexcept mlhost.Error as e: print(e.code)"
        status, said = run(python, "-c", script, cwd=self.dir)
        self.assertEqual(status, 0, said)
        file, code = said.split()
        self.assertTrue(file.startswith(os.path.join(self.dir, "new")), file)
        self.assertEqual(code, "host_not_running")
        if mypy:
            for text, right in ((PROGRAM, True), (WRONG, False)):
                path = os.path.join(self.dir, "program.py")
                with open(path, "w") as out:
                    out.write(textwrap.dedent(text))
                status, said = run(sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "--cache-dir", os.path.join(self.dir, "cache"), path, cwd=self.dir)
                self.assertEqual(status == 0, right, said)

    @unittest.skipUnless(mypy, "mypy is not here")
    def test_types_hold(self):
        # Of libraries that scripts use only what is known without them.
        alone = ["--no-site-packages", "--ignore-missing-imports", "--no-warn-unused-ignores", "--cache-dir", os.path.join(self.dir, "cache")]
        status, said = run(sys.executable, "-m", "mypy", "--strict", *alone, "-p", "mlhost", "-m", "script_interface", "-m", "script_wrappers", cwd=SRC)
        self.assertEqual(status, 0, said)


if __name__ == "__main__":
    unittest.main()
