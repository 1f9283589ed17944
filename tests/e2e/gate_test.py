"""Tests the app apps/gate with curl and a slow server behind it."""

import http.server
import json
import os
import re
import subprocess
import threading
import unittest

from lockd import LIMIT, main, program, wait_until
from running_app import RunningApp

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../apps/gate")
APP = os.path.join(HERE, "gate.json")


class SlowServer(http.server.ThreadingHTTPServer):
    """Answers with what it was asked; /slow/* only when the test says so."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.lock = threading.Lock()
        self.now = self.most = self.asked = 0
        self.order = []
        self.go = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def handle_error(self, *_):
        """Says nothing: clients of the tests go while they wait."""

    def __exit__(self, *_):
        self.go.set()
        self.shutdown()
        self.server_close()


class Answer(http.server.BaseHTTPRequestHandler):
    """Counts requests that are there at a time."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        with server.lock:
            server.asked += 1
            server.now += 1
            server.most = max(server.most, server.now)
            server.order.append(self.path)
        if "/slow/" in self.path:
            server.go.wait(LIMIT)
        body = json.dumps({"path": self.path, "asked": server.asked,
                           "user": self.headers.get("X-Forwarded-User"),
                           "for": self.headers.get("X-Forwarded-For")}).encode()
        with server.lock:
            server.now -= 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if "/private/" in self.path:
            self.send_header("Cache-Control", "private")
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        size = 0
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while length := int(self.rfile.readline(), 16):
                size += len(self.rfile.read(length))
                self.rfile.readline()
            self.rfile.readline()
        else:
            size = len(self.rfile.read(int(self.headers["Content-Length"])))
        body = str(size).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Gate(RunningApp):
    """The running app, with settings of the test."""

    def __init__(self, server, **limit):
        super().__init__("gate")
        self.server = server
        own = {"server": {"users": {"ann": {"password_variable": "ANN", "roles": ["guest"]}}},
               "module": {"limit": {"limits": {"clients": limit}}}}
        with open(self.path("own.json"), "w", encoding="ascii") as file:
            json.dump(own, file)

    def __enter__(self):
        self.launch(APP, self.path("own.json"), GATE_LISTEN="tcp://127.0.0.1:0",
                    GATE_SERVER=self.server.url, GATE_SOCKET=self.path("socket"),
                    ANN="apples and pears")
        wait_until(lambda: self.call("http", "addresses"), "the address")
        self.url = self.call("http", "addresses")[0].replace("tcp://", "http://")
        return self

    def call(self, *arguments):
        result = subprocess.run([program("weir"), "call", "unix:" + self.path("socket"),
                                 *arguments],
                                capture_output=True, text=True, timeout=LIMIT, check=False)
        return json.loads(result.stdout) if result.returncode == 0 else None

    def limit(self):
        return self.call("limit", "list")[0]

    def start(self, path, *options):
        return subprocess.Popen(["curl", "-sS", "-i", self.url + path, *options],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def get(self, path, *options):
        return finished(self.start(path, *options))


def finished(curl):
    """Returns status, headers and body."""
    output, errors = curl.communicate(timeout=LIMIT)
    assert curl.returncode == 0, errors
    head, _, body = output.decode().rpartition("\r\n\r\n")
    return int(re.search(r"HTTP/1.1 (\d+)", head).group(1)), head, body


class GateTest(unittest.TestCase):
    def test_a_request_passes_and_says_who_asks(self):
        with SlowServer() as server, Gate(server) as gate:
            status, _, body = gate.get("/private/a?b=c", "-u", "ann:apples and pears")
            self.assertEqual((status, json.loads(body)),
                             (200, {"path": "/private/a?b=c", "asked": 1, "user": "ann",
                                    "for": "127.0.0.1"}))
            self.assertEqual(gate.get("/", "-u", "ann:wrong")[0], 401)

    def test_answers_are_kept_unless_the_server_says_that_they_are_private(self):
        with SlowServer() as server, Gate(server) as gate:
            first = gate.get("/a")
            status, head, body = gate.get("/a")
            self.assertEqual((status, body), (200, first[2]))
            self.assertIn("Cache-Status: weir; hit", head)
            gate.get("/private/a")
            gate.get("/private/a")
            self.assertEqual(server.asked, 3)

    def test_no_more_requests_than_the_limits_say_are_with_the_server(self):
        with SlowServer() as server, Gate(server, at_once=2, in_all=3, rate=0) as gate:
            users = [[], ["-u", "ann:apples and pears"]]
            curls = [gate.start(f"/slow/{i}", *users[i % 2]) for i in range(10)]
            wait_until(lambda: server.now == 3 and gate.limit()["waiting"] == 7, "the waiters")
            server.go.set()
            self.assertEqual([finished(curl)[0] for curl in curls], [200] * 10)
            self.assertEqual((server.most, server.asked), (3, 10))
            self.assertEqual(gate.limit()["in_use"], 0)

    def test_urgent_requests_go_first(self):
        with SlowServer() as server, Gate(server, at_once=1, in_all=1, rate=0) as gate:
            first = gate.start("/slow/first")
            wait_until(lambda: server.now == 1, "the first request")
            others = []
            for path in ("/one", "/two", "/urgent/three"):
                others.append(gate.start(path))
                wait_until(lambda: gate.limit()["waiting"] == len(others), "the waiter")
            server.go.set()
            for curl in (first, *others):
                self.assertEqual(finished(curl)[0], 200)
            self.assertEqual(server.order, ["/slow/first", "/urgent/three", "/one", "/two"])

    def test_who_asks_too_often_learns_when_to_come_again(self):
        with SlowServer() as server, Gate(server, rate=1, per="1h", burst=2, wait="0s") as gate:
            self.assertEqual([gate.get(f"/{i}")[0] for i in range(2)], [200, 200])
            status, head, body = gate.get("/3")
            self.assertEqual((status, json.loads(body)["code"]), (429, "limit_reached"))
            self.assertRegex(head, r"Retry-After: (3600|35\d\d)")
            self.assertEqual(gate.get("/4", "-u", "ann:apples and pears")[0], 200)

    def test_a_client_that_goes_while_it_waits_takes_nothing(self):
        with SlowServer() as server, Gate(server, at_once=1, in_all=1, rate=0) as gate:
            first = gate.start("/slow/first")
            wait_until(lambda: server.now == 1, "the first request")
            gone = gate.start("/slow/second")
            wait_until(lambda: gate.limit()["waiting"] == 1, "the waiter")
            gone.kill()
            gone.communicate(timeout=LIMIT)
            wait_until(lambda: gate.limit()["waiting"] == 0, "the end of the waiter")
            first.kill()
            first.communicate(timeout=LIMIT)
            wait_until(lambda: gate.limit()["in_use"] == 0, "the end of the first request")
            self.assertEqual(server.asked, 1)

    def test_bodies_pass_whole(self):
        with SlowServer() as server, Gate(server) as gate:
            with open(gate.path("body"), "wb") as file:
                file.write(b"x" * 900_000)
            self.assertEqual(gate.get("/a", "--data-binary", "@" + gate.path("body"))[2], "900000")
            self.assertEqual(gate.get("/a", "-d", "short")[2], "5")

    def test_a_server_that_is_not_there_is_502_and_is_told_about_once(self):
        with SlowServer() as server, Gate(server) as gate:
            server.shutdown()
            server.server_close()
            for path in ("/a", "/b"):
                status, _, body = gate.get(path)
                self.assertEqual((status, json.loads(body)["code"]), (502, "bad_gateway"))
                self.assertNotIn(str(server.server_port), body)
            wait_until(lambda: any("fails" in line for line in gate.log), "the warning")
            self.assertEqual(sum("fails" in line for line in gate.log), 1)

    def test_what_is_wrong_in_the_file_is_told_with_its_place(self):
        def mistake(setting):
            result = subprocess.run([program("weir"), "check", APP, "--set", setting],
                                    capture_output=True, text=True, timeout=LIMIT, check=False)
            return result.stderr + result.stdout

        self.assertIn("module.http.routes[0].limit.name: unknown limit 'client' (did you mean "
                      "'clients'?)",
                      mistake('module.http.routes=[{"path": "/", "proxy": "http://a/", '
                              '"limit": {"name": "client"}}]'))
        self.assertIn("{team} is neither user, address, header.NAME nor a part of the path",
                      mistake('module.http.routes=[{"path": "/", "proxy": "http://a/", '
                              '"limit": {"name": "clients", "key": "{team}"}}]'))
        self.assertIn("module.limit.limits.clients.rate",
                      mistake("module.limit.limits.clients.rate=-1"))

    def test_the_picture_of_the_page_is_that_of_the_file(self):
        graph = subprocess.run([program("weir"), "graph", APP], capture_output=True, text=True,
                               timeout=LIMIT, check=True).stdout
        with open(os.path.join(HERE, "gate.mmd"), encoding="utf-8") as file:
            self.assertEqual(graph, file.read())


if __name__ == "__main__":
    main()
