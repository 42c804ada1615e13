"""Runs the Python tests (every folder with a test_*.py) with unittest.

All of them on the oldest and on the newest Python that is found, and those that
speak the protocol on each version between: whatever breaks in the middle breaks
there. Looked at are this interpreter, python3.8 ... 3.14 on PATH and pyenv's, or
what MLHOST_TEST_PYTHONS lists (separated like PATH). Two run at a time. A few
failed tests are tried once more, alone, and named as unsteady if they pass.
"""

import concurrent.futures
import glob
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from again import failed_tests

ROOT = pathlib.Path(__file__).resolve().parent.parent
SMOKE = ("test_protocol.py", "test_values.py")
OLDEST = (3, 8)
PATIENCE = 900.0  # seconds for one folder on one Python; the longest takes 60 on two cores
MOST_SHOWN = 20_000  # characters of what a failed run printed, its end


def main():
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored, by all that is started too
    started = time.monotonic()
    found = interpreters()
    if not found:
        sys.exit("the tests need a Python from 3.8 on")
    versions = sorted(found)
    jobs = [(v, folder, ()) for v in sorted({versions[0], versions[-1]}) for folder in sorted(folders())]
    for version in versions[1:-1]:
        for folder, files in sorted(folders().items()):
            smoke = [f[: -len(".py")] for f in files if f in SMOKE]
            if smoke:
                jobs.append((version, folder, smoke))
    failed = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for (version, folder, names), (status, output) in zip(jobs, pool.map(lambda job: run(found[job[0]], *job[1:]), jobs)):
            ran = re.search(r"Ran (\d+ tests? in [\d.]+s)", output)
            what = ", ".join(names) or "all"
            print(f"{'FAIL' if status else 'ok':4} {folder}  Python {text(version)}: {ran.group(1) if ran else 'not run'} ({what})", flush=True)
            if status:
                print(output[-MOST_SHOWN:])
                again = failed_tests(output)
                hung = status == -signal.SIGABRT
                if (again or hung) and not run(found[version], folder, again or names)[0]:
                    print("unsteady, failed once, and passed alone:", *(again or ["all, which had not ended"]))
                    continue
                failed.append(f"{folder} on {found[version]}")
    print(f"unittest: {len(found)} versions of Python, {time.monotonic() - started:.0f} s")
    if failed:
        print("failed:", ", ".join(failed))
    return 1 if failed else 0


def folders():
    """Returns the folders with tests, and the tests' files in each."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*/test_*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    found = {}
    for path in listed:
        if "testdata" not in path and "tests_ml/" not in path:  # those: .ci/mltest.py
            found.setdefault(os.path.dirname(path), []).append(os.path.basename(path))
    return found


def run(python, folder, names):
    """Runs the named tests of a folder, or all of them, and returns the exit status and the output."""
    # Its own process: the tests of one folder must not lean on another's imports.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MLHOST_"))}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    with tempfile.TemporaryFile("w+", errors="replace") as output:  # no pipe: what a test left behind would hold it open
        tests = subprocess.Popen(
            [python, "-X", "faulthandler", "-m", "unittest", "-q", *names], cwd=ROOT / folder, env=env,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )
        try:
            tests.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            print(f"{folder} has not ended within {PATIENCE:.0f} s on {python}, and is ended", file=output, flush=True)
            tests.send_signal(signal.SIGABRT)  # faulthandler tells where each thread stands
            tests.wait()
        output.seek(0)
        return tests.returncode, output.read()


def interpreters():
    """Returns one path for each version, (major, minor)."""
    named = [p for p in os.environ.get("MLHOST_TEST_PYTHONS", "").split(os.pathsep) if p]
    candidates = named or [sys.executable]
    if not named:
        candidates += [f"python3.{minor}" for minor in range(8, 15)]
        candidates += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin/python")))
    found = {}
    for candidate in candidates:
        try:
            asked = subprocess.run([candidate, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True)
            version = tuple(int(n) for n in asked.stdout.split())
        except OSError:
            version = ()
        if named and not version:
            sys.exit(f"{candidate} of MLHOST_TEST_PYTHONS does not run")
        if version >= OLDEST:
            found.setdefault(version, candidate)
    return found


def text(version):
    return ".".join(map(str, version))


if __name__ == "__main__":
    sys.exit(main())
