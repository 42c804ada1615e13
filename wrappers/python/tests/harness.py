"""A fake wrapper: it runs a script under the shim and speaks lines with it."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import unittest

SRC = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "src")
SHIM = os.path.join(SRC, "mlhost_shim.py")
PATIENCE = 180  # seconds until a test that hangs fails; a machine under load takes a minute to import torch


def clean_environment(**more):
    """The environment without what would change how Python behaves."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MLHOST"))}
    if "TORCH1_PATH" in os.environ:  # of a library that is unpacked, not installed: .ci/ml-venv
        env["PYTHONPATH"] = os.environ["TORCH1_PATH"]
    env.update(more)
    return env


class Run:
    """One script under the shim."""

    def __init__(self, path, args=(), start=True, parameters=None, cwd=None, catalogue=(), variables=()):
        self.seen = []
        self._next = 0
        ours, theirs = socket.socketpair()
        self.sock = ours
        self.sock.settimeout(PATIENCE)
        fd = theirs.fileno()
        self.process = subprocess.Popen(
            [sys.executable, SHIM, path] + list(args),
            pass_fds=(fd,),
            env=clean_environment(MLHOST_FD=str(fd)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
        )
        theirs.close()
        self.lines = ours.makefile("rb")
        if start:
            self.send(op="start", version=1, run="r1", script="trainer", parameters=parameters or {}, revision=0, catalogue=list(catalogue), variables=list(variables))

    def send(self, **message):
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def expect(self, op, **fields):
        """Returns the next line, of those not seen yet, with the op and the fields."""
        while True:
            line = self.lines.readline()
            if not line:
                raise AssertionError("no %s %s came; there were %s; stderr: %s" % (op, fields, self.seen, self.process.stderr.read()))
            message = json.loads(line)
            self.seen.append(message)
            if message.get("op") == op and all(message.get(k) == v for k, v in fields.items()):
                return message

    def ask(self, op, **fields):
        """Sends a command and returns the script's answer."""
        self._next += 1
        identity = "c%d" % self._next
        self.send(op=op, id=identity, **fields)
        return self.expect("reply" if op == "message" else "done", id=identity)

    def set(self, **values):
        return self.ask("set", values=values, author="user:me")["outcomes"]

    def finish(self):
        """Reads to the end and returns (exit code, stdout, stderr)."""
        try:
            for line in self.lines:
                self.seen.append(json.loads(line))
        except ConnectionResetError:
            pass  # the script ended before it had read what we sent
        if self.seen and self.seen[-1] == {"op": "end"}:
            self.seen.pop()  # the last line of every script that ends by itself
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out.decode(), err.decode()

    def samples(self, name):
        """Returns the values of a variable that were seen, in order."""
        found = [s for m in self.seen if m["op"] == "samples" for s in m["samples"]]
        return [s[3] for s in found if s[0] == name]

    def warnings(self):
        """Returns the warnings that were seen."""
        return [m["text"] for m in self.seen if m["op"] == "warning"]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for file in (self.process.stdout, self.process.stderr, self.lines, self.sock):
            file.close()


class ScriptTest(unittest.TestCase):
    """Writes scripts into a directory of the test's own and runs them."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.dir = os.path.realpath(holder.name)

    def write(self, source, name="script.py"):
        path = os.path.join(self.dir, name)
        data = source if isinstance(source, bytes) else textwrap.dedent(source).encode()
        with open(path, "wb") as file:
            file.write(data)
        return path

    def run_script(self, source, *args, **options):
        run = Run(self.write(source), args, **options)
        self.addCleanup(run.close)
        return run

    def run_plain(self, command, **options):
        """Runs a command to its end and returns (exit code, stdout, stderr)."""
        return self.start_plain(command, **options)()

    def start_plain(self, command, **options):
        """Starts a command and returns the function that waits for its end."""
        environment = clean_environment(**options.pop("env", {}))
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.addCleanup(process.kill)  # of no effect once it has been waited for

        def finish():
            out, err = process.communicate(timeout=PATIENCE)
            return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

        return finish
