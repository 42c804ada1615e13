"""Runs scripts of other people's repositories under mlhost, and prints a table of what came of it.

    make compat REPOS=DIR [VENV=DIR] [COMPATFLAGS="--only TEXT --json FILE"]

DIR holds checked-out repositories as OWNER/NAME (table.py lists them); VENV is a virtual
environment with what the scripts import. Each script runs three times in a fresh copy, unchanged:
by plain Python, by `mlhost run`, and once more with a change while it runs. Nothing is downloaded.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT = 500  # seconds for a run, or for what is waited for
BETWEEN = 0.3  # seconds between two looks
TRIES = 4  # where a change that is to be seen came too late

sys.dont_write_bytecode = True


class Lab:
    """One script in its own copy, with its own state."""

    def __init__(self, options, script, folder):
        self.script, self.folder = script, folder
        self.mlhost, self.venv = os.path.abspath(options.mlhost), os.path.abspath(options.venv)
        self.python = os.path.join(self.venv, "bin", "python")
        self.source = os.path.join(os.path.abspath(options.repos), script.repo)
        self.repo = os.path.join(folder, "repo")
        self.path = os.path.join(self.repo, script.path)
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("MLHOST_", "PYTHON"))}
        keep.update(
            VIRTUAL_ENV=self.venv, PATH=os.path.join(self.venv, "bin") + os.pathsep + keep["PATH"], PYTHONUNBUFFERED="1", OMP_NUM_THREADS="1",
            MLHOST_STATE=os.path.join(folder, "state"), MLHOST_LISTEN="127.0.0.1:0", MLHOST_CONNECTOR_LISTEN="127.0.0.1:0", NO_COLOR="1",
        )
        self.env = dict(keep, **{k: v.replace("{repo}", self.repo) for k, v in script.env.items()})
        self.name = re.sub(r"\W", "_", os.path.basename(script.path)[:-3])

    def words(self, args):
        return [word.replace("{repo}", self.repo) for word in args.split()]

    def fresh(self):
        """Makes the copy anew, so that each run finds the same files."""
        shutil.rmtree(self.repo, ignore_errors=True)
        shutil.copytree(os.path.join(self.source, self.script.keep), os.path.join(self.repo, self.script.keep), symlinks=True)
        for make in self.script.data:
            make(self.repo)
        if self.script.make:
            subprocess.run([self.python, "-c", self.script.make], cwd=os.path.dirname(self.path), env=self.env, check=True)

    def plain(self):
        self.fresh()
        done = subprocess.run(
            [self.python, self.path, *self.words(self.script.args)], cwd=os.path.dirname(self.path), env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT,
        )
        return done.returncode, done.stdout, done.stderr

    def wrapped(self):
        self.fresh()
        self.ask("run", os.path.basename(self.path), "--", *self.words(self.script.args))
        run = json.loads(self.ask("runs", "--json"))["runs"][0]
        return (run["exit_code"], *self.printed(run["id"]))

    def printed(self, run):
        for folder, _, files in os.walk(os.path.join(self.folder, "state")):
            if os.path.basename(folder) == run and "stdout.log" in files:
                return tuple(open(os.path.join(folder, name + ".log"), "rb").read() for name in ("stdout", "stderr"))
        raise FileNotFoundError("no output of run " + run)

    def ask(self, *words):
        """Returns what a verb prints to stdout, or what it says is wrong."""
        done = subprocess.run(
            [self.mlhost, *words], cwd=os.path.dirname(self.path), env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=LIMIT,
        )
        return done.stdout or done.stderr

    def names(self):
        """Returns the names that were found by reading, and those that the script really takes."""
        found = json.loads(self.ask("discover", "--json", os.path.basename(self.path)))["scripts"][0]
        read = {p["name"] for p in found["parameters"]}
        if self.script.own:
            text = subprocess.run([self.python, "-B", "-c", self.script.own], cwd=self.repo, env=self.env, stdout=subprocess.PIPE, text=True, check=True).stdout
            return found["style"], read, set(json.loads(text.splitlines()[-1]))
        if found["style"] in ("constants", "none"):
            return found["style"], read, None
        if found["style"] not in ("argparse", "tyro"):
            ran = json.loads(self.ask("discover", "--run", "--json", os.path.basename(self.path)))["scripts"][0]
            stopped = [p["message"] for p in ran["problems"] if "no parser was reached" in p["message"]]
            return found["style"], read, None if stopped else {p["name"] for p in ran["parameters"]}
        out = os.path.join(self.folder, "names.json")
        subprocess.run(
            [self.python, "-B", os.path.join(HERE, "probe.py"), out, os.path.basename(self.path)], cwd=os.path.dirname(self.path), env=self.env,
            stdout=subprocess.DEVNULL, timeout=LIMIT, check=False,
        )
        with open(out, encoding="utf-8") as f:
            return found["style"], read, set(json.load(f))

    def changed(self):
        """Runs the script once more, changes it, and returns what came of that."""
        self.fresh()
        script = self.script
        args = script.args if script.live is None else script.live
        shutil.rmtree(os.path.join(self.folder, "state"), ignore_errors=True)
        if script.given or script.watched:
            self.configure(args)
            self.ask("run", "--detach", "compat.hcl")
        else:
            self.ask("run", "--detach", os.path.basename(self.path), "--", *self.words(args))
        try:
            return self.change()
        finally:
            self.ask("down", "--now")

    def configure(self, args):
        """Writes a configuration: what the script is started with, and variables that are named."""
        words = ["source = %s" % json.dumps(os.path.basename(self.path)), "args = %s" % json.dumps(self.words(args)), "restart {\n    policy = \"never\"\n  }"]
        if self.script.given:
            words.append("parameters = { %s }" % self.script.given)
        words += ["variable %s {}" % json.dumps(name) for name in self.script.watched]
        with open(os.path.join(os.path.dirname(self.path), "compat.hcl"), "w", encoding="utf-8") as f:
            f.write('script "%s" {\n  %s\n}\n' % (self.name, "\n  ".join(words)))

    def change(self):
        script, out = self.script, {}
        name = script.change.partition("=")[0]
        run = json.loads(self.ask("runs", "--json"))["runs"][0]["id"]
        self.name = json.loads(self.ask("ps", "--json"))["scripts"][0]["name"]
        self.until(lambda: re.search(script.when.encode(), b"".join(self.printed(run)), re.M))
        before, count = self.last(run, script.series), len(self.samples(run, script.series))
        self.until(lambda: not self.early(out))
        status, value = out["set"].get("status"), out["set"].get("value")
        if script.output and status in ("applied", "pending"):
            marks = [0 if script.when == "" else len(text) for text in self.printed(run)]
            out["seen"] = bool(self.until(lambda: any(re.search(script.output.encode(), t[m:], re.M) for t, m in zip(self.printed(run), marks)), 60))
        if script.series and status in ("applied", "pending"):
            out["series"] = {"name": script.series, "before": before, "after": self.until(lambda: self.moved(run, max(count - 3, 0), before[1]), 120)}
        if script.release and status in ("applied", "pending"):
            held = self.last(run, script.series)[1]
            out["release"] = self.outcome("release", self.name, name, "--json")
            out["released"] = self.until(lambda: self.last(run, script.series)[1] != held and self.last(run, script.series), 120)
        if script.stop:
            out["stop"] = self.stop(run, script.stop)
        if script.differs:
            self.until(lambda: False)
            out["differs"] = self.differs(run)
        shown = json.loads(self.ask("runs", "show", run, "--json"))
        time.sleep(BETWEEN * 4)
        out["changes"] = json.loads(self.ask("runs", "show", run, "--json")).get("changes")
        out["variables"] = sorted(s["name"] for s in shown["series"])
        out["value"] = value
        events = self.ask("logs", self.name, "--json")
        out["warnings"] = [json.loads(line)["text"] for line in events.splitlines() if '"stream":"log"' in line][:5]
        return out

    def moved(self, run, before, old):
        """Returns the newest sample when those since the change show it: as script.shows finds,
        by another value than the old one, or with "still" by the last five being the same."""
        samples, shows = self.samples(run, self.script.series)[before:], self.script.shows
        values = [s[2] for s in samples]
        if not values:
            return None
        if shows == "still":
            shown = len(values) >= 10 and len(set(values[-5:])) == 1 and len(set(values[:3])) > 1
        else:
            shown = shows(values) if shows else values[-1] != old
        return (samples[-1][0], values[-1]) if shown else None

    def stop(self, run, pattern):
        """Ends the script as a person would, and returns what it did about that."""
        self.ask("stop", self.name)
        self.until(lambda: False, 60)
        shown = json.loads(self.ask("runs", "--json"))["runs"][0]
        text = b"".join(self.printed(run))
        found = re.findall(pattern.encode(), text, re.M)
        return {"state": shown.get("state"), "exit_code": shown.get("exit_code"), "reason": shown.get("reason"), "said": found[-1].decode() if found else ""}

    def differs(self, run):
        """Returns the first line that a run without the change does not print."""
        changed, plain = (masked(text, self.script) for text in (self.printed(run)[0], self.bare[1]))
        return next(([number + 1, a, b] for number, (a, b) in enumerate(zip(changed, plain)) if a != b), None)

    def early(self, out):
        """Asks for the change; returns whether it came before the script had what it changes."""
        out["set"] = self.outcome("set", self.name, self.script.change, "--json")
        return re.search("takes nothing yet|so far$|no such parameter| has no parameter |not registered it$|nothing is known", out["set"].get("reason") or "")

    def outcome(self, *words):
        text = self.ask(*words)
        try:
            reply = json.loads(text)
        except ValueError:
            return {"status": "error", "reason": text.strip()}
        if "error" in reply:
            return {"status": reply["error"]["code"], "reason": reply["error"]["message"]}
        return (reply.get("outcomes") or [reply])[0]

    def last(self, run, series):
        """Returns step and value of the newest sample."""
        samples = self.samples(run, series)
        return (samples[-1][0], samples[-1][2]) if samples else (None, None)

    def samples(self, run, series):
        if not series:
            return []
        return json.loads(self.ask("runs", "show", run, "--samples", series, "--json")).get("samples", {}).get(series) or []

    def until(self, true, limit=LIMIT):
        """Waits until something is so, or the script has ended; returns what it was."""
        end = time.monotonic() + limit
        while True:
            found = true()
            if found or time.monotonic() > end:
                return found
            if json.loads(self.ask("ps", "--json"))["scripts"][0]["state"] in ("finished", "failed", "stopped"):
                return true()
            time.sleep(BETWEEN)


def masked(text, script):
    lines = text.decode("utf-8", "replace").splitlines()
    lines = [line for line in lines if not (script.drop and re.search(script.drop, line))]
    for pattern in script.mask:
        lines = [re.sub(pattern, "#", line) for line in lines]
    return lines


def same(plain, wrapped, script):
    """Returns in words how a run under mlhost differs from a plain one."""
    if plain == wrapped:
        return "same bytes"
    told = [] if plain[0] == wrapped[0] else ["exit code %s, plain %s" % (wrapped[0], plain[0])]
    for name, a, b in (("stdout", plain[1], wrapped[1]), ("stderr", plain[2], wrapped[2])):
        a, b = masked(a, script), masked(b, script)
        if script.mixed:
            a, b = sorted(a), sorted(b)
        if a != b:
            first = next((pair for pair in zip(a + ["(end)"], b + ["(end)"]) if pair[0] != pair[1]), ("(end)", "(end)"))
            told.append("%s differs: %r, plain %r" % (name, first[1][:200], first[0][:200]))
    return "; ".join(told) or "same but for what differs in every run"


def examine(options, script):
    row = {"repo": script.repo, "path": script.path, "args": script.args, "live": script.live, "change": script.change, "note": script.note}
    folder = tempfile.mkdtemp(prefix="compat-")
    try:
        lab = Lab(options, script, folder)
        if script.differs or not options.live:
            plain = lab.bare = lab.plain()
            row["exit_code"], row["plain_error"] = plain[0], plain[2].decode("utf-8", "replace")[-600:] if plain[0] else ""
        if not options.live:
            row["output"] = same(plain, lab.wrapped(), script)
            style, read, real = lab.names()
            row.update(style=style, read=sorted(read))
            if real is not None:
                row.update(real=len(real), found=len(real & read), missed=sorted(real - read), false=sorted(read - real))
        for _ in range(TRIES):
            row.update(lab.changed())
            if row["set"].get("status") in ("applied", "pending") or not (script.differs or script.series or script.output):
                break
    finally:
        if options.keep:
            print("kept:", folder, file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return row


def line(row):
    """Returns a row of the table."""
    names = "no parser; %d constants" % len(row.get("read", ())) if "real" not in row else "%d of %d" % (row["found"], row["real"])
    if row.get("false"):
        names += ", %d false" % len(row["false"])
    change, told = row.get("set", {}), "`%s`: " % row["change"]
    told += "%s%s" % (change.get("status"), " at step %s" % change["step"] if change.get("step") is not None else "")
    if change.get("reason"):
        told += " (%s)" % change["reason"]
    if row.get("series") and row["series"]["after"]:
        told += "; `%s` %s → %s at step %s" % (row["series"]["name"], row["series"]["before"][1], row["series"]["after"][1], row["series"]["after"][0])
    if "seen" in row:
        told += "; seen in the output" if row["seen"] else "; not seen in the output"
    if row.get("differs"):
        told += "; line %d is %r, without the change %r" % tuple(row["differs"])
    if "stop" in row:
        told += "; stop: %(state)s, exit code %(exit_code)s, %(said)r" % row["stop"]
    if "release" in row:
        told += "; released, %s" % ("back to %s at step %s" % (row["released"][1], row["released"][0]) if row["released"] else "not seen")
    seen = ", ".join("`%s`" % v for v in row.get("variables", [])[:6]) + (", … (%d)" % len(row["variables"]) if len(row.get("variables", [])) > 6 else "")
    return "| %s `%s` | %s | %s, %s | %s | %s |" % (row["repo"], row["path"], names, row.get("exit_code"), row.get("output"), told, seen or "none")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repos", required=True)
    parser.add_argument("--venv", required=True)
    parser.add_argument("--mlhost", default=os.path.join(HERE, "..", "..", "..", "bin", "mlhost"))
    parser.add_argument("--only", nargs="*", default=[""], metavar="TEXT", help="parts of REPO/PATH")
    parser.add_argument("--live", action="store_true", help="only the run that is changed")
    parser.add_argument("--json", help="write everything that was found to this file")
    parser.add_argument("--keep", action="store_true", help="keep the copies and states")
    options = parser.parse_args()
    sys.path.insert(0, HERE)
    from table import SCRIPTS

    rows, failed = [], 0
    print("| script | parameters | exit code, output | change | variables |\n|---|---|---|---|---|")
    for script in SCRIPTS:
        if not any(text in script.repo + "/" + script.path for text in options.only):
            continue
        try:
            rows.append(examine(options, script))
            print(line(rows[-1]), flush=True)
        except Exception as e:  # one script's trouble is not the others'
            failed += 1
            print("| %s `%s` | | not examined: %s: %s | | |" % (script.repo, script.path, type(e).__name__, e), flush=True)
        if options.json:
            with open(options.json, "w", encoding="utf-8") as f:
                json.dump(rows, f, indent=1)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
