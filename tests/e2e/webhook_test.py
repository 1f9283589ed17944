"""Tests the module webhook with real HTTP: signed requests in, and requests out in their order."""

import hashlib
import hmac
import http.client
import http.server
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from lockd import LIMIT, Raw, listens, main, program, wait_until

SECRET = "correct horse battery staple"


class Server:
    """A receiver: a server on its own port that gives the answers of the test, and then 200."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []  # (path, headers, body)
        self.gate = threading.Event()  # cleared: it does not answer
        self.gate.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.requests.append((self.path, dict(self.headers), body.decode()))
                outer.gate.wait(LIMIT)
                status = outer.answers.pop(0) if outer.answers else 200
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.end_headers()
                    self.wfile.write(b'{"taken": true}')
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()

    def bodies(self):
        return [json.loads(body)["n"] for _, _, body in self.requests]


class App:
    """A running app with the hooks github, slack and filed, and a rule that sends on what comes
    from github, to the receiver `up`."""

    def __init__(self, port, **webhook):
        self.folder = tempfile.TemporaryDirectory(prefix="webhook-test-")
        self.socket = self.path("socket")
        self.write("secret", "first secret\n")
        self.app = {
            "server": {"startup": ["webhook", "rules", "resp", "http", "manager"]},
            "module": {
                "http": {"listen": ["tcp://127.0.0.1:0"]},
                "resp": {"listen": ["unix:" + self.socket]},
                "webhook": {
                    **webhook,
                    "hooks": {
                        "github": {"path": "/hooks/github", "signature": "github",
                                   "secret": "${HOOK_SECRET}", "headers": ["X-GitHub-Event"]},
                        "slack": {"path": "/hooks/slack", "signature": "slack",
                                  "secret": "${HOOK_SECRET}"},
                        "filed": {"path": "/hooks/filed", "signature": "github",
                                  "secret_file": self.path("secret")},
                    },
                    "receivers": {
                        "up": {"url": f"http://127.0.0.1:{port}/up", "signature": "github",
                               "secret": "${HOOK_SECRET}",
                               "retry": {"times": 5, "backoff": "20ms", "longest": "1s"}},
                        "nobody": {"url": "http://127.0.0.1:1/", "retry": {"times": 0}},
                    },
                },
                "rules": {"rules": {"relay": {
                    "on": {"event": "webhook.Received", "where": {"hook": "github"}},
                    "do": [{"call": "webhook.send", "with": {
                        "receiver": "up", "path": "/{{event.headers.x-github-event}}",
                        "body": {"n": "{{event.body.n}}"}}}],
                }}},
            },
        }
        self.write("app.json", json.dumps(self.app))

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def __enter__(self):
        environment = {**os.environ, "HOOK_SECRET": SECRET, "XDG_STATE_HOME": self.path("xdg")}
        self.process = subprocess.Popen([program("weir"), "run", self.path("app.json")],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, env=environment)
        self.log = []
        self.reader = threading.Thread(target=lambda: self.log.extend(self.process.stderr),
                                       daemon=True)
        self.reader.start()
        wait_until(lambda: listens(self.socket), "the socket")
        wait_until(lambda: re.search(r"http.*listens at tcp://127.0.0.1:(\d+)", self.text()),
                   "the port")
        self.port = int(re.search(r"http.*listens at tcp://127.0.0.1:(\d+)", self.text()).group(1))
        wait_until(lambda: self.weir("call", "webhook", "list").returncode == 0, "the module")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(LIMIT)
        self.reader.join(LIMIT)
        self.folder.cleanup()
        if code != 0:
            raise AssertionError(f"exit code {code}:\n{self.text()}")

    def text(self):
        return "".join(self.log)

    def weir(self, command, *arguments):
        return subprocess.run([program("weir"), command, "unix:" + self.socket, *arguments],
                              capture_output=True, text=True, timeout=LIMIT, check=False)

    def call(self, module, function, **parameters):
        result = self.weir("call", module, function, json.dumps(parameters))
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def watch(self, *arguments):
        watch = subprocess.Popen([program("weir"), "watch", "unix:" + self.socket, *arguments],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = watch.stderr.readline()
        assert "watching" in line, line
        return watch

    def post(self, path, body, headers=None):
        """Returns the status and the text of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        connection.request("POST", path, body,
                           {"Content-Type": "application/json", **(headers or {})})
        response = connection.getresponse()
        result = response.status, response.read().decode()
        connection.close()
        return result

    def github(self, body, path="/hooks/github", secret=SECRET):
        digest = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
        return self.post(path, body, {"X-Hub-Signature-256": "sha256=" + digest,
                                      "X-GitHub-Event": "push"})

    def slack(self, body, at):
        digest = hmac.new(SECRET.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
        return self.post("/hooks/slack", body, {"X-Slack-Signature": "v0=" + digest,
                                                "X-Slack-Request-Timestamp": str(at)})

    def receiver(self, name):
        return next(entry for entry in self.call("webhook", "list")["receivers"]
                    if entry["name"] == name)


class WebhookTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)

    def test_a_genuine_request_is_an_event_and_any_other_is_refused(self):
        with App(self.server.port) as app:
            watch = app.watch("webhook.Received", "hook=github", "-n", "1")
            self.assertEqual(app.post("/hooks/github", '{"n": 0}')[0], 403)
            status, text = app.github('{"n": 0}', secret="guessed")
            self.assertEqual((status, json.loads(text)["detail"]), (403, "the signature is wrong"))
            self.assertEqual(app.github('{"n": 0')[0], 400)
            self.assertEqual(app.github('{"n": 1}'), (204, ""))
            output, _ = watch.communicate(timeout=LIMIT)
            self.assertEqual(json.loads(output)["event"],
                             {"hook": "github", "headers": {"x-github-event": "push"}, "query": {},
                              "body": {"n": 1}})
            hook = app.call("webhook", "list")["hooks"][1]
            self.assertEqual((hook["name"], hook["received"], hook["refused"],
                              hook["last_refusal"]),
                             ("github", 1, 2, "the signature is wrong"))

    def test_slack_is_answered_and_an_old_request_of_it_is_refused(self):
        with App(self.server.port) as app:
            now = int(time.time())
            challenge = json.dumps({"type": "url_verification", "challenge": "x y"})
            self.assertEqual(app.slack(challenge, now), (200, "x y"))
            self.assertEqual(app.slack("{}", now)[0], 204)
            status, text = app.slack("{}", now - 400)
            self.assertEqual((status, json.loads(text)["detail"]),
                             (403, "the signature is too old"))

    def test_requests_go_out_signed_and_in_their_order_although_the_receiver_fails(self):
        self.server.answers = [500, 503]
        with App(self.server.port) as app:
            for n in range(5):
                self.assertEqual(app.github(json.dumps({"n": n}))[0], 204)
            wait_until(lambda: app.receiver("up")["delivered"] == 5, "five deliveries")
            self.assertEqual(self.server.bodies(), [0, 0, 0, 1, 2, 3, 4])
            path, headers, body = self.server.requests[0]
            self.assertEqual(path, "/up/push")
            digest = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
            self.assertEqual(headers["X-Hub-Signature-256"], "sha256=" + digest)
            keys = [headers["Idempotency-Key"] for _, headers, _ in self.server.requests]
            self.assertEqual(keys[0], keys[2])
            self.assertEqual(len(set(keys)), 5)

    def test_what_cannot_be_delivered_is_an_event(self):
        self.server.answers = [404]
        with App(self.server.port) as app:
            watch = app.watch("webhook.Failed", "-n", "2")
            first = app.call("webhook", "send", receiver="nobody", body={"a": 1})
            wait_until(lambda: app.receiver("nobody")["failed"] == 1, "the first failure")
            app.call("webhook", "send", receiver="up", text="hello")
            output, _ = watch.communicate(timeout=LIMIT)
            events = [json.loads(line)["event"] for line in output.splitlines()]
            self.assertEqual((events[0]["receiver"], events[0]["id"], events[0]["body"],
                              events[0]["tries"], events[0]["status"]),
                             ("nobody", first, {"a": 1}, 1, 0))
            self.assertIn("connection refused", events[0]["message"])
            self.assertEqual((events[1]["body"], events[1]["status"], events[1]["message"]),
                             ("hello", 404, 'the answer is 404: {"taken": true}'))

    def test_text_that_is_json_too_deep_is_told_as_text_and_the_receiver_goes_on(self):
        self.server.answers = [404]
        deep = "[" * 100 + "]" * 100
        with App(self.server.port) as app:
            watch = app.watch("webhook.Failed", "-n", "1")
            app.call("webhook", "send", receiver="up", text=deep)
            app.call("webhook", "send", receiver="up", body={"n": 1})
            output, _ = watch.communicate(timeout=LIMIT)
            event = json.loads(output)["event"]
            self.assertEqual((event["body"], event["status"]), (deep, 404))
            wait_until(lambda: app.receiver("up")["delivered"] == 1, "the next request")
            self.assertEqual(app.receiver("up")["running"], 0)
            self.assertEqual(app.github(deep)[0], 400)

    def test_hooks_take_requests_again_when_unloading_is_refused(self):
        with App(self.server.port, unload_timeout="300ms") as app:
            self.server.gate.clear()
            app.call("webhook", "send", receiver="up", body={"n": 1})
            wait_until(lambda: self.server.requests, "the request")
            refused = app.weir("call", "manager", "unload", '{"module": "webhook"}')
            self.assertIn("did not end within 300ms", refused.stderr)
            self.assertEqual(app.github('{"n": 2}')[0], 204)
            self.server.gate.set()
            wait_until(lambda: app.receiver("up")["delivered"] == 2, "both requests")

    def test_a_secret_file_without_a_secret_is_refused(self):
        with App(self.server.port) as app:
            app.write("secret", " \n\t\n")
            app.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "module.webhook.hooks.filed.secret_file: " + app.path("secret") +
                       ": there is no secret in the file" in app.text(), "the complaint")
            self.assertEqual(app.github("{}", "/hooks/filed", "first secret")[0], 204)
            self.assertEqual(app.github("{}", "/hooks/filed", " ")[0], 403)

    def test_a_request_can_be_asked_for_its_answer(self):
        self.server.answers = [200, 409]
        with App(self.server.port) as app:
            answer = app.call("webhook", "ask", receiver="up", path="/a", body=None)
            self.assertEqual((answer["status"], answer["body"]), (200, {"taken": True}))
            result = app.weir("call", "webhook", "ask", '{"receiver": "up"}')
            self.assertIn('refused: the answer is 409: {"taken": true}', result.stderr)
            result = app.weir("call", "webhook", "ask", '{"receiver": "nobody"}')
            self.assertIn("unreachable: ", result.stderr)
            result = app.weir("call", "webhook", "send", '{"receiver": "up", "path": "/../x"}')
            self.assertIn("leads away from the receiver's address", result.stderr)
            result = app.weir("call", "webhook", "send", '{"receiver": "upp"}')
            self.assertIn("unknown_receiver: unknown receiver 'upp' (did you mean 'up'?)",
                          result.stderr)

    def test_a_reload_loses_nothing_and_keeps_the_order(self):
        with App(self.server.port) as app:
            self.server.gate.clear()
            for n in range(20):
                app.github(json.dumps({"n": n}))
            wait_until(lambda: app.receiver("up")["waiting"] == 19, "the requests wait")
            app.call("manager", "reload", modules=["webhook"])
            self.assertEqual(app.receiver("up")["running"] + app.receiver("up")["waiting"], 20)
            self.server.gate.set()
            for n in range(20, 30):
                self.assertEqual(app.github(json.dumps({"n": n}))[0], 204)
            wait_until(lambda: app.receiver("up")["delivered"] == 30, "all deliveries")
            bodies = self.server.bodies()
            self.assertEqual(list(dict.fromkeys(bodies)), list(range(30)))
            self.assertLessEqual(len(bodies), 31)  # the one that was under way came twice

    def test_hooks_answer_however_often_http_is_reloaded_with_them(self):
        with App(self.server.port) as app:
            for modules in (["http"], ["http"], ["http", "webhook"], ["webhook", "http"],
                            ["webhook"], ["http"]):
                app.call("manager", "reload", modules=modules)
                self.assertEqual(app.github('{"n": 1}'), (204, ""), modules)
                self.assertEqual(app.slack("{}", int(time.time())), (204, ""), modules)
            wait_until(lambda: len(self.server.requests) == 6, "all deliveries")

    def test_a_request_that_has_come_in_part_is_answered_by_the_new_versions(self):
        with App(self.server.port) as app:
            body = '{"n": 1}'
            digest = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
            request = ("POST /hooks/github HTTP/1.1\r\nHost: localhost\r\n"
                       f"Content-Length: {len(body)}\r\nContent-Type: application/json\r\n"
                       f"X-Hub-Signature-256: sha256={digest}\r\n\r\n{body}").encode()
            with Raw(app.port) as raw:
                sent = 0
                for part in (1, 30, len(request) - len(body) - 1):
                    raw.send(request[:part])
                    sent += part
                    wait_until(lambda: any(f" received {sent} bytes" in client
                                           for client in app.call("http", "clients")), "the part")
                    app.call("manager", "reload", modules=["http", "webhook"])
                    wait_until(lambda: not any(
                        module["leaving"] for module in app.call("manager", "modules")
                        if module["name"] == "webhook"), "the old version goes")
                    raw.send(request[part:])
                    sent += len(request) - part
                    self.assertEqual(raw.line(), "HTTP/1.1 204 No Content")
                    while raw.line():
                        pass
            wait_until(lambda: len(self.server.requests) == 3, "all deliveries")

    def test_secrets_are_read_again_and_shown_nowhere(self):
        with App(self.server.port) as app:
            self.assertEqual(app.github("{}", "/hooks/filed", "first secret")[0], 204)
            app.write("secret", "second secret\nfirst secret\n")
            app.process.send_signal(signal.SIGHUP)
            wait_until(lambda: app.github("{}", "/hooks/filed", "second secret")[0] == 204,
                       "the second secret")
            self.assertEqual(app.github("{}", "/hooks/filed", "first secret")[0], 204)
            environment = {**os.environ, "HOOK_SECRET": SECRET}
            for command in (["config"], ["check"], ["graph"]):
                shown = subprocess.run([program("weir"), *command, app.path("app.json")],
                                       capture_output=True, text=True, timeout=LIMIT, check=True,
                                       env=environment)
                self.assertNotIn(SECRET, shown.stdout + shown.stderr)
            self.assertNotIn(SECRET, app.weir("call", "webhook", "list").stdout)
            self.assertNotIn(SECRET, app.text())

    def test_settings_change_while_it_runs(self):
        with App(self.server.port) as app:
            hooks = app.app["module"]["webhook"]["hooks"]
            hooks["other"] = {"path": "/other", "signature": "none"}
            hooks["github"]["path"] = "/moved"
            app.write("app.json", json.dumps(app.app))
            app.process.send_signal(signal.SIGHUP)
            wait_until(lambda: app.post("/other", "{}")[0] == 204, "the new hook")
            self.assertEqual(app.github('{"n": 1}', "/moved")[0], 204)
            self.assertEqual(app.github('{"n": 1}')[0], 404)


class MistakesTest(unittest.TestCase):
    maxDiff = None

    def check(self, webhook):
        with tempfile.TemporaryDirectory(prefix="webhook-test-") as folder:
            file = os.path.join(folder, "app.json")
            with open(file, "w", encoding="ascii") as out:
                json.dump({"server": {"startup": ["webhook"]}, "module": {
                    "http": {"routes": [{"path": "/taken", "call": "webhook.list"}]},
                    "webhook": webhook}}, out)
            done = subprocess.run([program("weir"), "check", file], capture_output=True, text=True,
                                  timeout=LIMIT, check=False,
                                  env={**os.environ, "HOOK_SECRET": SECRET})
            text = done.stdout + done.stderr
            return [line.split(": ", 1)[1] for line in text.splitlines()
                    if line.startswith(file)]

    def test_mistakes_are_told_with_their_place(self):
        self.assertEqual(self.check({
            "hooks": {
                "a": {"path": "/taken", "signature": "github", "secret": "in the file"},
                "b": {"path": "/b/{c}", "signature": "github", "secret": "${HOOK_SECRET:-x}"},
                "c": {"path": "c", "signature": "slack", "headers": ["a b"]},
                "d": {"path": "/d", "signature": "none", "secret": "${HOOK_SECRET}"},
                "e": {"path": "/d", "signature": "stripe", "secret": "${HOOK_SECRET}"},
            },
            "receivers": {
                "f": {"url": "shop.example", "headers": {"Host": "x"}},
            },
        }), [
            'module.webhook.hooks.a.path: is taken: "/taken"',
            'module.webhook.hooks.a.secret: must come from the environment, as "${NAME}"; or use '
            'secret_file',
            "module.webhook.hooks.b.path: must be one path, without '{' and '*'",
            'module.webhook.hooks.b.secret: must come from the environment, as "${NAME}"; or use '
            'secret_file',
            'module.webhook.hooks.c: needs one of secret and secret_file',
            "module.webhook.hooks.c.path: does not begin with '/'",
            'module.webhook.hooks.c.headers[0]: is no name of a header',
            'module.webhook.hooks.d: has a secret, but `signature` is none',
            'module.webhook.hooks.e.path: is taken: "/d"',
            "module.webhook.receivers.f.url: 'shop.example' does not begin with http:// or "
            'https://',
            'module.webhook.receivers.f.headers: Host is set by the client itself'])


if __name__ == "__main__":
    main()
