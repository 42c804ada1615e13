"""The seed's Python API: its text's own code, and each method's meaning."""

import sys
import unittest

from harness import SRC, ScriptTest

# As they stand in the API's documentation; train_epoch and process_step are the reader's.
EXAMPLES = {
    "simple": '''
class SimpleMLScript(ScriptInterface):
    def __init__(self):
        super().__init__("simple_ml", "Simple ML Example")
        self.register_parameter("learning_rate", 0.01, [0.001, 0.01, 0.1])
        
    def run(self):
        lr = self.get_parameter("learning_rate")
        print(f"Training with learning rate: {lr}")
''',
    "collaborative": '''
class CollaborativeTrainer(ScriptInterface):
    def __init__(self):
        super().__init__("collab_trainer", "Collaborative Training")
        self.client = ConnectorClient(self)
        
    def run(self):
        # Share training progress
        for epoch in range(10):
            loss = train_epoch()
            self.client.broadcast_data({
                "type": "training_update",
                "epoch": epoch,
                "loss": loss
            })
''',
    "monitoring": '''
class LongRunningAnalysis(ScriptInterface):
    def __init__(self):
        super().__init__("long_analysis", "Long Running Analysis")
        self.register_variable("progress", 0.0)
        self.register_variable("eta_seconds", 0)
        
    def run(self):
        total_steps = 1000
        for step in range(total_steps):
            # Update progress
            progress = (step / total_steps) * 100
            self.set_variable("progress", progress)
            self.set_variable("eta_seconds", (total_steps - step) * 0.1)
            
            # Do work
            process_step(step)
''',
    "direct": '''
class MyMLScript(ScriptInterface):
    def __init__(self):
        super().__init__("my_script_name", "Description of my script")
        
        # Register parameters
        self.register_parameter("learning_rate", 0.001, [0.0001, 0.001, 0.01])
        self.register_parameter("epochs", 10, range(1, 101))
        
        # Register variables
        self.register_variable("current_loss", 0.0)
        self.register_variable("accuracy", 0.0)
        
        # Initialize connector client
        self.client = ConnectorClient(self)
        
    def run(self):
        """Main execution method"""
        # Your ML code here
        # Update variables during execution
        self.set_variable("current_loss", loss_value)
        self.update_results("final_accuracy", accuracy)
''',
}
NAMES = {"simple": "SimpleMLScript", "collaborative": "CollaborativeTrainer", "monitoring": "LongRunningAnalysis", "direct": "MyMLScript"}

HEAD = """
from script_interface import ScriptInterface, ConnectorClient
import sys
loss_value, accuracy = 0.5, 0.9
def train_epoch(): return 0.25
def process_step(step): pass
"""

MAIN = """
# Main execution
if __name__ == "__main__":
    script = %s()
    if "--with-connector" in sys.argv:
        script.run_with_connector()
    else:
        script.run()
"""


def example(name):
    return HEAD + EXAMPLES[name] + MAIN % NAMES[name]


class Examples(ScriptTest):
    def test_simple(self):
        run = self.run_script(example("simple"), parameters={"learning_rate": 0.1})
        self.assertEqual(run.finish(), (0, "Training with learning rate: 0.1\n", ""))
        declared = [m for m in run.seen if m["op"] == "parameter"][0]
        self.assertEqual((declared["choices"], declared["value"], declared["default"]), ([0.001, 0.01, 0.1], 0.1, 0.01))
        hello = [m for m in run.seen if m["op"] == "hello"][-1]
        self.assertEqual((hello["name"], hello["doc"]), ("simple_ml", "Simple ML Example"))

    def test_simple_with_a_value_that_is_no_choice(self):
        run = self.run_script(example("simple"), parameters={"learning_rate": 0.2})
        self.assertEqual(run.expect("fail")["reason"], "not one of 0.001, 0.01, 0.1")
        self.assertEqual(run.finish()[0], 1)

    def test_collaborative(self):
        run = self.run_script(example("collaborative"), "--with-connector")
        for epoch in range(10):
            line = run.expect("connector")
            message = {"command": "broadcast", "source": "trainer", "data": {"type": "training_update", "epoch": epoch, "loss": 0.25}}
            self.assertEqual(line["message"], message)
            run.send(op="reply", id=line["id"], value={"status": "broadcast_sent", "recipients": ["eva"]})
        self.assertEqual(run.finish(), (0, "", ""))

    def test_monitoring(self):
        run = self.run_script(example("monitoring"))
        self.assertEqual(run.finish(), (0, "", ""))
        self.assertEqual(run.samples("progress"), [0.0] + [step / 1000 * 100 for step in range(1000)])
        self.assertEqual(run.samples("eta_seconds")[:3], [0, 100.0, 99.9])

    def test_direct(self):
        run = self.run_script(example("direct"))
        self.assertEqual(run.finish(), (0, "", ""))
        epochs = [m for m in run.seen if m.get("name") == "epochs"][0]
        self.assertEqual((epochs["type"], epochs["min"], epochs["max"], epochs["step"]), ("int", 1, 100, 1))
        self.assertEqual([m["value"] for m in run.seen if m["op"] == "result"], [0.9])

    def test_standalone(self):
        for name in EXAMPLES:
            for arguments in ([], ["--with-connector"]):
                with self.subTest(name=name, arguments=arguments):
                    command = [sys.executable, self.write(example(name))] + arguments
                    # Port 1 refuses: there is no host.
                    environment = {"PYTHONPATH": SRC}
                    if arguments:
                        environment["MLHOST_CONNECTOR"] = "127.0.0.1:1"
                    code, out, err = self.run_plain(command, env=environment)
                    self.assertEqual(code, 0, err)
                    self.assertEqual(out, "Training with learning rate: 0.01\n" if name == "simple" else "")


INTERACTIVE = """
from script_interface import ScriptInterface, ConnectorClient
import sys
class Script(ScriptInterface):
    def __init__(self):
        super().__init__("alias", "doc")
        self.register_parameter("threshold", 3.0, [2.0, 2.5, 3.0])
        self.register_parameter("method", "auto", ["auto", "manual", "hybrid"])
        self.register_parameter("iterations", 100, range(10, 1001, 10))
        self.register_parameter("anything", None)
        self.register_variable("epoch", 0)
        self.register_variable("accuracy", 0.0, read_only=True)
        def on_threshold_change(self, new_value):
            self.logger.info(f"Threshold changed to {new_value}")
        self.register_callback("threshold", on_threshold_change)
        self.register_callback("threshold", self.on_change)
        self.register_callback("method", lambda new, extra=1: print("method", new, flush=True))
    def on_change(self, new_value):
        print("method of self", new_value, flush=True)
    def run(self):
        self.update_results("ready", True)
        while self.running: pass
        print(self.variables, self.results, self.parameters["threshold"])
Script().run()
"""


def statuses(outcomes):
    return {o["name"]: (o["status"], o["value"]) for o in outcomes}


class Interface(ScriptTest):
    def interactive(self):
        run = self.run_script(INTERACTIVE)
        run.expect("result", name="ready")
        return run

    def test_sets_and_callbacks(self):
        run = self.interactive()
        self.assertEqual(statuses(run.set(threshold=2, method="manual")), {"threshold": ("applied", 2.0), "method": ("applied", "manual")})
        out = [run.process.stdout.readline() for _ in range(2)]
        self.assertEqual(out, [b"method of self 2.0\n", b"method manual\n"])
        log = [m for m in run.seen if m["op"] == "log"] or [run.expect("log")]
        self.assertEqual((log[0]["level"], log[0]["text"]), ("info", "Threshold changed to 2.0"))
        self.assertEqual(statuses(run.set(anything={"a": [1]})), {"anything": ("applied", {"a": [1]})})
        self.assertEqual(statuses(run.set(iterations=15)), {"iterations": ("rejected", 100)})

    def test_variables_from_the_host(self):
        run = self.interactive()
        outcomes = run.ask("set_variables", values={"epoch": 5})["outcomes"]
        self.assertEqual(statuses(outcomes), {"epoch": ("applied", 5)})
        outcomes = run.ask("set_variables", values={"epoch": 6, "accuracy": 1.0})["outcomes"]
        self.assertEqual(statuses(outcomes), {"epoch": ("rejected", 5), "accuracy": ("rejected", 0.0)})
        self.assertNotIn("error", run.ask("stop", grace=9))
        code, out, err = run.finish()
        self.assertEqual((code, err), (0, ""))
        self.assertIn("'epoch': {'value': 5, 'read_only': False}", out)
        self.assertIn("{'ready': True} {'value': 3.0, 'default': 3.0, 'valid_values': [2.0, 2.5, 3.0]}", out)
        self.assertEqual(run.samples("epoch"), [0, 5])

    def test_script_s_own_sets(self):
        run = self.run_script(
            """
            from script_interface import ScriptInterface
            s = ScriptInterface("s")
            s.register_parameter("n", 5, range(0, 11, 5))
            s.register_parameter("f", 0.5, range(0, 2))
            s.register_parameter("t", (1, 2))
            s.register_variable("v", 0, read_only=True)
            s.register_callback("n", lambda new: print("n is", new))
            print(s.set_parameter("n", 10), s.set_parameter("n", 7), s.set_parameter("nope", 1), s.set_parameter("f", 0.7), s.set_parameter("t", [3]))
            print(s.get_parameter("n"), s.get_parameter("nope"), s.get_parameter("f"), s.get_parameter("t"))
            print(s.set_variable("v", 1), s.set_variable("nope", 1), s.get_variable("v"), s.get_variable("nope"), s.running)
            s.stop()
            print(s.running)
            """
        )
        code, out, err = run.finish()
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out, "n is 10\nTrue False False True True\n10 None 0.7 (3,)\nTrue False 1 None True\nFalse\n")
        warnings = [m["text"] for m in run.seen if m["op"] == "log" and m["level"] == "warn"]
        self.assertIn("7 is off step: 0 plus a multiple of 5 is needed", warnings[0])

    def test_values_are_copied_at_the_call(self):
        run = self.run_script(
            """
            from script_interface import ScriptInterface
            s = ScriptInterface("s")
            s.register_variable("history", [])
            history = []
            for i in range(3):
                history.append(i)
                s.set_variable("history", history)
            """
        )
        self.assertEqual(run.finish()[0], 0)
        self.assertEqual(run.samples("history"), [[], [0], [0, 1], [0, 1, 2]])

    def test_collaboration(self):
        run = self.run_script(
            """
            from script_interface import ScriptInterface, ConnectorClient
            s = ScriptInterface("alias")
            c = ConnectorClient(s)
            print(c.request_collaboration("target_script", {"type": "parameter_sync", "parameters": {"lr": 1}}))
            print(s.send_to_connector({"command": "get_collaborations", "script_name": s.script_name})["requests"][0]["data"])
            print(c.get_script_list())
            print(c.register_script())
            s.notify_connector("epoch_done", {"epoch": 3})
            print(s.send_to_connector({"command": "collaborate", "target": "nobody"}))
            """
        )

        def answer(expected, **reply):
            line = run.expect("connector")
            for key, value in expected.items():
                self.assertEqual(line["message"][key], value)
            run.send(op="reply", id=line["id"], **reply)

        answer({"command": "collaborate", "source": "trainer", "target": "target_script"}, value={"status": "collaboration_requested", "id": "m1"})
        answer({"command": "get_collaborations", "script_name": "trainer"}, value={"requests": [{"source": "b", "data": {"x": 1}, "timestamp": 1.5, "id": "m2"}]})
        answer({"command": "list_scripts"}, value={"scripts": ["a", "b"]})
        answer({"command": "register_script"}, value={"status": "registered"})
        notified = run.expect("notify")
        self.assertEqual((notified["event"], notified["data"]), ("epoch_done", {"epoch": 3}))
        answer({"target": "nobody"}, error={"code": "not_found", "message": "no script nobody", "hint": "h"})
        code, out, err = run.finish()
        self.assertEqual((code, err), (0, ""))
        lines = ["{'status': 'collaboration_requested', 'id': 'm1'}", "{'x': 1}", "['a', 'b']", "{'status': 'registered'}"]
        self.assertEqual(out.splitlines()[:4], lines)
        self.assertEqual(out.splitlines()[4], "{'error': 'no script nobody', 'code': 'not_found', 'hint': 'h'}")

    def test_further_objects_keep_to_themselves(self):
        run = self.run_script(
            """
            from script_interface import ScriptInterface
            first, second = ScriptInterface("one"), ScriptInterface("two")
            for s in (first, second):
                s.register_parameter("p", 1)
                s.register_variable("v", 1)
            print(first.get_parameter("p"), second.get_parameter("p"), second.set_parameter("p", 3), first.get_parameter("p"))
            """,
            parameters={"p": 2},
        )
        self.assertEqual(run.finish(), (0, "2 1 True 2\n", ""))
        self.assertEqual(run.samples("v"), [1])

    def test_start_and_stop(self):
        run = self.run_script(
            """
            from script_interface import ScriptInterface
            import threading
            class S(ScriptInterface):
                def run(self):
                    while self.running: pass
                    print(threading.current_thread().name)
            s = S("worker")
            thread = s.start()
            print(thread is s.start())
            s.stop()
            thread.join()
            """
        )
        self.assertEqual(run.finish(), (0, "True\nworker\n", ""))

    def test_stop_reaches_an_overridden_stop(self):
        run = self.run_script(
            """
            from script_interface import ScriptInterface
            import threading
            over = threading.Event()
            class S(ScriptInterface):
                def stop(self):
                    super().stop()
                    over.set()
            s = S("s")
            s.update_results("ready", 1)
            over.wait()
            print(s.running)
            """
        )
        run.expect("result")
        self.assertNotIn("error", run.ask("stop", grace=5))
        self.assertEqual(run.finish(), (0, "False\n", ""))

    def test_logging_set_up_by_the_script_is_left_alone(self):
        run = self.run_script("import logging\nlogging.basicConfig(level=20)\nfrom script_interface import ScriptInterface\nScriptInterface('s').logger.info('x')")
        self.assertEqual(run.finish(), (0, "", "INFO:script.s:x\n"))
        self.assertEqual([m for m in run.seen if m["op"] == "log"], [])


if __name__ == "__main__":
    unittest.main()
