"""What the parser of one script really has: PYTHON probe.py OUT SCRIPT [ARG...]

runs SCRIPT as `python SCRIPT` would, with its own libraries and without mlhost, up to its first
parse, and writes the names to OUT as JSON: the dests of argparse, the fields of tyro's dataclass.
"""

import argparse
import dataclasses
import json
import os
import runpy
import sys


def done(names):
    with open(OUT, "w", encoding="utf-8") as f:
        json.dump(sorted(names), f)
    os._exit(0)


def dests(parser):
    names = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                names |= dests(sub)
        if action.dest not in ("help", argparse.SUPPRESS):
            names.add(action.dest)
    return names


def fields(kind, before=""):
    names = set()
    for field in dataclasses.fields(kind):
        inner = field.default_factory if field.default_factory is not dataclasses.MISSING else field.type
        names |= fields(inner, before + field.name + ".") if dataclasses.is_dataclass(inner) else {before + field.name}
    return names


def main():
    plain = argparse.ArgumentParser.parse_known_args

    def parse(parser, *args, **kwargs):
        if not parser.add_help:  # it reads the name of a file of values; the whole parser comes after it
            EARLIER.update(dests(parser))
            return plain(parser, *args, **kwargs)
        return done(dests(parser) | EARLIER)

    argparse.ArgumentParser.parse_known_args = parse
    try:
        import tyro
    except ImportError:
        pass
    else:
        tyro.cli = lambda kind, *args, **kwargs: done(fields(kind))
    sys.argv = sys.argv[2:]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")


OUT, EARLIER = sys.argv[1], set()
if __name__ == "__main__":
    main()
