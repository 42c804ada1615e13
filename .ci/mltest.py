"""Runs the tests in wrappers/python/tests_ml with the interpreters that have
the libraries: .ci/mltest.py PYTHON... As many files at a time as there are
processors, at most 4. Each test that is skipped is named with its reason, each
file that fails is shown; a few failed tests are tried once more, alone, and named
as unsteady if they pass."""

import concurrent.futures
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from again import failed_tests

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "wrappers" / "python" / "tests_ml"
PATIENCE = 1500  # seconds for one file


def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored, by all that is started too
    failed = False
    for python in sys.argv[1:]:
        if not os.access(python, os.X_OK):
            print(f"test-ml: there is no {python}: its tests are not run")
            continue
        failed = examine(python) or failed
    return 1 if failed else 0


def examine(python):
    """Runs all files with one interpreter, prints, and returns whether one failed."""
    started = time.monotonic()
    files = sorted(FOLDER.glob("test_*.py"), key=lambda f: f.stat().st_size, reverse=True)
    with concurrent.futures.ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        done = list(pool.map(lambda file: run(python, file), files))
    ran, broken = 0, ""
    for file, (status, output) in zip(files, done):
        for test, reason in re.findall(r"^(\w+) .*\.\.\. skipped (.*)$", output, re.MULTILINE):
            print(f"skipped  {test}: {reason}")
        found = re.search(r"^Ran (\d+) tests?", output, re.MULTILINE)
        ran += int(found.group(1)) if found else 0
        if status or not found:
            again = failed_tests(output)
            if again and not run(python, file, again)[0]:
                print(output, end="")
                print("unsteady, failed once, and passed alone:", *again)
            else:
                broken += output
    print(f"{'FAIL' if broken else 'ok':4} {python}: {ran} tests, {time.monotonic() - started:.0f} s", flush=True)
    print(broken, end="")
    return bool(broken)


def run(python, file, names=()):
    """Runs the named tests, or all of the file, and returns the exit status and the output."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MLHOST_"))}
    env.update(PYTHONDONTWRITEBYTECODE="1", OMP_NUM_THREADS="1")  # the tests' models are too small for more
    try:
        done = subprocess.run(
            [python, "-m", "unittest", "-v", *(names or [file.stem])], cwd=FOLDER, env=env, stdin=subprocess.DEVNULL, timeout=PATIENCE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )
    except subprocess.TimeoutExpired as late:
        return 1, "%s\n%s is not done after %d s\n" % ((late.stdout or b"").decode(errors="replace"), file.name, PATIENCE)
    return done.returncode, done.stdout


if __name__ == "__main__":
    sys.exit(main())
