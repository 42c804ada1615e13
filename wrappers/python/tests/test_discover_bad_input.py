"""What is not to be read is told; nothing is executed."""

import unittest

from discovery import discover


class BadInput(unittest.TestCase):
    def test_each_is_a_problem(self):
        cases = {
            "syntax.py": ("def f(:\n", "syntax error"),
            "two.py": ("print 'hello'\n", "Python 2"),
            "binary.py": (b"\x7fELF\0\0", "binary"),
            "latin.py": (b"x = '\xff'\n", ""),
            "large.py": (b"#" * 5_000_001, "more than 5 MB"),
            "deep.py": ("x = " + "(" * 5000 + ")" * 5000, ""),
            "sum.py": ("x = " + "+".join(["y"] * 20_000), ""),
        }
        results = discover({n: t for n, (t, _) in cases.items()}, *list(cases) + ["absent.py"])
        for found, (name, (_, part)) in zip(results, cases.items()):
            self.assertTrue(found["problems"], name)
            self.assertIn(part, found["problems"][0]["message"])
        self.assertIn("not there", results[-1]["problems"][0]["message"])

    def test_what_nests_and_odd_encodings(self):
        lists = "x = " + "[" * 90 + "]" * 90 + "\n"
        attributes = "def f():\n    return a" + ".b" * 3000 + "\n"
        found = discover({"a.py": lists, "b.py": attributes, "c.py": b"\xef\xbb\xbflr = 0.1\n", "d.py": b"# -*- coding: latin-1 -*-\nname = '\xe9'\n",
                          "e.py": "lr = 0.1\n".encode("utf-16")}, "a.py", "b.py", "c.py", "d.py", "e.py", ".")
        self.assertEqual([p["default"] for p in found[2]["parameters"] + found[3]["parameters"]], [0.1, "\xe9"])
        self.assertIn("binary", found[4]["problems"][0]["message"])
        self.assertIn("no regular file", found[5]["problems"][0]["message"])
        self.assertNotIn("mlhost could not", str(found))

    def test_nothing_is_executed(self):
        found = discover({"s.py": "open('made', 'w')\nimport helper\nhelper.f()\nx = 10 ** 10 ** 10\ny = 'a' * 10 ** 10\n", "helper.py": "open('made2', 'w')\ndef f(): open('made3', 'w')\n"})
        self.assertEqual(found["parameters"], [])

    def test_recursion_ends(self):
        found = discover({"s.py": "import a\nfrom a import *\ndef f(n):\n    return f(n)\nf(a.x)\nclass A(A): pass\n", "a.py": "from b import x\nimport s\n", "b.py": "from a import x\n"})
        self.assertEqual(found["style"], "none")

    def test_broken_import_is_a_problem(self):
        found = discover({"s.py": "from broken import x\nprint(x)\n", "broken.py": "def f(:\n"})
        self.assertIn("broken.py is imported: syntax error", found["problems"][0]["message"])


if __name__ == "__main__":
    unittest.main()
