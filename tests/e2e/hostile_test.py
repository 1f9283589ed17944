"""Clients that are half closed, that do not read, and that send invalid input."""

import http.client
import random
import socket
import unittest

from lockd import LIMIT, Lockd, main, sanitized, wait_until

TCP_REPAIR = 19  # not in Python's socket


class HalfOpen(unittest.TestCase):
    def test_a_half_closed_client_is_answered_and_then_closed(self):
        with Lockd() as lockd, lockd.connect() as client:
            client.send(b"TRYLOCK a\r\nPING\r\n")
            client.socket.shutdown(socket.SHUT_WR)
            self.assertRegex(client.rest(), rb"^:\d+\r\n\+PONG\r\n$")
            wait_until(lambda: lockd.info("locks_held") == 0, "its lock is free")

    def test_a_client_that_half_closes_while_it_waits_is_closed(self):
        with Lockd() as lockd, lockd.connect() as holder, lockd.connect() as client:
            holder.token("LOCK a")
            client.send(b"LOCK a\r\n")
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "it waits")
            client.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(client.rest(), b"")
            wait_until(lambda: lockd.info("locks_waited_for") == 0, "its wait has ended")

    def test_a_silent_client_is_closed_unless_it_holds_a_lock_or_waits(self):
        with Lockd(idle_timeout="200ms") as lockd, lockd.connect() as holder:
            holder.token("LOCK a")
            with lockd.connect() as waiter, lockd.connect() as silent, lockd.connect() as mute:
                waiter.send(b"LOCK a\r\n")
                silent.ask("PING")
                self.assertEqual(silent.rest(), b"")
                self.assertEqual(mute.rest(), b"")  # has never sent anything
                self.assertEqual(holder.ask("UNLOCK a"), ":1")
                self.assertRegex(waiter.line(), r"^:\d+$")

    def test_a_machine_that_vanished_is_found_by_keepalive_and_its_locks_are_free(self):
        with Lockd(tcp_keepalive="1s") as lockd, lockd.connect() as other:
            gone = lockd.connect()
            gone.token("LOCK a")
            try:
                # Closing a socket in this state sends nothing to the peer.
                gone.socket.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            except PermissionError:
                gone.close()
                self.skipTest("needs CAP_NET_ADMIN")
            gone.close()
            self.assertRegex(other.ask("LOCK a TIMEOUT 40"), r"^:\d+$")


class SlowReaders(unittest.TestCase):
    def test_clients_that_do_not_read_cost_little_memory_and_are_closed(self):
        with Lockd(write_timeout="300ms") as lockd, lockd.connect() as other:
            other.ask("PING")
            before = lockd.memory()
            request = b"ECHO " + b"x" * 30000 + b"\r\n"
            sent = 0
            for _ in range(20):
                client = lockd.connect()
                client.socket.settimeout(0.2)
                try:
                    while True:  # until both sides' buffers are full, or the server closes it
                        sent += client.socket.send(request)
                except (TimeoutError, ConnectionError):
                    pass
                self.addCleanup(client.close)
                self.assertEqual(other.ask("PING"), "+PONG")
            self.assertGreater(sent, 20 * 1024 * 1024)
            if not sanitized():
                self.assertLess(lockd.memory() - before, 20 * 1024 * 1024)
            wait_until(lambda: lockd.info("connected_clients", other) == 1, "all are closed")
            lockd.wait_for_log("takes no replies, closed")


class Costly(unittest.TestCase):
    def test_a_client_that_lists_all_the_time_keeps_nobody_waiting(self):
        with Lockd() as lockd, lockd.connect() as holder, lockd.connect() as lister, \
                lockd.connect() as other:
            for begin in range(0, 10_000, 500):
                holder.send(b"".join(b"TRYLOCK key%d\r\n" % (begin + i) for i in range(500)))
                for _ in range(500):
                    self.assertRegex(holder.line(), r"^:\d+$")
            requests = 1000
            for request, answer in ((b"LOCKS none*\r\n", b"*0\r\n"),
                                    (b"SEMAPHORE LIST\r\n", b"*0\r\n"),
                                    (b"CALL lock list '{\"pattern\": \"none*\"}'\r\n",
                                     b"$2\r\n[]\r\n")):
                with self.subTest(request):
                    before = lockd.info("total_commands_processed", other)
                    lister.send(request * requests)
                    wait_until(lambda: lockd.info("total_commands_processed", other) >
                               before + 10, "it has begun")
                    self.assertLess(lockd.info("total_commands_processed", other),
                                    before + requests)
                    self.assertEqual(lister.file.read(len(answer) * requests),
                                     answer * requests)


class BadBytes(unittest.TestCase):
    def test_an_invalid_request_is_answered_and_the_connection_stays_open(self):
        with Lockd(max_arguments=8, max_argument="100B") as lockd, lockd.connect() as client:
            for wrong, reason in [
                    ("NONSENSE", "unknown command 'NONSENSE'"),
                    ("LOCK", "wrong number of arguments"),
                    ("LOCK 'key", "unbalanced quotes"),
                    ("LOCK key TIMEOUT -1", "not a number of seconds"),
                    ("LOCK key TIMEOUT nan", "not a number of seconds"),
                    ("LOCK key TIMEOUT", "a value is missing"),
                    ("SEMAPHORE CREATE key 99999999999999999999", "not a number from 1 to"),
                    ("PING " + "x" * 101, "argument"),
                    ("ECHO 1 2 3 4 5 6 7 8", "argument"),
                    ("*2\r\n$4\r\nPING\r\n$101\r\n" + "x" * 101, "argument"),
                    ('"\\xff\\x00"', "unknown command")]:
                with self.subTest(wrong[:30]):
                    answer = client.ask(wrong)
                    self.assertRegex(answer, "^-ERR ")
                    self.assertIn(reason, answer)
                    self.assertEqual(client.ask("PING"), "+PONG")

    def test_when_the_framing_is_lost_the_connection_ends_with_a_reason(self):
        with Lockd() as lockd:
            for wrong in b"*x\r\n", b"*1\r\n+PING\r\n", b"*1\r\n$-5\r\n", b"*1\r\n$1\r\nxyz\r\n", \
                    b"*999999999999\r\n":
                with self.subTest(wrong), lockd.connect() as client:
                    client.token("TRYLOCK key")
                    client.send(wrong)
                    self.assertRegex(client.rest(), rb"^-ERR Protocol error: [^\r]+\r\n$")
                wait_until(lambda: lockd.info("locks_held") == 0, "its lock is free")

    def test_nothing_in_a_request_of_a_browser_is_executed(self):
        commands = """TRYLOCK stolen\r\nCALL manager unload '{"module": "manager"}'\r\n"""
        with Lockd() as lockd:
            before = lockd.info("total_commands_processed")
            for number, method in enumerate(("POST", "GET", "PUT", "OPTIONS", "TRYLOCK")):
                browser = http.client.HTTPConnection("127.0.0.1", lockd.port, timeout=LIMIT)
                with self.subTest(method):
                    with self.assertRaises((http.client.BadStatusLine, ConnectionError)):
                        browser.request(method, "/it's", commands)
                        browser.getresponse()
                    # The command INFO itself is one.
                    self.assertEqual(lockd.info("total_commands_processed"), before + number + 1)
                browser.close()
            self.assertRegex(lockd.cli("CALL", "manager", "modules"), '"name": ?"manager"')
            self.assertEqual(lockd.info("locks_held"), 0)
            lockd.wait_for_log(r"warning \[resp\] .*speaks HTTP, closed$")
            # Not a line for each: a page can make a browser connect often.
            self.assertLess(lockd.text().count("speaks HTTP"), 5)

    def test_nothing_in_a_handshake_of_tls_is_executed(self):
        # What a client says of an earlier session may be a stranger's choice.
        with Lockd() as lockd, lockd.connect() as client:
            client.send(b"\x16\x03\x01\x02\x00\x01\r\nTRYLOCK stolen\r\n")
            self.assertEqual(client.rest(), b"")
            self.assertEqual(lockd.info("locks_held"), 0)
            lockd.wait_for_log(r"warning \[resp\] .*speaks TLS, closed$")

    def test_random_bytes_harm_only_their_sender(self):
        chance = random.Random(1)
        words = [b"*1\r\n", b"*2\r\n", b"*-1\r\n", b"$4\r\n", b"LOCK", b"PING", b"\r\n", b"key",
                 b"\0", b"\xff", b"'", b'"', b"*999999999999\r\n", b"$-5\r\n", b"CALL lock {"]
        with Lockd() as lockd, lockd.connect() as other:
            for _ in range(500):
                with lockd.connect() as client:
                    client.send(b"".join(chance.choices(words, k=chance.randrange(1, 30))))
                    if chance.random() < 0.5:
                        client.socket.shutdown(socket.SHUT_WR)
                        client.rest()
                self.assertEqual(other.ask("PING"), "+PONG")
            wait_until(lambda: lockd.info("connected_clients", other) == 1, "all have left")
            self.assertEqual(lockd.info("locks_held", other), 0)


if __name__ == "__main__":
    main()
