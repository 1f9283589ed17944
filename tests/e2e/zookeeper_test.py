"""The client of ZooKeeper and a real server. Skipped where Java or the server is missing."""

import os
import subprocess
import unittest

from lockd import LIMIT, main, program
from zookeeper import Server, missing


@unittest.skipIf(missing(), missing())
class ZooKeeper(unittest.TestCase):
    def converse(self, servers, server):
        """Has sessions ask everything that they can, as the servers in memory are asked."""
        run = subprocess.run([program("zookeeper_tests"), "[.real]"], text=True, timeout=LIMIT,
                             env={**os.environ, "WEIR_ZOOKEEPER": servers},
                             capture_output=True, check=False)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr + server.text())

    def test_sessions_ask_everything(self):
        with Server() as server:
            self.converse(server.address, server)
            # Nothing is left of them.
            self.assertNotIn("/conversation", server.ask("dump"))
            self.assertIn("Node count: 5", server.ask("srvr"))
            # The same after a crash, with servers beside it that do not answer.
            server.kill()
            server.start()
            self.converse(f"127.0.0.1:1,{server.address},no.such.name.invalid", server)


if __name__ == "__main__":
    main()
