"""Runs `go test -json ARGS` and prints what a person wants to see.

One line a package with its count of tests, the output of what failed, each
skipped test with its reason, and the totals. A few failed tests are tried once
more, alone, and so is a whole package that panicked or took too long: what passes
then is named as unsteady, and is a bug of the test or of what it tests, but no
failure. Exits with 0 when all passed.
"""

import collections
import json
import re
import subprocess
import sys
import time

SLOW = 5.0  # seconds; a test that takes longer is named
MOST_TRIED_AGAIN = 5  # failed tests; more are no accident


def main():
    arguments = sys.argv[1:]
    status, failed = run(arguments)
    if not status or not 0 < len(failed) <= MOST_TRIED_AGAIN:
        return status
    chosen = [a for a in arguments if not a.startswith("./")]
    flags = [a for a in chosen if a.startswith("-") and a != "-run"]
    for package, test in failed:
        print(f"== once more, alone: {package} {test}", flush=True)
        alone = "/".join(f"^{re.escape(part)}$" for part in test.split("/"))
        if run([*flags, "-count=1", "-run", alone, package] if test else [*chosen, "-count=1", package])[0]:
            return status
    for package, test in failed:
        print(f"unsteady {package} {test or '(as a whole)'}: failed once, and passed when it ran alone")
    return 0


def run(arguments):
    """Runs go test, prints, and returns its status and what failed: pairs of
    package and test (the innermost), with "" for a package that broke outside of its tests."""
    started = time.monotonic()
    command = ["go", "test", "-json", *arguments]
    go = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace")
    output = collections.defaultdict(list)  # (package, test) -> lines
    counts = collections.defaultdict(collections.Counter)  # package -> action -> tests
    slow, skipped, broken, failed = [], [], [], []
    for line in go.stdout:
        try:
            event = json.loads(line)
        except ValueError:
            sys.stdout.write(line)
            continue
        package = event.get("Package") or event.get("ImportPath", "")
        test, action = event.get("Test"), event["Action"]
        if action in ("output", "build-output"):
            output[package, test].append(event["Output"])
        elif action in ("pass", "fail", "skip"):
            if test:
                ended(event, package, test, action, output, counts, slow, skipped)
                if action == "fail" and not any(of == package and inner.startswith(test + "/") for of, inner in failed):
                    failed.append((package, test))  # a subtest is told before the test that holds it
            else:
                package_ended(event, package, action, output, counts)
                if action == "fail":
                    broken.append(package)
                    if not any(of == package for of, _ in failed):
                        failed.append((package, ""))
    status = go.wait()
    for package, test, reason in skipped:
        print(f"skipped  {package} {test}: {reason}")
    for seconds, package, test in sorted(slow, reverse=True)[:10]:
        print(f"slow     {package} {test}: {seconds:.1f} s")
    total = sum(counts.values(), collections.Counter())
    print(
        f"go test: {total['pass']} passed, {total['fail']} failed, {total['skip']} skipped,"
        f" {len(counts)} packages with tests, {time.monotonic() - started:.0f} s"
    )
    if broken:
        print("failed packages:", *broken)
    return status, failed


def ended(event, package, test, action, output, counts, slow, skipped):
    """Counts one test; a failed one shows its output."""
    counts[package][action] += 1
    lines = output.pop((package, test), [])
    if action == "fail":
        sys.stdout.write("".join(lines))
    if action == "skip":
        told = [l.strip() for l in lines if not l.lstrip().startswith(("===", "---"))]
        skipped.append((package, test, " ".join(told)))
    if event.get("Elapsed", 0) >= SLOW and "/" not in test:
        slow.append((event["Elapsed"], package, test))


def package_ended(event, package, action, output, counts):
    """Prints the package's line, and what it printed outside of tests if it failed."""
    failed = action == "fail"
    if failed:
        for key in (package, None), (event.get("FailedBuild", ""), None):
            sys.stdout.write("".join(output.pop(key, [])))
        for (of, test), lines in list(output.items()):
            if of == package and test:  # cut off in the middle: a panic or a timeout
                sys.stdout.write("".join(lines))
                del output[of, test]
    if not counts[package]:
        del counts[package]
    if failed or package in counts:
        tests = sum(counts[package].values()) if package in counts else 0
        print(f"{'FAIL' if failed else 'ok':4} {package}  {tests} tests, {event.get('Elapsed', 0):.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
