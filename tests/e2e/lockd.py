"""The common part of the end-to-end tests: a running lockd, and clients of it.

No test waits for time to pass, but for a condition: a reply, a line of the log. Reaching the time
limit is a failure.
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

LIMIT = 50  # seconds that any wait may take
os.environ["LOCKD_HTTP_PORT"] = "0"  # any: several run at a time
APP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../apps/lockd/lockd.json")


class Lockd:
    """A running `weir run apps/lockd/lockd.json`, on a port and a Unix socket of its own.

    Without `owner_at_port`, clients of the port are strangers, although the user who runs the test
    runs the server too. `run_as`: the number of a user who runs it instead, for tests by root.
    `settings` are those of module.resp, in a second file that can be rewritten; `more` is merged
    into that file; `files` are the soft and hard limit of open files; `environment` is merged into
    the environment. As a context: requires at the end that lockd obeys SIGTERM and logs no error.
    """

    def __init__(self, more=None, files=None, environment=None, owner_at_port=True,
                 run_as=None, **settings):
        self.folder = tempfile.TemporaryDirectory(prefix="lockd-test-")
        self.unix = os.path.join(self.folder.name, "socket")
        port = {"address": "tcp://127.0.0.1:0", **({} if owner_at_port else {"owner": []})}
        self.settings = {"listen": [port, "unix:" + self.unix], **settings}
        self.more = more or {}
        self.files = files
        self.environment = environment or {}
        self.run_as = run_as
        self.file = os.path.join(self.folder.name, "own.json")
        self.write()
        self.log = []
        self.logged = threading.Condition()
        self.may_read = threading.Event()  # cleared: the reader stops reading the log
        self.may_read.set()

    def write(self):
        """Rewrites the second file."""
        content = {**self.more}
        content["module"] = {"resp": self.settings, **content.get("module", {})}
        with open(self.file, "w", encoding="ascii") as file:
            json.dump(content, file)

    def __enter__(self):
        # Not the folder of the user: a test begins without state.
        environment = {**os.environ, "XDG_STATE_HOME": os.path.join(self.folder.name, "state"),
                       "XDG_RUNTIME_DIR": self.folder.name}
        environment.pop("STATE_DIRECTORY", None)
        environment.pop("RUNTIME_DIRECTORY", None)
        environment.update(self.environment)
        limit = [f"--nofile={self.files[0]}:{self.files[1]}"] if self.files else []
        command = (["prlimit", *limit] if limit else []) + [program("weir"), "run", APP, self.file]
        if self.run_as is not None:
            os.chown(self.folder.name, self.run_as, -1)
            command = ["setpriv", f"--reuid={self.run_as}", "--clear-groups", *command]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, env=environment)
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        listens = self.wait_for_log(r"resp.*listens at tcp://[\d.]+:(\d+)")
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
        """Waits for a line of the log. Returns the match of the pattern."""
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
        """Ends lockd with SIGTERM. Returns the exit code."""
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
        """Returns a library's client with a single connection, because it may hold locks."""
        return redis.Redis(port=self.port, single_connection_client=True, socket_timeout=LIMIT,
                           **options)

    def owner(self):
        """The same at the Unix socket, where the user who runs the server may always do all."""
        return redis.Redis(unix_socket_path=self.unix, single_connection_client=True,
                           socket_timeout=LIMIT)

    def cli(self, *arguments, text=None, owner=False):
        """Returns the output of redis-cli, without the last line end."""
        where = ["-s", self.unix] if owner else ["-p", str(self.port)]
        result = subprocess.run(["redis-cli", *where, *arguments], input=text,
                                capture_output=True, text=True, timeout=LIMIT, check=False)
        return (result.stdout + result.stderr).rstrip("\n")

    def info(self, name, client=None):
        """Returns a number of INFO, through `client` or else a connection of its own."""
        if client is None:
            with self.connect() as own:
                return self.info(name, own)
        client.send(b"INFO\r\n")
        text = client.bulk()
        return int(re.search(rf"^{name}:(\d+)\r$", text, re.MULTILINE).group(1))

    def stopped(self):
        """As a context: the process stands still, as if migrated or without a CPU."""
        return Stopped(self.process)

    def memory(self):
        """Returns the resident memory in bytes."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Stopped:
    """Stops a process, and lets it go on."""

    def __init__(self, process):
        self.process = process

    def __enter__(self):
        self.process.send_signal(signal.SIGSTOP)
        path = f"/proc/{self.process.pid}/stat"

        def stands():
            with open(path, encoding="ascii") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] == "T"
        wait_until(stands, "it stands still")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)


class Raw:
    """A bare connection, for input that no library would send."""

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
        """Returns the next line without its end, or "" at the end of the stream."""
        return self.file.readline().decode().rstrip("\r\n")

    def bulk(self):
        size = int(self.line().removeprefix("$"))
        return self.file.read(size + 2)[:size].decode()

    def ask(self, line):
        self.send(line.encode() + b"\r\n")
        return self.line()

    def token(self, line):
        """Returns the fencing token of a command's reply."""
        answer = self.ask(line)
        if not re.fullmatch(r":\d+", answer):
            raise AssertionError(f"'{line}' answers '{answer}'")
        return int(answer[1:])

    def rest(self):
        """Returns all input until the server closes the connection."""
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
    """Polls until the condition holds."""
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("this never happened: " + what)
        time.sleep(0.01)


def listens(path):
    """Whether a server listens at a Unix socket, whose file is there some time before."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
            return True
        except OSError:
            return False


def program(name):
    return os.path.join(BUILD, "bin", name)


def sanitized():
    """Returns whether weir was built with a sanitizer, which keeps freed memory."""
    with open(program("weir"), "rb") as file:
        return b"__asan_init" in file.read()


def plugin(name):
    return os.path.join(BUILD, "plugins", name + ".so")


BUILD = "build"


def main():
    """usage: x_test.py BUILD-FOLDER [unittest's arguments]"""
    sys.modules["lockd"].BUILD = os.path.abspath(sys.argv.pop(1))
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    unittest.main(verbosity=2, warnings="ignore")
