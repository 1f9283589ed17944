"""Tests the app apps/relay with curl, weir, Redis, a file that grows, a folder and a receiver that
stands still."""

import hashlib
import hmac
import http.server
import json
import os
import re
import subprocess
import threading
import unittest

from lockd import LIMIT, main, program, wait_until
from redis_server import RedisServer, missing
from running_app import RunningApp

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../apps/relay")
APP = os.path.join(HERE, "relay.json")
SECRET = "apples and pears"


def signature(body):
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


class Receiver(http.server.ThreadingHTTPServer):
    """Notes the messages that it is sent, and answers while `open` is set."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Request)
        self.messages = []
        self.refused = []
        self.open = threading.Event()
        self.open.set()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.open.set()
        self.shutdown()
        self.server_close()

    def data(self):
        return [message["data"] for message in self.messages]


class Request(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        genuine = self.headers["X-Hub-Signature-256"] == signature(body)
        self.server.open.wait(LIMIT)
        message = json.loads(body)
        taken = genuine and message["topic"] != "unwanted"
        (self.server.messages if taken else self.server.refused).append(message)
        self.send_response(200 if taken else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Relay(RunningApp):
    """The running app, in which only two messages may wait at each point."""

    def __init__(self, receiver):
        super().__init__("relay")
        self.receiver = receiver
        self.redis = RedisServer()
        narrow = {"waiting": 2}
        os.mkdir(self.path("in"))
        self.write("messages", "")
        self.write("own.json", json.dumps({"module": {
            "webhook": {"hooks": {"in": {"patience": "500ms"}},
                        "receivers": {"out": {"waiting": 2, "timeout": "1h"}}},
            "redis": {"max_messages": 2},
            "rules": {"rules": {name: narrow for name in ("hook", "line", "folder", "channel",
                                                          "transform", "deliver")}}}}))

    def write(self, name, text, mode="w"):
        with open(self.path(name), mode, encoding="utf-8") as file:
            file.write(text)

    def __enter__(self):
        self.redis.__enter__()
        self.launch(APP, self.path("own.json"), RELAY_SECRET=SECRET,
                    RELAY_FILE=self.path("messages"), RELAY_STATE=self.path("state"),
                    RELAY_FOLDER=self.path("in"),
                    RELAY_REDIS="unix:" + self.redis.unix,
                    RELAY_RECEIVER=f"http://127.0.0.1:{self.receiver.server_port}/",
                    RELAY_LISTEN="unix:" + self.path("http"), RELAY_SOCKET=self.path("socket"))
        wait_until(self.follows, "it follows the file")
        wait_until(self.listens, "it listens to the channel")
        return self

    def __exit__(self, *_):
        try:
            super().__exit__()
        finally:
            self.redis.__exit__()

    def listens(self):
        return dict(self.redis.client().pubsub_numsub("relay"))["relay"] == 1

    def publish(self, topic, data):
        self.redis.client().publish("relay", json.dumps({"topic": topic, "data": data}))

    def follows(self):
        """Whether the file is followed: it is known from where on."""
        if self.process.poll() is not None:
            raise AssertionError("".join(self.log))
        return os.path.exists(self.path("state"))

    def curl(self, path, *options):
        return subprocess.run(["curl", "-sS", "--max-time", "30", "--unix-socket",
                               self.path("http"), "localhost" + path, *options],
                              capture_output=True, text=True, timeout=LIMIT, check=False).stdout

    def hook(self, topic, data):
        """Returns the status."""
        body = json.dumps({"topic": topic, "data": data})
        return self.curl("/hooks/in", "-d", body, "-H", "Content-Type: application/json", "-H",
                         "X-Hub-Signature-256: " + signature(body.encode()), "-w",
                         "%{http_code}")[-3:]

    def send(self, topic, data):
        done = subprocess.run([program("weir"), "send", "unix:" + self.path("socket"), "relay.In",
                               json.dumps({"topic": topic, "data": data})],
                              capture_output=True, text=True, timeout=LIMIT, check=False)
        assert done.returncode == 0, done.stderr

    def rule(self, name):
        done = subprocess.run([program("weir"), "call", "unix:" + self.path("socket"), "rules",
                               "list"], capture_output=True, text=True, timeout=LIMIT, check=True)
        return next(rule for rule in json.loads(done.stdout) if rule["name"] == name)


@unittest.skipIf(missing(), missing())
class RelayTest(unittest.TestCase):
    def test_messages_of_all_ways_reach_the_receiver_and_browsers(self):
        with Receiver() as receiver, Relay(receiver) as relay:
            stream = subprocess.Popen(["curl", "-sS", "-N", "--unix-socket", relay.path("http"),
                                       "localhost/events?type=relay.Message&topic=shop"],
                                      stdout=subprocess.PIPE, text=True)
            self.assertIn("watching relay.Message", stream.stdout.readline())
            expected = []
            for way, act in (("hook", lambda: relay.hook("shop", {"n": 1})),
                             ("send", lambda: relay.send("shop", {"n": 1})),
                             ("redis", lambda: relay.publish("shop", {"n": 1})),
                             ("file", lambda: relay.write("messages", json.dumps(
                                 {"topic": "shop", "data": {"n": 1}}) + "\n", "a"))):
                act()
                data = next(line for line in stream.stdout if line.startswith("data:"))
                event = json.loads(data[5:])
                self.assertEqual((event["topic"], event["from"], event["data"]),
                                 ("shop", way, {"n": 1}))
                self.assertRegex(event["at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
                expected.append(event)
            relay.write("in/shop.1", "a tart")
            data = next(line for line in stream.stdout if line.startswith("data:"))
            event = json.loads(data[5:])
            self.assertEqual((event["topic"], event["from"], event["data"]),
                             ("shop", "folder", "a tart"))
            expected.append(event)
            wait_until(lambda: os.listdir(relay.path("in")) == [], "the file is removed")
            stream.kill()
            stream.communicate()
            wait_until(lambda: receiver.messages == expected, "the messages at the receiver")

    def test_a_message_that_is_not_genuine_or_not_wanted_goes_nowhere(self):
        with Receiver() as receiver, Relay(receiver) as relay:
            relay.send("debug", 1)
            answer = relay.curl("/hooks/in", "-d", '{"topic": "shop", "data": 2}')
            self.assertEqual(json.loads(answer)["code"], "bad_signature")
            relay.send("unwanted", 3)
            relay.send("shop", 4)
            wait_until(lambda: receiver.data() == [4], "the last message")
            self.assertEqual([message["data"] for message in receiver.refused], [3])
            wait_until(lambda: re.search("not delivered: .*unwanted.*: the answer is 400",
                                         "".join(relay.log)), "the line in the log")

    def test_while_the_receiver_stands_still_senders_wait_and_nothing_is_lost(self):
        with Receiver() as receiver, Relay(receiver) as relay:
            receiver.open.clear()
            taken = []
            status = "204"
            while status == "204":  # until no part of the way has room
                number = len(taken)
                status = relay.hook("shop", number)
                taken.append(number)
                self.assertLess(number, 100)
            self.assertEqual(status, "503")
            taken.pop()
            lines = [f"line {number}" for number in range(30)]
            relay.write("messages", "".join(json.dumps({"topic": "shop", "data": line}) + "\n"
                                            for line in lines), "a")
            wait_until(lambda: relay.rule("line")["waiting"] >= 1, "a line that waits")
            shown = json.loads(relay.curl("/call/rules/list"))
            deliver = next(rule for rule in shown if rule["name"] == "deliver")
            self.assertEqual((deliver["running"], deliver["waiting"] >= 1), (1, True))
            self.assertIn("<title>", relay.curl("/ui/"))
            self.assertEqual(receiver.data(), [])
            published = [f"published {number}" for number in range(30)]
            for data in published:
                relay.publish("shop", data)
            receiver.open.set()
            wait_until(lambda: len(receiver.data()) == len(taken) + len(lines) + len(published),
                       "all messages")
            self.assertEqual([data for data in receiver.data() if data in published], published)
            self.assertEqual([data for data in receiver.data() if data in taken], taken)
            self.assertEqual([data for data in receiver.data() if data in lines], lines)

    def test_the_picture_of_the_page_is_that_of_the_file(self):
        graph = subprocess.run([program("weir"), "graph", APP], capture_output=True, text=True,
                               timeout=LIMIT, check=True,
                               env={**os.environ, "RELAY_SECRET": SECRET}).stdout
        with open(os.path.join(HERE, "relay.mmd"), encoding="utf-8") as file:
            self.assertEqual(graph, file.read())


if __name__ == "__main__":
    main()
