"""Tests the process lockd: sockets, password, signals."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import redis

from lockd import APP, LIMIT, Lockd, main, program, sanitized, wait_until


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def runs(process):
    """Whether the program has got as far as to hold signals back: the first thing that it does."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        text = status.read()
    held, = re.search(r"^SigBlk:\s*(\w+)", text, re.MULTILINE).groups()
    caught, = re.search(r"^SigCgt:\s*(\w+)", text, re.MULTILINE).groups()
    term, hangup = 1 << (signal.SIGTERM - 1), 1 << (signal.SIGHUP - 1)
    return bool(int(caught, 16) & term) and bool((int(held, 16) | int(caught, 16)) & hangup)


class Access(unittest.TestCase):
    def test_a_unix_socket_works_and_is_removed_at_the_end(self):
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
        with Lockd(password="secret", owner_at_port=False) as lockd:
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
            held = weir("lock", "key", "--server", address, "--", "env", "WEIR_PASSWORD=secret",
                        program("weir"), "call", address, "lock", "list", '{"pattern": "k*"}')
            self.assertIn('"key": "key"', held.stdout)
            self.assertEqual(held.returncode, 0)
            free = weir("call", address, "lock", "list")
            self.assertEqual(free.stdout, "[]\n")
            code = weir("lock", "key", "--server", address, "--", "sh", "-c",
                        "test $WEIR_LOCK_TOKEN -gt 0 && exit 7")
            self.assertEqual(code.returncode, 7)


class Addresses(unittest.TestCase):
    def test_a_name_and_every_address_are_ipv4_and_ipv6(self):
        if not has_ipv6():
            self.skipTest("needs IPv6")
        for host in "localhost", "":
            lockd = Lockd()
            lockd.settings["listen"][0] = f"tcp://{host}:0"
            lockd.write()
            with self.subTest(host), lockd:
                for address in "127.0.0.1", "::1":
                    with socket.create_connection((address, lockd.port), LIMIT) as client:
                        client.sendall(b"PING\r\n")
                        self.assertEqual(client.recv(100), b"+PONG\r\n")

    def test_why_it_cannot_listen_is_said_with_the_address(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "file")
            with open(file, "w", encoding="ascii"):
                pass
            for address, reason in [
                    ("tcp://192.0.2.1:0", "(EADDRNOTAVAIL)"),
                    (f"unix:{folder}/no/socket", "(ENOENT)"),
                    (f"unix:{file}", "(EEXIST)"),
                    (f"unix:{file}/socket", "(ENOTDIR)")]:
                with self.subTest(address):
                    failed = subprocess.run(
                        [program("weir"), "run", APP, "--set",
                         f"module.resp.listen={json.dumps([address])}"],
                        capture_output=True, text=True, timeout=LIMIT, check=False)
                    self.assertEqual(failed.returncode, 1)
                    self.assertIn(f"cannot listen at {address}: ", failed.stderr)
                    self.assertIn(reason, failed.stderr)


class OpenFiles(unittest.TestCase):
    def skip_if_sanitized(self):
        """The sanitizer opens a pipe to see whether memory is readable; without one it errs."""
        if sanitized():
            self.skipTest("the sanitizer needs file descriptors")

    def test_the_soft_limit_is_raised_to_what_the_clients_need(self):
        with Lockd(files=(64, 4096), max_clients=200) as lockd:
            with open(f"/proc/{lockd.process.pid}/limits", encoding="ascii") as limits:
                soft = re.search(r"Max open files +(\d+)", limits.read()).group(1)
            self.assertGreater(int(soft), 200)
            clients = [lockd.connect() for _ in range(100)]
            for client in clients:
                self.assertEqual(client.ask("PING"), "+PONG")
                client.close()
            self.assertNotIn("raise its hard limit", lockd.text())

    def test_clients_for_whom_there_are_no_files_get_an_error_and_later_ones_are_served(self):
        with Lockd(files=(64, 160)) as lockd:
            self.skip_if_sanitized()
            served = lockd.wait_for_log(r"serves (\d+) clients at a time and not max_clients")
            clients = [lockd.connect() for _ in range(200)]
            answers = [client.ask("PING") for client in clients]
            self.assertEqual(answers.count("+PONG"), int(served.group(1)))
            self.assertEqual(answers.count("-ERR max number of clients reached"),
                             200 - answers.count("+PONG"))
            for client in clients:
                client.close()

            def all_are_closed():
                with lockd.connect() as own:
                    try:
                        return (own.ask("PING") == "+PONG"
                                and lockd.info("connected_clients", own) == 1)
                    except (ConnectionError, EOFError):
                        return False  # lockd has not yet seen all connections close

            wait_until(all_are_closed, "all are closed")
            with lockd.connect() as late:
                self.assertEqual(late.ask("PING"), "+PONG")

    def test_a_limit_that_is_taken_away_is_told_to_clients_and_in_the_log(self):
        with Lockd() as lockd, lockd.connect() as old:
            self.skip_if_sanitized()
            self.assertEqual(old.ask("PING"), "+PONG")
            open_now = len(os.listdir(f"/proc/{lockd.process.pid}/fd"))
            limit = resource.prlimit(lockd.process.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(lockd.process.pid, resource.RLIMIT_NOFILE, (open_now, limit[1]))
            for _ in range(3):
                with lockd.connect() as client:
                    self.assertEqual(client.ask("PING"), "-ERR max number of clients reached")
            lockd.wait_for_log(r"too many open files \(EMFILE\); the limit of open files is "
                               rf"{open_now}; refused 1 connection")
            self.assertEqual(old.ask("PING"), "+PONG")
            resource.prlimit(lockd.process.pid, resource.RLIMIT_NOFILE, limit)
            with lockd.connect() as client:
                self.assertEqual(client.ask("PING"), "+PONG")
            self.assertEqual(lockd.text().count("EMFILE"), 1)


class Signals(unittest.TestCase):
    def test_a_hangup_right_after_the_start_is_obeyed(self):
        lockd = Lockd()

        def hang_up():
            wait_until(lambda: hasattr(lockd, "process") and runs(lockd.process), "it runs")
            lockd.process.send_signal(signal.SIGHUP)
        thread = threading.Thread(target=hang_up)
        thread.start()
        with lockd, lockd.connect() as client:
            thread.join()
            lockd.wait_for_log("the configuration has been read again")
            self.assertEqual(client.ask("PING"), "+PONG")

    def test_user_signal_logs_where_every_routine_waits(self):
        with Lockd() as lockd, lockd.connect() as holder, lockd.connect() as waiter:
            holder.token("LOCK key")
            waiter.send(b"LOCK key\r\n")
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "one waits")
            lockd.process.send_signal(signal.SIGUSR1)
            lockd.wait_for_log(r"SIGUSR1: 1 routine of 'resp': .* started at .*:\d+, "
                               r"waits at .*:\d+ for .*key.*, for \d+ s")
            self.assertEqual(holder.ask("PING"), "+PONG")

    def test_a_termination_right_after_the_start_is_obeyed(self):
        for end in signal.SIGTERM, signal.SIGINT:
            process = subprocess.Popen([program("weir"), "run", APP, "--set",
                                        'module.resp.listen=["tcp://127.0.0.1:0"]'],
                                       stderr=subprocess.PIPE)
            wait_until(lambda run=process: runs(run), "it runs")
            process.send_signal(end)
            process.communicate(timeout=LIMIT)
            self.assertEqual(process.returncode, 0)

    def test_two_terminations_end_it_at_once_however_close_they_come(self):
        # A lockd that waited for its clients or its modules would exceed the limit of a test.
        slow = {"module": {"default": {"unload_timeout": "10m", "drain_timeout": "10m"}}}
        for together in True, False:
            with Lockd(slow, shutdown_timeout="10m") as lockd, lockd.connect() as client:
                self.assertEqual(client.ask("PING"), "+PONG")
                if together:
                    with lockd.stopped():
                        lockd.process.send_signal(signal.SIGTERM)
                        lockd.process.send_signal(signal.SIGINT)
                else:
                    lockd.process.send_signal(signal.SIGTERM)
                    lockd.wait_for_log("SIGTERM")
                    lockd.process.send_signal(signal.SIGTERM)
                self.assertEqual(lockd.process.wait(LIMIT), 0)

    def test_hangup_applies_a_changed_configuration(self):
        with Lockd(owner_at_port=False) as lockd, lockd.connect() as old:
            self.assertEqual(old.ask("PING"), "+PONG")
            lockd.settings.update(password="new", max_locks=1)
            lockd.write()
            lockd.process.send_signal(signal.SIGHUP)
            lockd.wait_for_log("info +the configuration has been read again")
            with lockd.connect() as new:
                self.assertRegex(new.ask("PING"), "^-NOAUTH")
                self.assertEqual(new.ask("AUTH new"), "+OK")
            self.assertEqual(old.ask("PING"), "+PONG")  # an authenticated client stays
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
            lockd.wait_for_log(r"module\.resp\.idle_timeout: .*, takes effect when")
            self.assertEqual(client.ask("PING"), "+PONG")

    def test_sigterm_ends_the_server_in_order_while_clients_hold_locks_and_wait(self):
        with Lockd() as lockd:
            holder, waiter = lockd.connect(), lockd.connect()
            holder.token("LOCK key")
            waiter.send(b"LOCK key\r\n")
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "one waits")
            self.assertEqual(lockd.end(), 0)
            self.assertEqual(holder.rest(), b"")
            self.assertNotIn(b":", waiter.rest())  # no waiter gets a lock
            self.assertIn("lock unloaded", lockd.text())
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
            self.assertIn("address already in use (EADDRINUSE)", second.stderr)


if __name__ == "__main__":
    main()
