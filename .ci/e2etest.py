"""Runs the end-to-end tests of the dashboard: .ci/e2etest.py [FILE …], each the beginning of a file's name.

Where a few tests fail, all are tried once more (they share hosts and a browser):
what passes then is named as unsteady, and is a bug of the test or of what it
tests, but no failure. So are tests that do not end within PATIENCE.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

import again

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "host/web"
PATIENCE = 900.0  # seconds for all of them; they take about 90 on two cores
HUNG = -1  # the status of tests that did not end


def main():
    files = sys.argv[1:]
    status, failed = run(files)
    hung = status == HUNG
    if not status or not hung and not 0 < len(failed) <= again.MOST:
        return status
    names = failed or ["all, which had not ended"]
    print("== all once more, because of:", *names, sep="\n   ", flush=True)
    if run(files)[0]:
        return 1
    print("unsteady, failed once, and passed then:", *names, sep="\n   ")
    return 0


def run(files):
    """Runs the tests and returns the exit status and the names of what failed."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        command = ["node"]
        for reporter, to in ("spec", "stdout"), ("junit", report.name):
            command += [f"--test-reporter={reporter}", f"--test-reporter-destination={to}"]
        node = subprocess.Popen([*command, "e2e/run.mjs", *files], cwd=FOLDER, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            status = node.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            print(f"the end-to-end tests have not ended within {PATIENCE:.0f} s, and are ended", flush=True)
            return HUNG, []
        finally:
            if node.poll() is None:
                end(node)
        return status, failed_tests(report.name)


def end(node):
    """Ends the tests, their host and their browser: by a signal that lets the host end its scripts, then by force."""
    try:
        os.killpg(node.pid, signal.SIGTERM)
        for _ in range(300):
            node.poll()  # a zombie is of the group too
            os.killpg(node.pid, 0)
            time.sleep(0.1)
        os.killpg(node.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # none is left
    node.wait()


def failed_tests(path):
    """Returns the names of failed tests in a JUnit report, or [] if it is not whole."""
    report = pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
    try:
        cases = xml.fromstring(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", report)).iter("testcase")  # colours are no XML
    except xml.ParseError:
        return []
    return [case.get("name") for case in cases if case.find("failure") is not None]


if __name__ == "__main__":
    sys.exit(main())
