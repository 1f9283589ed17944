"""The process lockd: sockets, password, signals."""

import os
import signal
import subprocess
import unittest

import redis

from lockd import LIMIT, Lockd, main, program, wait_until


class Access(unittest.TestCase):
    def test_a_unix_socket_works_and_is_gone_at_the_end(self):
        with Lockd() as lockd:
            client = redis.Redis(unix_socket_path=lockd.unix, single_connection_client=True)
            self.assertIsInstance(client.execute_command("LOCK", "key"), int)
            answer = subprocess.run(["redis-cli", "-s", lockd.unix, "TRYLOCK", "key"],
                                    capture_output=True, text=True, check=True, timeout=LIMIT)
            self.assertEqual(answer.stdout, "\n")
            client.connection.disconnect()
            self.assertEqual(lockd.end(), 0)
            self.assertFalse(os.path.exists(lockd.unix))

    def test_without_the_password_nothing_can_be_done(self):
        with Lockd(password="secret") as lockd:
            self.assertIn("NOAUTH", lockd.cli("LOCK", "key"))
            self.assertIn("WRONGPASS", lockd.cli("-a", "other", "--no-auth-warning", "PING"))
            self.assertEqual(lockd.cli("-a", "secret", "--no-auth-warning", "PING"), "PONG")
            client = lockd.redis(password="secret")
            self.assertIsInstance(client.execute_command("LOCK", "key"), int)
            with self.assertRaisesRegex(redis.ResponseError, "WRONGPASS"):
                lockd.redis(password="other")
            with lockd.connect() as raw:
                self.assertRegex(raw.ask("HELLO 3"), "^-NOAUTH")
                self.assertEqual(raw.ask("HELLO 3 AUTH default secret"), "%7")
            self.assertNotIn("secret", lockd.text())

    def test_weir_call_and_weir_lock_are_clients(self):
        with Lockd(password="secret") as lockd:
            environment = {**os.environ, "WEIR_PASSWORD": "secret"}

            def weir(*arguments):
                return subprocess.run([program("weir"), *arguments], env=environment, text=True,
                                      capture_output=True, timeout=LIMIT, check=False)
            address = "unix:" + lockd.unix
            held = weir("lock", "key", "--server", address, "--", program("weir"), "call",
                        address, "lock", "list", '{"pattern": "k*"}')
            self.assertIn('"key": "key"', held.stdout)
            self.assertEqual(held.returncode, 0)
            free = weir("call", address, "lock", "list")
            self.assertEqual(free.stdout, "[]\n")
            code = weir("lock", "key", "--server", address, "--", "sh", "-c",
                        "test $WEIR_LOCK_TOKEN -gt 0 && exit 7")
            self.assertEqual(code.returncode, 7)


class Signals(unittest.TestCase):
    def test_hangup_applies_a_changed_configuration(self):
        with Lockd() as lockd, lockd.connect() as old:
            self.assertEqual(old.ask("PING"), "+PONG")
            lockd.settings.update(password="new", max_locks=1)
            lockd.write()
            lockd.process.send_signal(signal.SIGHUP)
            lockd.wait_for_log("info +the configuration has been read again")
            with lockd.connect() as new:
                self.assertRegex(new.ask("PING"), "^-NOAUTH")
                self.assertEqual(new.ask("AUTH new"), "+OK")
            self.assertEqual(old.ask("PING"), "+PONG")  # who was let in stays
            old.token("LOCK a")
            self.assertIn("holds 1 locks already", old.ask("LOCK b"))

    def test_hangup_with_a_broken_configuration_keeps_the_old_one_and_says_why(self):
        with Lockd(max_locks=1) as lockd, lockd.connect() as client:
            lockd.settings.update(max_lokcs=2, max_clients=0)
            lockd.write()
            lockd.process.send_signal(signal.SIGHUP)
            lockd.wait_for_log("error +the old configuration stays")
            lockd.wait_for_log(r"own\.json:1:\d+: module\.resp\.max_lokcs: .*did you mean")
            lockd.wait_for_log(r"own\.json:1:\d+: module\.resp\.max_clients: ")
            client.token("LOCK a")
            self.assertIn("holds 1 locks already", client.ask("LOCK b"))

    def test_hangup_says_what_takes_effect_only_later(self):
        with Lockd() as lockd, lockd.connect() as client:
            lockd.settings.update(idle_timeout="1s")
            lockd.write()
            lockd.process.send_signal(signal.SIGHUP)
            lockd.wait_for_log(r"module\.resp\.idle_timeout takes effect when")
            self.assertEqual(client.ask("PING"), "+PONG")

    def test_terminating_while_locks_are_held_and_waited_for_ends_in_order(self):
        with Lockd() as lockd:
            holder, waiter = lockd.connect(), lockd.connect()
            holder.token("LOCK key")
            waiter.send(b"LOCK key\r\n")
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "one waits")
            self.assertEqual(lockd.end(), 0)
            self.assertEqual(holder.rest(), b"")
            self.assertNotIn(b":", waiter.rest())  # nobody is told that it holds what it does not
            self.assertIn("module 'lock': unloaded", lockd.text())
            self.assertNotIn("error", lockd.text())
            holder.close()
            waiter.close()

    def test_an_address_in_use_is_a_failure_with_a_reason(self):
        with Lockd() as lockd:
            second = subprocess.run(
                [program("weir"), "run", lockd.file, "--set", 'server.startup=["resp"]',
                 "--set", f'module.resp.listen=["tcp://127.0.0.1:{lockd.port}"]'],
                capture_output=True, text=True, timeout=LIMIT, check=False)
            self.assertEqual(second.returncode, 1)
            self.assertIn("address already in use", second.stderr)


if __name__ == "__main__":
    main()
