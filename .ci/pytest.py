"""Runs every folder of Python tests (test_*.py) with unittest and this interpreter."""

import os
import pathlib
import subprocess
import sys


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*/test_*.py"], cwd=root, capture_output=True, text=True, check=True
    ).stdout.split()
    folders = sorted({os.path.dirname(path) for path in listed if "testdata" not in path})
    failed = []
    for folder in folders:
        print(f"unittest {folder}", flush=True)
        # Its own process: the tests of one folder must not lean on another's imports.
        if subprocess.run([sys.executable, "-m", "unittest", "discover", "-q", "-s", folder], cwd=root).returncode:
            failed.append(folder)
    if failed:
        print("failed:", *failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
