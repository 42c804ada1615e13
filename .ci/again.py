"""Which unittest tests failed, for those who try them once more."""

import re

MOST = 5  # failed tests that are tried again; more are no accident


def failed_tests(output):
    """Returns the names of the failed tests in unittest's output, as unittest
    takes them: [] if there are too many, or something else failed too."""
    found = []
    for test, of in re.findall(r"^(?:FAIL|ERROR): (\w+) \(([\w.]+)\)", output, re.MULTILINE):
        name = of if of.endswith("." + test) else f"{of}.{test}"
        if not test.startswith("test"):  # setUpClass, or a module that cannot be imported
            return []
        if name not in found:
            found.append(name)
    return found if len(found) <= MOST else []
