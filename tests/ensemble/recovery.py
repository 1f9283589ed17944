#!/usr/bin/env python3
"""Measures how long locks of lockds on ZooKeeper are not granted when something has been killed.

usage: recovery.py [--times N] BUILD-FOLDER

Prints a table in Markdown. Of three servers the leader or another one is killed while a client
takes locks and gives them back; a lockd is killed while its client holds a lock for which a client
of another lockd waits, or which is taken again when the lockd has been started again.
"""

import argparse
import os
import statistics
import threading
import time

from cluster import Cluster
from lockd_process import LIMIT, Client, Refused

SESSION_TIMEOUT = "4s"


def take_locks(path, until, grants):
    client = Client(path)
    while not until.is_set():
        try:
            client.ask("LOCK a")
            grants.append(time.monotonic())
            client.ask("UNLOCK a")
        except Refused:  # what it held, or waited for, is in doubt
            pass


def pause_when_killed(cluster, is_leader):
    """Returns the longest time between two grants."""
    leader = cluster.ensemble.leader()
    server = next(one for one in cluster.ensemble.servers if (one is leader) == is_leader)
    until, grants = threading.Event(), []
    taker = threading.Thread(target=take_locks, args=(cluster.lockds[0].path, until, grants))
    taker.start()
    time.sleep(2)
    killed = time.monotonic()
    server.kill()
    while not grants or grants[-1] < killed + 1:
        if time.monotonic() > killed + LIMIT:
            raise SystemExit("recovery: no lock was granted any more")
        time.sleep(0.1)
    until.set()
    taker.join()
    server.start()
    server.wait()
    return max(after - before for before, after in zip(grants, grants[1:]) if after > killed)


def wait_for_lock_of_killed(cluster):
    """Returns how long a client of another lockd waits."""
    Client(cluster.lockds[0].path).ask("LOCK a")
    killed = time.monotonic()
    cluster.lockds[0].kill()
    Client(cluster.lockds[1].path).ask("LOCK a")
    waited = time.monotonic() - killed
    cluster.lockds[0].start()
    return waited


def lock_of_started_again(cluster):
    """Returns how long it takes from the kill until the lockd has started and granted it again."""
    Client(cluster.lockds[0].path).ask("LOCK a")
    killed = time.monotonic()
    cluster.lockds[0].kill()
    cluster.lockds[0].start()
    Client(cluster.lockds[0].path).ask("LOCK a")
    return time.monotonic() - killed


MEASURES = (
    ("the leader of three servers", lambda cluster: pause_when_killed(cluster, True)),
    ("another of three servers", lambda cluster: pause_when_killed(cluster, False)),
    (f"a lockd, and another waits (`session_timeout` {SESSION_TIMEOUT})", wait_for_lock_of_killed),
    ("a lockd, which is started again", lock_of_started_again),
)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("build")
    options = parser.parse_args()
    print("| killed | median | longest |\n| --- | --- | --- |")
    with Cluster(os.path.join(options.build, "bin"), 3, 2, SESSION_TIMEOUT) as cluster:
        for name, measure in MEASURES:
            times = [measure(cluster) for _ in range(options.times)]
            print(f"| {name} | {statistics.median(times):.2f} s | {max(times):.2f} s |", flush=True)


if __name__ == "__main__":
    main()
