"""What client commands do about servers that do not answer, or answer what is no good."""

import concurrent.futures
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

from lockd import LIMIT, Lockd, Stopped, main, program, wait_until


def run(*arguments, **options):
    return subprocess.run([program("weir"), *arguments], capture_output=True, text=True,
                          timeout=LIMIT, check=False, stdin=subprocess.DEVNULL, **options)


# Each with a limit of its own, before ADDRESS.
COMMANDS = {
    "call": ("call", "--timeout", "0.2", "ADDRESS", "lock", "list"),
    "inspect": ("inspect", "--timeout", "0.2", "ADDRESS"),
    "metrics": ("metrics", "--timeout", "0.2", "ADDRESS"),
    "trace": ("trace", "--timeout", "0.2", "ADDRESS", "--seconds", "0.1", "-o", "/dev/null"),
    "events": ("events", "--timeout", "0.2", "ADDRESS"),
    "send": ("send", "--timeout", "0.2", "ADDRESS", "house.Bell", "{}"),
    "watch": ("watch", "--timeout", "0.2", "ADDRESS", "house.Bell"),
    "top": ("top", "--timeout", "0.2", "ADDRESS", "--batch"),
    "lock": ("lock", "--server-timeout", "0.2", "--server", "ADDRESS", "key", "--", "true"),
    "lock with --timeout": ("lock", "--timeout", "0.2", "--server", "ADDRESS", "key", "--", "true"),
}


def command(name, address):
    return [address if word == "ADDRESS" else word for word in COMMANDS[name]]


def run_all(address):
    """Runs all commands side by side, because they wait. Returns each name with its result."""
    with concurrent.futures.ThreadPoolExecutor(len(COMMANDS)) as pool:
        return list(zip(COMMANDS, pool.map(lambda name: run(*command(name, address)), COMMANDS)))


class FakeServer:
    """Answers each client with the same bytes, whatever it asks."""

    def __init__(self, answer, piece=None):
        self.answer = answer
        self.piece = piece  # bytes a tenth of a second; None: all at once
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def serve(self):
        try:
            while True:
                client, _ = self.socket.accept()
                threading.Thread(target=self.talk, args=(client,), daemon=True).start()
        except OSError:
            pass

    def talk(self, client):
        try:
            while client.recv(65536):
                step = self.piece or len(self.answer) or 1
                for begin in range(0, len(self.answer), step):
                    client.sendall(self.answer[begin:begin + step])
                    if self.piece:
                        time.sleep(0.1)
        except OSError:
            pass


class SlowToAnswer:
    """Grants a lock, and answers each question whether it lives when it is told to."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.asked = threading.Semaphore(0)
        self.may_answer = threading.Semaphore(0)

    def __enter__(self):
        threading.Thread(target=self.talk, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()

    def talk(self):
        client, _ = self.socket.accept()
        with client:
            client.recv(65536)
            client.sendall(b":1\r\n")
            while client.recv(65536):
                self.asked.release()
                self.may_answer.acquire()
                client.sendall(b"+PONG\r\n")


class Pauses(unittest.TestCase):
    def test_a_server_that_stood_still_together_with_the_command_has_time_to_answer(self):
        limit = 3
        with SlowToAnswer() as server:
            process = subprocess.Popen(
                [program("weir"), "lock", "--server-timeout", str(limit), "--server",
                 server.address, "key", "--", "sleep", "1000"], stderr=subprocess.PIPE, text=True)
            self.addCleanup(process.kill)
            self.assertTrue(server.asked.acquire(timeout=LIMIT))
            with Stopped(process):
                time.sleep(limit + 0.5)  # what is tested is that time passes
            time.sleep(0.2)  # the server goes on a little later
            server.may_answer.release()
            self.assertTrue(server.asked.acquire(timeout=LIMIT), "it has lost the lock")
            server.may_answer.release()
            process.terminate()
            self.assertEqual(process.wait(LIMIT), 128 + signal.SIGTERM)
            self.assertEqual(process.stderr.read(), "")


class Silence(unittest.TestCase):
    def test_a_server_that_accepts_and_is_silent_is_an_error_in_time(self):
        with FakeServer(b"") as server:
            for name, done in run_all(server.address):
                with self.subTest(name):
                    self.assertEqual(done.returncode, 125 if "lock" in name else 1)
                    self.assertIn("the server does not answer", done.stderr)

    def test_a_server_that_is_stopped_is_an_error_in_time(self):
        with Lockd() as lockd:
            os.kill(lockd.process.pid, signal.SIGSTOP)
            try:
                for name, done in run_all("unix:" + lockd.unix):
                    with self.subTest(name):
                        self.assertEqual(done.returncode, 125 if "lock" in name else 1)
                        self.assertIn("the server does not answer", done.stderr)
            finally:
                os.kill(lockd.process.pid, signal.SIGCONT)

    def test_an_answer_that_comes_byte_by_byte_is_too_late(self):
        with FakeServer(b"$1000\r\n" + b"x" * 1000 + b"\r\n", piece=1) as server:
            for name, done in run_all(server.address):
                with self.subTest(name):
                    self.assertEqual(done.returncode, 125 if "lock" in name else 1)
                    self.assertIn("the server does not answer", done.stderr)

    def test_an_answer_that_announces_billions_of_elements_is_refused(self):
        for answer in b"*2147483647\r\n", b"*3000000\r\n" * 2:
            with FakeServer(answer) as server:
                for name in COMMANDS:
                    with self.subTest(name):
                        done = run(*command(name, server.address))
                        self.assertEqual(done.returncode, 125 if "lock" in name else 1)
                        self.assertIn("the answer is too large", done.stderr)

    def test_an_answer_of_another_kind_is_no_success(self):
        for answer in b"+OK\r\n", b":-1\r\n", b"*1\r\n:5\r\n", b"$-1\r\n":
            with FakeServer(answer) as server:
                for name in "lock", "send", "watch", "trace", "top", "events":
                    if (answer, name) in ((b"+OK\r\n", "send"), (b"$-1\r\n", "lock")):
                        continue  # which is an answer of these
                    with self.subTest(name, answer=answer):
                        done = run(*command(name, server.address))
                        self.assertEqual(done.returncode, 125 if name == "lock" else 1)
                        self.assertNotEqual(done.stderr, "")

    def test_a_queue_that_is_full_is_waited_for_no_longer_than_the_limit(self):
        with socket.socket(socket.AF_UNIX) as server, Lockd() as lockd:
            path = os.path.join(lockd.folder.name, "full")
            server.bind(path)
            server.listen(0)
            waiting = [socket.socket(socket.AF_UNIX) for _ in range(3)]
            for one in waiting:
                one.setblocking(False)
                try:
                    one.connect(path)
                except BlockingIOError:
                    break
            done = run(*command("call", "unix:" + path))
            self.assertEqual(done.returncode, 1)
            self.assertIn("does not answer", done.stderr)
            for one in waiting:
                one.close()

    def test_a_lock_is_waited_for_longer_than_answers_while_the_server_lives(self):
        with Lockd() as lockd, lockd.connect() as holder:
            holder.token("LOCK key")
            waiter = subprocess.Popen(
                [program("weir"), "lock", "--server-timeout", "0.1", "--server",
                 "unix:" + lockd.unix, "key", "--", "echo", "ran"], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True)
            self.addCleanup(waiter.kill)
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "it waits")
            before = lockd.info("total_connections_received")
            wait_until(lambda: lockd.info("total_connections_received") > before + 10,
                       "it asks whether the server lives")
            holder.token("LOCK other")
            holder.ask("UNLOCK key")
            self.assertEqual(waiter.communicate(timeout=LIMIT), ("ran\n", ""))
            holder.ask("LOCK key")
            waiter = subprocess.Popen(
                [program("weir"), "lock", "--server-timeout", "0.1", "--server",
                 "unix:" + lockd.unix, "key", "--", "echo", "ran"], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True)
            self.addCleanup(waiter.kill)
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "it waits")
            os.kill(lockd.process.pid, signal.SIGSTOP)
            try:
                output, errors = waiter.communicate(timeout=LIMIT)
            finally:
                os.kill(lockd.process.pid, signal.SIGCONT)
            self.assertEqual((waiter.returncode, output), (125, ""))
            self.assertIn("the server does not answer", errors)


    def test_what_the_server_said_while_weir_lock_was_stopped_is_read_before_it_judges(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            process = subprocess.Popen(
                [program("weir"), "lock", "--server-timeout", "1", "--server",
                 f"127.0.0.1:{server.getsockname()[1]}", "key", "--", "sh", "-c",
                 "read line; echo free"], text=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.addCleanup(process.kill)
            client, _ = server.accept()
            client.recv(1000)
            client.sendall(b":1\r\n")
            for answers_at_once in True, False, True:
                self.assertIn(b"VALIDITY", client.recv(1000))
                client.sendall(b"$-1\r\n")
                self.assertIn(b"VALIDITY", client.recv(1000))
                process.send_signal(signal.SIGSTOP)
                if answers_at_once:
                    client.sendall(b"+PONG\r\n")
                time.sleep(1.5)  # more than the limit passes while it is stopped
                if not answers_at_once:
                    client.sendall(b"+PONG\r\n")
                process.send_signal(signal.SIGCONT)
            def answer():
                try:
                    while client.recv(1000):
                        client.sendall(b"+PONG\r\n")
                except OSError:
                    pass  # it ended with questions unanswered
            threading.Thread(target=answer, daemon=True).start()
            output, errors = process.communicate("\n", timeout=LIMIT)
            self.assertEqual((process.returncode, output, errors), (0, "free\n", ""))
            client.close()


class BadAnswers(unittest.TestCase):
    def test_what_acts_on_a_terminal_is_shown_as_text(self):
        for answer in (b"-ERR \x1b[2J\x07 \xc2\x9b31m bad\r\n", b"$7\r\n\x1b[2Jabc\r\n",
                       b'$12\r\n"\\u001b\x7f\xc2\x9b\xff"\r\n', b'$8\r\n"a\xe2\x80\xaebc"\r\n',
                       b'$11\r\n"a\\u001b[2"\r\n',
                       b"+\x1b]0;title\x07\r\n"):
            with FakeServer(answer) as server:
                for name in COMMANDS:
                    with self.subTest(f"{name}: {answer}"):
                        done = run(*command(name, server.address))
                        text = done.stdout + done.stderr
                        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
                        if "lock" in name or answer.startswith(b"-"):
                            self.assertNotEqual(done.returncode, 0)

    def test_answers_of_other_kinds_are_errors_and_no_crash(self):
        for answer in b":1\r\n", b"*2\r\n:1\r\n:2\r\n", b"$-1\r\n", b"!rubbish\r\n", b"*-1\r\n":
            with FakeServer(answer) as server:
                for name in "inspect", "metrics", "trace", "top":
                    with self.subTest(f"{name}: {answer}"):
                        done = run(*command(name, server.address))
                        self.assertEqual(done.returncode, 1)
                        self.assertRegex(done.stderr, f"^weir {name}: .")

    def test_without_the_password_its_variable_is_named(self):
        # A server each: it slows down who fails again and again.
        for name in COMMANDS:
            with self.subTest(name), \
                    Lockd(password="secret", owner_at_port=False) as lockd:
                address = f"127.0.0.1:{lockd.port}"
                done = run(*command(name, address))
                self.assertRegex(done.stderr, "NOAUTH.*WEIR_PASSWORD")
                done = run(*command(name, address), env={**os.environ, "WEIR_PASSWORD": "other"})
                self.assertRegex(done.stderr, "WRONGPASS.*WEIR_PASSWORD")


if __name__ == "__main__":
    main()
