"""mlhost.connect() against a host of a few lines, over a unix socket and TCP."""

import http.server
import json
import os
import shutil
import socketserver
import sys
import tempfile
import threading
import unittest
import warnings

from harness import SRC

sys.path.insert(0, SRC)

import mlhost  # noqa: E402

SCRIPTS = {"host": "h", "scripts": [{"name": "trainer", "state": "running", "step": 3, "run": "r1", "reason": ""}]}
PARAMETERS = {
    "script": "trainer",
    "revision": 1,
    "parameters": [{"name": "lr", "type": "float", "value": 0.1, "owner": ""}, {"name": "odd name", "type": "string", "value": "NaN"}],
}
RUN = {"id": "r1", "script": "trainer", "state": "running", "parameters": {"lr": "NaN"}, "results": {"acc": 0.5}}


class Fake(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def address_string(self):
        return "here"

    def answer(self, value, status=200):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, json.loads(data or b"null"), self.headers.get("Authorization")))
        return json.loads(data or b"null")

    def do_GET(self):
        self.body()
        path = self.path.split("?")[0]
        if path == "/api/v1/events":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            for event in self.server.events:
                self.wfile.write(("id: 1\nevent: %s\ndata: %s\n\n: quiet\n\n" % (event["kind"], json.dumps(event))).encode())
            self.close_connection = True
            return
        known = {
            "/api/v1/host": {"name": "h"},
            "/api/v1/scripts": SCRIPTS,
            "/api/v1/scripts/trainer/parameters": PARAMETERS,
            "/api/v1/scripts/trainer/variables": {"variables": [{"name": "loss", "type": "float", "value": "Infinity", "step": 1}]},
            "/api/v1/scripts/trainer/results": {"results": [{"name": "acc<b>", "value": 0.5}]},
            "/api/v1/runs": {"runs": [RUN]},
        }
        if path in known:
            self.answer(known[path])
        else:
            self.answer({"code": "not_found", "message": "nothing there", "hint": "look elsewhere"}, 404)

    def do_POST(self):
        self.body()
        self.answer({"reply": 42, "id": "m1", "recipients": ["trainer"]})

    def do_PATCH(self):
        asked = self.body()
        if asked["values"].get("lr") == 7:
            rejected = {"outcomes": [{"name": "lr", "status": "rejected", "reason": "owned"}]}
            self.answer({"code": "rejected", "message": "no", "hint": "--take takes it over", "rejected": rejected}, 409)
        else:
            self.answer({"outcomes": [{"name": "lr", "status": "applied"}]})


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class TCPServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True


class ClientTest(unittest.TestCase):
    def serve(self, server):
        server.asked, server.events = [], []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def setUp(self):
        self.state = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.state)
        os.mkdir(os.path.join(self.state, "h"))
        self.server = self.serve(UnixServer(os.path.join(self.state, "h", "api.sock"), Fake))
        self.h = mlhost.connect(state=self.state)

    def test_names_complete(self):
        self.assertEqual(self.h._ipython_key_completions_(), ["trainer"])
        trainer = self.h["trainer"]
        self.assertIn("lr", dir(trainer.params))
        self.assertNotIn("odd name", dir(trainer.params))
        self.assertEqual(trainer.params._ipython_key_completions_(), ["lr", "odd name"])
        self.assertIn("watch", dir(trainer))
        with self.assertRaisesRegex(KeyError, "trainer"):
            self.h["trainr"]

    def test_values(self):
        trainer = self.h["trainer"]
        self.assertEqual(trainer.params.lr, 0.1)
        self.assertEqual(trainer.params["odd name"], "NaN")
        self.assertEqual(trainer.vars.loss, float("inf"))
        with self.assertRaisesRegex(AttributeError, "lr"):
            trainer.params.lrr
        trainer.params.lr = float("nan")
        self.assertEqual(self.server.asked[-1][2], {"values": {"lr": "NaN"}, "take": False})

    def test_refused_values_say_why(self):
        with self.assertRaises(mlhost.Error) as caught:
            self.h["trainer"].params.lr = 7
        self.assertEqual(caught.exception.code, "rejected")
        self.assertIn("owned", str(caught.exception))
        self.assertIn("take=True", caught.exception.hint)
        with self.assertRaises(mlhost.Error) as caught:
            self.h.run("nope")
        self.assertEqual(caught.exception.hint, "look elsewhere")

    def test_rows_and_html(self):
        self.assertEqual(self.h.runs()[0]["result.acc"], 0.5)
        self.assertNotEqual(self.h.runs()[0]["param.lr"], self.h.runs()[0]["param.lr"])  # NaN
        self.assertIn("acc&lt;b&gt;", self.h["trainer"].results._repr_html_())
        self.assertIn("trainer", self.h._repr_html_())
        self.assertIn("running", repr(self.h["trainer"]))

    def test_verbs(self):
        trainer = self.h["trainer"].pause().resume()
        self.assertEqual(trainer.call("t", {"a": 1}), 42)
        self.assertEqual(trainer.tell("t"), "m1")
        self.assertEqual(self.h.broadcast("t"), ["trainer"])
        self.assertIn("/api/v1/scripts/trainer/pause", [path for _, path, _, _ in self.server.asked])

    def test_watch_ends_with_the_run(self):
        sample = {"name": "loss", "type": "float", "value": 1.5, "step": 2, "time": "t"}
        other = dict(sample, name="other")
        self.server.events = [
            {"kind": "samples", "run": "r1", "data": {"samples": [sample, other]}},
            {"kind": "gap", "run": "r1", "data": {"dropped": 3}},
            {"kind": "state", "run": "r1", "data": {"state": "finished"}},
            {"kind": "samples", "run": "r2", "data": {"samples": [sample]}},
        ]
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            seen = [(s.name, s.value, s.step, s.run) for s in self.h["trainer"].watch("loss")]
        self.assertEqual(seen, [("loss", 1.5, 2, "r1")])
        self.assertEqual(len([w for w in told if w.category is RuntimeWarning]), 1)

    def test_url_and_token(self):
        server = self.serve(TCPServer(("127.0.0.1", 0), Fake))
        h = mlhost.connect("http://127.0.0.1:%d" % server.server_address[1], token="secret")
        self.assertEqual(h.name, "h")
        self.assertEqual(server.asked[0][3], "Bearer secret")
        with self.assertRaisesRegex(mlhost.Error, "TLS"):
            mlhost.connect("http://gpu.example:1", token="secret")

    def test_a_name_alone_is_a_host(self):
        self.assertEqual(mlhost.connect("h", state=self.state).name, "h")
        with self.assertRaises(mlhost.Error) as caught:
            mlhost.connect("other", state=self.state)
        self.assertEqual(caught.exception.code, "host_not_running")
        with self.assertRaisesRegex(mlhost.Error, "no URL"):
            mlhost.connect("gpu.example:10117")

    def test_no_host(self):
        with tempfile.TemporaryDirectory() as empty:
            with self.assertRaises(mlhost.Error) as caught:
                mlhost.connect(state=empty)
        self.assertEqual(caught.exception.code, "host_not_running")
        self.assertIn("mlhost run", caught.exception.hint)


if __name__ == "__main__":
    unittest.main()
