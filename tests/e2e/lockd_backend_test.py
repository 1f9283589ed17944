"""Tests processes that share the locks of a lockd: two apps, redis-cli beside them, crashes."""

import json
import os
import socket
import subprocess
import unittest

from lockd import LIMIT, Lockd, Raw, Stopped, listens, main, program, wait_until
from running_app import RunningApp


class App(RunningApp):
    """An app whose locks a lockd decides about."""

    def __init__(self, lockd, **backend):
        super().__init__("lockd-backend")
        self.socket = self.path("socket")
        app = {
            "server": {"startup": ["lock", "resp"]},
            "module": {
                "resp": {"listen": ["unix:" + self.socket]},
                "lock": {"backend": {"lockd": {"server": f"unix:{lockd.unix}", "lease": "2s",
                                               "command_timeout": "5s", **backend}}},
            },
        }
        with open(self.path("app.json"), "w", encoding="ascii") as file:
            json.dump(app, file)

    def __enter__(self):
        self.launch(self.path("app.json"))
        wait_until(lambda: listens(self.socket), "the app serves")
        return self

    def connect(self):
        return Client(self.socket)

    def guard(self, key, script, *options):
        """Starts a script under a lock of this app."""
        return subprocess.Popen(
            [program("weir"), "lock", "--server", "unix:" + self.socket, *options, key, "--",
             "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Client(Raw):
    """A connection to a Unix socket, which may hold locks."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def begin(self, line):
        """Sends a command that waits."""
        self.send(line.encode() + b"\r\n")

    def later(self):
        """Returns the token of the lock that was waited for."""
        answer = self.line()
        if not answer.startswith(":"):
            raise AssertionError(f"the wait ends with '{answer}'")
        return int(answer[1:])


class LockdBackendTest(unittest.TestCase):
    def test_two_apps_and_redis_cli_share_locks_and_tokens_grow(self):
        with Lockd() as lockd, App(lockd) as one, App(lockd) as two:
            with one.connect() as ann, two.connect() as bob, Client(lockd.unix) as cleo:
                first = ann.token("LOCK a")
                self.assertEqual(bob.ask("TRYLOCK a"), "$-1")
                self.assertEqual(lockd.cli("--no-raw", "TRYLOCK", "a"), "(nil)")
                bob.begin("LOCK a")
                wait_until(lambda: "owner" in lockd.cli("WAITERS", "a"), "bob waits at lockd")
                self.assertEqual(ann.ask("UNLOCK a"), ":1")
                second = bob.later()
                self.assertGreater(second, first)
                cleo.begin("LOCK a")
                wait_until(lambda: "owner" in lockd.cli("WAITERS", "a"), "cleo waits")
                self.assertEqual(bob.ask("UNLOCK a"), ":1")
                third = cleo.later()
                self.assertGreater(third, second)
                self.assertEqual(ann.ask("LOCK a TIMEOUT 0.05"), "$-1")
                self.assertEqual(cleo.ask("UNLOCK a"), ":1")
                self.assertGreater(ann.token("LOCK a"), third)

    def test_apps_share_the_slots_of_a_semaphore(self):
        with Lockd() as lockd, App(lockd) as one, App(lockd) as two:
            with one.connect() as ann, two.connect() as bob, two.connect() as cleo:
                for app in (one, two):
                    with app.connect() as maker:
                        self.assertEqual(maker.ask("SEMAPHORE CREATE pool 2"), "+OK")
                ann.token("LOCK pool SHARED")
                bob.token("LOCK pool SHARED")
                self.assertEqual(cleo.ask("TRYLOCK pool SHARED"), "$-1")
                self.assertEqual(ann.ask("UNLOCK pool"), ":1")
                cleo.token("LOCK pool SHARED")

    def test_apps_share_locks_to_read_and_no_reader_overtakes_a_writer(self):
        with Lockd() as lockd, App(lockd) as one, App(lockd) as two:
            with one.connect() as ann, one.connect() as bob, two.connect() as cleo, \
                    Client(lockd.unix) as dan:
                first = ann.token("LOCK page READ")
                bob.token("LOCK page READ")
                dan.token("LOCK page READ")
                self.assertEqual(lockd.cli("--no-raw", "TRYLOCK", "page"), "(nil)")
                cleo.begin("LOCK page")
                wait_until(lambda: "owner" in lockd.cli("WAITERS", "page"), "cleo waits at lockd")
                self.assertEqual(lockd.cli("--no-raw", "TRYLOCK", "page", "READ"), "(nil)")
                for reader in (ann, bob, dan):
                    self.assertEqual(reader.ask("UNLOCK page"), ":1")
                self.assertGreater(cleo.later(), first)
                self.assertEqual(ann.ask("TRYLOCK page READ"), "$-1")
                self.assertEqual(cleo.ask("UNLOCK page"), ":1")
                ann.token("LOCK page READ")

    def test_the_locks_of_an_app_that_is_killed_are_free_when_its_lease_is_over(self):
        with Lockd() as lockd, App(lockd) as one, App(lockd) as two:
            with one.connect() as ann, two.connect() as bob:
                first = ann.token("LOCK a")
                bob.begin("LOCK a")
                wait_until(lambda: "owner" in lockd.cli("WAITERS", "a"), "bob waits")
                one.kill()
                self.assertGreater(bob.later(), first)
                os.remove(one.socket)
                one.launch(one.path("app.json"))
                wait_until(lambda: listens(one.socket), "the app serves again")

    def test_a_command_ends_before_the_lock_of_an_app_that_stands_still_is_free(self):
        with Lockd() as lockd, App(lockd) as one, App(lockd) as two, two.connect() as bob:
            script = "trap 'exit 7' TERM; echo begun; while :; do sleep 0.01; done"
            with one.guard("a", script) as ann:
                self.assertEqual(ann.stdout.readline(), "begun\n")
                bob.begin("LOCK a")
                wait_until(lambda: "owner" in lockd.cli("WAITERS", "a"), "bob waits")
                with Stopped(one.process):
                    _, errors = ann.communicate(timeout=LIMIT)
                    # Bob's answer would be there: he learns of the lock only afterwards.
                    bob.socket.setblocking(False)
                    with self.assertRaises(BlockingIOError):
                        bob.socket.recv(1)
                    bob.socket.settimeout(LIMIT)
                    bob.later()
                self.assertIn("the lock 'a' is lost: the server has not confirmed it in time: "
                              "another client may hold it", errors)

    def test_a_command_goes_on_while_its_lock_is_renewed(self):
        with Lockd() as lockd, App(lockd) as one:
            with one.guard("a", "sleep 4") as ann:  # longer than the lease
                _, errors = ann.communicate(timeout=LIMIT)
                self.assertEqual((ann.returncode, errors), (0, ""))

    def test_while_lockd_stands_still_nobody_is_told_that_a_lock_is_not_free(self):
        with Lockd() as lockd, App(lockd) as one:
            with one.connect() as ann, Stopped(lockd.process):
                self.assertIn("UNAVAILABLE", ann.ask("LOCK a TIMEOUT 0"))
                for timeout in ("0", "1"):
                    with one.guard("a", "true", "--timeout", timeout) as guard:
                        _, errors = guard.communicate(timeout=LIMIT)
                        self.assertEqual(guard.returncode, 125)
                        self.assertIn("UNAVAILABLE", errors)

    def test_a_crash_of_lockd_loses_locks_and_waits_go_on(self):
        with Lockd() as lockd, App(lockd) as one, App(lockd) as two:
            with one.connect() as ann, two.connect() as bob, one.connect() as cleo:
                first = ann.token("LOCK a")
                bob.begin("LOCK a")
                wait_until(lambda: "owner" in lockd.cli("WAITERS", "a"), "bob waits")
                lockd.process.kill()
                self.assertIn("LOCKLOST lock 'a' in context 'default' is lost: the connection to "
                              "lockd is lost", ann.line())
                self.assertIn("UNAVAILABLE", cleo.ask("LOCK b TIMEOUT 0.1"))
                lockd.process.wait(LIMIT)
                lockd.reader.join(LIMIT)
                lockd.log.clear()
                if os.path.exists(lockd.unix):
                    os.remove(lockd.unix)
                lockd.__enter__()
                self.assertGreater(bob.later(), first)


if __name__ == "__main__":
    main()
