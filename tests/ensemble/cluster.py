"""Servers of ZooKeeper and lockds that share their locks through them, on this machine."""

import glob
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", "e2e"), os.path.join(HERE, "..", "..", "apps", "lockd")]

from lockd_process import LockdProcess  # noqa: E402
from network import Network  # noqa: E402
from zookeeper import Ensemble, missing  # noqa: E402

FAKE_CLOCK = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
DISK = "2g"  # of a server


@dataclass
class Place:
    """Where a process runs: its address, and what stands before its command."""

    host: str = "127.0.0.1"
    before: list = field(default_factory=list)


class WallClock:
    """The clock that an administrator may set, of the processes with `before`."""

    def __init__(self, path):
        self.path = path
        self.set(0)
        self.before = ["env", f"LD_PRELOAD={FAKE_CLOCK[0]}", f"FAKETIME_TIMESTAMP_FILE={path}",
                       "DONT_FAKE_MONOTONIC=1", "FAKETIME_CACHE_DURATION=1"]

    def set(self, seconds):
        with open(self.path, "w", encoding="ascii") as file:
            file.write(f"{seconds:+d}\n")


class Disk:
    """A file system of its own for a server. Needs the right to mount."""

    def __init__(self, folder):
        self.folder = folder
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", folder], check=True)

    def resize(self, size):
        """Returns whether that could be done: there must not be more on it."""
        done = subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=False,
                              stderr=subprocess.DEVNULL)
        return done.returncode == 0

    def fill(self):
        """From now on there is no room for more than is there, or for very little."""
        resized = False
        while not resized:  # the server may write meanwhile
            status = os.statvfs(self.folder)
            used = (status.f_blocks - status.f_bfree) * status.f_frsize
            resized = self.resize(used + 4 * status.f_frsize)

    def empty(self):
        assert self.resize(DISK)

    def close(self):
        subprocess.run(["umount", "--lazy", self.folder], check=True)


class Cluster:
    """As a context: a group of servers, and lockds, which use it. `folder` is for their files.

    With `lockers`, it can be disturbed: in a network of its own (network.enter()) each server,
    lockd and so many lockers have a machine, and each server a disk; with the package faketime,
    lockds have a wall clock.
    """

    def __init__(self, weir, servers, lockds, session_timeout, root="/weir/locks", lockers=None,
                 has_network=False, settings=None):
        self.temporary = tempfile.TemporaryDirectory(prefix="cluster-")
        self.folder = self.temporary.name
        names = [f"server-{number}" for number in range(1, servers + 1)]
        lockd_names = [f"lockd-{number}" for number in range(1, lockds + 1)]
        locker_names = [f"locker-{number}" for number in range(1, (lockers or 0) + 1)]
        self.network = Network(names + lockd_names + locker_names) if has_network else None
        self.clocks = {}
        if lockers is not None and FAKE_CLOCK:
            self.clocks = {name: WallClock(os.path.join(self.folder, name + ".clock"))
                           for name in lockd_names}
        self.ensemble = Ensemble(servers, [self.place(name) for name in names])
        if has_network:
            for number, server in enumerate(self.ensemble.servers, 1):
                server.disk = Disk(os.path.join(server.folder.name, "data"))
                server.write_number(number)
        backend = {"zookeeper": {"servers": self.ensemble.address.split(","), "root": root,
                                 "session_timeout": session_timeout}}
        self.lockds = [LockdProcess(weir, self.folder, name, backend, self.place(name).before,
                                    settings)
                       for name in lockd_names]

    def place(self, name):
        place = Place()
        if self.network is not None:
            place = Place(self.network[name].host, self.network[name].before)
        if name in self.clocks:
            place = Place(place.host, place.before + self.clocks[name].before)
        return place

    def __enter__(self):
        try:
            self.ensemble.__enter__()
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
        if self.network is not None:
            self.network.close()
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
