"""mlhost.* against a fake wrapper, line by line."""

import signal
import unittest

from harness import ScriptTest

TUNED = """
import mlhost, sys
lr = mlhost.param("lr", 0.1, min=0.001, max=1, scale="log", unit="1/s", doc="the rate")
n = mlhost.param("n", 3, min=0, max=10, step=2)
method = mlhost.param("method", "auto", choices=["auto", "manual"])
seed = mlhost.param("seed", 1, mutability="fixed")
layers = mlhost.param("layers", 2, mutability="restart")
@lr.on_change
def changed(old, new):
    print("lr", old, new, flush=True)
mlhost.result(ready=True)
"""

WAITING = """
for line in iter(lambda: mlhost.stopping(), True):
    pass
"""


def by_name(outcomes):
    return {o["name"]: (o["status"], o.get("value"), o.get("reason", "")) for o in outcomes}


class Protocol(ScriptTest):
    def tuned(self, **parameters):
        run = self.run_script(TUNED + WAITING, parameters=parameters)
        run.expect("result", name="ready")
        return run

    def test_hello_and_declarations(self):
        run = self.tuned(lr=0.5)
        hello = run.seen[0]
        self.assertEqual((hello["op"], hello["version"], hello["language"]), ("hello", 1, "python"))
        found = {m["name"]: m for m in run.seen if m["op"] == "parameter"}
        lr = found["lr"]
        self.assertEqual((lr["type"], lr["default"], lr["value"], lr["min"], lr["max"]), ("float", 0.1, 0.5, 0.001, 1))
        self.assertEqual((lr["scale"], lr["unit"], lr["doc"], lr["mutability"], lr["line"]), ("log", "1/s", "the rate", "live", 3))
        self.assertEqual(found["method"]["choices"], ["auto", "manual"])
        self.assertEqual([found[n]["type"] for n in ("n", "method", "seed")], ["int", "string", "int"])

    def test_set_is_applied_and_calls_back(self):
        run = self.tuned()
        self.assertEqual(by_name(run.set(lr=0.01, n=4)), {"lr": ("applied", 0.01, ""), "n": ("applied", 4, "")})
        self.assertEqual(by_name(run.set(lr=1)), {"lr": ("applied", 1.0, "")})
        self.assertEqual(run.process.stdout.readline() + run.process.stdout.readline(), b"lr 0.1 0.01\nlr 0.01 1.0\n")

    def test_set_is_refused_whole(self):
        run = self.tuned()
        outcomes = by_name(run.set(lr=0.5, n=11))
        self.assertEqual(outcomes["n"], ("rejected", 3, "11 is above the maximum 10"))
        self.assertEqual(outcomes["lr"][:2], ("rejected", 0.1))
        self.assertEqual(by_name(run.set(lr=0.2))["lr"], ("applied", 0.2, ""))

    def test_reasons(self):
        run = self.tuned()
        for value, reason in ((5, "above the maximum"), ("x", 'wants a float, got the string "x"'), (True, "wants a float, got a bool"), (None, "null")):
            self.assertIn(reason, by_name(run.set(lr=value))["lr"][2])
        self.assertIn("off step", by_name(run.set(n=3))["n"][2])
        self.assertIn('did you mean "manual"?', by_name(run.set(method="manuel"))["method"][2])
        self.assertIn("did you mean layers?", by_name(run.set(layer=1))["layer"][2])
        self.assertEqual(by_name(run.set(seed=2))["seed"][0], "rejected")
        self.assertEqual(by_name(run.set(layers=3))["layers"][:2], ("needs_restart", 3))

    def test_configured_value_that_does_not_fit(self):
        run = self.run_script(TUNED, parameters={"lr": 7})
        self.assertEqual(run.expect("fail")["parameter"], "lr")
        code, out, err = run.finish()
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(err, "mlhost: the configured value of parameter lr does not fit: 7.0 is above the maximum 1\n")

    def test_own_change(self):
        run = self.run_script("import mlhost\np = mlhost.param('p', 1)\np.value = 5\np.value = p + 1\ntry: p.value = 'x'\nexcept ValueError as e: print(e)")
        self.assertEqual(run.finish(), (0, 'parameter p: wants an int, got the string "x"\n', ""))
        changes = [m["changes"][0] for m in run.seen if m["op"] == "changed"]
        self.assertEqual([(c["old"], c["value"]) for c in changes], [(1, 5), (5, 6)])

    def test_everything_arrives_in_order(self):
        run = self.run_script("import mlhost\nfor i in range(5000): mlhost.log(loss=i)\nmlhost.result(end=1)")
        code, _, err = run.finish()
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(run.samples("loss"), list(range(5000)))
        self.assertEqual(run.seen[-1], {"op": "result", "name": "end", "value": 1})

    def test_values(self):
        run = self.run_script(
            """
            import mlhost
            history = [1.0]
            mlhost.log(a=float("nan"), b=float("inf"), c=-float("inf"), d=history, e={1: (2, float("nan"))}, f=None, g=2**70, h="\\ud800", i=object, j=True)
            history.append(2.0)
            mlhost.result(nan=float("nan"))
            """
        )
        self.assertEqual(run.finish()[0], 0)
        last = {s[0]: s[3] for m in run.seen if m["op"] == "samples" for s in m["samples"]}
        self.assertEqual([last[k] for k in "abcdefgj"], ["NaN", "Infinity", "-Infinity", [1.0], {"1": [2, "NaN"]}, None, 2.0**70, True])
        self.assertEqual(last["i"], "<class 'object'>")
        self.assertEqual(run.seen[-1]["value"], "NaN")

    def test_steps(self):
        run = self.run_script(
            """
            import mlhost
            for epoch in mlhost.loop(2):
                for batch in mlhost.loop(["x", "y", "z"]):
                    mlhost.log(loss=batch)
            mlhost.log(loss=0, step=70)
            mlhost.log(loss=1)
            """
        )
        self.assertEqual(run.finish()[0], 0)
        steps = [s[1] for m in run.seen if m["op"] == "samples" for s in m["samples"]]
        self.assertEqual(steps, [0, 1, 2, 3, 4, 5, 70, 70])
        progress = [m for m in run.seen if m["op"] == "progress"][-1]
        self.assertEqual((progress["done"], progress["total"]), (2, 2))

    def test_pause_boundary_resume_stop(self):
        run = self.run_script(
            """
            import mlhost, itertools
            p = mlhost.param("p", 1, mutability="boundary")
            for step in mlhost.loop(itertools.count()):
                if step == 0: mlhost.result(looping=True)
                mlhost.log(step_now=step)
            print("after the loop", p.value)
            """
        )
        run.expect("result")
        self.assertEqual(run.ask("pause")["outcomes"], [])
        self.assertEqual(by_name(run.set(p=2)), {"p": ("pending", 2, "applied at the next step")})
        self.assertEqual(run.ask("resume")["outcomes"], [])
        change = run.expect("changed")["changes"][0]
        self.assertEqual((change["name"], change["old"], change["value"]), ("p", 1, 2))
        self.assertNotIn("error", run.ask("stop", grace=10))
        self.assertEqual(run.finish(), (0, "after the loop 2\n", ""))

    def test_pause_and_stop_of_a_script_that_does_not_look(self):
        run = self.run_script("import mlhost\nmlhost.result(ready=1)\nimport signal\nsignal.pause()")
        run.expect("result")
        self.assertEqual(run.ask("pause")["error"]["code"], "unavailable")
        self.assertEqual(run.ask("stop", grace=10)["error"]["code"], "unavailable")
        run.process.send_signal(signal.SIGTERM)
        self.assertEqual(run.finish()[0], -signal.SIGTERM)

    def test_messages(self):
        run = self.run_script(
            """
            import mlhost, threading
            over = threading.Event()
            @mlhost.answers("double")
            def double(x): return x * 2
            @mlhost.answers("who")
            def who(data, message): return [message.source, message.kind]
            @mlhost.answers("bad")
            def bad(data): raise KeyError("k")
            @mlhost.answers("end")
            def end(data): over.set()
            over.wait()
            """
        )
        run.expect("topics", answers=["bad", "double", "end", "who"])
        message = {"kind": "ask", "source": "eva", "time": "2026-01-01T00:00:00Z", "timeout": 5}
        self.assertEqual(run.ask("message", topic="double", data=4, **message)["value"], 8)
        self.assertEqual(run.ask("message", topic="who", data=None, **message)["value"], ["eva", "ask"])
        error = run.ask("message", topic="bad", data=1, **message)["error"]
        self.assertEqual((error["code"], error["message"]), ("handler_failed", "KeyError: 'k'"))
        self.assertEqual(run.ask("message", topic="dubble", data=1, **message)["error"]["code"], "no_answerer")
        run.send(op="message", id="last", kind="tell", source="eva", topic="end")
        self.assertEqual(run.finish()[0], 0)

    def test_requests(self):
        run = self.run_script(
            """
            import mlhost
            print(mlhost.ask("b", "t", {"x": float("nan")}, timeout=3), mlhost.tell("b", "t"), mlhost.broadcast("t", 1))
            try: mlhost.ask("c", "t")
            except mlhost.Error as e: print(e.code, e.message, e.hint)
            """
        )
        ask = run.expect("ask", to="b", topic="t", timeout=3)
        self.assertEqual(ask["data"], {"x": "NaN"})
        run.send(op="reply", id=ask["id"], value=[1, 2])
        run.send(op="reply", id=run.expect("tell", to="b")["id"], value={"id": "m1"})
        run.send(op="reply", id=run.expect("broadcast")["id"], value={"id": "m2", "recipients": ["b", "c"]})
        run.send(op="reply", id=run.expect("ask", to="c")["id"], error={"code": "not_found", "message": "no c", "hint": "b?"})
        self.assertEqual(run.finish(), (0, "[1, 2] m1 ['b', 'c']\nnot_found no c b?\n", ""))

    def test_wrapper_ends_so_the_script_ends(self):
        run = self.run_script("import mlhost, signal\nmlhost.result(ready=1)\nsignal.pause()")
        run.expect("result")
        run.lines.close()
        run.sock.close()
        self.assertEqual(run.process.wait(60), 1)

    def test_noise_is_ignored(self):
        run = self.run_script("import mlhost\np = mlhost.param('p', 1)\nmlhost.result(ready=1)\n" + WAITING)
        run.expect("result")
        run.sock.sendall(b"not json\n[1]\n{\"op\":\"later\"}\n{\"op\":\"set\"}\n\n" + b"x" * 200_000 + b"\n")
        self.assertEqual(by_name(run.set(p=2))["p"][0], "applied")

    def test_slow_wrapper_never_blocks_the_script(self):
        source = "import mlhost\np = mlhost.param('p', 1)\nfor i in range(150_000): mlhost.log(loss=i)\nprint('done', flush=True)\nwhile p == 1: pass\nmlhost.result(end=1)"
        run = self.run_script(source)
        self.assertEqual(run.process.stdout.readline(), b"done\n")
        run.send(op="set", id="late", values={"p": 2})
        self.assertEqual(run.finish()[0], 0)
        missing = sum(int(m["text"].split()[0]) for m in run.seen if m["op"] == "warning")
        self.assertGreater(missing, 0)
        self.assertEqual(len(run.samples("loss")) + missing, 150_000)
        self.assertEqual([m["op"] for m in run.seen if m["op"] in ("done", "result")], ["done", "result"])
        self.assertEqual(run.seen[-1]["op"], "result")

    def test_an_answer_overtakes_nothing(self):
        for blocked in ("", "import sys; sys.modules['ctypes'] = None\n"):
            with self.subTest(blocked):
                run = self.run_script(
                    blocked
                    + "import mlhost\np = mlhost.param('p', 0)\np.on_change(lambda new: mlhost.log(seen=new))\nq = mlhost.param('q', 0)\n"
                    + "mlhost.result(ready=1)\nwhile True:\n  for i in range(3000): pass\n  mlhost.log(loss=q.value)"
                )
                run.expect("result")
                for value in range(1, 30):
                    self.assertEqual(by_name(run.set(q=value, p=value))["p"][0], "applied")
                    self.assertEqual(run.samples("seen"), list(range(1, value + 1)))
                self.assertEqual(run.samples("loss"), sorted(run.samples("loss")))

    def test_callbacks_that_fail_or_hang(self):
        run = self.run_script(
            """
            import mlhost, threading
            mlhost._settings._callbacks.ANSWER_AFTER = 0.1
            a, b, c = mlhost.param("a", 1), mlhost.param("b", 1), mlhost.param("c", 1)
            @a.on_change
            def fails(new): raise ValueError("no")
            @b.on_change
            def hangs(new): threading.Event().wait()
            @c.on_change
            def works(new): print("c", new, flush=True)
            mlhost.result(ready=1)
            """
            + "\n            threading.Event().wait()\n"
        )
        run.expect("result")
        self.assertEqual(by_name(run.set(a=2))["a"][0], "applied")
        self.assertIn("ValueError: no", [m for m in run.seen if m["op"] == "warning"][0]["text"])
        self.assertEqual(by_name(run.set(b=2))["b"][0], "applied")
        self.assertEqual(by_name(run.set(c=2))["c"][0], "applied")
        self.assertEqual(run.process.stdout.readline(), b"c 2\n")

    def test_callbacks_run_on_the_main_thread_and_may_set(self):
        run = self.run_script(
            """
            import mlhost, threading
            a, b = mlhost.param("a", 1), mlhost.param("b", 1)
            @a.on_change
            def on_a(new):
                b.value = new + 1
                print("a", new, threading.current_thread() is threading.main_thread(), flush=True)
            @b.on_change
            def on_b(new): print("b", new, flush=True)
            mlhost.result(ready=1)
            """
            + WAITING.replace("\n", "\n            ")
        )
        run.expect("result")
        run.set(a=5)
        self.assertEqual(run.process.stdout.readline() + run.process.stdout.readline(), b"a 5 True\nb 6\n")

    def test_callbacks_interrupt_the_main_thread_anywhere(self):
        run = self.run_script(
            """
            import mlhost
            p = mlhost.param("p", 0)
            @p.on_change
            def changed(new): mlhost.result(seen=new)
            mlhost.result(ready=1)
            wake = mlhost._session.current().channel.wake
            while True: wake.set()  # what every report does, without its line
            """
        )
        run.expect("result", name="ready")
        for value in range(1, 50):
            run.set(p=value)
        self.assertEqual([m["value"] for m in run.seen if m.get("name") == "seen"], list(range(1, 50)))

    def test_exit_in_a_callback_ends_the_script(self):
        run = self.run_script("import mlhost, sys\np = mlhost.param('p', 1)\np.on_change(lambda new: sys.exit(new))\nmlhost.result(ready=1)\n" + WAITING)
        run.expect("result")
        run.set(p=9)
        self.assertEqual(run.finish()[0], 9)

    def test_forked_child_is_no_script(self):
        run = self.run_script(
            """
            import mlhost, os, sys
            p = mlhost.param("p", 1)
            child = os.fork()
            if child == 0:
                mlhost.log(loss=1)
                p.value = 3
                try: mlhost.ask("a", "b")
                except mlhost.NotConnected: sys.exit(3)
            print(os.waitpid(child, 0)[1] >> 8, p.value)
            """
        )
        self.assertEqual(run.finish(), (0, "3 1\n", ""))
        self.assertEqual(run.samples("loss"), [])


class ClosedDescriptor(ScriptTest):
    def test_closing_it_between_a_look_and_a_read_does_not_end_the_script(self):
        run = self.run_script(
            """
            import os, threading, mlhost
            from mlhost import _channel
            look, take, give_up, noticed = _channel.Channel.is_ours, _channel.Channel._take, _channel.Channel._break, threading.Event()
            reader = []
            def taken(channel, line):
                reader[:] = [threading.get_ident()]
                take(channel, line)
            def late(channel):
                ours = look(channel)
                if ours and reader == [threading.get_ident()] and not channel._lock.locked():  # it is not about to send
                    os.close(channel._sock.fileno())
                return ours
            def given_up(channel):
                give_up(channel)
                noticed.set()
            _channel.Channel.is_ours, _channel.Channel._take, _channel.Channel._break = late, taken, given_up
            mlhost.param("p", 1)
            mlhost.result(ready=True)
            noticed.wait()
            print("runs on")
            """
        )
        run.expect("result", name="ready")
        run.send(op="set", id="c1", values={"p": 2}, author="user:me")
        self.assertEqual(run.finish(), (0, "runs on\n", ""))


class WithoutHost(ScriptTest):
    def test_everything_is_a_no_op(self):
        source = TUNED.replace("import mlhost, sys", "import sys; sys.path.insert(0, %r); import mlhost" % __import__("harness").SRC)
        source += (
            "print(lr, float(lr), int(n), bool(n), lr * 2, 1 - lr, f'{lr:.3f}', lr == 0.1, n < 4, list(range(10))[n])\n"
            "print(list(mlhost.loop(3)), list(mlhost.loop('ab')), mlhost.connected())\n"
            "mlhost.log(a=1, step=2)\nlr.value = 0.2\n"
            "@mlhost.answers('x')\ndef f(d): pass\n"
            "for call in (mlhost.ask, mlhost.tell, mlhost.broadcast):\n"
            "    try: call('a', 'b')\n"
            "    except mlhost.NotConnected as e: print(e.code)\n"
        )
        import sys

        code, out, err = self.run_plain([sys.executable, self.write(source)])
        expected = "0.1 0.1 3 True 0.2 0.9 0.100 True True 3\n[0, 1, 2] ['a', 'b'] False\nlr 0.1 0.2\n" + "not_connected\n" * 3
        self.assertEqual((code, out, err), (0, expected, ""))


if __name__ == "__main__":
    unittest.main()
