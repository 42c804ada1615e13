"""Values and specs by themselves."""

import enum
import math
import sys
import unittest

from harness import SRC

sys.path.insert(0, SRC)

from mlhost._spec import Misfit, Spec  # noqa: E402
from mlhost._values import encode, plain, required_positionals  # noqa: E402


class FakeTensor:
    def tolist(self):
        return [1.0, 2.0]


class Level(enum.IntEnum):
    LOW = 1


class Hostile:
    def __repr__(self):
        raise RuntimeError

    def tolist(self):
        raise RuntimeError


class Values(unittest.TestCase):
    def test_plain(self):
        loop = []
        loop.append(loop)
        cases = [
            (Level.LOW, 1),
            (FakeTensor(), [1.0, 2.0]),
            ((1, {2}), [1, [2]]),
            (b"x\xff", "x\ufffd"),
            ({None: 1}, {"None": 1}),
            (range(3), [0, 1, 2]),
            (10**400, math.inf),
            (Hostile(), "<Hostile>"),
        ]
        for given, expected in cases:
            self.assertEqual(plain(given), expected)
        self.assertIs(type(plain(Level.LOW)), int)
        self.assertLess(len(encode(plain(loop))), 10_000)

    def test_required_positionals(self):
        class A:
            def method(self, x):
                pass

        counts = [(lambda: 0, 0), (lambda a: 0, 1), (lambda a, b: 0, 2), (lambda a, b=1: 0, 1), (lambda *a: 0, 0), (A().method, 1)]
        for function, count in counts:
            self.assertEqual(required_positionals(function), count)


class Specs(unittest.TestCase):
    def reject(self, spec, value, reason):
        with self.assertRaises(Misfit) as caught:
            spec.check(value)
        self.assertIn(reason, str(caught.exception))

    def test_types(self):
        for default, name in ((1, "int"), (1.0, "float"), (True, "bool"), ("a", "string"), ([1], "list"), ((1,), "list"), ({}, "map"), (None, "any")):
            self.assertEqual(Spec("p", default).type, name)
        self.assertEqual(Spec("p", 1, choices=[0.5, 1]).type, "float")
        self.assertEqual(Spec("p", 1, choices=["auto", 1]).type, "any")
        self.assertEqual(Spec("p", 1, min=0.5).type, "float")

    def test_conversions(self):
        self.assertIs(type(Spec("p", 1.0).check(2)), float)
        self.assertIs(type(Spec("p", 1).check(2.0)), int)
        self.assertEqual(Spec("p", (1, 2)).check([3]), (3,))
        self.reject(Spec("p", 1), 2.5, "wants an int, got a float (2.5)")
        self.reject(Spec("p", 1), True, "wants an int, got a bool (True)")
        self.reject(Spec("p", True), 1, "wants a bool, got an int (1)")
        self.reject(Spec("p", 1.0), math.nan, "not a finite number")
        self.reject(Spec("p", None), [math.inf], "not a finite number")
        self.reject(Spec("p", 1), 2**70, "wants an int")
        self.reject(Spec("p", "a"), "x" * (2 << 20), "more than the 1048576")
        self.assertEqual(Spec("p", None).check({"a": [1]}), {"a": [1]})

    def test_ranges(self):
        spec = Spec.of_valid_values("p", 10, range(1, 101))
        self.assertEqual((spec.min, spec.max, spec.step, spec.type), (1, 100, 1, "int"))
        self.reject(spec, 0, "below the minimum 1")
        self.reject(spec, 101, "above the maximum 100")
        down = Spec.of_valid_values("p", 10, range(10, 0, -3))
        self.assertEqual((down.min, down.max, down.step), (1, 10, 3))
        self.assertIsNone(Spec.of_valid_values("p", 0.5, range(0, 2)).step)
        self.assertEqual(Spec.of_valid_values("p", 5, range(0)).max, None)

    def test_steps(self):
        tenth = Spec("p", 0.0, min=0.0, max=1.05, step=0.1)
        for i in range(11):
            tenth.check(i * 0.1)
        tenth.check(1.05)  # the maximum, off step
        self.reject(tenth, 0.15, "off step")

    def test_choices(self):
        self.assertEqual(Spec("p", 1, choices=[1, 2.5]).check(1.0), 1)
        self.assertEqual(Spec("p", (1,), choices=[(1,), (2,)]).check([2]), (2,))
        self.reject(Spec("p", "auto", choices=["auto", "manual"]), "manul", 'did you mean "manual"?')
        self.reject(Spec("p", 1, choices=[0, 1]), True, "wants an int")

    def test_bad_declarations(self):
        self.assertRaises(ValueError, Spec, "p", 1, scale="cubic")
        self.assertRaises(ValueError, Spec, "p", 1, mutability="sometimes")


if __name__ == "__main__":
    unittest.main()
