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
    """A server as a context. `kill()` ends it as a crash does, `start()` lets it come back.

    `number` and `peers` are those of a member of a group: its number from 1 on, and a line of the
    configuration for each member.
    """

    def __init__(self, number=1, peers=()):
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.TemporaryDirectory(prefix="zookeeper-test-", dir=memory)
        self.log = os.path.join(self.folder.name, "log")
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process = None
        self.configuration = os.path.join(self.folder.name, "zoo.cfg")
        with open(self.configuration, "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(folder=self.folder.name, port=self.port))
            file.writelines(line + "\n" for line in peers)
        data = os.path.join(self.folder.name, "data")
        os.mkdir(data)
        with open(os.path.join(data, "myid"), "w", encoding="ascii") as file:
            file.write(str(number))

    def __enter__(self):
        try:
            self.start()
            self.wait()
        except BaseException:
            self.close()
            raise
        return self

    def start(self):
        """Starts it; it serves some time later, see wait()."""
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", ":".join(JARS),
                 "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                 "-Dzookeeper.jmx.log4j.disable=true",
                 "-Dzookeeper.fastleader.maxNotificationInterval=1000",
                 "org.apache.zookeeper.server.quorum.QuorumPeerMain", self.configuration],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait(self):
        """Waits until it serves."""
        end = time.monotonic() + LIMIT
        while "Mode:" not in self.ask("srvr", 1):
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

    def close(self):
        if self.process is not None:
            self.kill()
        self.folder.cleanup()

    def __exit__(self, *_):
        self.close()


class Ensemble:
    """A group of servers as a context."""

    def __init__(self, size):
        peers = [f"server.{i}=127.0.0.1:{free_port()}:{free_port()}" for i in range(1, size + 1)]
        self.servers = [Server(i, peers) for i in range(1, size + 1)]
        self.address = ",".join(server.address for server in self.servers)

    def __enter__(self):
        try:
            for server in self.servers:
                server.start()
            for server in self.servers:
                server.wait()
        except BaseException:
            self.close()
            raise
        return self

    def leader(self):
        """Returns the server that leads the others, or None while none does."""
        leads = (server for server in self.servers if "Mode: leader" in server.ask("srvr", 1))
        return next(leads, None)

    def sessions_left(self, limit):
        """Waits until no node of a session is left. Returns what is left at the limit."""
        end = time.monotonic() + limit
        left = "no answer"
        while time.monotonic() < end:
            dumps = [server.ask("dump", 1) for server in self.servers]
            left = "\n".join(dump for dump in dumps if "with Ephemerals (0)" not in dump)
            if not left:
                return ""
            time.sleep(0.2)
        return left

    def close(self):
        for server in self.servers:
            server.close()

    def __exit__(self, *_):
        self.close()
