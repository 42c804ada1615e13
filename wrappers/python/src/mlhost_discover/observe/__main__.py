"""Executes a script up to its first parse of arguments, and tells what that parser has.

    python -B mlhost_discover/observe RESULT SCRIPT [ARGS...]

writes one line of JSON to the file descriptor RESULT. The script runs in the interpreter that
started this, with its own libraries, until a parser is asked to parse; nothing behind that is
reached. Files for writing, sockets and processes are refused on the way (guard.py).
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import guard  # noqa: E402  (our own folder, before the script's takes its place)
import patches  # noqa: E402

sys.path.remove(HERE)


def main():
    out, script = int(sys.argv[1]), os.path.abspath(sys.argv[2])
    sys.argv = [sys.argv[2]] + sys.argv[3:]
    sys.path[0] = os.path.dirname(script)
    sys.dont_write_bytecode = True
    found = patches.Found()
    patches.install(found)
    ended, line = run(script, found)
    patches.tell(out, dict(found.result(), ended=ended, line=line, refused=guard.told()))


def run(script, found):
    """Runs the script; returns how that ended, in words, and the line if the script raised."""
    module = type(sys)("__main__")
    module.__dict__.update(__file__=script, __builtins__=__builtins__, __spec__=None)
    found.kept = sys.modules["__main__"]  # this module: without a reference its names would be gone
    sys.modules["__main__"] = module
    try:
        with open(script, "rb") as f:
            code = compile(f.read(), script, "exec", dont_inherit=True)
        guard.install()
        exec(code, module.__dict__)
    except patches.Parsed:
        return "parsed", 0
    except SystemExit as e:
        return "ended: the script exited with %s" % ("0" if e.code is None else str(e.code)[:200]), 0
    except BaseException as e:  # whatever a script can raise ends it
        return "ended: %s: %s" % (type(e).__name__, str(e)[:300]), line_of(e, script)
    return "ended: the script came to its end", 0


def line_of(failure, script):
    line = getattr(failure, "lineno", 0) if isinstance(failure, SyntaxError) and failure.filename == script else 0
    trace = failure.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == script:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line or 0


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # what the script has registered for its end is not run
