"""A script that was started by hand, against a fake host's connector port."""

import json
import socket
import subprocess
import sys
import unittest

from harness import PATIENCE, SRC, ScriptTest, clean_environment

SCRIPT = """
from script_interface import ScriptInterface, ConnectorClient
import sys
class Script(ScriptInterface):
    def __init__(self):
        super().__init__("hand", "by hand")
        self.register_parameter("lr", 0.1, [0.1, 0.2])
        self.register_parameter("n", 1, range(1, 5))
        self.register_variable("epoch", 0)
        self.register_variable("loss", 1.0, read_only=True)
        self.register_callback("lr", lambda new: print("lr", new, flush=True))
        self.client = ConnectorClient(self)
    def run(self):
        print(self.client.get_script_list(), flush=True)
        print(self.client.broadcast_data({"a": 1}), flush=True)
        while self.running: pass
        print("stopped", self.variables["epoch"]["value"], flush=True)
script = Script()
if "--with-connector" in sys.argv:
    from mlhost import _connector
    _connector._RETRY = (0.01,)
    script.run_with_connector()
"""

NEWS = """
import json
from mlhost import _connector_news as n
n.MOST_WAITING, n.MOST_AT_ONCE = 5, 3
news = n.News(dict)
for i in range(8):
    news.sample("loss", i, i)
news.line({"op": "log", "level": "info", "text": "a"})
print(json.dumps([news.take(), news.bell.is_set(), news.take(), news.take()]))
"""


class Peer:
    """The host's end of one connection."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self.lines = sock.makefile("rb")

    def read(self):
        return json.loads(self.lines.readline())

    def send(self, message, end=b"\n"):
        self.sock.sendall(json.dumps(message).encode() + end)

    def ask(self, number, **command):
        self.send(dict(command, id=number), b"")  # the protocol asks for no newline
        answer = self.read()
        while "event" in answer:  # what the script tells by itself
            answer = self.read()
        return answer


class Connector(ScriptTest):
    def setUp(self):
        super().setUp()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(PATIENCE)
        self.addCleanup(self.server.close)

    def accept(self):
        peer = Peer(self.server.accept()[0])
        self.addCleanup(peer.sock.close)
        self.addCleanup(peer.lines.close)
        return peer

    def launch(self):
        environment = clean_environment(PYTHONPATH=SRC, MLHOST_CONNECTOR="127.0.0.1:%d" % self.server.getsockname()[1])
        command = [sys.executable, self.write(SCRIPT), "--with-connector"]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start(self):
        process = self.launch()
        control = self.accept()
        registered = control.read()
        control.send({"status": "registered"})
        requests = self.accept()
        return process, control, requests, registered

    def test_conversation(self):
        process, control, requests, registered = self.start()
        self.assertEqual((registered["command"], registered["script_name"], registered["control"]), ("register_script", "hand", True))
        shown = registered["info"]["parameters"]
        self.assertEqual(shown["lr"], {"value": 0.1, "default": 0.1, "valid_values": [0.1, 0.2]})
        self.assertEqual(shown["n"]["valid_values"], {"min": 1, "max": 4, "step": 1})

        self.assertEqual(requests.read(), {"command": "list_scripts"})
        requests.send({"scripts": ["a"]}, b"\r\n")
        self.assertEqual(process.stdout.readline(), b"['a']\n")
        self.assertEqual(requests.read(), {"command": "broadcast", "source": "hand", "data": {"a": 1}})
        requests.send({"status": "broadcast_sent", "recipients": []})
        self.assertEqual(process.stdout.readline(), b"{'status': 'broadcast_sent', 'recipients': []}\n")

        answer = control.ask(7, command="set_parameter", parameter="lr", value=0.2)
        self.assertEqual(answer, {"id": 7, "status": "success", "parameter": "lr", "value": 0.2})
        self.assertEqual(process.stdout.readline(), b"lr 0.2\n")
        self.assertEqual(control.ask(8, command="get_parameter", parameter="lr")["value"], 0.2)
        self.assertEqual(control.ask(9, command="set_parameter", parameter="lr", value=5)["code"], "rejected")
        self.assertEqual(control.ask(10, command="get_parameter", parameter="x")["code"], "not_found")
        self.assertEqual(control.ask(11, command="set_variable", variable="epoch", value=4)["value"], 4)
        self.assertEqual(control.ask(12, command="set_variable", variable="loss", value=4)["code"], "rejected")
        self.assertEqual(control.ask(13, command="get_info")["variables"]["epoch"], {"value": 4, "read_only": False})
        self.assertEqual(control.ask(14, command="dance")["code"], "not_found")
        self.assertEqual(control.ask(15, command="stop")["status"], "stopped")
        self.assertEqual(process.communicate(timeout=PATIENCE)[0], b"stopped 4\n")
        self.assertEqual(process.returncode, 0)

    def test_the_host_comes_back(self):
        process, control, requests, _ = self.start()
        requests.read()
        requests.lines.close()
        requests.sock.close()
        control.lines.close()
        control.sock.close()
        # The script carries on, its second request opens a connection, and it registers again.
        seen = []
        while len(seen) < 2:
            peer = self.accept()
            message = peer.read()
            seen.append(message["command"])
            if message["command"] == "register_script":
                peer.send({"status": "registered"})
                control = peer
            else:
                peer.send({"status": "broadcast_sent", "recipients": ["b"]})
        self.assertEqual(sorted(seen), ["broadcast", "register_script"])
        self.assertEqual(process.stdout.readline(), b"[]\n")  # what came of the request that was cut off
        control.ask(1, command="stop")
        self.assertIn(b"stopped 0\n", process.communicate(timeout=PATIENCE)[0])

    def test_news_is_bounded_and_what_was_dropped_is_told(self):
        told = subprocess.run([sys.executable, "-c", NEWS], env=clean_environment(PYTHONPATH=SRC), stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
        first, more, second, third = json.loads(told.stdout)
        self.assertEqual([s[1] for s in first["samples"]], [3, 4, 5])
        self.assertEqual((first["dropped"], len(first["logs"]), more), (3, 1, True))
        self.assertEqual([s[1] for s in second["samples"]], [6, 7])
        self.assertNotIn("dropped", second)
        self.assertEqual(third, {})


if __name__ == "__main__":
    unittest.main()
