"""Runs the tests in wrappers/python/tests_ml with the interpreters that have
the libraries: .ci/mltest.py PYTHON... Each test that is skipped is named with
its reason, each that fails is shown. A few failed tests are tried once more,
alone, and named as unsteady if they pass."""

import os
import pathlib
import re
import subprocess
import sys
import time

from again import failed_tests

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "wrappers" / "python" / "tests_ml"
PATIENCE = 1500  # seconds for one interpreter


def main():
    failed = []
    for python in sys.argv[1:]:
        if not os.access(python, os.X_OK):
            print(f"test-ml: there is no {python}: its tests are not run")
            continue
        started = time.monotonic()
        status, output = run(python)
        for test, reason in re.findall(r"^(\w+) .*\.\.\. skipped (.*)$", output, re.MULTILINE):
            print(f"skipped  {test}: {reason}")
        ran = re.search(r"Ran (\d+ tests?)", output)
        print(f"{'FAIL' if status else 'ok':4} {python}: {ran.group(1) if ran else 'not run'}, {time.monotonic() - started:.0f} s", flush=True)
        if status:
            print(output)
            again = failed_tests(output)
            if again and not run(python, again)[0]:
                print("unsteady, failed once, and passed alone:", *again)
                continue
            failed.append(python)
    return 1 if failed else 0


def run(python, names=()):
    """Runs the named tests, or all, and returns the exit status and the output."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MLHOST_"))}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    try:
        done = subprocess.run(
            [python, "-m", "unittest", "-v", *names], cwd=FOLDER, env=env, stdin=subprocess.DEVNULL, timeout=PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )
    except subprocess.TimeoutExpired as late:
        return 1, "%s\nnot done after %d s" % ((late.stdout or b"").decode(errors="replace"), PATIENCE)
    return done.returncode, done.stdout


if __name__ == "__main__":
    sys.exit(main())
