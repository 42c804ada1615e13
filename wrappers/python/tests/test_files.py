"""Which files a script is seen to write."""

import os
import sys
import unittest

from harness import ScriptTest


class FilesTest(ScriptTest):
    def named(self, source):
        """Runs a script and returns the names, within its folder, that it told."""
        run = self.run_script(source, cwd=self.dir)
        code, _, err = run.finish()
        self.assertEqual((code, err), (0, ""))
        return [os.path.relpath(p, self.dir) for line in run.seen if line["op"] == "files" for p in line["paths"]]

    def test_each_way_to_write_is_seen_once(self):
        names = self.named(
            """
            import os, pathlib, shutil
            for _ in range(100):
                open("appended.txt", "a").close()
            open(b"bytes.txt", "wb").close()
            open("read.txt", "x").close()
            open("read.txt").close()
            pathlib.Path("path.txt").write_text("x")
            os.close(os.open("low.txt", os.O_CREAT | os.O_WRONLY))
            os.rename("low.txt", "renamed.txt")
            os.replace("path.txt", pathlib.Path("replaced.txt"))
            os.mkdir("sub"); os.chdir("sub")
            open("inner.txt", "w").close()
            shutil.copy("../bytes.txt", "copy.txt")
            fd = os.open("../fd.txt", os.O_CREAT | os.O_RDWR)
            open(fd, "w").close()
            """
        )
        expected = ["appended.txt", "bytes.txt", "fd.txt", "low.txt", "path.txt", "read.txt", "renamed.txt", "replaced.txt"]
        self.assertEqual(sorted(names), sorted(expected + ["sub/copy.txt", "sub/inner.txt"]))

    def test_what_is_none_is_not_told(self):
        self.assertEqual(
            self.named(
                """
                import os, tempfile
                open("/dev/null", "w").close()
                os.mkdir("__pycache__"); open("__pycache__/x.pyc", "w").close()
                try:
                    open("no/such/folder", "r")
                except FileNotFoundError:
                    pass
                r, w = os.pipe(); os.close(r); os.fdopen(w, "w").close()
                """
            ),
            [],
        )

    def test_a_fork_tells_nothing(self):
        self.assertEqual(
            self.named(
                """
                import os
                if os.fork() == 0:
                    open("child.txt", "w").close(); os._exit(0)
                os.wait()
                """
            ),
            [],
        )

    def test_a_name_that_is_none_is_the_scripts_error_and_not_ours(self):
        run = self.run_script(
            """
            import os
            class Odd:
                def __fspath__(self): raise RuntimeError("mine")
                def __hash__(self): raise ValueError("not mine")
            for name in ["a\\0b", Odd(), 1.5, "\\udcff"]:
                for how in (lambda n: open(n, "w"), lambda n: os.open(n, os.O_CREAT | os.O_WRONLY), lambda n: os.rename(n, n)):
                    try:
                        how(name)
                    except Exception as problem:
                        print(type(problem).__name__, end=" ")
                    else:
                        print("fine", end=" ")
            """,
            cwd=self.dir,
        )
        code, under, err = run.finish()
        os.remove(os.path.join(self.dir, os.fsdecode(b"\xff")))
        plain = self.run_plain([sys.executable, "script.py"], cwd=self.dir)
        self.assertEqual((code, under, err), plain)

    def test_a_working_folder_that_is_gone(self):
        names = self.named(
            """
            import os
            os.mkdir("gone"); os.chdir("gone"); os.rmdir("../gone")
            try:
                open("x", "w")
            except FileNotFoundError:
                os.chdir("..")
            open("after.txt", "w").close()
            """
        )
        self.assertEqual(names, ["after.txt"])


if __name__ == "__main__":
    unittest.main()
