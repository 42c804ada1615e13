"""What the parser of one script really has.

    PYTHON -B real.py SCRIPT HOME [HIDDEN,...]

executes the script up to its first parse, as `mlhost discover --run` does, with stand-ins for
libraries that are not installed, and writes the result to stdout as one line of JSON. HIDDEN
are packages that get a stand-in though they are there.
"""

import os
import sys
import traceback
import types

HERE = os.path.dirname(os.path.abspath(__file__))
OBSERVE = os.path.join(os.path.dirname(HERE), "src", "mlhost_discover", "observe")
sys.path[:0] = [HERE, OBSERVE]

import guard  # noqa: E402
import patches  # noqa: E402
import stand_in  # noqa: E402

del sys.path[:2]


def places(script):
    """Returns where the script's own modules may lie."""
    package = top = os.path.dirname(script)
    while os.path.isfile(os.path.join(package, "__init__.py")):
        package = os.path.dirname(package)
    while top != "/" and not any(os.path.exists(os.path.join(top, mark)) for mark in (".git", "pyproject.toml", "setup.py")):
        top = os.path.dirname(top)
    return [package] + ([top, os.path.join(top, "src")] if top != "/" else [])


def main():
    script, home, hidden = os.path.abspath(sys.argv[1]), sys.argv[2], [h for h in "".join(sys.argv[3:]).split(",") if h]
    sys.path[0] = os.path.dirname(script)
    sys.path += [p for p in places(script) if p not in sys.path]
    sys.dont_write_bytecode = True
    os.environ.update(HOME=home, TMPDIR=home)
    guard.WRITES.pop("os.mkdir")  # of folders that are there already, mostly; the run cannot write into them
    stand_in.install(os.path.dirname(script), hidden)
    found = patches.Found()
    patches.install(found)
    sys.argv = [script]
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=script, __builtins__=__builtins__, __spec__=None)
    found.kept, sys.modules["__main__"] = sys.modules["__main__"], module
    out, null = os.dup(1), os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.chdir(os.path.dirname(script))
    ended = run(script, module)
    patches.tell(out, dict(found.result(), ended=ended))
    os._exit(0)


def run(script, module):
    try:
        with open(script, "rb") as f:
            code = compile(f.read(), script, "exec", dont_inherit=True)
        guard.install()
        exec(code, module.__dict__)
    except patches.Parsed:
        return "parsed"
    except BaseException as e:  # whatever ends a script
        last = traceback.extract_tb(e.__traceback__)[-1]
        return "%s: %s (%s:%s)" % (type(e).__name__, str(e)[:150], last.filename[-60:], last.lineno)
    return "no parser was asked to parse"


if __name__ == "__main__":
    main()
