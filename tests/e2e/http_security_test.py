"""What a page of another site, a slow client, or one that sends bombs gets from a whole server.

Each attack goes through the running server, as its client would carry it out; the rooms have the
finer tests. Secrets: what stands in a setting that is one appears nowhere.
"""

import gzip
import json
import os
import re
import unittest

from http_test import LOGIN, PASSWORD, Web
from lockd import main, sanitized
from metrics_test import promtool

JSON = ("-H", "Content-Type: application/json")
UPGRADE = (b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
SECRETS = ("password of resp 7d1f", "secret of a hook 93ab", "password of bob 5c2e")


def resident(web):
    """Returns the bytes of memory of the server."""
    with open(f"/proc/{web.process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Attacks(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.web = Web(first_byte_timeout="1s", head_timeout="1s", body_timeout="500ms",
                      whole_body_timeout="1s", max_clients_per_address=200)
        cls.web.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.web.__exit__(None)

    def code(self, *arguments):
        status, _, body = self.web.curl(*arguments)
        return status, json.loads(body)["code"]

    def locks(self):
        return json.loads(self.web.curl("/locks", *LOGIN)[2])

    # --- pages of other sites

    def test_a_form_or_script_of_another_site_takes_no_lock(self):
        for headers in (("-H", "Origin: http://evil.example"), ("-H", "Origin: null"),
                        ("-H", "Sec-Fetch-Site: cross-site"), ("-H", "Sec-Fetch-Site: same-site")):
            self.assertEqual(self.code("/locks/order:1", *LOGIN, *JSON, *headers, "-d", "{}"),
                             (403, "foreign_origin"), headers)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            self.assertEqual(self.code("/locks/order:1", *LOGIN, "-H", "Content-Type: " + kind,
                                       "-d", "{}"), (415, "not_json"), kind)
        self.assertEqual(self.locks(), [])

    def test_a_name_that_points_here_reaches_nothing(self):
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example"):
            self.assertEqual(self.code("/locks", *LOGIN, "-H", "Host: " + host),
                             (421, "unknown_host"))

    def test_a_page_of_another_site_opens_no_web_socket(self):
        for path in (b"/call", b"/events?type=shop.Order"):
            answer = self.web.ask(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n"
                                  b"Origin: http://evil.example\r\n" + UPGRADE + b"\r\n")
            self.assertTrue(answer.startswith(b"HTTP/1.1 403 "), answer)

    def test_no_response_may_be_shown_in_a_frame_or_guessed_at(self):
        for path in ("/health", "/site/a.txt", "/nothing", "/locks", "/old"):
            headers = self.web.curl(path)[1]
            self.assertEqual(headers["x-frame-options"], "DENY", path)
            self.assertEqual(headers["x-content-type-options"], "nosniff", path)

    def test_what_a_client_sends_becomes_no_header(self):
        for path in ("/site/a%0d%0aX-Evil:%201", "/a%0aX-Evil:1", "/old?a=%0d%0aX-Evil:1"):
            status, headers, _ = self.web.curl(path, "-H", "Last-Event-ID: a")
            self.assertNotIn("x-evil", headers, path)
            self.assertIn(status, (307, 308, 302, 400, 404))

    def test_no_path_leads_out_of_a_folder(self):
        for path in ("/site/../password", "/site/%2e%2e/password", "/site/..%2fpassword",
                     "/site/a.txt/../../password", "/site//etc/passwd", "/site/%00", "/site/.",
                     "/site/..%5cpassword", "/site/%252e%252e/password"):
            answer = self.web.ask(f"GET {path} HTTP/1.1\r\nHost: x.localhost\r\nHost: a\r\n\r\n"
                                  .encode()) + self.web.ask(
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            self.assertNotIn(PASSWORD.encode(), answer, path)
            self.assertNotIn(b"HTTP/1.1 200", answer, path)

    # --- slow clients

    def test_a_hundred_slow_clients_delay_no_other_and_are_closed(self):
        slow = [self.web.raw() for _ in range(100)]
        heads = (b"", b"GET /hea", b"GET /health HTTP/1.1\r\nHost: a\r\nX-A: ",
                 b"POST /call/lock/list HTTP/1.1\r\nHost: localhost\r\n"
                 b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
                 b"POST /call/lock/list HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                 b"application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{")
        for number, raw in enumerate(slow):
            raw.send(heads[number % len(heads)])
        self.assertEqual(self.web.curl("/health", "--max-time", "20")[0], 200)
        for raw in slow:  # none is kept for longer than its time
            answer = raw.rest()
            self.assertTrue(not answer or answer.startswith(b"HTTP/1.1 408 "), answer)
            raw.close()

    # --- bombs

    def has_grown_less(self, before, most):
        if not sanitized():  # a sanitizer keeps freed memory
            self.assertLess(resident(self.web), before + most)

    def test_a_compressed_body_is_refused_and_not_unpacked(self):
        path = os.path.join(self.web.folder.name, "bomb.gz")
        with open(path, "wb") as file:
            file.write(gzip.compress(b" " * 300_000_000, 9))
        self.assertLess(os.path.getsize(path), 400_000)
        before = resident(self.web)
        for encoding in ("gzip", "deflate", "br"):
            self.assertEqual(
                self.code("/call/lock/list", *JSON, "-H", "Content-Encoding: " + encoding,
                          "--data-binary", "@" + path), (415, "encoded"))
        self.has_grown_less(before, 20_000_000)

    def test_json_that_is_huge_or_deep_is_refused_within_bounded_memory(self):
        before = resident(self.web)
        bombs = {
            "deep": b"[" * 500_000, "deep and closed": b"[" * 400_000 + b"]" * 400_000,
            "deep objects": b'{"a":' * 100_000, "long": b'{"pattern":"' + b"x" * 900_000 + b'"}',
            "wide": b"{" + b",".join(b'"%d":0' % n for n in range(60_000)) + b"}",
            "number": b'{"most":' + b"9" * 900_000 + b"}",
            "no JSON": b"\xff" * 900_000,
        }
        for name, bomb in bombs.items():
            path = os.path.join(self.web.folder.name, "bomb.json")
            with open(path, "wb") as file:
                file.write(bomb)
            for _ in range(3):
                status, code = self.code("/call/lock/list", *JSON, "-H", "Expect:",
                                         "--data-binary", "@" + path)
                self.assertEqual((status, code), (400, "bad_parameter"), name)
        self.assertEqual(self.code("/call/lock/list", *JSON, "-H", "Expect:", "--data-binary",
                                   "@" + os.path.join(self.web.site, "big.bin")),
                         (413, "body_too_large"))
        # On a busy machine malloc keeps a bomb's memory in the arenas of several threads.
        self.has_grown_less(before, 250_000_000)

    def test_a_pipeline_without_end_takes_bounded_memory(self):
        before = resident(self.web)
        with self.web.raw() as raw:
            raw.socket.settimeout(1)
            sent = 0
            try:
                while sent < 100_000_000:
                    sent += raw.socket.send(
                        b"GET /site/big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
            except OSError:  # the server reads no more
                pass
        self.assertLess(sent, 100_000_000)
        self.has_grown_less(before, 50_000_000)


class Secrets(unittest.TestCase):

    def test_secrets_are_in_no_page_log_metric_or_description(self):
        web = Web(page=True, listen=[{"address": "tcp://127.0.0.1:0", "anonymous": ["admin"]},
                                     {"address": "unix:http"}])
        web.http["listen"][1]["address"] = "unix:" + web.http_unix
        for name, secret in (("hook", SECRETS[1]), ("bob", SECRETS[2])):
            with open(os.path.join(web.folder.name, name), "w", encoding="ascii") as file:
                file.write(secret + "\n")
        web.more["server"]["users"]["bob"] = {
            "password_file": os.path.join(web.folder.name, "bob"), "roles": ["admin"]}
        web.more["server"]["startup"].append("webhook")
        web.settings["password"] = SECRETS[0]
        web.more["module"]["webhook"] = {"hooks": {
            "a": {"path": "/hooks/a", "signature": "github",
                  "secret_file": os.path.join(web.folder.name, "hook")}}}
        web.write()
        with web:
            self.assertEqual(web.curl("/call/lock/list", "-u", "bob:" + SECRETS[2])[0], 200)
            self.assertEqual(web.curl("/call/lock/list", "-u", "bob:" + SECRETS[2] + "x")[0], 401)
            self.assertEqual(web.curl("/hooks/a", "-d", "{}", "-H", "X-Signature: 0")[0], 403)
            paths = ["/metrics", "/openapi.json", "/call/manager/modules", "/call/manager/inspect",
                     "/call/manager/discover", "/call/manager/settings?module=resp",
                     "/call/manager/settings?module=webhook", "/call/manager/settings?module=http",
                     "/call/manager/settings", "/call/http/clients", "/call/http/discover",
                     "/call/manager/routines", "/call/manager/queues", "/ui/", "/events"]
            page = web.curl("/ui/")[2].decode()
            paths += re.findall(r'(?:src|href)="(/[^"]+)"', page)
            seen = {path: web.curl(path) for path in paths}
            self.assertGreater(sum(status == 200 for status, _, _ in seen.values()), 8)
            texts = {path: body.decode(errors="replace") for path, (_, _, body) in seen.items()}
            self.assertEqual(promtool(texts["/metrics"])[0], 0)
            texts["the log"] = web.text()
            for name, text in texts.items():
                for secret in SECRETS:
                    self.assertNotIn(secret, text, name)
                self.assertNotIn(SECRETS[2].replace(" ", "%20"), text, name)


main()
