"""A lockd as a process at a Unix socket, and a client of it. Needs nothing but Python."""

import json
import os
import socket
import subprocess
import time

APP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lockd.json")
LIMIT = 50  # seconds that anything may take


class LockdProcess:
    """A lockd that is started, killed and started again at the same socket of a folder.

    `backend` is its setting of that name: who decides about the locks, if not itself. `before` is
    what stands before its command, `others` are further settings of modules.
    """

    def __init__(self, weir, folder, name="lockd", backend=None, before=(), others=None):
        self.name = name
        self.path = os.path.join(folder, name + ".sock")
        self.address = "unix:" + self.path
        self.log = os.path.join(folder, name + ".log")
        settings = {"resp.listen": [self.address], "lock.state_dir": folder,
                    "http.listen": ["tcp://127.0.0.1:0"], **(others or {})}
        if backend is not None:
            settings["lock.backend"] = backend
        self.command = [*before, os.path.join(weir, "weir"), "run", APP]
        for setting, value in settings.items():
            self.command += ["--set", f"module.{setting}={json.dumps(value)}"]
        self.process = None

    def start(self):
        """Starts it, and waits until it listens."""
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=log)
        end = time.monotonic() + LIMIT
        while not listens(self.path):
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"{self.name} did not start:\n" + self.text())
            time.sleep(0.01)

    def text(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def kill(self):
        """Ends it as a crash does."""
        self.process.kill()
        self.process.wait()

    def end(self):
        """Ends it with SIGTERM. Returns the exit code."""
        self.process.terminate()
        return self.process.wait(LIMIT)


def listens(path):
    """Whether a lockd listens at a Unix socket. The file is there also after a kill."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0


class Refused(Exception):
    """An error that lockd has answered."""


class Client:
    """A connection. Raises ConnectionError when it has ended, and with it the client's locks."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def ask(self, command):
        """Returns the number that a command answers, or None for nil."""
        try:
            self.socket.sendall(command.encode() + b"\r\n")
            answer = self.file.readline().decode().rstrip("\r\n")
        except TimeoutError as error:
            raise RuntimeError(f"lockd does not answer {command} in {LIMIT} s") from error
        if not answer:
            raise ConnectionError("lockd has closed the connection")
        if answer[0] == "-":
            raise Refused(answer[1:])
        return None if answer == "$-1" else int(answer.removeprefix(":"))

    def close(self):
        self.file.close()
        self.socket.close()
