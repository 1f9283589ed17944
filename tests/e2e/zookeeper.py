"""A real ZooKeeper server for tests, on a port of its own, with its data in memory."""

import glob
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

from loopback import free_port

HERE = "127.0.0.1"
LIMIT = 50  # seconds until it must serve

JARS = ("/usr/share/java/zookeeper.jar", "/usr/share/java/slf4j-simple.jar")
# Short ticks: sessions may last from 0.4 s on, so that what expires does so soon, or longer than
# any test waits (LIMIT).
CONFIGURATION = """\
tickTime=200
initLimit=25
syncLimit=10
maxSessionTimeout=60000
dataDir={folder}/data
clientPortAddress={host}
clientPort={port}
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=*
"""
# With users, who have to log in by SASL.
LOGIN = """\
authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider
sessionRequireClientSASLAuth=true
"""


def missing():
    """Returns what is missing to run servers, or None."""
    if not shutil.which("java"):
        return "needs default-jre-headless"
    if not all(glob.glob(jar) for jar in JARS):
        return "needs the package zookeeper"
    return None


class Server:
    """A server as a context. `kill()` ends it as a crash does, `start()` lets it come back.

    `number` and `peers` are those of a member of a group: its number from 1 on, and a line of the
    configuration for each member. `machine` is where it runs, with a `host` and what has to stand
    before its command (tests/ensemble/network.py); None: here. Clients have to log in if there are
    `users`, each with a password.
    """

    def __init__(self, number=1, peers=(), machine=None, users=None):
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.TemporaryDirectory(prefix="zookeeper-test-", dir=memory)
        self.log = os.path.join(self.folder.name, "log")
        self.host = HERE if machine is None else machine.host
        self.before = [] if machine is None else machine.before
        self.port = free_port()
        self.address = f"{self.host}:{self.port}"
        self.process = None
        self.disk = None  # that is mounted at its data, if it has one of its own; with close()
        self.configuration = os.path.join(self.folder.name, "zoo.cfg")
        with open(self.configuration, "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(folder=self.folder.name, host=self.host,
                                            port=self.port))
            file.writelines(line + "\n" for line in peers)
            file.write(LOGIN if users else "")
        self.options = self.write_users(users) if users else []
        os.mkdir(os.path.join(self.folder.name, "data"))
        self.write_number(number)

    def write_users(self, users):
        """Returns the options of Java for logins of these users."""
        path = os.path.join(self.folder.name, "jaas.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("Server {\n  org.apache.zookeeper.server.auth.DigestLoginModule required")
            for user, password in users.items():
                escaped = password.replace("\\", "\\\\").replace('"', '\\"')
                file.write(f'\n  user_{user}="{escaped}"')
            file.write(";\n};\n")
        return [f"-Djava.security.auth.login.config={path}", "-Dfile.encoding=UTF-8"]

    def write_number(self, number):
        with open(os.path.join(self.folder.name, "data", "myid"), "w", encoding="ascii") as file:
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
                [*self.before, "java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", ":".join(JARS),
                 *self.options, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
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
            with socket.create_connection((self.host, self.port), timeout=limit) as client:
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
        if self.disk is not None:
            self.disk.close()
        self.folder.cleanup()

    def __exit__(self, *_):
        self.close()


class Ensemble:
    """A group of servers as a context, each on a machine of its own if there are `machines`."""

    def __init__(self, size, machines=None):
        machines = machines or [None] * size
        hosts = [HERE if machine is None else machine.host for machine in machines]
        peers = [f"server.{number}={host}:{free_port()}:{free_port()}"
                 for number, host in enumerate(hosts, 1)]
        self.servers = [Server(number, peers, machine)
                        for number, machine in enumerate(machines, 1)]
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

    def disagreement(self, limit):
        """Waits until all servers have as many nodes, of the same size. Returns what differs at the
        limit."""
        end = time.monotonic() + limit
        while True:
            answers = [server.ask("mntr", 1) for server in self.servers]
            states = [re.findall(r"^zk_(znode_count|approximate_data_size)\s+(\d+)$", answer,
                                 re.MULTILINE) for answer in answers]
            if states[0] and all(state == states[0] for state in states):
                return ""
            if time.monotonic() > end:
                return f"servers differ: {states}"
            time.sleep(0.2)

    def close(self):
        for server in self.servers:
            server.close()

    def __exit__(self, *_):
        self.close()
