#!/usr/bin/env python3
"""Shows locks that no single machine decides about: three lockds on three servers of ZooKeeper.

A crowd of processes counts in one file, through all three lockds, half of it by `redis-cli`.
Meanwhile servers and lockds are killed, and come back. Once a process that holds the lock stands
still until another has it, and then goes on: what no lock can prevent, and a token can.

usage: beyond.py [--quick] FOLDER-OF-WEIR
"""

import argparse
import fcntl
import glob
import os
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "..", "tests", "ensemble"))

from cluster import Cluster, stop_for  # noqa: E402
from demo import THINKING, RedisCli  # noqa: E402
from lockd_process import LIMIT, Client, Refused, listens  # noqa: E402
from zookeeper import missing  # noqa: E402

SESSION = 1.5  # seconds until the servers give away the locks of a lockd that is silent

WAYS = {"no-lock": "no lock", "lock": "lock", "token": "lock, tokens compared"}


# --- The file in which the crowd counts

class TooLate(Exception):
    """The file has seen a larger token."""


class Counter:
    """A number in a file, and the largest token that was shown to it.

    It refuses smaller tokens if it `compares` them: when reading, too, so that a holder that has
    read is safe from what an earlier holder writes afterwards.
    """

    def __init__(self, path, compares):
        self.file = os.open(path, os.O_RDWR | os.O_CREAT)
        self.compares = compares

    def _open(self, token):
        fcntl.flock(self.file, fcntl.LOCK_EX)
        number, largest = (int(part) for part in os.pread(self.file, 100, 0).split() or (0, 0))
        if self.compares and token < largest:
            raise TooLate
        return number, max(token, largest)

    def read(self, token=0):
        try:
            number, largest = self._open(token)
            os.pwrite(self.file, b"%020d %020d\n" % (number, largest), 0)
            return number
        finally:
            fcntl.flock(self.file, fcntl.LOCK_UN)

    def write(self, number, token):
        try:
            _, largest = self._open(token)
            os.pwrite(self.file, b"%020d %020d\n" % (number, largest), 0)
        finally:
            fcntl.flock(self.file, fcntl.LOCK_UN)


# --- One process of the crowd

class Socket:
    """A lock through a connection of its own, as a library makes one."""

    def __init__(self, path):
        self.client = Client(path)

    def lock(self):
        return self.client.ask("LOCK counter")

    def unlock(self):
        self.client.ask("UNLOCK counter")

    def close(self):
        self.client.close()


class Cli(RedisCli):
    """A lock through redis-cli."""

    def lock(self):
        token = self.ask("LOCK", "counter")
        if not token.isdigit():
            raise ConnectionError(token)
        return int(token)

    def unlock(self):
        if not self.ask("UNLOCK", "counter").isdigit():
            raise ConnectionError("the lock is lost")


class AnyLockd:
    """A lock through the first lockd of a list that can be reached."""

    def __init__(self, client, paths):
        self.client = client
        self.paths = paths
        self.path = None  # of the lockd that has granted the lock
        self.connected = None

    def lock(self):
        while True:
            try:
                if self.connected is None:
                    self.connect()
                return self.connected.lock()
            except (OSError, Refused):
                self.leave()
                time.sleep(0.02)

    def connect(self):
        self.path = next((path for path in self.paths if listens(path)), None)
        if self.path is None:
            raise ConnectionError("no lockd listens")
        self.connected = self.client(self.path)

    def unlock(self):
        try:
            self.connected.unlock()
        except (OSError, Refused):
            self.leave()

    def leave(self):
        if self.connected is not None:
            self.connected.close()
        self.connected = None


class NoLock:
    """Stands for a lock where there is none."""

    path = ""

    def lock(self):
        time.sleep(THINKING)
        return 0

    def unlock(self):
        pass

    leave = unlock


def stand_still_if_asked(folder, number, path):
    """The first holder that finds the request stops, until the demo lets it go on."""
    stands = f"stands {number} {os.path.basename(path)}"
    try:
        os.rename(os.path.join(folder, "stand-still"), os.path.join(folder, stands))
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGSTOP)


def work(args):
    """Counts until a file tells to stop. Notes the time of each grant, its wait and what came."""
    home = args.worker % len(args.lockds)
    paths = args.lockds[home:] + args.lockds[:home]
    client = Cli if args.worker // len(paths) % 2 else Socket
    lock = NoLock() if args.way == "no-lock" else AnyLockd(client, paths)
    counter = Counter(os.path.join(args.folder, "counter"), args.way == "token")
    with open(os.path.join(args.folder, f"log-{args.worker}"), "w", encoding="ascii") as log:
        while not os.path.exists(os.path.join(args.folder, "end")):
            start = time.monotonic()
            token = lock.lock()
            granted = time.monotonic()
            try:
                number = counter.read(token)
                time.sleep(THINKING)
                stand_still_if_asked(args.folder, args.worker, lock.path)
                counter.write(number + 1, token)
                came = "counted"
            except TooLate:
                came = "refused"
            log.write(f"{granted:.6f} {granted - start:.6f} {came}\n")
            log.flush()
            lock.unlock()
    lock.leave()


# --- The crowd

class Crowd:
    """The processes that count in one way."""

    def __init__(self, way, cluster, options):
        self.way = way
        self.folder = os.path.join(cluster.folder, way)
        os.mkdir(self.folder)
        self.lockds = cluster.lockds
        self.workers = [subprocess.Popen(
            [sys.executable, "-B", __file__, options.weir, "--worker", str(number), "--way", way,
             "--folder", self.folder, "--lockds", *(lockd.path for lockd in self.lockds)])
            for number in range(options.workers)]

    def grants(self):
        """Returns a list for each worker: (time of a grant, wait for it, what came of it)."""
        found = []
        for path in glob.glob(os.path.join(self.folder, "log-*")):
            with open(path, encoding="ascii") as log:
                lines = [line.split() for line in log if line.endswith("\n")]
            found.append([(float(at), float(wait), came) for at, wait, came in lines])
        return found

    def granted(self):
        return sum(len(grants) for grants in self.grants())

    def wait_for_grants(self, more):
        least = self.granted() + more
        self.wait_until(lambda: self.granted() >= least)

    def wait_until(self, condition):
        end = time.monotonic() + LIMIT
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError("the crowd stands still")
            time.sleep(0.05)

    def stop_a_holder(self):
        """Lets a worker stand still that holds the lock. Returns it, and its lockd."""
        stands = os.path.join(self.folder, "stands *")
        with open(os.path.join(self.folder, "stand-still"), "wb"):
            pass
        self.wait_until(lambda: glob.glob(stands))
        _, number, name = os.path.basename(glob.glob(stands)[0]).split()
        lockd = next(lockd for lockd in self.lockds if lockd.path.endswith("/" + name))
        return self.workers[int(number)], lockd

    def end(self):
        """Waits until all have ended. Returns a line of the table."""
        with open(os.path.join(self.folder, "end"), "wb"):
            pass
        for worker in self.workers:
            try:
                if worker.wait(LIMIT) != 0:
                    raise RuntimeError("a worker has failed")
            except subprocess.TimeoutExpired as error:
                raise RuntimeError("a worker waits for ever") from error
        of_workers = self.grants()
        grants = sorted(grant for of_worker in of_workers for grant in of_worker)
        counted = sum(came == "counted" for _, _, came in grants)
        in_file = Counter(os.path.join(self.folder, "counter"), False).read()
        times = [at for at, _, _ in grants]
        counts = [len(of_worker) for of_worker in of_workers]
        return {
            "way": self.way, "counted": counted, "in_file": in_file, "lost": counted - in_file,
            "refused": len(grants) - counted,
            "pause": max(after - before for before, after in zip(times, times[1:])),
            "wait": statistics.median(wait for _, wait, _ in grants),
            "fair": max(counts) / max(1, min(counts)),
        }

    def kill(self):
        for worker in self.workers:
            worker.kill()
            worker.wait()


# --- What happens to the crowd

class Play:
    """What happens while the crowd counts, and a line for each part of it."""

    def __init__(self, cluster, crowd):
        self.cluster = cluster
        self.crowd = crowd
        self.start = time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.start:8.1f} s {self.crowd.granted():7} grants   {text}",
              flush=True)

    def leader_dies(self):
        leader = self.cluster.ensemble.leader() or self.cluster.ensemble.servers[0]
        self.say("the leader of the servers is killed")
        leader.kill()
        self.crowd.wait_for_grants(20)
        self.say("the other servers have a new leader; the old one starts again")
        leader.start()
        leader.wait()

    def holder_stands_still(self):
        worker, lockd = self.crowd.stop_a_holder()
        # Its connection would keep the lock for it, if its lockd lived.
        self.say(f"a process that holds the lock stands still; its {lockd.name} is killed")
        lockd.kill()
        self.crowd.wait_for_grants(20)
        self.say("others have the lock; the process goes on, and writes what it had in mind")
        worker.send_signal(signal.SIGCONT)
        lockd.start()

    def lockd_dies(self):
        lockd = self.cluster.lockds[0]
        self.say(f"{lockd.name} is killed; its clients go to another")
        lockd.kill()
        time.sleep(3)
        self.say(f"{lockd.name} starts again")
        lockd.start()

    def lockd_stands_still(self):
        lockd = self.cluster.lockds[1]
        self.say(f"{lockd.name} stands still, and so loses its locks")
        stop_for([lockd.process], 2 * SESSION)
        self.say(f"{lockd.name} goes on, and learns it")

    def majority_dies(self):
        servers = self.cluster.ensemble.servers[:2]
        self.say("two of the three servers are killed: nobody decides, nothing is granted")
        for server in servers:
            server.kill()
        time.sleep(2)
        self.say("they start again")
        for server in servers:
            server.start()
        self.crowd.wait_for_grants(20)
        self.say("locks are granted again")


def crowd_counts(way, cluster, options):
    """Lets a crowd count in one way, and things happen to it. Returns a line of the table."""
    print(f"{options.workers} processes count, {WAYS[way]}:", flush=True)
    crowd = Crowd(way, cluster, options)
    try:
        play = Play(cluster, crowd)
        crowd.wait_for_grants(20)
        if way == "no-lock":
            play.say("nothing else happens")
        elif options.quick:
            play.holder_stands_still()
            play.leader_dies()
        else:
            for part in (play.leader_dies, play.holder_stands_still, play.lockd_dies,
                         play.lockd_stands_still, play.majority_dies):
                time.sleep(2)
                part()
        time.sleep(1)
        row = crowd.end()
        play.say("ends\n")
        return row
    finally:
        crowd.kill()


def print_table(rows):
    print(f"{'':22} {'counted':>8} {'in file':>8} {'lost':>6} {'refused':>8}   "
          f"{'median wait':>11} {'longest pause':>14} {'most/fewest':>12}")
    for row in rows:
        if row["way"] == "no-lock":
            waiting = f"{'-':>11} {'-':>14} {'-':>12}"
        else:
            waiting = (f"{row['wait'] * 1000:>8.1f} ms {row['pause']:>12.1f} s "
                       f"{row['fair']:>10.1f} x")
        print(f"{WAYS[row['way']]:22} {row['counted']:>8} {row['in_file']:>8} {row['lost']:>6} "
              f"{row['refused']:>8}   {waiting}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weir", help="the folder with the program weir")
    parser.add_argument("--quick", action="store_true", help="a small crowd, and two faults")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    for name in ("--way", "--folder"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--lockds", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        return work(options)
    if missing():
        sys.exit("beyond: " + missing())
    options.workers = 6 if options.quick else 12
    print("Three servers of ZooKeeper and three lockds start on this machine.\n", flush=True)
    try:
        with Cluster(options.weir, 3, 3, f"{SESSION}s") as cluster:
            rows = [crowd_counts(way, cluster, options) for way in WAYS]
    except RuntimeError as error:
        sys.exit(f"beyond: {error}")
    print_table(rows)
    print("""
lost: what a process counted and another overwrote. With the lock alone it is the process that stood
still and did not look whether it still had the lock. refused: the file has seen a larger token.
longest pause: no process got the lock. most/fewest: of two processes, how often each got it.
How it works, and what is promised: docs/zookeeper.md""")
    no_lock, lock, token = rows
    if not no_lock["lost"] or not lock["lost"] or token["lost"] or not token["refused"]:
        sys.exit("\nbeyond: this should not happen: nothing may be lost where tokens are compared, "
                 "and something is lost otherwise")


if __name__ == "__main__":
    main()
