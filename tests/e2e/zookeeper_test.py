"""The client of ZooKeeper and a real server, beside kazoo. Skipped where one of them is missing."""

import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from lockd import LIMIT, Lockd, main, program, wait_until
from zookeeper import Server, missing

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "..", "apps", "lockd"))

from lockd_process import Client, LockdProcess, Refused  # noqa: E402

try:
    from kazoo.client import KazooClient
except ImportError:
    KazooClient = None

# Before a command that shall run where a name server answers nothing: in a network of its own.
NAME_SERVER = """
import os, socket, sys, time
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print(flush=True)
while os.path.exists("/proc/" + sys.argv[1]):
    time.sleep(0.05)
"""
SILENT_NETWORK = """
ip link set lo up && echo nameserver 127.0.0.1 >/tmp/resolv.conf.$$ &&
mount --bind /tmp/resolv.conf.$$ /etc/resolv.conf && rm /tmp/resolv.conf.$$ &&
{ python3 -c "$0" $$ & } | read ready && exec "$@"
"""


def silent():
    """Returns what stands before a command, or None where such a network cannot be made."""
    before = ["unshare", "--net", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    before += ["sh", "-c", SILENT_NETWORK, NAME_SERVER]
    try:
        tried = subprocess.run([*before, "true"], check=False, stderr=subprocess.DEVNULL)
    except OSError:
        return None
    return before if tried.returncode == 0 else None


SILENT = silent()
KAZOO_ROUNDS = 50  # of each thread


def start(case, servers):
    """Starts a hidden test case of the library with the addresses of servers."""
    return subprocess.Popen([program("zookeeper_tests"), case], text=True,
                            env={**os.environ, "WEIR_ZOOKEEPER": servers},
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@unittest.skipIf(missing(), missing())
class ZooKeeper(unittest.TestCase):
    def expect_success(self, process, server):
        output, _ = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 0, output + server.text())

    def test_sessions_ask_everything(self):
        with Server() as server:
            self.expect_success(start("[.real]", server.address), server)
            # Nothing is left of them.
            self.assertIn("Node count: 5", server.ask("srvr"))
            # The same after a crash, with servers beside it that do not answer.
            server.kill()
            server.start()
            server.wait()
            servers = f"127.0.0.1:1,{server.address},no.such.name.invalid"
            self.expect_success(start("[.real]", servers), server)

    def test_sessions_log_in_by_sasl(self):
        with Server(users={"ann": 'a "word"? ä', "bob": "€"}) as server:
            self.expect_success(start("[.login]", server.address), server)

    @unittest.skipIf(KazooClient is None, "needs python3-kazoo")
    def test_share_locks_with_kazoo(self):
        """Both count in one node under one lock, in several threads and routines."""
        with Server() as server:
            client = KazooClient(server.address)
            client.start(LIMIT)
            client.create("/interop/counter", b"0", makepath=True)
            process = start("[.locks]", server.address)
            threads = [threading.Thread(target=count, args=(client,)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(LIMIT)
            self.expect_success(process, server)
            self.assertEqual(int(client.get("/interop/counter")[0]), 200 + 3 * KAZOO_ROUNDS)
            self.assertEqual(client.get_children("/interop/lock"), [])
            client.stop()


    @unittest.skipIf(KazooClient is None, "needs python3-kazoo")
    def test_lockds_share_their_locks_and_kazoo_takes_them_too(self):
        """Clients of two lockds, and kazoo, count in one file under one lock."""
        with Server() as server, lockd_on(server) as one, lockd_on(server) as two, \
                tempfile.NamedTemporaryFile() as file:
            file.write(b"0")
            file.flush()
            tokens = []
            clients = [*(one.redis() for _ in range(3)), *(two.redis() for _ in range(3))]
            kazoo = KazooClient(server.address)
            kazoo.start(LIMIT)

            def count_in_file():
                with open(file.name, "r+b") as same:
                    number = int(same.read())
                    same.seek(0)
                    same.write(str(number + 1).encode())

            def by_lockd(client):
                for _ in range(KAZOO_ROUNDS):
                    tokens.append(client.execute_command("LOCK", "counter"))
                    count_in_file()
                    client.execute_command("UNLOCK", "counter")

            def by_kazoo():
                for _ in range(KAZOO_ROUNDS):
                    with kazoo.Lock("/weir/locks/default/counter", extra_lock_patterns=["-lock-"]):
                        count_in_file()

            threads = [threading.Thread(target=by_lockd, args=(client,)) for client in clients]
            threads.append(threading.Thread(target=by_kazoo))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(LIMIT)
            with open(file.name, "rb") as same:
                self.assertEqual(int(same.read()), len(threads) * KAZOO_ROUNDS)
            self.assertEqual(tokens, sorted(set(tokens)))  # they grow, whichever lockd grants
            wait_until(lambda: not kazoo.get_children("/weir/locks/default/counter"), "no node")
            kazoo.stop()

    @unittest.skipIf(KazooClient is None, "needs python3-kazoo")
    def test_kazoo_reads_and_writes_under_the_same_locks(self):
        path = "/weir/locks/default/r"
        with Server() as server, lockd_on(server) as lockd, lockd.connect() as one, \
                lockd.connect() as two:
            kazoo = KazooClient(server.address)
            kazoo.start(LIMIT)
            reading = kazoo.ReadLock(path, extra_lock_patterns=["-lock-"])
            writing = kazoo.WriteLock(path, extra_lock_patterns=["-lock-", "-__READ__"])
            one.token("LOCK r READ")
            self.assertTrue(reading.acquire(timeout=LIMIT))
            two.token("LOCK r READ")
            self.assertEqual(two.ask("UNLOCK r"), ":1")
            self.assertEqual(two.ask("TRYLOCK r"), "$-1")
            self.assertFalse(writing.acquire(blocking=False))
            reading.release()
            self.assertEqual(one.ask("UNLOCK r"), ":1")
            self.assertTrue(writing.acquire(timeout=LIMIT))
            self.assertEqual(one.ask("TRYLOCK r READ"), "$-1")
            writing.release()
            one.token("LOCK r")
            self.assertFalse(reading.acquire(blocking=False))
            kazoo.stop()

    def test_locks_of_a_killed_lockd_are_free_when_it_starts_again(self):
        with Server() as server, tempfile.TemporaryDirectory() as folder:
            # The session of the killed process would live for longer than a client waits.
            backend = {"zookeeper": {"servers": [server.address], "session_timeout": "60s"}}
            lockd, beside = (LockdProcess(os.path.dirname(program("weir")), folder, name, backend)
                             for name in ("killed", "beside"))
            try:
                lockd.start()
                beside.start()
                holder = Client(beside.path)
                holder.ask("LOCK b")
                token = Client(lockd.path).ask("LOCK a")
                lockd.kill()
                lockd.start()
                client = Client(lockd.path)
                self.assertGreater(client.ask("LOCK a"), token)
                self.assertIsNone(client.ask("TRYLOCK b"))  # of a process that lives
            finally:
                lockd.kill()
                beside.kill()

    def test_a_lockd_that_stands_still_loses_its_lock_and_its_client_learns_it(self):
        with Server() as server, lockd_on(server) as one, lockd_on(server) as two:
            with one.connect() as holder, two.connect() as other:
                token = holder.token("LOCK a")
                self.assertEqual(other.ask("TRYLOCK a"), "$-1")
                with one.stopped():
                    self.assertGreater(other.token("LOCK a"), token)
                self.assertRegex(holder.line(), "^-LOCKLOST lock 'a' in context 'default' is lost")
                self.assertEqual(holder.rest(), b"")
            # Once the servers are gone, nothing is granted.
            with one.connect() as client:
                server.kill()
                one.wait_for_log("zookeeper")
                wait_until(lambda: client.ask("LOCK b TIMEOUT 0.2").startswith("-UNAVAILABLE"),
                           "it is said that it is not known")
                server.start()
                server.wait()
                client.token("LOCK b")


class SilentNames(unittest.TestCase):
    """Needs no servers of ZooKeeper: none can be found."""

    @unittest.skipIf(SILENT is None, "needs the right to make a network")
    def test_a_lockd_whose_name_server_is_silent_serves_its_clients(self):
        with tempfile.TemporaryDirectory() as folder:
            backend = {"zookeeper": {"servers": ["zk1.example", "zk2.example"]}}
            lockd = LockdProcess(os.path.dirname(program("weir")), folder, "silent", backend,
                                 SILENT)
            lockd.start()
            try:
                client = Client(lockd.path)
                waits = Client(lockd.path)
                waits.socket.sendall(b"LOCK a\r\n")
                end = time.monotonic() + 3
                longest = 0.0
                while (asked := time.monotonic()) < end:
                    self.assertEqual(client.ask("UNLOCK b"), 0)
                    longest = max(longest, time.monotonic() - asked)
                # Names are given up after 5 s at the earliest; a busy machine takes some of this.
                self.assertLess(longest, 1)
                with self.assertRaisesRegex(Refused, "^UNAVAILABLE"):
                    client.ask("LOCK b TIMEOUT 0.1")
                self.assertEqual(lockd.end(), 0)
            finally:
                lockd.kill()


def lockd_on(server):
    """Returns a lockd whose locks the server decides about."""
    servers = {"servers": [server.address], "session_timeout": "2s"}
    return Lockd(more={"module": {"lock": {"backend": {"zookeeper": servers}}}})


def count(client):
    for _ in range(KAZOO_ROUNDS):
        with client.Lock("/interop/lock", extra_lock_patterns=["-lock-"]):
            number = int(client.get("/interop/counter")[0])
            client.set("/interop/counter", str(number + 1).encode())


if __name__ == "__main__":
    main()
