"""Tests the module `http` with curl, TLS, and requests that no client sends."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import unittest

import redis

from lockd import LIMIT, Lockd, Raw, main, program, wait_until
from loopback import make_certificate
from models import call

PASSWORD = "apples and pears"
EVENTS = {"shop.Order": {
    "indices": [{"name": "customer"}],
    "members": [{"name": "pieces", "type": "integer", "default": 1}],
}}


class Web(Lockd):
    """A server with the module http at a port, and at a Unix socket for its owner."""

    def __init__(self, **http):
        super().__init__()
        self.site = os.path.join(self.folder.name, "site")
        os.mkdir(self.site)
        with open(os.path.join(self.site, "a.txt"), "w", encoding="ascii") as file:
            file.write("0123456789")
        with open(os.path.join(self.site, "big.bin"), "wb") as file:
            file.write(bytes(range(256)) * 40_000)
        with open(os.path.join(self.folder.name, "password"), "w", encoding="ascii") as file:
            file.write(PASSWORD + "\n")
        self.http_unix = os.path.join(self.folder.name, "http")
        self.http = {
            "listen": ["tcp://127.0.0.1:0", {"address": "unix:" + self.http_unix}],
            "routes": [
                {"path": "/locked/{pattern}", "method": "GET", "call": "lock.list"},
                {"path": "/site/*", "folder": self.site},
                {"path": "/old", "redirect": "/site/a.txt"},
            ],
            **http,
        }
        self.more = {
            "server": {
                "startup": ["lock", "resp", "http", "manager"],
                "events": EVENTS,
                "roles": {"shop": {"may": ["lock.*", "server.*"], "keys": ["order:*"]}},
                "users": {"ann": {"password_file": os.path.join(self.folder.name, "password"),
                                  "roles": ["shop"]}},
            },
            "module": {"http": self.http},
        }
        self.write()

    def __enter__(self):
        super().__enter__()
        found = self.wait_for_log(r" http: .*listens at (?:tcp|tls)://[\d.]+:(\d+)|"
                                  r"http.*listens at (?:tcp|tls)://[\d.]+:(\d+)")
        self.http_port = int(found.group(1) or found.group(2))
        self.wait_for_log("listens at unix:" + re.escape(self.http_unix))
        wait_until(lambda: self.curl("/ready")[0] == 200, "the server is ready")
        return self

    def command(self, path, *arguments):
        return ["curl", "-sS", "--max-time", str(LIMIT), *arguments,
                f"http://127.0.0.1:{self.http_port}{path}"]

    def curl(self, path, *arguments, owner=False):
        """Returns the status, the headers in lower case, and the body."""
        where = ["--unix-socket", self.http_unix] if owner else []
        done = subprocess.run(self.command(path, "-i", *where, *arguments), capture_output=True,
                              timeout=2 * LIMIT, check=True)
        head, body = done.stdout.split(b"\r\n\r\n", 1)
        while head.startswith(b"HTTP/1.1 100"):
            head, body = body.split(b"\r\n\r\n", 1)
        status, *headers = head.decode().split("\r\n")
        return (int(status.split()[1]),
                {name.lower(): value for name, value in (h.split(": ", 1) for h in headers)}, body)

    def post(self, path, content, *arguments, owner=False, method="POST"):
        status, headers, body = self.curl(
            path, "-X", method, "-H", "Content-Type: application/json", "-d", json.dumps(content),
            *arguments, owner=owner)
        return status, json.loads(body) if body else None

    def waiters(self, key):
        """Returns how many wait for the lock."""
        locks = json.loads(self.curl("/locks?pattern=" + key, *LOGIN)[2])
        return sum(len(lock["waiters"]) for lock in locks)

    def raw(self):
        return Raw(self.http_port)

    def ask(self, request):
        """Sends bytes, ends the output, and returns all that comes."""
        with self.raw() as raw:
            raw.send(request)
            raw.socket.shutdown(socket.SHUT_WR)
            return raw.rest()


LOGIN = ("-u", "ann:" + PASSWORD)


class Shared(unittest.TestCase):
    """What needs no settings of its own."""

    @classmethod
    def setUpClass(cls):
        cls.web = Web()
        cls.web.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.web.__exit__(None)

    def test_health_and_readiness(self):
        status, headers, body = self.web.curl("/health")
        self.assertEqual((status, json.loads(body)), (200, {"status": "pass"}))
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        status, _, body = self.web.curl("/ready")
        self.assertEqual((status, json.loads(body)), (200, {"ready": True, "missing": []}))

    def test_functions_are_called_by_name(self):
        self.assertEqual(self.web.post("/call/lock/list", {}), (200, []))
        status, _, body = self.web.curl("/call/lock/list?pattern=no*")
        self.assertEqual((status, json.loads(body)), (200, []))
        status, _, body = self.web.curl("/locked/order%3A*")
        self.assertEqual((status, json.loads(body)), (200, []))

    def test_errors_are_problems_with_the_codes_of_every_route(self):
        def code(path, content, *arguments):
            status, body = self.web.post(path, content, *arguments)
            self.assertEqual(body["status"], status)
            return status, body["code"]
        self.assertEqual(code("/call/nothing/list", {}), (404, "unknown_module"))
        self.assertEqual(code("/call/lock/nothing", {}, *LOGIN), (404, "unknown_function"))
        self.assertEqual(code("/call/lock/list", {"pattern": 7}), (400, "bad_parameter"))
        self.assertEqual(code("/call/lock/list", {"patern": "*"}), (400, "bad_parameter"))
        self.assertEqual(code("/call/lock/list", ["*"]), (400, "bad_parameter"))
        self.assertEqual(code("/call/lock/list?pattern=a", {"pattern": "b"}),
                         (400, "bad_parameter"))
        self.assertEqual(code("/nothing", {}), (404, "not_found"))
        deep = "[" * 100 + "]" * 100
        status, _, body = self.web.curl("/call/lock/list", "-H", "Content-Type: application/json",
                                        "-d", deep)
        self.assertEqual((status, json.loads(body)["code"]), (400, "bad_parameter"))
        status, headers, body = self.web.curl("/call/lock/open_session")
        self.assertEqual((status, headers["allow"]), (405, "POST, OPTIONS"))
        status, headers, _ = self.web.curl("/health", "-X", "DELETE")
        self.assertEqual((status, headers["allow"]), (405, "OPTIONS, GET, HEAD"))

    def test_requests_that_forms_can_send_are_refused(self):
        for arguments in (["-d", "a=b"], ["-H", "Content-Type: text/plain", "-d", "{}"],
                          ["-d", ""], ["-X", "POST", "-H", "Content-Type: text/plain"]):
            status, _, body = self.web.curl("/call/lock/list", *arguments)
            self.assertEqual((status, json.loads(body)["code"]), (415, "not_json"))
        self.assertEqual(self.web.curl("/call/lock/list", "-X", "POST")[0], 200)
        for header in ("Origin: https://evil.example", "Sec-Fetch-Site: cross-site"):
            status, _, body = self.web.curl("/call/lock/list", "-X", "POST", "-H", header)
            self.assertEqual((status, json.loads(body)["code"]), (403, "foreign_origin"))
        status, body = self.web.post("/call/lock/list", {}, "-H", "Origin: https://evil.example")
        self.assertEqual((status, body["code"]), (403, "foreign_origin"))
        status, _, body = self.web.curl("/health", "-H", "Host: evil.example")
        self.assertEqual((status, json.loads(body)["code"]), (421, "unknown_host"))

    def test_rights_are_those_of_the_user(self):
        status, body = self.web.post("/call/manager/modules", {})
        self.assertEqual(status, 200)
        status, headers, body = self.web.curl(
            "/call/manager/reload", "-H", "Content-Type: application/json", "-d",
            '{"modules": ["lock"]}')
        self.assertEqual((status, json.loads(body)["code"]), (401, "denied"))
        self.assertEqual(json.loads(body)["detail"],
                         "a client that has not logged in must not do that")
        self.assertTrue(headers["www-authenticate"].startswith("Basic "))
        status, body = self.web.post("/call/manager/reload", {"modules": ["lock"]}, *LOGIN)
        self.assertEqual((status, body["code"]), (403, "denied"))
        status, body = self.web.post("/call/lock/list", {}, "-u", "ann:wrong")
        self.assertEqual((status, body["code"]), (401, "wrong_login"))
        status, body = self.web.post("/locks/stock", {}, *LOGIN)
        self.assertEqual((status, body["code"]), (403, "denied"))
        status, body = self.web.post("/call/lock/sessions", {}, owner=True)
        self.assertEqual(status, 200)

    def test_files_are_served_whole_and_in_part(self):
        status, headers, body = self.web.curl("/site/a.txt")
        self.assertEqual((status, body), (200, b"0123456789"))
        self.assertEqual(headers["content-type"], "text/plain; charset=utf-8")
        self.assertEqual(self.web.curl("/site/a.txt", "-r", "2-4")[::2], (206, b"234"))
        self.assertEqual(
            self.web.curl("/site/a.txt", "-H", "If-None-Match: " + headers["etag"])[0], 304)
        self.assertEqual(self.web.curl("/site/big.bin")[2], bytes(range(256)) * 40_000)
        self.assertEqual(self.web.curl("/site/../password", "--path-as-is")[0], 404)
        self.assertEqual(self.web.curl("/site/%2e%2e/password")[0], 404)
        self.assertEqual(self.web.curl("/old", "-L")[0], 308)
        status, headers, body = self.web.curl("/site/a.txt", "-I")
        self.assertEqual((status, headers["content-length"], body), (200, "10", b""))

    def test_locks_are_taken_for_a_time_and_given_back(self):
        status, held = self.web.post("/locks/order:1", {"time_to_live": "40s"}, *LOGIN)
        self.assertEqual(status, 201)
        self.assertIsInstance(held["token"], int)
        status, body = self.web.post("/locks/order:1", {}, *LOGIN)
        self.assertEqual((status, body["code"]), (409, "locked"))
        status, _, body = self.web.curl("/locks", *LOGIN)
        self.assertIn("order:1", body.decode())
        where = "/locks/order:1?session=" + held["session"]
        self.assertEqual(self.web.post(where, {}, *LOGIN, method="PUT")[0], 200)
        # Its session is none of another lock, and not renewed by mistake.
        other = where.replace("order:1", "order:9")
        status, body = self.web.post(other, {}, *LOGIN, method="PUT")
        self.assertEqual((status, body["code"]), (409, "not_held"))
        self.assertEqual(self.web.curl(other, "-X", "DELETE", *LOGIN)[0], 409)
        self.assertEqual(self.web.post(where + "&context=b", {}, *LOGIN, method="PUT")[0], 409)
        status, body = self.web.post(where + "&kontext=b", {}, *LOGIN, method="PUT")
        self.assertEqual((status, body["code"]), (400, "bad_parameter"))
        self.assertEqual(self.web.curl(where, "-X", "DELETE", *LOGIN)[0], 204)
        status, body = self.web.post("/locks/order:1", {"wait": "5s"}, *LOGIN)
        self.assertEqual(status, 201)
        self.assertGreater(body["token"], held["token"])
        self.web.curl("/locks/order:1?session=" + body["session"], "-X", "DELETE", *LOGIN)

    def holder(self, key):
        """Returns a curl that holds a lock as long as it runs, and the lock's token."""
        holder = subprocess.Popen(
            self.web.command("/locks/" + key, "-N", *LOGIN, "-H", "Content-Type: application/json",
                             "-d", '{"hold": true, "wait": "40s"}'), stdout=subprocess.PIPE)
        return holder

    def test_a_lock_is_given_back_when_its_client_goes(self):
        first = self.holder("order:2")
        token = json.loads(first.stdout.readline())["token"]
        second = self.holder("order:2")  # waits
        third = self.holder("order:2")
        wait_until(lambda: self.web.waiters("order:2") == 2, "both wait")
        third.kill()  # leaves no trace
        third.wait()
        first.kill()
        self.assertGreater(json.loads(second.stdout.readline())["token"], token)
        second.kill()
        for process in (first, second, third):
            process.wait()
            process.stdout.close()
        wait_until(lambda: json.loads(self.web.curl("/locks?pattern=order:2", *LOGIN)[2]) == [],
                   "all is given back")

    def test_events_are_sent_watched_and_continued(self):
        watcher = subprocess.Popen(self.web.command("/events?type=shop.Order&customer=ann", "-N",
                                                    *LOGIN), stdout=subprocess.PIPE, text=True)
        self.assertEqual(watcher.stdout.readline(), ": watching shop.Order\n")
        watcher.stdout.readline()
        self.assertEqual(self.web.post("/events/shop.Order", {"customer": "bob"}, *LOGIN),
                         (204, None))
        self.assertEqual(self.web.post("/events/shop.Order", {"customer": "ann", "pieces": 2},
                                       *LOGIN), (204, None))
        identity, kind, data = (watcher.stdout.readline() for _ in range(3))
        self.assertEqual(kind, "event: shop.Order\n")
        self.assertEqual(json.loads(data.removeprefix("data: ")), {"customer": "ann", "pieces": 2})
        watcher.kill()
        watcher.wait()
        watcher.stdout.close()
        self.web.post("/events/shop.Order", {"customer": "ann", "pieces": 3}, *LOGIN)
        again = subprocess.Popen(
            self.web.command("/events?type=shop.Order&customer=ann", "-N", *LOGIN, "-H",
                             "Last-Event-ID: " + identity.removeprefix("id: ").strip()),
            stdout=subprocess.PIPE, text=True)
        lines = [again.stdout.readline() for _ in range(5)]
        self.assertEqual(json.loads(lines[4].removeprefix("data: "))["pieces"], 3)
        again.kill()
        again.wait()
        again.stdout.close()
        status, body = self.web.post("/events/shop.Order", {"pieces": "many"}, *LOGIN)
        self.assertEqual((status, body["code"]), (400, "bad_event"))
        status, body = self.web.post("/events/shop.Nothing", {}, *LOGIN)
        self.assertEqual((status, body["code"]), (404, "unknown_event"))

    def test_a_client_that_reads_too_slowly_gets_the_number_of_lost_events(self):
        sent = 40
        large = os.path.join(self.web.folder.name, "large.json")
        with open(large, "w", encoding="ascii") as file:
            json.dump({"customer": "slow" * 125_000, "pieces": 7}, file)
        with socket.socket() as slow:
            # With this, the kernels keep some megabytes less than what is sent.
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.settimeout(LIMIT)
            slow.connect(("127.0.0.1", self.web.http_port))
            slow.sendall(b"GET /events?type=shop.Order HTTP/1.0\r\nHost: localhost\r\n"
                         b"Authorization: Basic YW5uOmFwcGxlcyBhbmQgcGVhcnM=\r\n\r\n")
            lines = slow.makefile("rb")
            while lines.readline() != b": watching shop.Order\n":
                pass
            for _ in range(sent):
                self.assertEqual(self.web.curl("/events/shop.Order", *LOGIN, "-H", "Expect:", "-H",
                                               "Content-Type: application/json", "--data-binary",
                                               "@" + large)[0], 204)
            came, lost = 0, 0
            while came + lost < sent:
                line = lines.readline()
                if line == b"event: lost\n":
                    lost += json.loads(lines.readline().removeprefix(b"data: "))["lost"]
                elif line == b"event: shop.Order\n":
                    self.assertEqual(json.loads(lines.readline().removeprefix(b"data: "))["pieces"],
                                     7)
                    came += 1
            self.assertGreater(lost, 0)
            self.assertGreater(came, 0)
            self.assertEqual(came + lost, sent)

    def test_texts_are_compressed_for_clients_that_take_it(self):
        status, headers, body = self.web.curl("/openapi.json", "--compressed", owner=True)
        self.assertEqual((status, headers["content-encoding"]), (200, "gzip"))
        self.assertEqual(json.loads(body)["openapi"], "3.1.0")
        _, headers, _ = self.web.curl("/openapi.json", owner=True)
        self.assertNotIn("content-encoding", headers)

    def test_requests_that_hide_others_are_refused(self):
        head = b"POST /call/lock/list HTTP/1.1\r\nHost: localhost\r\n"
        for bad in (b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
                    b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
                    b"Content-Length: 2, 2\r\n\r\n{}",
                    b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
                    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
                    b"A: b\r\n folded\r\n\r\n", b"A: b\nC: d\r\n\r\n", b"A\x00: b\r\n\r\n"):
            answer = self.web.ask(head + bad + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), (bad, answer))
            self.assertIn(b"\r\nConnection: close\r\n", answer)
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, bad)

    def test_pipelined_requests_are_answered_in_order(self):
        names = [f"/site/{i % 2 * 'a.txt' or 'nothing'}" for i in range(100)]
        answer = self.web.ask(b"".join(
            f"GET {name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for name in names))
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+) ", answer), [b"404", b"200"] * 50)

    def test_a_large_body_is_announced_or_refused(self):
        status, _, body = self.web.curl(
            "/call/lock/list", "-H", "Content-Type: application/json", "-H",
            "Expect: 100-continue", "-d", '{"pattern": "' + "x" * 100 + '"}')
        self.assertEqual((status, body), (200, b"[]\n"))
        status, _, body = self.web.curl(
            "/call/lock/list", "-H", "Content-Type: application/json", "-H",
            "Expect: 100-continue", "--data-binary", "@" + os.path.join(self.web.site, "big.bin"))
        self.assertEqual((status, json.loads(body)["code"]), (413, "body_too_large"))

    def test_a_connection_goes_on_in_a_new_version_of_the_module(self):
        with self.web.raw() as raw:
            for _ in range(2):
                raw.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertEqual(raw.line(), "HTTP/1.1 200 OK")
                while raw.line():
                    pass
                raw.line()  # the body
                status, body = self.web.post("/call/manager/reload", {"modules": ["http"]},
                                             owner=True)
                self.assertEqual(status, 200, body)


class Alone(unittest.TestCase):
    """What needs a server of its own."""

    def test_slow_clients_and_many_clients_are_closed(self):
        with Web(first_byte_timeout="200ms", head_timeout="200ms", idle_timeout="200ms",
                 max_clients_per_address=3) as web:
            with web.raw() as silent:
                self.assertEqual(silent.rest(), b"")
            with web.raw() as slow:
                slow.send(b"GET /health HTT")
                self.assertTrue(slow.rest().startswith(b"HTTP/1.1 408 "))
            with web.raw() as idle:
                idle.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertEqual(idle.rest().count(b"HTTP/1.1 200 "), 1)
        with Web(max_clients_per_address=3) as web:
            raws = [web.raw() for _ in range(3)]
            for raw in raws:
                raw.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertEqual(raw.line(), "HTTP/1.1 200 OK")
            self.assertIn(b"too_many_connections", web.ask(b""))
            for raw in raws:
                raw.close()
            wait_until(lambda: web.curl("/health")[0] == 200, "there is room again")

    def test_running_requests_are_answered_when_the_module_unloads(self):
        with Web(shutdown_timeout="40s", unload_timeout="50s") as web:
            stream = subprocess.Popen(web.command("/events?type=shop.Order", "-N"),
                                      stdout=subprocess.PIPE)
            stream.stdout.readline()
            with web.redis() as holder, web.raw() as idle:
                holder.execute_command("LOCK", "order:1")
                idle.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                self.assertEqual(idle.line(), "HTTP/1.1 200 OK")
                waiter = subprocess.Popen(
                    web.command("/locks/order:1", "-i", *LOGIN, "-H",
                                "Content-Type: application/json", "-d", '{"wait": "40s"}'),
                    stdout=subprocess.PIPE)
                wait_until(lambda: web.waiters("order:1") == 1, "the client waits")
                unload = subprocess.Popen(["redis-cli", "-s", web.unix, "CALL", "manager",
                                           "unload", '{"module": "http"}'], stdout=subprocess.PIPE)
                self.assertIn(b'"pass"', idle.rest())  # ends at once
                idle.close()
                self.assertEqual(stream.wait(LIMIT), 0)  # in order
                stream.stdout.close()
                holder.execute_command("UNLOCK", "order:1")
                answer = waiter.communicate(timeout=LIMIT)[0]
                self.assertTrue(answer.startswith(b"HTTP/1.1 201 "), answer)
                self.assertIn(b"\r\nConnection: close\r\n", answer)
                self.assertEqual(unload.wait(LIMIT), 0)
                unload.stdout.close()

    def test_a_module_whose_unloading_is_refused_serves_clients_again(self):
        with Web(shutdown_timeout="40s", unload_timeout="200ms") as web:
            with web.redis() as holder:
                holder.execute_command("LOCK", "order:1")
                waiter = subprocess.Popen(
                    web.command("/locks/order:1", "-i", *LOGIN, "-H",
                                "Content-Type: application/json", "-d", '{"wait": "40s"}'),
                    stdout=subprocess.PIPE)
                wait_until(lambda: web.waiters("order:1") == 1, "the client waits")
                with self.assertRaisesRegex(redis.exceptions.ResponseError, "not unloaded"):
                    call(web.owner(), "manager", "unload", module="http")
                # At the Unix socket: the port is another one now.
                wait_until(lambda: subprocess.run(
                    web.command("/ready", "-f", "--unix-socket", web.http_unix),
                    capture_output=True, timeout=2 * LIMIT, check=False).returncode == 0,
                    "it is ready again")
                holder.execute_command("UNLOCK", "order:1")
                answer = waiter.communicate(timeout=LIMIT)[0]
                self.assertTrue(answer.startswith(b"HTTP/1.1 201 "), answer)

    def test_a_client_that_unloads_what_serves_it_sees_its_connection_end(self):
        # It cannot be answered before the module has gone, and then by no module.
        with Web(shutdown_timeout="200ms") as web:
            done = subprocess.run(
                web.command("/call/manager/unload", "--unix-socket", web.http_unix, "-H",
                            "Content-Type: application/json", "-d", '{"module": "http"}'),
                capture_output=True, text=True, timeout=LIMIT, check=False)
            self.assertEqual((done.returncode, done.stdout), (52, ""), done.stderr)
            wait_until(lambda: '"unloaded"' in web.cli("CALL", "manager", "modules", owner=True)
                       or '"http"' not in web.cli("CALL", "manager", "modules", owner=True),
                       "it has gone")

    def test_the_log_warns_where_resp_asks_for_a_password_and_http_does_not(self):
        web = Web()
        web.settings["password"] = PASSWORD
        web.write()
        with web:
            web.wait_for_log(r"own.json:1:\d+: module.http.listen\[0\]: module.resp asks for a "
                             "password, but clients of this address take locks without one")

    def test_headers_that_say_where_a_response_ends_are_refused(self):
        web = Web(headers={"x-frame-options": "DENY", "content-length": "0"})
        done = subprocess.run([program("weir"), "check", web.file], capture_output=True,
                              text=True, timeout=LIMIT, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("headers: has Content-Length, which the server sets itself", done.stderr)

    def test_routes_that_would_answer_the_same_requests_are_refused(self):
        web = Web(routes=[{"path": "/a/{b}", "call": "lock.list"},
                          {"path": "/a/{c}", "call": "lock.sessions", "hosts": ["shop.example"]},
                          {"path": "/a/{d}", "call": "lock.semaphores"}])
        done = subprocess.run([program("weir"), "check", web.file], capture_output=True,
                              text=True, timeout=LIMIT, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("the path '/a/{d}' is there already with the method POST", done.stderr)
        self.assertNotIn("/a/{c}", done.stderr)

    def test_a_name_without_its_braces_is_warned_of_in_the_key_of_a_limit(self):
        web = Web(routes=[{"path": "/a", "call": "lock.list",
                           "limit": {"name": "api", "key": "user"}}])
        done = subprocess.run([program("weir"), "check", web.file], capture_output=True,
                              text=True, timeout=LIMIT, check=False)
        self.assertIn("the text 'user' is the same for all requests: did you mean \"{user}\"?",
                      done.stderr)

    def test_tls_with_a_certificate_of_its_own_that_hangup_renews(self):
        web = Web()
        certificate = os.path.join(web.folder.name, "certificate.pem")
        key = os.path.join(web.folder.name, "key.pem")
        make_certificate(certificate, key)
        web.http["listen"] = ["tcp://127.0.0.1:0", {"address": "unix:" + web.http_unix},
                              {"address": "tls://127.0.0.1:0",
                               "tls": {"certificate": certificate, "key": key}}]
        web.write()
        with web:
            wait_until(lambda: len(json.loads(web.curl("/call/http/addresses")[2])) == 3,
                       "all listen")
            addresses = json.loads(web.curl("/call/http/addresses")[2])
            port = addresses[-1].rsplit(":", 1)[1]
            done = subprocess.run(
                ["curl", "-sS", "--max-time", str(LIMIT), "--cacert", certificate, "-w",
                 " %{http_version}", f"https://localhost:{port}/health"],
                capture_output=True, text=True, check=False)
            self.assertEqual(done.stdout, '{"status": "pass"}\n 1.1', done.stderr)
            context = ssl.create_default_context(cafile=certificate)
            context.set_alpn_protocols(["h2", "http/1.1"])
            with socket.create_connection(("127.0.0.1", int(port)), timeout=LIMIT) as plain:
                with context.wrap_socket(plain, server_hostname="localhost") as secure:
                    self.assertEqual(secure.selected_alpn_protocol(), "http/1.1")
                    old = secure.getpeercert(True)
                    make_certificate(certificate, key)
                    web.process.send_signal(signal.SIGHUP)
                    web.wait_for_log(r"http.*tls://127.*has read the certificate again")
                    # The connection goes on, and a new one has the new certificate.
                    secure.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
                                   b"Connection: close\r\n\r\n")
                    self.assertIn(b"200 OK", b"".join(iter(lambda: secure.recv(4096), b"")))
            context = ssl.create_default_context(cafile=certificate)
            with socket.create_connection(("127.0.0.1", int(port)), timeout=LIMIT) as plain:
                with context.wrap_socket(plain, server_hostname="localhost") as secure:
                    self.assertNotEqual(secure.getpeercert(True), old)


if __name__ == "__main__":
    main()
