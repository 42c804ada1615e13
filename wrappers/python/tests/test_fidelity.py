"""Under the shim a script does what it does under plain python: exit code,
stdout and stderr are the same."""

import os
import re
import sys
import unittest

from harness import SHIM, Run, ScriptTest

SCRIPTS = {
    "module": """
        import sys, __main__
        print(sys.argv, sys.path, __file__, __name__, sorted(globals()), __doc__, __spec__, __package__)
        print(__main__.__dict__ is globals(), __annotations__, type(__loader__).__name__)
    """,
    "annotations": """
        lr: float = 0.1
        print(__annotations__)
    """,
    "orig_argv": """
        import sys
        print(getattr(sys, "orig_argv", None), sys.flags)
    """,
    "environment": """
        import os
        print("MLHOST_FD" in os.environ, os.environ.get("PYTHONPATH"))
    """,
    "traceback": """
        def f():
            raise ValueError("no")
        f()
    """,
    "chained": """
        try:
            {}["a"]
        except KeyError as e:
            raise RuntimeError("outer") from e
    """,
    "own excepthook": """
        import sys, traceback
        def hook(kind, value, trace):
            print("hook", kind.__name__, value, len(traceback.extract_tb(trace)))
        sys.excepthook = hook
        1 / 0
    """,
    "syntax error": "x = (\n",
    "indentation": "if 1:\nprint(2)\n",
    "not utf-8": b"x = '\xff'\n",
    "null byte": b"x = 1\0\n",
    "latin-1": b"# -*- coding: latin-1 -*-\nprint(ascii('\xe4'))\n",
    "compile warning": "print(1)\nprint('x' is 'x')\n",
    "exit 3": "import sys; sys.exit(3)",
    "exit text": "import sys; sys.exit('some text')",
    "exit none": "import sys; sys.exit()",
    "exit true": "raise SystemExit(True)",
    "os._exit": "import os; print('x', flush=True); os._exit(7)",
    "keyboard interrupt": "raise KeyboardInterrupt",
    "sigint": "import os, signal; os.kill(os.getpid(), signal.SIGINT)\nwhile True: pass",
    "sigterm": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)\nwhile True: pass",
    "sigpipe": "import signal; print(signal.getsignal(signal.SIGPIPE), signal.getsignal(signal.SIGINT))",
    "abort": "import os; os.abort()",
    "pickle": """
        import pickle
        class A:
            def __eq__(self, other): return type(self) is type(other)
        print(pickle.loads(pickle.dumps(A())) == A(), pickle.dumps(A, 0))
    """,
    "thread at exit": """
        import threading
        go = threading.Event()
        def late():
            go.wait()
            print("thread")
        threading.Thread(target=late).start()
        print("main", threading.active_count(), [t.name for t in threading.enumerate()][:1])
        go.set()
    """,
    "atexit": """
        import atexit
        atexit.register(print, "first")
        atexit.register(print, "second")
        raise ValueError
    """,
    "atexit error": """
        import atexit
        def bad(): raise ValueError("at exit")
        atexit.register(bad)
    """,
    "warnings": """
        import warnings
        warnings.warn("here")
        def f():
            warnings.warn("deprecated", DeprecationWarning, stacklevel=2)
        f()
        print(len(warnings.filters) > 0)
    """,
    "fork": """
        import os, sys
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            import mlhost_is_not_here
        print(os.waitpid(child, 0)[1])
    """,
    "fork exits": """
        import os, sys
        child = os.fork()
        if child == 0:
            sys.exit(4)
        print(os.waitpid(child, 0)[1] >> 8)
    """,
    "subprocess": """
        import subprocess, sys
        print(subprocess.run([sys.executable, "-c", "import os; print(sorted(os.listdir('/proc/self/fd')), 'MLHOST_FD' in os.environ)"],
              stdout=subprocess.PIPE).stdout)
    """,
    "stdin": "import sys; print(repr(sys.stdin.read()))",
    "generator left open": """
        import sys
        def g():
            try: yield 1
            finally: print("closed")
        it = g(); next(it)
    """,
    "destructor": """
        class A:
            def __del__(self): print("gone", flush=True)
        a = A()
    """,
    "recursion": """
        import sys
        def f(): f()
        try: f()
        except RecursionError: print("deep", sys.getrecursionlimit())
    """,
    "import beside": """
        import beside
        print(beside.__file__, beside.value)
    """,
}

METHODS = """
import multiprocessing as mp, os
def work(x):
    return x * 2, "MLHOST_FD" in os.environ
if __name__ == "__main__":
    context = mp.get_context("{method}")
    with context.Pool(1) as pool:
        print(pool.map(work, range(4)))
    process = context.Process(target=print, args=("child",))
    process.start()
    process.join()
    print(process.exitcode)
"""

SPAWNED = """
import multiprocessing as mp, mlhost, script_interface
def work(x):
    mlhost.log(loss=x)
    return mlhost.connected(), mlhost.__name__
if __name__ == "__main__":
    with mp.get_context("{method}").Pool(1) as pool:
        print(pool.map(work, [1]), mlhost.connected())
"""


def steady(result):
    """Leaves out the addresses of objects."""
    return tuple(re.sub("0x[0-9a-f]+", "0x", part) if isinstance(part, str) else part for part in result)


class Fidelity(ScriptTest):
    def compare(self, source, name="script.py"):
        path = self.write(source, name)
        self.write("value = 1\n", "beside.py")
        bare = self.start_plain([sys.executable, path, "a", "--b"], cwd=self.dir)
        alone = self.start_plain([sys.executable, SHIM, path, "a", "--b"], cwd=self.dir)
        run = Run(path, ["a", "--b"], cwd=self.dir)
        self.addCleanup(run.close)
        bare = bare()
        self.assertEqual(steady(bare), steady(alone()), "without a wrapper")
        self.assertEqual(steady(bare), steady(run.finish()), "under a wrapper")

    def test_multiprocessing(self):
        for method in ("spawn", "fork", "forkserver"):
            with self.subTest(method):
                self.compare(METHODS.replace("{method}", method))

    def test_children_find_the_modules_and_are_no_scripts(self):
        for method in ("spawn", "fork", "forkserver"):
            with self.subTest(method):
                run = self.run_script(SPAWNED.replace("{method}", method))
                code, out, err = run.finish()
                self.assertEqual((code, out), (0, "[(False, 'mlhost')] True\n"), err)
                self.assertEqual(run.samples("loss"), [])

    def test_relative_path(self):
        self.write("print(__file__, __import__('sys').argv, __import__('sys').path[0])")
        for path in ("script.py", "./script.py", "../%s/script.py" % os.path.basename(self.dir)):
            bare = self.run_plain([sys.executable, path], cwd=self.dir)
            self.assertEqual(bare, self.run_plain([sys.executable, SHIM, path], cwd=self.dir))

    def test_symbolic_link(self):
        os.mkdir(os.path.join(self.dir, "real"))
        self.write("print(__file__, __import__('sys').path[0])", "real/script.py")
        link = os.path.join(self.dir, "link.py")
        os.symlink("real/script.py", link)
        self.assertEqual(self.run_plain([sys.executable, link]), self.run_plain([sys.executable, SHIM, link]))

    def test_directory_and_missing_file(self):
        self.write("print('from a directory')", "__main__.py")
        for path in (self.dir, os.path.join(self.dir, "missing.py")):
            self.assertEqual(self.run_plain([sys.executable, path]), self.run_plain([sys.executable, SHIM, path]))

    def test_isolated(self):
        path = self.write("import sys; print(sys.path)")
        self.assertEqual(self.run_plain([sys.executable, "-I", path]), self.run_plain([sys.executable, "-I", SHIM, path]))

    def test_broken_shim_runs_the_script_bare(self):
        path = self.write("import sys; print(sys.argv[1:], 'MLHOST_FD' in __import__('os').environ); sys.exit(5)")
        code, out, err = self.run_plain([sys.executable, SHIM, path, "x"], env={"MLHOST_FD": "999"})
        self.assertEqual((code, out), (5, "['x'] False\n"))
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertTrue(err.startswith("mlhost: the script runs without mlhost: "), err)

    def test_lines_of_several_processes_stay_whole(self):
        path = self.write("""
            import os
            children = []
            for _ in range(3):
                child = os.fork()
                if not child:
                    break
                children.append(child)
            for i in range(300):
                print("a", "line", flush=True)
            if not child:
                os._exit(0)
            for child in children:
                os.waitpid(child, 0)
        """)
        self.assertEqual(self.run_plain([sys.executable, SHIM, path], env={"PYTHONUNBUFFERED": "1"}), (0, "a line\n" * 1200, ""))

    def test_our_modules_win_over_old_copies(self):
        self.write("raise ImportError('the old copy')", "script_interface.py")
        run = self.run_script("import script_interface, sys; print(script_interface.ScriptInterface.__name__, sys.path[0])")
        self.assertEqual(run.finish(), (0, "ScriptInterface %s\n" % self.dir, ""))


def add(name, source):
    def test(self):
        self.compare(source)

    setattr(Fidelity, "test_same_%s" % name.replace(" ", "_").replace("-", "_").replace(".", "_"), test)


for _name, _source in SCRIPTS.items():
    add(_name, _source)

if __name__ == "__main__":
    unittest.main()
