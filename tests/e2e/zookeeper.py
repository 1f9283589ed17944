"""A real ZooKeeper server for tests, on a port of its own, with its data in memory."""

import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time

LIMIT = 50  # seconds until it must serve

JARS = ("/usr/share/java/zookeeper.jar", "/usr/share/java/slf4j-simple.jar")
# Short ticks: sessions may last from 0.4 s to 4 s, so that what expires does so soon.
CONFIGURATION = """\
tickTime=200
initLimit=25
syncLimit=10
dataDir={folder}/data
clientPortAddress=127.0.0.1
clientPort={port}
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=*
"""


def missing():
    """Returns what is missing to run servers, or None."""
    if not shutil.which("java"):
        return "needs default-jre-headless"
    if not all(glob.glob(jar) for jar in JARS):
        return "needs the package zookeeper"
    return None


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Server:
    """A server as a context. `kill()` ends it as a crash does, `start()` lets it come back."""

    def __init__(self):
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.TemporaryDirectory(prefix="zookeeper-test-", dir=memory)
        self.log = os.path.join(self.folder.name, "log")

    def __enter__(self):
        try:
            self.start(free_port())
        except BaseException:
            self.folder.cleanup()
            raise
        return self

    def start(self, port=None):
        if port is not None:
            self.port = port
            self.address = f"127.0.0.1:{port}"
        path = os.path.join(self.folder.name, "zoo.cfg")
        with open(path, "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(folder=self.folder.name, port=self.port))
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", ":".join(JARS),
                 "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                 "-Dzookeeper.jmx.log4j.disable=true",
                 "org.apache.zookeeper.server.quorum.QuorumPeerMain", path],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + LIMIT
        while "Mode:" not in self.ask("srvr", 1):  # before it serves, it may not answer at all
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError("ZooKeeper does not serve:\n" + self.text())
            time.sleep(0.05)

    def ask(self, word, limit=LIMIT):
        """Returns the answer to one of the server's commands of four letters; "" if none."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=limit) as client:
                client.sendall(word.encode())
                return client.makefile().read()
        except OSError:
            return ""

    def kill(self):
        self.process.kill()
        self.process.wait()

    def text(self):
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def __exit__(self, *_):
        self.kill()
        self.folder.cleanup()
