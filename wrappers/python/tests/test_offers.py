"""Parameters whose values live in foreign code, pending calls, and the step counter."""

import time

from harness import ScriptTest

OFFERED = """
import sys, threading
from mlhost._pending import run_on_main
from mlhost._session import current
from mlhost._spec import Spec
session = current()

class Target:
    def __init__(self, name, value):
        self.name, self.value, self.why = name, value, ""
    def get(self):
        return self.value
    def gone(self):
        return self.why
    def set(self, value, author, answer):
        if value == 13:
            return answer("rejected", reason="unlucky")
        def put():
            self.value = value
            self.thread = threading.current_thread()
            answer("applied", value, session.step)
        run_on_main(put, late=put)

a, b = Target("a", 1), Target("b", 2.0)
session.settings.offer(Spec("a", 1, style="test"), a)
session.settings.offer(Spec("b", 2.0, style="test"), b)
import mlhost
own = mlhost.param("own", 5)
mlhost.result(ready=True)
"""


def by_name(outcomes):
    return {o["name"]: (o["status"], o["value"], o.get("reason", "")) for o in outcomes}


class Offers(ScriptTest):
    def ready(self, rest, **options):
        run = self.run_script(OFFERED + rest, **options)
        run.expect("result", name="ready")
        return run

    def test_set_on_the_main_thread(self):
        run = self.ready("while a.value != 7: pass\nprint(a.thread is threading.main_thread())")
        self.assertEqual(run.seen[1]["style"], "test")
        self.assertEqual(by_name(run.set(b=3, own=6)), {"b": ("applied", 3.0, ""), "own": ("applied", 6, "")})
        self.assertEqual(by_name(run.set(a=7)), {"a": ("applied", 7, "")})
        self.assertEqual(run.finish(), (0, "True\n", ""))

    def test_set_while_main_is_blocked(self):
        run = self.ready("import signal\nsignal.pause()")
        took = 0.0
        while took < 0.05:  # the first one may find the main thread on its way there
            begun = time.monotonic()
            self.assertEqual(by_name(run.set(a=7)), {"a": ("applied", 7, "")})
            took = time.monotonic() - begun

    def test_refused_whole(self):
        run = self.ready("import signal\nwhile True: pass")
        alone = "not set, because another value was rejected"
        self.assertEqual(by_name(run.set(a=13, b=9.0, own=7)), {"a": ("rejected", 1, "unlucky"), "b": ("rejected", 2.0, alone), "own": ("rejected", 5, alone)})
        self.assertEqual(by_name(run.set(own=8, b=1.5)), {"own": ("applied", 8, ""), "b": ("applied", 1.5, "")})

    def test_target_that_is_gone(self):
        run = self.ready("session.settings.withdraw('b', 'fit has ended')\na.why = 'the object is gone'\nmlhost.result(now=1)\nwhile True: pass")
        run.expect("result", name="now")
        self.assertEqual(by_name(run.set(b=1.0)), {"b": ("rejected", None, "fit has ended")})
        self.assertEqual(by_name(run.set(a=1)), {"a": ("rejected", None, "the object is gone")})

    def test_configured_value(self):
        run = self.ready("while True: pass", parameters={"a": 4})
        self.assertEqual([m["value"] for m in run.seen if m.get("name") == "a"], [1, 4])

    def test_configured_value_that_is_refused(self):
        run = self.ready("while True: pass", parameters={"a": 13})
        self.assertIn({"op": "fail", "reason": "unlucky", "parameter": "a"}, run.seen)

    def test_at_step(self):
        run = self.ready("sys.stdin.close()\nfor i in mlhost.loop(10**9):\n    if a.value == 9: break\nprint(session.step)")
        outcome = run.ask("set", values={"a": 9, "own": 1}, author="user:me", at_step=300000)["outcomes"]
        self.assertEqual({o["name"]: (o["status"], o["step"]) for o in outcome}, {"a": ("pending", 300000), "own": ("pending", 300000)})
        self.assertEqual(run.expect("changed")["changes"][0]["step"], 300000)
        self.assertEqual(run.finish(), (0, "300000\n", ""))

    def test_the_best_counter_counts(self):
        run = self.ready(
            """
count = session.counter
for n in (7, 8): count.advance("variable:i", n)
print(session.step, count.source)
for _ in range(3): count.advance("tqdm")
count.advance("variable:i", 9)
print(session.step, count.source)
for _ in range(2): count.advance("optimizer")
count.advance("tqdm"); count.advance("loop")
print(session.step, count.source)
"""
        )
        self.assertEqual(run.finish(), (0, "8 variable:i\n2 tqdm\n1 optimizer\n", ""))

    def test_full_queue_of_the_interpreter(self):
        run = self.ready(
            """
from mlhost import _native
tries, real, ran = [], _native.call_soon, []
def refuse(target):
    tries.append(1)
    return len(tries) > 5 and real(target)
_native.call_soon = refuse
threading.Thread(target=run_on_main, args=(lambda: ran.append(threading.current_thread()),), daemon=True).start()
while not ran: pass
print(ran[0] is threading.main_thread(), len(tries))
"""
        )
        self.assertEqual(run.finish(), (0, "True 6\n", ""))

    def test_work_expires(self):
        run = self.ready(
            """
from mlhost import _native
_native.call_soon = lambda target: False
over, said = threading.Event(), []
def expired():
    said.append("expired")
    over.set()
threading.Thread(target=run_on_main, args=(lambda: said.append("done"), 0.1, None, expired), daemon=True).start()
over.wait()
print(said)
"""
        )
        self.assertEqual(run.finish(), (0, "['expired']\n", ""))
