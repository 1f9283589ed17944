"""A server that stands still for a while: stopped, migrated, without CPU. Its clients go on."""

import json
import re
import time
import unittest

from lockd import Lockd, main, wait_until


def let_pass(seconds):
    """What is tested is that real time passes while the server stands still."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.05)


def waiters(lockd, key):
    """The numbers of the clients that wait for the lock, in their order."""
    listed = lockd.redis().execute_command("WAITERS", key)
    return [int(re.search(r"client (\d+)", str(waiter)).group(1)) for waiter in listed]


class Order(unittest.TestCase):
    def test_requests_that_came_meanwhile_are_served_in_the_order_in_which_they_came(self):
        with Lockd() as lockd, lockd.connect() as holder:
            holder.token("LOCK one")
            clients = [lockd.connect() for _ in range(12)]
            numbers = []
            for client in clients:
                self.addCleanup(client.close)
                client.send(b"CLIENT ID\r\n")
                numbers.append(int(client.line()[1:]))
            for _ in range(50):  # a client that asked for much before does not lose its turn
                clients[5].ask("PING")
            order = [5, 2, 11, 0, 7, 1, 10, 3, 9, 4, 8, 6]
            with lockd.stopped():
                for index in order:
                    clients[index].send(b"LOCK one\r\n")
            wait_until(lambda: lockd.info("locks_waited_for") == 12, "all wait")
            self.assertEqual(waiters(lockd, "one"), [numbers[index] for index in order])

    def test_a_client_that_was_answered_last_does_not_come_before_those_that_asked_earlier(self):
        with Lockd() as lockd, lockd.connect() as holder:
            clients = [lockd.connect() for _ in range(6)]
            numbers = []
            for client in clients:
                self.addCleanup(client.close)
                numbers.append(int(client.ask("CLIENT ID")[1:]))
            for turn in range(10):
                holder.token(f"LOCK key{turn}")
                for client in clients:
                    client.ask("PING")
                with lockd.stopped():
                    for client in clients:
                        client.send(f"LOCK key{turn}\r\n".encode())
                wait_until(lambda: lockd.info("locks_waited_for") == len(clients), "all wait")
                self.assertEqual(waiters(lockd, f"key{turn}"), numbers)
                holder.ask(f"UNLOCK key{turn}")
                for client in clients:
                    self.assertRegex(client.line(), r"^:\d+$")
                    client.ask(f"UNLOCK key{turn}")

    def test_connections_that_came_meanwhile_are_served_in_the_order_in_which_they_came(self):
        with Lockd() as lockd, lockd.connect() as holder:
            holder.token("LOCK one")
            with lockd.stopped():
                for _ in range(100):
                    client = lockd.connect()
                    self.addCleanup(client.close)
                    client.send(b"LOCK one\r\n")
            wait_until(lambda: lockd.info("locks_waited_for") == 100, "all wait")
            order = waiters(lockd, "one")
            self.assertEqual(order, sorted(order))


class Timers(unittest.TestCase):
    def test_a_client_that_spoke_meanwhile_is_not_idle(self):
        with Lockd(idle_timeout="300ms") as lockd:
            clients = [lockd.connect() for _ in range(5)]
            for client in clients:
                self.addCleanup(client.close)
                self.assertEqual(client.ask("PING"), "+PONG")
            with lockd.stopped():
                for client in clients:
                    client.send(b"PING\r\n")
                let_pass(0.5)
            for client in clients:
                self.assertEqual(client.line(), "+PONG")
                self.assertEqual(client.ask("PING"), "+PONG")

    def test_a_session_that_was_renewed_meanwhile_lives_on_with_its_locks(self):
        with Lockd() as lockd, lockd.connect() as client, lockd.connect() as other:
            client.send(b"CALL lock open_session '{\"time_to_live\": \"300ms\"}'\r\n")
            session = json.loads(client.bulk())["session"]
            taken = json.dumps({"session": session, "key": "key"})
            client.send(f"CALL lock acquire '{taken}'\r\n".encode())
            self.assertRegex(client.bulk(), r"^\d+$")
            with lockd.stopped():
                renewed = json.dumps({"session": session})
                client.send(f"CALL lock renew_session '{renewed}'\r\n".encode())
                let_pass(0.5)
            self.assertRegex(client.line(), r"^\$")
            self.assertEqual(other.ask("TRYLOCK key"), "$-1")

    def test_a_lock_that_became_free_meanwhile_goes_to_a_waiter_whose_time_is_over(self):
        with Lockd() as lockd, lockd.connect() as holder, lockd.connect() as waiter:
            holder.token("LOCK key")
            waiter.send(b"LOCK key TIMEOUT 0.3\r\n")
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "it waits")
            with lockd.stopped():
                holder.send(b"UNLOCK key\r\n")
                let_pass(0.5)
            self.assertRegex(waiter.line(), r"^:\d+$")


if __name__ == "__main__":
    main()
