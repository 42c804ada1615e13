"""Callbacks run when a library has been imported, and the import stays what it is."""

import sys
import unittest

from harness import SRC, ScriptTest

LIBRARY = "value = 1\n"
WATCH = "from mlhost._imports import on_import\n"


class Imports(ScriptTest):
    def finish(self, source, expected):
        run = self.run_script(source)
        code, out, err = run.finish()
        self.assertEqual((code, out), (0, expected), err)
        return run, err

    def test_callback_after_the_module(self):
        self.write(LIBRARY, "library.py")
        self.finish(
            WATCH + "on_import('library', lambda m: print('imported', m.value))\nimport library\nprint('then')\n"
            "on_import('library', lambda m: print('at once'))\nimport importlib; importlib.reload(library)\n",
            "imported 1\nthen\nat once\nimported 1\nat once\n",
        )

    def test_module_that_replaces_itself(self):
        self.write("import sys, types\nsys.modules[__name__] = types.SimpleNamespace(value=2)\n", "library.py")
        self.finish(WATCH + "on_import('library', lambda m: print(m.value))\nimport library\n", "2\n")

    def test_failed_callback_is_one_warning(self):
        self.write(LIBRARY, "library.py")
        run, err = self.finish(
            WATCH + "def bad(m): raise ValueError('no')\non_import('library', bad)\n"
            "import library, importlib\nimportlib.reload(library)\nprint(library.value)\n",
            "1\n",
        )
        warnings = [m["text"] for m in run.seen if m["op"] == "warning"]
        self.assertEqual(warnings, ["mlhost does not follow library: ValueError: no"])
        self.assertEqual(err, "")

    def test_traceback_of_a_failed_import(self):
        """It shows no more than without us, and the module may be tried again."""
        for error in ("ValueError('no')", "ImportError('no')"):
            self.write("def f(): raise %s\nf()\n" % error, "library.py")
            script = "import library\n"
            _, _, bare = self.run_plain([sys.executable, self.write(script)], cwd=self.dir)
            run = self.run_script(WATCH + "on_import('library', print)\n" + script)
            code, out, err = run.finish()
            self.assertEqual((code, out), (1, ""))
            self.assertEqual(err.replace("line 3, in <module>", "line 1, in <module>"), bare)

    def test_missing_module(self):
        self.finish(WATCH + "on_import('library', print)\ntry: import library\nexcept ModuleNotFoundError as e: print(e)\n", "No module named 'library'\n")

    @unittest.skipIf(sys.version_info < (3, 10), "an archive's loader does not execute modules, it loads them")
    def test_modules_of_an_archive(self):
        """They share a loader."""
        import zipfile

        with zipfile.ZipFile(self.dir + "/all.zip", "w") as archive:
            archive.writestr("one.py", "import two\n")
            archive.writestr("two.py", LIBRARY)
        self.finish(
            WATCH + "import sys; sys.path.insert(0, %r)\n" % (self.dir + "/all.zip")
            + "for name in ('one', 'two'): on_import(name, lambda m: print(m.__name__))\nimport one\n",
            "two\none\n",
        )

    def test_package_modules_and_what_a_script_sees(self):
        self.finish(
            WATCH + "on_import('json.tool', lambda m: print('seen'))\nimport json.tool\n"
            "print(json.tool.__name__, type(json.tool.__loader__).__name__, json.tool.__spec__.name)\n",
            "seen\njson.tool SourceFileLoader json.tool\n",
        )

    def test_every_hook_has_its_file(self):
        import os

        sys.path.insert(0, SRC)
        self.addCleanup(sys.path.remove, SRC)
        from mlhost.hooks import TABLE

        files = {name[:-3] for name in os.listdir(os.path.join(SRC, "mlhost", "hooks")) if name.endswith(".py") and name[0] != "_"}
        self.assertEqual(set(TABLE.values()), files)
