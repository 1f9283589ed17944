"""The demo of lockds on ZooKeeper (`./dev run beyond`) shows what it says."""

import os
import re
import subprocess
import sys
import unittest

from lockd import main, program
from zookeeper import missing

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../apps/lockd/beyond.py")
LIMIT = 150  # seconds


@unittest.skipIf(missing(), missing())
class Demo(unittest.TestCase):
    def test_nothing_is_lost_where_tokens_are_compared(self):
        done = subprocess.run([sys.executable, "-B", DEMO, "--quick",
                               os.path.dirname(program("weir"))],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        rows = re.findall(r"^(no lock|lock|lock, tokens compared) +(\d+) +(\d+) +(\d+) +(\d+) ",
                          done.stdout, re.MULTILINE)
        self.assertEqual([name for name, *_ in rows], ["no lock", "lock", "lock, tokens compared"])
        for _, counted, in_file, lost, refused in rows:
            self.assertEqual(int(counted) - int(in_file), int(lost), done.stdout)
            self.assertGreater(int(counted), 0)
        self.assertEqual([(int(lost) > 0, int(refused) > 0) for *_, lost, refused in rows],
                         [(True, False), (True, False), (False, True)])
        for happened in ("stands still; its lockd-[123] is killed", "the leader .* is killed"):
            self.assertEqual(len(re.findall(happened, done.stdout)), 2, done.stdout)


if __name__ == "__main__":
    main()
