"""Servers of ZooKeeper and lockds that share their locks through them, on this machine."""

import os
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "..", "apps", "lockd")]

from lockd_process import LockdProcess  # noqa: E402
from zookeeper import Ensemble, missing  # noqa: E402


class Cluster:
    """As a context: a group of servers, and lockds, which use it. `folder` is for their files."""

    def __init__(self, weir, servers, lockds, session_timeout, root="/weir/locks"):
        self.temporary = tempfile.TemporaryDirectory(prefix="cluster-")
        self.folder = self.temporary.name
        self.ensemble = Ensemble(servers)
        backend = {"zookeeper": {"servers": self.ensemble.address.split(","), "root": root,
                                 "session_timeout": session_timeout}}
        self.lockds = [LockdProcess(weir, self.folder, f"lockd-{number}", backend)
                       for number in range(1, lockds + 1)]

    def __enter__(self):
        self.ensemble.__enter__()
        try:
            for lockd in self.lockds:
                lockd.start()
        except BaseException:
            self.close()
            raise
        return self

    def close(self):
        for lockd in self.lockds:
            if lockd.process is not None:
                lockd.kill()
        self.ensemble.close()
        self.temporary.cleanup()

    def __exit__(self, *_):
        self.close()


def stop_for(processes, seconds):
    """Lets processes stand still, as if their machine were suspended. They go on in this order."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    for process in processes:
        process.send_signal(signal.SIGCONT)
