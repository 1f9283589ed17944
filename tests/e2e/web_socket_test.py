"""Tests WebSockets of the module `http` with the library websockets, and with raw frames."""

import asyncio
import base64
import json
import signal
import subprocess
import unittest

import websockets

from http_test import LOGIN, PASSWORD, Web
from lockd import LIMIT, main, wait_until

ANN = {"Authorization": "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()}


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, LIMIT))


class Sockets(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.web = Web(origins=["https://shop.example"], max_message="64KiB", ping_interval="1s")
        cls.web.__enter__()
        cls.addClassCleanup(cls.web.__exit__, None, None, None)

    def connect(self, path, headers=None, **options):
        return websockets.connect(f"ws://127.0.0.1:{self.web.http_port}{path}",
                                  extra_headers=ANN if headers is None else headers, **options)

    def test_events_are_watched_and_continued(self):
        path = "/events?type=shop.Order&customer=ann"

        async def watch():
            async with self.connect(path) as socket:
                for customer in ("bob", "ann"):
                    await asyncio.to_thread(self.web.post, "/events/shop.Order",
                                            {"customer": customer, "pieces": 2}, *LOGIN)
                first = json.loads(await socket.recv())
                self.assertEqual((first["type"], first["data"]),
                                 ("shop.Order", {"customer": "ann", "pieces": 2}))
            await asyncio.to_thread(self.web.post, "/events/shop.Order",
                                    {"customer": "ann", "pieces": 3}, *LOGIN)
            async with self.connect(path + "&last_event_id=" + first["id"]) as socket:
                self.assertEqual(json.loads(await socket.recv())["data"]["pieces"], 3)
        run(watch())

    def test_calls_have_the_rights_of_the_user(self):
        async def call():
            async with self.connect("/call") as socket:
                for identity, name in enumerate(("lock.list", "manager.modules", "lock")):
                    await socket.send(json.dumps({"id": identity, "call": name}))
                answers = [json.loads(await socket.recv()) for _ in range(3)]
            return sorted(answers, key=lambda answer: answer["id"])
        result, denied, wrong = run(call())
        self.assertEqual(result, {"id": 0, "result": []})
        self.assertEqual(denied["error"]["code"], "denied")
        self.assertEqual(wrong["error"]["code"], "bad_parameter")

    def test_a_client_without_the_right_gets_no_socket(self):
        async def refused(path, **options):
            with self.assertRaises(websockets.InvalidStatusCode) as caught:
                async with self.connect(path, **options):
                    pass
            return caught.exception.status_code
        self.assertEqual(run(refused("/events?type=shop.Order", origin="https://evil.example")),
                         403)
        self.assertEqual(run(refused("/call", origin="null")), 403)
        self.assertEqual(run(refused("/events?type=shop.Nothing")), 404)
        self.assertEqual(self.web.curl("/call")[0], 426)

        async def allowed():
            async with self.connect("/call", origin="https://shop.example"):
                return True
        self.assertTrue(run(allowed()))

    def test_a_lock_that_is_waited_for_is_not_taken_by_a_client_that_has_gone(self):
        async def wait_and_go(session):
            async with self.connect("/call") as socket:
                await socket.send(json.dumps({"id": 1, "call": "lock.acquire", "parameters": {
                    "session": session, "key": "order:w", "timeout": "50s"}}))
                await asyncio.to_thread(wait_until, lambda: self.web.waiters("order:w") == 1,
                                        "it waits")
        with self.web.redis() as holder:
            holder.execute_command("LOCK", "order:w")
            session = self.web.post("/call/lock/open_session", {}, *LOGIN)[1]["session"]
            run(wait_and_go(session))
            wait_until(lambda: self.web.waiters("order:w") == 0, "nobody waits")
            holder.execute_command("UNLOCK", "order:w")

    def test_a_client_that_sends_too_much_is_told_so(self):
        async def flood():
            async with self.connect("/call") as socket:
                await socket.send("a" * 100_000)
                with self.assertRaises(websockets.ConnectionClosed) as caught:
                    await socket.recv()
                return caught.exception.rcvd.code
        self.assertEqual(run(flood()), 1009)

    def test_compression_is_not_agreed_on(self):
        async def extensions():
            async with self.connect("/call", compression="deflate") as socket:
                return socket.response_headers.get("Sec-WebSocket-Extensions")
        self.assertIsNone(run(extensions()))

    def test_a_silent_client_stays_as_long_as_it_answers_pings(self):
        with self.web.raw() as raw:
            raw.send(b"GET /call HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                     b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            while raw.line():
                pass
            for _ in range(3):
                self.assertEqual(raw.file.read(2), b"\x89\x00")
                raw.send(b"\x8a\x80\0\0\0\0")
            self.assertEqual(raw.rest(), b"\x89\x00")  # the fourth, which is not answered

    def test_a_new_version_of_the_module_asks_clients_to_come_again(self):
        async def closed_by_reload():
            async with self.connect("/events?type=shop.Order") as events, \
                    self.connect("/call") as calls:
                await asyncio.to_thread(self.web.post, "/call/manager/reload",
                                        {"modules": ["http"]}, owner=True)
                codes = []
                for socket in (events, calls):
                    with self.assertRaises(websockets.ConnectionClosed) as caught:
                        await socket.recv()
                    codes.append(caught.exception.rcvd.code)
                return codes
        self.assertEqual(run(closed_by_reload()), [1001, 1001])


class Alone(unittest.TestCase):

    def test_a_server_that_ends_says_so(self):
        with Web() as web:
            async def closed_by_end():
                async with websockets.connect(f"ws://127.0.0.1:{web.http_port}/call",
                                              extra_headers=ANN) as socket:
                    web.process.send_signal(signal.SIGTERM)
                    with self.assertRaises(websockets.ConnectionClosed) as caught:
                        await socket.recv()
                    return caught.exception.rcvd.code
            self.assertEqual(run(closed_by_end()), 1001)

    def test_curl_sees_that_a_path_is_for_web_sockets(self):
        with Web() as web:
            done = subprocess.run(web.command("/call", "-i"), capture_output=True, check=True)
            self.assertIn(b"\r\nUpgrade: websocket\r\n", done.stdout)


if __name__ == "__main__":
    main()
