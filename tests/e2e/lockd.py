"""The common part of the end-to-end tests: a running lockd, and clients of it.

The tests wait for conditions, such as a reply or a line of the log, never for time to pass. A test
fails when a wait takes longer than LIMIT.
"""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import redis

LIMIT = 50  # seconds; the longest wait
APP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../apps/lockd/lockd.json")


class Lockd:
    """A running `weir run apps/lockd/lockd.json`, on a port and a Unix socket of its own.

    `settings` are those of module.resp, in a second file that tests can rewrite; `more` is merged
    into that file. At the end of a `with` block, lockd must end on SIGTERM with exit code 0.
    """

    def __init__(self, more=None, **settings):
        self.folder = tempfile.TemporaryDirectory(prefix="lockd-test-")
        self.unix = os.path.join(self.folder.name, "socket")
        self.settings = {"listen": ["tcp://127.0.0.1:0", "unix:" + self.unix], **settings}
        self.more = more or {}
        self.file = os.path.join(self.folder.name, "own.json")
        self.write()
        self.log = []
        self.logged = threading.Condition()
        self.may_read = threading.Event()  # cleared: its log is not read
        self.may_read.set()

    def write(self):
        """Writes the second file again."""
        content = {**self.more}
        content["module"] = {"resp": self.settings, **content.get("module", {})}
        with open(self.file, "w", encoding="ascii") as file:
            json.dump(content, file)

    def __enter__(self):
        self.process = subprocess.Popen([program("weir"), "run", APP, self.file],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        listens = self.wait_for_log(r"listens at tcp://127\.0\.0\.1:(\d+)")
        self.port = int(listens.group(1))
        self.wait_for_log("listens at unix:")
        return self

    def _read_log(self):
        for line in self.process.stderr:
            self.may_read.wait()
            with self.logged:
                self.log.append(line)
                self.logged.notify_all()
        with self.logged:
            self.log.append(None)
            self.logged.notify_all()

    def wait_for_log(self, pattern, after=0):
        """Waits for a line of the log that matches. Returns the match."""
        def find():
            for line in self.log[after:]:
                if line is None:
                    raise AssertionError(f"weir has ended without '{pattern}':\n{self.text()}")
                if found := re.search(pattern, line):
                    return found
            return None
        with self.logged:
            found = self.logged.wait_for(find, LIMIT)
        if not found:
            raise AssertionError(f"no '{pattern}' in the log:\n{self.text()}")
        return found

    def text(self):
        return "".join(line for line in self.log if line is not None)

    def end(self):
        """Sends SIGTERM. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(LIMIT)
        self.reader.join(LIMIT)
        return code

    def __exit__(self, exception, *_):
        try:
            code = self.end()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "none: lockd did not end"
        self.folder.cleanup()
        if code != 0 and exception is None:
            raise AssertionError(f"exit code {code}:\n{self.text()}")
        if exception is not None:
            sys.stderr.write(self.text()[-10000:])

    def connect(self):
        return Raw(self.port)

    def redis(self, **options):
        """Returns a client of python3-redis that uses one connection, as a lock holder must."""
        return redis.Redis(port=self.port, single_connection_client=True, socket_timeout=LIMIT,
                           **options)

    def cli(self, *arguments, text=None):
        """Runs redis-cli. Returns its output without the last line end."""
        result = subprocess.run(["redis-cli", "-p", str(self.port), *arguments], input=text,
                                capture_output=True, text=True, timeout=LIMIT, check=False)
        return (result.stdout + result.stderr).rstrip("\n")

    def info(self, name, client=None):
        """Returns a number of INFO, asked on `client` or on a connection of its own."""
        if client is None:
            with self.connect() as own:
                return self.info(name, own)
        client.send(b"INFO\r\n")
        text = client.bulk()
        return int(re.search(rf"^{name}:(\d+)\r$", text, re.MULTILINE).group(1))

    def sanitized(self):
        """Returns whether weir was built with a sanitizer, which keeps freed memory."""
        with open(f"/proc/{self.process.pid}/maps", encoding="ascii") as maps:
            return "libasan" in maps.read()

    def memory(self):
        """Returns the resident memory in bytes."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Raw:
    """A bare connection, for bytes that no library would send."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def fileno(self):
        return self.socket.fileno()

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        """Returns the next line, without its end; "" at the end of the stream."""
        return self.file.readline().decode().rstrip("\r\n")

    def bulk(self):
        size = int(self.line().removeprefix("$"))
        return self.file.read(size + 2)[:size].decode()

    def ask(self, line):
        self.send(line.encode() + b"\r\n")
        return self.line()

    def token(self, line):
        """Sends a command. Returns the fencing token that lockd answers."""
        answer = self.ask(line)
        if not re.fullmatch(r":\d+", answer):
            raise AssertionError(f"'{line}' answers '{answer}'")
        return int(answer[1:])

    def rest(self):
        """Returns all bytes until the other side has closed."""
        try:
            return self.file.read()
        except ConnectionResetError:
            return b""

    def reset(self):
        """Resets the connection, as when a process is killed amid traffic."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()


def wait_until(condition, what):
    """Polls the condition until it holds."""
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("this never happened: " + what)
        time.sleep(0.01)


def program(name):
    return os.path.join(BUILD, "bin", name)


BUILD = "build"


def main():
    """usage: x_test.py BUILD-FOLDER [unittest's arguments]"""
    sys.modules["lockd"].BUILD = os.path.abspath(sys.argv.pop(1))
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    unittest.main(verbosity=2, warnings="ignore")
