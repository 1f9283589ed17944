#!/usr/bin/env python3
"""Three real servers of ZooKeeper, processes that take locks through them, and faults.

usage: ensemble.py [--seconds N] [--seed N] [--lockers N] [--careless] BUILD-FOLDER

Kills and stops (SIGSTOP) servers and lockers at random, records what each locker believed, and
checks it: no lock has two holders who believe so, tokens grow, no node is left. With --careless,
lockers do not look whether their locks are lost, and are only stopped: then the campaign succeeds
if it finds a violation.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

import history  # noqa: E402
from zookeeper import Ensemble, missing  # noqa: E402

TIMEOUT = 1500  # milliseconds, of sessions
KEYS = ("a", "b")


class Lockers:
    """The processes that take locks, and their histories. One that was killed is started anew."""

    def __init__(self, program, servers, folder, options):
        self.command = [program, servers, str(options.seconds), str(TIMEOUT)]
        self.careless = options.careless
        if self.careless:
            self.command.append("--careless")
        self.folder = folder
        self.files = []
        self.running = [self.start() for _ in range(options.lockers)]

    def start(self):
        path = os.path.join(self.folder, f"history-{len(self.files)}")
        self.files.append(path)
        with open(path, "w", encoding="ascii") as out, open(path + ".log", "wb") as log:
            return subprocess.Popen(self.command, stdout=out, stderr=log)

    def kill(self, which):
        self.running[which].kill()
        self.running[which].wait()
        self.running[which] = self.start()

    def finish(self):
        for locker in self.running:
            locker.terminate()
        for locker in self.running:
            try:
                locker.wait(30)
            except subprocess.TimeoutExpired:
                locker.kill()
                locker.wait()

    def steps(self):
        steps = []
        for path in self.files:
            with open(path, encoding="ascii") as file:
                steps += history.read(file)
        return steps


def stop_for(process, seconds):
    process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    process.send_signal(signal.SIGCONT)


def cause_fault(ensemble, lockers, chance):
    """One fault; it is over when this returns. Returns its name."""
    server = chance.choice(ensemble.servers)
    which = chance.randrange(len(lockers.running))
    faults = ("server killed", "server stopped", "locker stopped", "locker killed")
    fault = "locker stopped" if lockers.careless else chance.choice(faults)
    if fault == "server killed":
        server.kill()
        time.sleep(chance.uniform(0, 2))
        server.start()
    elif fault == "server stopped":
        stop_for(server.process, chance.uniform(0.3, 4))
    elif fault == "locker stopped":
        stop_for(lockers.running[which], chance.uniform(0.3, 3 * TIMEOUT / 1000))
    else:
        lockers.kill(which)
    return fault


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--lockers", type=int, default=4)
    parser.add_argument("--careless", action="store_true")
    parser.add_argument("build")
    options = parser.parse_args()
    if missing():
        sys.exit("ensemble: " + missing())
    chance = random.Random(options.seed)
    print(f"seed {options.seed}, {options.seconds} s, {options.lockers} processes, sessions of "
          f"{TIMEOUT / 1000} s")
    faults = {}
    with tempfile.TemporaryDirectory(prefix="ensemble-") as folder, Ensemble(3) as ensemble:
        program = os.path.join(options.build, "bin", "zookeeper_locker")
        lockers = Lockers(program, ensemble.address, folder, options)
        end = time.monotonic() + options.seconds
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.5, 2))
            fault = cause_fault(ensemble, lockers, chance)
            faults[fault] = faults.get(fault, 0) + 1
        lockers.finish()
        left = ensemble.sessions_left(30)
        steps = lockers.steps()
    found = history.violations(steps)
    grants = sum(what == "grant" for _, what, _, _ in steps)
    print(f"{sum(faults.values())} faults: " +
          ", ".join(f"{count} times {name}" for name, count in sorted(faults.items())))
    pause = max(history.longest_pause(steps, key) for key in KEYS)
    print(f"{grants} grants, the longest pause of a key {pause:.1f} s")
    print(f"{len(found)} violations")
    for line in found[:10]:
        print("  " + line)
    if left:
        found.append("sessions were left")
        print(f"sessions were left: {left}")
    if grants == 0 or bool(found) != options.careless:
        sys.exit(1)


if __name__ == "__main__":
    main()
