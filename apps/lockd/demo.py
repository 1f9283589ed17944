#!/usr/bin/env python3
"""Shows what a lock is for: a crowd of processes counts in one file, with and without it.

Each worker reads a number from a file, thinks, and writes the number plus one: two that do so at
the same time lose an update. Some of the workers are killed in the middle of it. Everything is
real: the processes, the kills, `redis-cli`, `weir lock` and the server.

usage: demo.py [--quick] FOLDER-OF-WEIR
"""

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from lockd_process import APP, LockdProcess

THINKING = 0.002  # seconds between reading and writing


class Worker:
    """A process that counts, by one of the ways below; it prints each count and its wait."""

    def __init__(self, way, number, args, folder, address):
        self.log = os.path.join(folder, f"{way}-{number}.log")
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--worker", way, "--counter", os.path.join(folder, way),
             "--log", self.log, "--times", str(args.times), "--server", address, args.weir],
            start_new_session=True)  # so that a kill reaches all that it started

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def results(self):
        """The waiting times of the counts that it has finished, in seconds."""
        try:
            with open(self.log, encoding="ascii") as log:
                return [float(line) for line in log if line.endswith("\n")]
        except FileNotFoundError:
            return []


def count_once(counter):
    with open(counter, encoding="ascii") as file:
        number = int(file.read() or 0)
    time.sleep(THINKING)
    # One write that does not change the length: a kill leaves the old number or the new one.
    handle = os.open(counter, os.O_WRONLY)
    os.pwrite(handle, b"%010d" % (number + 1), 0)
    os.close(handle)


class RedisCli:
    """A lock through redis-cli, driven by pipes, as a shell script would."""

    def __init__(self, address):
        self.cli = subprocess.Popen(["redis-cli", "-s", address.removeprefix("unix:")],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True)

    def ask(self, *words):
        self.cli.stdin.write(" ".join(words) + "\n")
        self.cli.stdin.flush()
        return self.cli.stdout.readline().strip()

    def close(self):
        self.cli.kill()
        self.cli.communicate()

    def count(self, counter):
        start = time.monotonic()
        token = self.ask("LOCK", "counter")
        waited = time.monotonic() - start
        if not token.isdigit():
            sys.exit(f"LOCK answered {token!r}")
        count_once(counter)
        self.ask("UNLOCK", "counter")
        return waited


def count_without_lock(counter):
    count_once(counter)
    return 0.0


def count_in_weir_lock(args):
    start = time.monotonic()
    script = f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); import demo, time; " \
             f"print(time.monotonic()); demo.count_once({args.counter!r})"
    done = subprocess.run([os.path.join(args.weir, "weir"), "lock", "counter", "--server",
                           args.server, "--", sys.executable, "-c", script],
                          check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout) - start


def work(args):
    cli = RedisCli(args.server) if args.worker == "redis-cli" else None
    with open(args.log, "a", encoding="ascii") as log:
        for _ in range(args.times):
            if args.worker == "no-lock":
                waited = count_without_lock(args.counter)
            elif cli:
                waited = cli.count(args.counter)
            else:
                waited = count_in_weir_lock(args)
            log.write(f"{waited:.6f}\n")
            log.flush()


def crowd(way, args, folder, address):
    """Lets a crowd count in one way; returns a line of the table."""
    counter = os.path.join(folder, way)
    with open(counter, "w", encoding="ascii") as file:
        file.write("%010d" % 0)
    workers = [Worker(way, number, args, folder, address) for number in range(args.workers)]
    chance = random.Random(1)
    victims = chance.sample(workers, args.kills)
    for victim in victims:
        # Killed in the middle of its work, wherever that is.
        while victim.process.poll() is None and len(victim.results()) < args.times // 3:
            time.sleep(0.001)
        time.sleep(chance.random() * 2 * THINKING)
        victim.kill()
    for worker in workers:
        code = worker.process.wait()
        if worker not in victims and code != 0:
            sys.exit(f"demo: a worker of '{way}' failed")
    with open(counter, encoding="ascii") as file:
        counted = int(file.read())
    finished = sum(len(worker.results()) for worker in workers)
    waits = sorted(wait for worker in workers for wait in worker.results())
    means = [statistics.mean(worker.results()) for worker in workers
             if worker not in victims and worker.results()]
    return {
        "way": way, "finished": finished, "counted": counted,
        # A worker may be killed after it wrote and before it said so, never the other way round.
        "lost": max(0, finished - counted),
        "median": waits[len(waits) // 2], "most": waits[-1],
        "fair": max(means) / min(means) if min(means) > 0 else None,
    }


NAMES = {"no-lock": "no lock", "redis-cli": "LOCK in redis-cli", "weir-lock": "weir lock"}


def print_table(rows):
    print(f"{'':20} {'counted':>8} {'in file':>8} {'lost':>6}   {'median wait':>11} "
          f"{'longest':>9}   {'worst/best worker':>17}")
    for row in rows:
        if row["way"] == "no-lock":
            waiting = f"{'-':>11} {'-':>9}   {'-':>17}"
        else:
            waiting = (f"{row['median'] * 1000:>8.1f} ms {row['most'] * 1000:>6.0f} ms   "
                       f"{row['fair']:>15.1f} x")
        print(f"{NAMES[row['way']]:20} {row['finished']:>8} {row['counted']:>8} {row['lost']:>6}   "
              f"{waiting}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weir", help="the folder with the program weir")
    parser.add_argument("--quick", action="store_true", help="a small crowd")
    for name in ("--worker", "--counter", "--log", "--server"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    parser.add_argument("--times", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return work(args)
    args.workers, args.times, args.kills = (6, 15, 2) if args.quick else (16, 30, 4)

    with tempfile.TemporaryDirectory() as folder:
        lockd = LockdProcess(args.weir, folder)
        try:
            lockd.start()
        except RuntimeError as error:
            sys.exit(f"demo: {error}")
        try:
            print(f"{args.workers} processes count to {args.times} in one file, side by side; "
                  f"{args.kills} of them are killed meanwhile.\n", flush=True)
            rows = [crowd(way, args, folder, lockd.address)
                    for way in ("no-lock", "redis-cli", "weir-lock")]
        finally:
            lockd.end()
    print_table(rows)
    failed = [row for row in rows if row["way"] != "no-lock" and row["lost"]]
    if failed or not rows[0]["lost"]:
        sys.exit("\ndemo: this should not happen: nothing may be lost with a lock, "
                 "and something is lost without")
    print(f"""
Go on by hand:
    {args.weir}/weir run {os.path.relpath(APP)} &
    redis-cli -p 6380 LOCK printer TIMEOUT 5
    {args.weir}/weir lock printer -- sleep 10 &
    redis-cli -p 6380 LOCKS
    {args.weir}/weir describe lock
and in a browser, while the server runs: http://127.0.0.1:8380/ui/""")


if __name__ == "__main__":
    main()
