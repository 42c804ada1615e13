"""What the tests with real libraries share."""

import os
import sys

_TESTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests")
sys.path.insert(0, _TESTS)
os.environ.setdefault("KERAS_BACKEND", "torch")

import harness  # noqa: E402  (on the path since just now)

ScriptTest = harness.ScriptTest


def missing(*modules):
    """Returns why a test cannot run: the first module that cannot be imported. ""
    if all can be."""
    import importlib

    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as problem:  # a library may raise anything
            return "%s: %s" % (type(problem).__name__, problem)
    return ""
