"""Compares what reading tells of scripts with the parsers that they really make.

    PYTHON -B wrappers/python/compare [--sample N] [--keep DIR] [--misses] [--only TEXT] FOLDER...

FOLDERs are checked-out repositories. PYTHON is an interpreter (3.10 or newer) that has what the
scripts' parsers come from: click, typer, absl-py, fire, tyro, hydra-core, simple-parsing,
jsonargparse, transformers, draccus, ml_collections, docopt, typed-argument-parser; for whatever
else they import there are stand-ins (stand_in.py). The scripts ARE EXECUTED, up to their first
parse, under the guard of `mlhost discover --run`: use repositories that you would run.

Printed are, for each parser: scripts, names found and false, defaults right; with --misses each
script where something differs; how the others ended; and the processor time of reading.
--keep DIR keeps what the real parsers have, so that a second comparison is one of seconds.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
READER = os.path.join(os.path.dirname(HERE), "src", "mlhost_discover")
LIMIT = 60  # seconds for one script's parser
PARSES = re.compile(r"argparse|optparse|docopt|ArgumentParser|HfArgumentParser|TrlParser|\btyro\b|\bclick\b|\btyper\b|\babsl\b|\bfire\b|\bhydra\b|simple_parsing|jsonargparse|pyrallis|draccus|\btap\b")
RUNS = re.compile(r"__main__|^(\w+\s*=\s*)?[\w.]+\(.*\)\s*$|parse_args\(\)", re.M)
LEFT_OUT = {".git", "tests", "test", "testing", "__pycache__", "node_modules"}


def scripts(folder):
    """Returns the files below a folder that look as if they parsed arguments by themselves."""
    out = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in LEFT_OUT)
        for name in sorted(files):
            if name.endswith(".py") and not name.startswith("test_") and not name.endswith("_test.py") and name not in ("setup.py", "conftest.py", "__init__.py"):
                path = os.path.join(place, name)
                with open(path, encoding="utf-8", errors="replace") as f:
                    text = f.read(2_000_000)
                if PARSES.search(text) and RUNS.search(text):
                    out.append(os.path.abspath(path))
    return out


def read(paths):
    """Reads the scripts; returns what was found, and the processor time of each in ms."""
    sys.path.insert(0, READER)
    from script import Script
    from sources import Tree

    warnings.simplefilter("ignore")
    sys.setrecursionlimit(3000)
    tree, found, times = Tree(), {}, {}
    for path in paths:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        found[path] = Script(tree, path).run()
        times[path] = (resource.getrusage(resource.RUSAGE_SELF).ru_utime - before) * 1000
    return found, times


def own_packages(path):
    """Returns the packages of the script's repository that it would import as if installed."""
    top = os.path.dirname(path)
    while top != "/" and not any(os.path.exists(os.path.join(top, mark)) for mark in (".git", "pyproject.toml", "setup.py")):
        top = os.path.dirname(top)
    out = set()
    for place in (top, os.path.join(top, "src")) if top != "/" else ():
        for name in os.listdir(place) if os.path.isdir(place) else ():
            if os.path.isfile(os.path.join(place, name, "__init__.py")) and not path.startswith(os.path.join(place, name) + os.sep):
                out.add(name)
    return sorted(out)


def real(path, keep):
    """Returns what the script's parser has; a second try goes without the repository's own packages."""
    kept = os.path.join(keep, re.sub(r"\W+", "_", os.path.relpath(path)) + ".json")
    if os.path.isfile(kept):
        with open(kept, encoding="utf-8") as f:
            return json.load(f)
    with tempfile.TemporaryDirectory() as home:
        got = one_try(path, home, [])
        hidden = own_packages(path)
        if not got["parser"] and hidden:
            again = one_try(path, home, hidden)
            got = again if again["parser"] else got
    with open(kept, "w", encoding="utf-8") as f:
        json.dump(got, f)
    return got


def one_try(path, home, hidden):
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    if "HfArgumentParser" not in text and "TrlParser" not in text:
        hidden = hidden + ["transformers"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    nothing = {"parser": "", "parameters": []}
    try:
        done = subprocess.run([sys.executable, "-B", os.path.join(HERE, "real.py"), path, home, ",".join(hidden)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=LIMIT, env=env)
    except subprocess.TimeoutExpired:
        return dict(nothing, ended="took more than %d s" % LIMIT)
    return json.loads(done.stdout) if done.stdout.strip() else dict(nothing, ended="died with status %d" % done.returncode)


def same(value):
    """Makes values comparable: 1.0 is 1."""
    if isinstance(value, float) and value == int(value) and abs(value) < 1e15:
        return int(value)
    return [same(v) for v in value] if isinstance(value, list) else value


def tyro_names(params):
    """tyro's parser has names of its own beside those of the fields."""
    out = {}
    for p in params:
        name = p["name"].replace("__tyro_dummy_inner__", "").strip(".")
        if name and not name.startswith("__tyro") and "(" not in name:
            out[name] = p
    return out


def compare(found, true):
    """Returns the counts of one script and what differs."""
    ours = {p["name"]: p for p in found["parameters"] if p["style"] not in ("constants", "env")}
    theirs = tyro_names(true["parameters"]) if true["parser"] == "tyro" else {p["name"]: p for p in true["parameters"]}
    both, counts, wrong = set(ours) & set(theirs), collections.Counter(scripts=1, names=len(theirs)), []
    missed, false = sorted(set(theirs) - both), sorted(set(ours) - both)
    counts.update(found=len(both), false=len(false))
    for name in sorted(both):
        mine, his = ours[name], theirs[name]
        said = any(re.search(r"(default|value|choices) of %s (is|are)" % re.escape(name), p["message"]) for p in found["problems"])
        if his["computed"] or true["parser"] == "tyro" or mine["default"] is None and said:
            counts["not compared"] += 1
        elif same(mine["default"]) == same(his["default"]):
            counts.update(defaults=1, right=1)
        else:
            counts["defaults"] += 1
            wrong.append("%s: default %r, read %r" % (name, his["default"], mine["default"]))
        if mine["type"] != his["type"] and "any" not in (mine["type"], his["type"]):
            counts["other type"] += 1
            wrong.append("%s: type %s, read %s" % (name, his["type"], mine["type"]))
        if true["parser"] != "tyro" and (mine["choices"] or None) != (his["choices"] or None) and not said:
            counts["other choices"] += 1
            wrong.append("%s: choices %.80s, read %.80s" % (name, his["choices"], mine["choices"]))
    return counts, missed, false, wrong


def main():
    parser = argparse.ArgumentParser(prog="compare", description="Compares discovery with real parsers. The scripts are executed up to their first parse.")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--sample", type=int, default=0, help="at most about so many scripts of a folder, evenly spread (0: all)")
    parser.add_argument("--keep", help="folder that keeps what the real parsers have")
    parser.add_argument("--misses", action="store_true", help="print each difference")
    parser.add_argument("--only", default="", help="only scripts whose path has this text")
    args = parser.parse_args()
    paths = []
    for folder in args.folders:
        got = scripts(folder)
        paths += got[:: max(1, -(-len(got) // args.sample))] if args.sample else got
    paths = [p for p in paths if args.only in p]
    found, times = read(paths)
    with tempfile.TemporaryDirectory() as own:
        keep = args.keep or own
        os.makedirs(keep, exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            true = dict(zip(paths, pool.map(lambda path: real(path, keep), paths)))
    report(found, true, times, args.misses)


def report(found, true, times, misses):
    totals, without = collections.defaultdict(collections.Counter), collections.Counter()
    for path, got in true.items():
        if not got["parser"]:
            without[(os.path.relpath(path).split(os.sep)[:2][-1], got["ended"][:80])] += 1
            continue
        counts, missed, false, wrong = compare(found[path], got)
        totals[got["parser"]].update(counts)
        if misses and (missed or false or wrong):
            print("%s (%s)" % (os.path.relpath(path), got["parser"]))
            for title, lines in (("missed", missed), ("false", false), ("", wrong)):
                for line in lines[:40]:
                    print("    %s %s" % (title, line))
            for p in found[path]["problems"][:8]:
                print("      problem %d: %.150s" % (p["line"], p["message"]))
    everything = sum(totals.values(), collections.Counter())
    for kind, c in sorted(totals.items()) + [("all", everything)]:
        print("%-17s %4d scripts, names %d of %d (%.2f %%), false %d, defaults %d of %d (%.2f %%), not compared %d, types %d, choices %d" % (
            kind, c["scripts"], c["found"], c["names"], 100 * c["found"] / max(1, c["names"]), c["false"], c["right"], c["defaults"], 100 * c["right"] / max(1, c["defaults"]),
            c["not compared"], c["other type"], c["other choices"]))
    print("%d scripts came to no parser:" % sum(without.values()))
    for (folder, ended), n in without.most_common(60 if misses else 8):
        print("    %3d %s: %s" % (n, folder, ended))
    order = sorted(times.values())
    if order:
        print("reading: %d scripts, user CPU time: mean %.1f ms, median %.1f ms, 95th of a hundred %.1f ms, most %.0f ms" % (
            len(order), sum(order) / len(order), order[len(order) // 2], order[len(order) * 95 // 100], order[-1]))
        if misses:
            print("    " + ", ".join("%s %.0f" % (os.path.relpath(p), t) for p, t in sorted(times.items(), key=lambda item: -item[1])[:10]))


if __name__ == "__main__":
    main()
