"""The package: a wheel is built, offline, and holds every module."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

from harness import SRC, clean_environment


def can_build():
    probe = "import setuptools, pip, sys; sys.exit(int(setuptools.__version__.split('.')[0]) < 71)"
    return subprocess.call([sys.executable, "-c", probe], stderr=subprocess.DEVNULL) == 0


class WheelTest(unittest.TestCase):
    @unittest.skipUnless(can_build(), "this Python has no pip with a setuptools that builds wheels")
    def test_wheel_has_every_module(self):
        with tempfile.TemporaryDirectory() as dir:
            copy, out = os.path.join(dir, "python"), os.path.join(dir, "out")
            shutil.copytree(os.path.dirname(SRC), copy, ignore=shutil.ignore_patterns("tests*", "__pycache__", "*.egg-info"))
            command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "-w", out, copy]
            subprocess.run(command, check=True, env=clean_environment(PIP_DISABLE_PIP_VERSION_CHECK="1"), timeout=120)
            (name,) = os.listdir(out)
            with zipfile.ZipFile(os.path.join(out, name)) as wheel:
                held = set(wheel.namelist())
            wanted = {"mlhost/py.typed", "script_interface.py", "script_wrappers.py"}
            for folder in ("mlhost", os.path.join("mlhost", "hooks")):
                wanted |= {folder + "/" + f for f in os.listdir(os.path.join(SRC, folder)) if f.endswith(".py")}
            self.assertEqual(wanted - held, set())
            found = subprocess.check_output(
                [sys.executable, "-c", "import mlhost; print(mlhost.connect.__doc__ and mlhost.__file__)"],
                env=clean_environment(PYTHONPATH=os.path.join(out, name)), cwd=dir, timeout=60,
            )
            self.assertIn(name, found.decode())


if __name__ == "__main__":
    unittest.main()
