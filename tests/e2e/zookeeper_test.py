"""The client of ZooKeeper and a real server, beside kazoo. Skipped where one of them is missing."""

import os
import subprocess
import threading
import unittest

from lockd import LIMIT, main, program
from zookeeper import Server, missing

try:
    from kazoo.client import KazooClient
except ImportError:
    KazooClient = None

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


def count(client):
    for _ in range(KAZOO_ROUNDS):
        with client.Lock("/interop/lock", extra_lock_patterns=["-lock-"]):
            number = int(client.get("/interop/counter")[0])
            client.set("/interop/counter", str(number + 1).encode())


if __name__ == "__main__":
    main()
