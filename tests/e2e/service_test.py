"""Tests lockd below a supervisor: what it tells systemd, sockets that systemd opens, its units."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

from lockd import APP, LIMIT, Lockd, Raw, main, program

UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../apps/lockd")

# Starts the program as a supervisor does: with the sockets as descriptors from 3 on, and variables
# that name the process itself.
START = """
import os, sys
names, numbers = sys.argv[1], [int(number) for number in sys.argv[2].split(",")]
for place, number in enumerate(numbers):
    os.dup2(number, 3 + place)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(numbers)), LISTEN_FDNAMES=names)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Supervisor:
    """The socket at which a supervisor listens, as a context."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="lockd-notify-")
        self.path = os.path.join(self.folder.name, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(LIMIT)
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.folder.cleanup()

    def message(self, but=()):
        """Returns the next message as a dictionary, but not one of these alone."""
        while True:
            text = self.socket.recv(4096).decode()
            message = dict(line.split("=", 1) for line in text.splitlines())
            if set(message) - set(but):
                return message


class Notifications(unittest.TestCase):
    def test_a_supervisor_learns_when_lockd_starts_reads_its_file_again_and_ends(self):
        with Supervisor() as supervisor, \
                Lockd(environment={"NOTIFY_SOCKET": supervisor.path}) as lockd:
            self.assertEqual(supervisor.message(), {"STATUS": "loads the modules"})
            running = {"READY": "1", "STATUS": "runs http, lock, manager, resp"}
            self.assertEqual(supervisor.message(), running)
            for faulty in False, True:
                if faulty:
                    lockd.settings.update(max_clients=0)
                    lockd.write()
                lockd.process.send_signal(signal.SIGHUP)
                reloading = supervisor.message()
                self.assertEqual(reloading.pop("RELOADING"), "1")
                self.assertRegex(reloading.pop("MONOTONIC_USEC"), r"^\d+$")
                self.assertEqual(reloading, {"STATUS": "reads the configuration again"})
                self.assertEqual(supervisor.message(), running)
            self.assertEqual(lockd.end(), 0)
            self.assertEqual(supervisor.message(),
                             {"STOPPING": "1", "STATUS": "unloads the modules"})

    def test_a_server_that_cannot_start_is_never_ready(self):
        with Supervisor() as supervisor:
            failed = subprocess.run(
                [program("weir"), "run", APP, "--set",
                 'module.resp.listen=["unix:/no/folder/socket"]'],
                env={**os.environ, "NOTIFY_SOCKET": supervisor.path}, capture_output=True,
                text=True, timeout=LIMIT, check=False)
            self.assertEqual(failed.returncode, 1)
            self.assertEqual(supervisor.message(), {"STATUS": "loads the modules"})
            self.assertEqual(supervisor.message()["STOPPING"], "1")

    def test_the_watchdog_of_a_supervisor_gets_signs_of_life(self):
        environment = {"WATCHDOG_USEC": "200000"}
        with Supervisor() as supervisor:
            environment["NOTIFY_SOCKET"] = supervisor.path
            with Lockd(environment=environment):
                signs = 0
                while signs != 5:
                    signs += "WATCHDOG" in supervisor.message()

    def test_a_supervisor_that_does_not_answer_is_told_in_the_log(self):
        with Lockd(environment={"NOTIFY_SOCKET": "/no/folder/notify"}) as lockd:
            lockd.wait_for_log("the supervisor does not learn that the server runs")


class Server:
    """A `weir run` with resp at the addresses, which gets sockets as a supervisor gives them."""

    def __init__(self, folder, addresses, sockets, names, *more):
        numbers = [number.fileno() for number in sockets]
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, names, ",".join(map(str, numbers)), program("weir"),
             "run", APP, "--set", "module.resp.listen=" + json.dumps(addresses), *more],
            env={**os.environ, "XDG_STATE_HOME": folder, "XDG_RUNTIME_DIR": folder},
            pass_fds=numbers, stderr=subprocess.PIPE, text=True)

    def end(self):
        """Ends it. Returns the exit code and the log."""
        self.process.send_signal(signal.SIGTERM)
        log = self.process.communicate(timeout=LIMIT)[1]
        return self.process.returncode, log


class Activation(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="lockd-activation-")
        self.addCleanup(self.folder.cleanup)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.tcp.close)
        self.port = self.tcp.getsockname()[1]
        self.path = os.path.join(self.folder.name, "socket")
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(self.path)
        self.unix.listen()
        self.addCleanup(self.unix.close)

    def start(self, addresses, names="clients:clients", *more):
        return Server(self.folder.name, addresses, [self.tcp, self.unix], names, *more)

    def test_lockd_serves_at_all_sockets_of_the_name_and_leaves_them_open(self):
        for _ in range(2):
            with Raw(self.port) as early, socket.socket(socket.AF_UNIX) as local:
                early.send(b"PING\r\n")  # nothing runs yet
                server = self.start(["systemd:clients"])
                self.assertEqual(early.line(), "+PONG")
                local.settimeout(LIMIT)
                local.connect(self.path)
                local.sendall(b"PING\r\n")
                self.assertEqual(local.recv(100), b"+PONG\r\n")
                code, log = server.end()
                self.assertEqual(code, 0)
                self.assertIn(f"listens at tcp://127.0.0.1:{self.port}", log)
                self.assertIn(f"listens at unix:{self.path}", log)
        self.assertTrue(os.path.exists(self.path))

    def test_sockets_of_systemd_and_their_clients_survive_a_reload(self):
        server = self.start(["systemd:clients"])
        with Raw(self.port) as old:
            self.assertEqual(old.ask("PING"), "+PONG")
            reloaded = subprocess.run(
                [program("weir"), "call", "unix:" + self.path, "manager", "reload",
                 '{"modules": ["resp"]}'], capture_output=True, text=True, timeout=LIMIT,
                check=False)
            self.assertEqual((reloaded.stdout, reloaded.stderr), ("null\n", ""))
            with Raw(self.port) as new:
                self.assertEqual(new.ask("PING"), "+PONG")
            self.assertEqual(old.ask("PING"), "+PONG")
        self.assertEqual(server.end()[0], 0)

    def test_a_name_that_no_socket_has_is_a_failure_that_says_which_there_are(self):
        server = self.start(["systemd:clinets"], "clients:admin")
        log = server.process.communicate(timeout=LIMIT)[1]
        self.assertEqual(server.process.returncode, 1)
        self.assertIn("cannot listen at systemd:clinets: listening on systemd:clinets: the "
                      "supervisor has handed over no socket of that name, but 'clients', 'admin'",
                      log)

    def test_a_port_that_the_supervisor_has_opened_is_named_with_its_address(self):
        server = self.start([f"tcp://127.0.0.1:{self.port}"], "clients:admin")
        log = server.process.communicate(timeout=LIMIT)[1]
        self.assertEqual(server.process.returncode, 1)
        self.assertIn("address already in use (EADDRINUSE), by the supervisor, for this process: "
                      "listen at systemd:clients", log)

    def test_systemds_own_activation_starts_lockd_for_the_first_client(self):
        activate = shutil.which("systemd-socket-activate")
        if activate is None:
            self.skipTest("no systemd-socket-activate here")
        path = os.path.join(self.folder.name, "activated")
        own = os.path.join(self.folder.name, "lockd.json")  # as lockd.socket says
        with open(own, "w", encoding="ascii") as file:
            file.write('{"module.resp.listen": ["systemd:lockd.socket"]}')
        process = subprocess.Popen(
            [activate, "--listen=" + path, "--fdname=lockd.socket",
             "--setenv=XDG_STATE_HOME=" + self.folder.name,
             "--setenv=XDG_RUNTIME_DIR=" + self.folder.name, program("weir"), "run", APP, own],
            stderr=subprocess.PIPE, text=True)
        try:
            line = process.stderr.readline()
            while "Listening on" not in line:
                self.assertNotEqual(line, "", "systemd-socket-activate has ended")
                line = process.stderr.readline()
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(LIMIT)
                client.connect(path)
                client.sendall(b"PING\r\n")
                self.assertEqual(client.recv(100), b"+PONG\r\n")
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 0)


@unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze here")
class Units(unittest.TestCase):
    def analyze(self, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            for name in "lockd.service", "lockd.socket":
                with open(os.path.join(UNITS, name), encoding="utf-8") as file:
                    unit = file.read()
                prefix = os.path.dirname(os.path.dirname(program("weir")))
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(unit.replace("@PREFIX@", prefix))
            return subprocess.run(["systemd-analyze", *arguments], cwd=folder, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT,
                                  check=False)

    def test_systemd_finds_nothing_wrong_with_the_units(self):
        done = self.analyze("verify", "--man=no", "./lockd.service", "./lockd.socket")
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_the_service_is_exposed_to_little(self):
        # 10 is the most exposed. What is left is the network, and limits that each site has its own
        # of.
        done = self.analyze("security", "--offline=true", "--no-pager", "--threshold=20",
                            "./lockd.service")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIsNotNone(re.search(r"Overall exposure level for lockd\.service: [01]\.\d",
                                       done.stdout), done.stdout)


if __name__ == "__main__":
    main()
