"""Odd things among what is to be read: none of them may hold up or end the reader."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

from discovery import DISCOVER
from harness import clean_environment

PARSER = "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr', type=float, default=0.1)\np.parse_args()\n"
LIMIT = 50  # seconds; what would hold up the reader never ends


def read(folder, *names):
    paths = [name if os.path.isabs(name) else os.path.join(folder, name) for name in names]
    done = subprocess.run([sys.executable, "-I", "-S", "-B", DISCOVER], input=json.dumps({"paths": paths}).encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=clean_environment(), timeout=LIMIT)
    if done.returncode or done.stderr:
        raise AssertionError(done.stderr.decode())
    return [json.loads(line) for line in done.stdout.splitlines()]


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


class Odd(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def at(self, name):
        return os.path.join(self.folder.name, name)

    def names(self, found):
        return [p["name"] for p in found["parameters"]]

    def test_no_regular_files(self):
        os.mkfifo(self.at("pipe.py"))
        os.mkdir(self.at("folder.py"))
        os.symlink("round.py", self.at("round.py"))
        write(self.at("good.py"), PARSER)
        found = read(self.folder.name, "pipe.py", "folder.py", "round.py", "/dev/zero", "gone.py", "good.py")
        for one in found[:-1]:
            self.assertTrue(one["unreadable"], one)
            self.assertEqual(len(one["problems"]), 1, one)
        self.assertEqual(self.names(found[-1]), ["lr"])

    def test_what_is_imported_is_no_regular_file(self):
        os.mkfifo(self.at("pipe.py"))
        os.symlink(".", self.at("package"))
        write(self.at("s.py"), "import pipe\nfrom package.package.package import other\nfrom pipe import thing\n" + PARSER)
        self.assertEqual(self.names(read(self.folder.name, "s.py")[0]), ["lr"])

    def test_large_file(self):
        with open(self.at("large.py"), "wb") as f:
            f.write(PARSER.encode())
            f.truncate(50_000_000)
        write(self.at("s.py"), "import large\n" + PARSER)
        large, script = read(self.folder.name, "large.py", "s.py")
        self.assertTrue(large["unreadable"])
        self.assertIn("MB", large["problems"][0]["message"])
        self.assertEqual(self.names(script), ["lr"])

    def test_folder_of_many_files(self):
        for i in range(10_000):
            os.close(os.open(self.at("m%d.py" % i), os.O_CREAT | os.O_WRONLY))
        write(self.at("s.py"), "import m1, m9999\n" + PARSER)
        found = read(self.folder.name, "s.py")[0]
        self.assertEqual(self.names(found), ["lr"])
        self.assertLess(len(found["reads"]), 50)


if __name__ == "__main__":
    unittest.main()
