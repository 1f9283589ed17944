#!/usr/bin/env python3
"""Measures locks of a lockd on ZooKeeper beside those of kazoo and of the C client.

usage: figures.py [--seconds N] BUILD-FOLDER

Prints a table in Markdown. All have one session with the servers. Clients are threads of one
process, which take a lock and give it back, again and again: in Python, or in C++ with the C client
(c_client_load.cpp), which is left out if it was not built. Times are those of taking a lock. CPU is
that of lockd, without its clients, and that of the whole process of a library; not that of the
servers.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time

from cluster import Cluster
from lockd_process import LIMIT, Client

LOADS = [(1, False), (10, False), (100, False), (10, True), (100, True)]  # clients, on one key


class ByLockd:
    """A lock through a connection of its own."""

    def __init__(self, address, key):
        self.key = key
        self.client = Client(address)

    def lock(self):
        self.client.ask(f"LOCK {self.key}")

    def unlock(self):
        self.client.ask(f"UNLOCK {self.key}")


class ByKazoo:
    """A lock in the session of the process."""

    session = None

    def __init__(self, address, key):
        from kazoo.client import KazooClient
        if ByKazoo.session is None:
            ByKazoo.session = KazooClient(address, timeout=4)
            ByKazoo.session.start(LIMIT)
        self.of_key = ByKazoo.session.Lock(f"/figures/{key}")

    def lock(self):
        self.of_key.acquire()

    def unlock(self):
        self.of_key.release()


def take_locks(lock, end, waits):
    while (start := time.monotonic()) < end:
        lock.lock()
        waits.append(time.monotonic() - start)
        lock.unlock()


def load(options):
    """One load, in a process of its own. Prints the waits, and the times that it took."""
    way = ByKazoo if options.load == "kazoo" else ByLockd
    locks = [way(options.address, "same" if options.one_key else f"own-{number}")
             for number in range(options.clients)]
    waits = []
    before = time.process_time()
    start = time.monotonic()
    end = start + options.seconds
    threads = [threading.Thread(target=take_locks, args=(lock, end, waits)) for lock in locks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"waits": waits, "cpu": time.process_time() - before,
                      "seconds": time.monotonic() - start}))


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
        user, system = stat.read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def c_client(options):
    return os.path.join(options.build, "bin", "c_client_load")


def measure(way, cluster, clients, one_key, options):
    """Returns cells of the table: locks per second, p50, p99, CPU per lock."""
    lockd = cluster.lockds[0]
    address = lockd.path if way == "lockd" else cluster.ensemble.address
    before = cpu_seconds(lockd.process)
    command = [sys.executable, "-B", __file__, options.build, "--seconds", str(options.seconds),
               "--load", way, "--address", address, "--clients", str(clients),
               *(["--one-key"] * one_key)]
    if way == "C client":
        command = [c_client(options), address, str(options.seconds), str(clients),
                   "one" if one_key else "own"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result = json.loads(done.stdout)
    cpu = cpu_seconds(lockd.process) - before if way == "lockd" else result["cpu"]
    waits = sorted(result["waits"])
    return (f"{len(waits) / result['seconds']:,.0f} | {waits[len(waits) // 2] * 1000:.1f} ms | "
            f"{waits[len(waits) * 99 // 100] * 1000:.1f} ms | {cpu / len(waits) * 1e6:.0f} us")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=5, help="of each load")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    parser.add_argument("--clients", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--one-key", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("build")
    options = parser.parse_args()
    if options.load:
        return load(options)
    ways = ["lockd", "kazoo", *(["C client"] if os.path.exists(c_client(options)) else [])]
    print("| servers | clients | keys | through | locks/s | p50 | p99 | CPU per lock |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for servers in (1, 3):
        with Cluster(os.path.join(options.build, "bin"), servers, 1, "4s") as cluster:
            measure("kazoo", cluster, 10, False, options)  # Java is slow until it has compiled
            for clients, one_key in LOADS:
                for way in ways:
                    cells = measure(way, cluster, clients, one_key, options)
                    keys = "one" if one_key else "own"
                    print(f"| {servers} | {clients} | {keys} | {way} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
