#!/usr/bin/env python3
"""Three real servers of ZooKeeper, lockds, processes that take locks through them, and faults.

usage: ensemble.py [--seconds N] [--seed N] [--lockers N] [--lockds N] [--faults PATTERN]
                   [--careless] BUILD-FOLDER

Some processes take locks with sessions of their own (lockers), some are clients of lockds; all want
the same locks, slots of a semaphore, and a lock to read and write. Kills and stops (SIGSTOP)
servers, lockds and processes at random, cuts them off from each other, loses and delays packets,
fills disks, lets them be slow, and sets clocks; records what each process believed, and checks it:
no lock has two holders who believe so, a semaphore has no more than slots, a reader is with no
writer, tokens grow, every waiter ends, no node of a session is left, and all servers have the same
data. With --careless, the processes do not look whether their locks are lost, and machines only
stand still: then the campaign succeeds if it finds a violation.

Cuts, packets and full disks need a network of its own (network.py), clocks the package faketime:
without, the other faults are left.
"""

import argparse
import contextlib
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter

import history
import network
import slow_thread
from cluster import HERE, Cluster, missing, stop_for

TIMEOUT = 1500  # milliseconds, of sessions
KEYS = ("a", "b", "s", "r")
SEMAPHORES = {"campaign": {"semaphores": [{"keys": "s", "size": 2}]}}
LIMIT = 30  # seconds after the last fault in which everything ends


class Process:
    """Takes locks until `end`, with a history of its own. One that is killed is started anew."""

    def __init__(self, name, before, end, command):
        self.name = name
        self.before = before
        self.end = end
        self.command = command  # the function that makes the command for so many seconds
        self.files = []
        self.start()

    def start(self):
        path = f"{self.name}-{len(self.files)}"
        self.files.append(path)
        seconds = max(1, int(self.end - time.monotonic()))
        with open(path, "w", encoding="ascii") as out, open(path + ".log", "wb") as log:
            self.process = subprocess.Popen([*self.before, *self.command(seconds)], stdout=out,
                                            stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def finish(self):
        """Waits until it ends by itself. Returns what is wrong, or None."""
        try:
            code = self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()
            code = "none, it has not ended"
        if code == 0:
            return None
        with open(self.files[-1] + ".log", encoding="utf-8", errors="replace") as log:
            return f"{os.path.basename(self.name)}: exit code {code}: {log.read()[-2000:]}"

    def steps(self):
        steps = []
        for path in self.files:
            with open(path, encoding="ascii") as file:
                steps += history.read(file)
        return steps


class Campaign:
    """The processes, and what is done to them and to the servers."""

    def __init__(self, cluster, options, end):
        self.cluster = cluster
        self.careless = ["--careless"] if options.careless else []
        self.locker = os.path.join(options.build, "bin", "zookeeper_locker")
        self.lockers = [self.start(name, cluster.place(name).before, end, self.locker_command)
                        for name in (f"locker-{number}"
                                     for number in range(1, options.lockers + 1))]
        # The clients of each lockd are at its machine: they use another lockd only if it is gone.
        self.clients = [self.start(f"client-{lockd.name}", [], end, self.client_command(lockd))
                        for lockd in cluster.lockds]

    def start(self, name, before, end, command):
        return Process(os.path.join(self.cluster.folder, name), before, end, command)

    def locker_command(self, seconds):
        return [self.locker, self.cluster.ensemble.address, str(seconds), str(TIMEOUT),
                *self.careless]

    def client_command(self, home):
        paths = [home.path, *(one.path for one in self.cluster.lockds if one is not home)]
        client = os.path.join(HERE, "lockd_client.py")
        return lambda seconds: [sys.executable, "-B", client, *self.careless, str(seconds), *paths]

    def faults(self):
        """The faults that can be caused, by name."""
        faults = {}
        if self.lockers:
            faults["locker stopped"] = self.stop_locker
        if self.cluster.lockds:
            faults["lockd stopped with its client"] = self.stop_machine
        if self.careless:
            return faults
        if self.cluster.lockds:
            faults.update({"lockd killed": self.kill_lockd, "lockd stopped": self.stop_lockd,
                           "client stopped": self.stop_client})
        if self.cluster.network is not None:
            faults.update({"server cut from all": self.cut_server,
                           "server cut from servers": self.cut_from_servers,
                           "server cut from clients": self.cut_from_clients,
                           "client of servers cut from all": self.cut_client,
                           "packets lost": self.lose_packets,
                           "packets late": self.delay_packets, "disk full": self.fill_disk})
        if self.cluster.clocks:
            faults["clock set"] = self.set_clock
        return {**faults, "locker or client killed": self.kill_process,
                "server killed": self.kill_server, "server stopped": self.stop_server,
                "disk slow": self.slow_disk}

    # --- the network

    def servers(self):
        return [self.cluster.network[f"server-{number}"]
                for number in range(1, len(self.cluster.ensemble.servers) + 1)]

    def clients_of_servers(self):
        names = [lockd.name for lockd in self.cluster.lockds]
        names += [os.path.basename(locker.name) for locker in self.lockers]
        return [self.cluster.network[name] for name in names]

    def cut(self, chance, these, from_those, longest=4):
        """Both ways or one, for a time."""
        network.cut(these, from_those, chance.choice(("both", "in", "out")))
        time.sleep(chance.uniform(0.3, longest))
        for machine in these + from_those:
            machine.heal()

    def cut_server(self, chance):
        server = chance.choice(self.servers())
        others = [one for one in self.servers() if one is not server]
        self.cut(chance, [server], others + self.clients_of_servers())

    def cut_from_servers(self, chance):
        server = chance.choice(self.servers())
        self.cut(chance, [server], [one for one in self.servers() if one is not server])

    def cut_from_clients(self, chance):
        self.cut(chance, [chance.choice(self.servers())], self.clients_of_servers())

    def cut_client(self, chance):
        self.cut(chance, [chance.choice(self.clients_of_servers())], self.servers(),
                 3 * TIMEOUT / 1000)

    def lose_packets(self, chance):
        machines = self.servers() + self.clients_of_servers()
        machine = chance.choice(machines)
        machine.drop([one for one in machines if one is not machine], chance.randrange(5, 40))
        time.sleep(chance.uniform(0.3, 4))
        machine.heal()

    def delay_packets(self, chance):
        machine = chance.choice(self.servers() + self.clients_of_servers())
        machine.delay(chance.randrange(10, 200))
        time.sleep(chance.uniform(0.3, 4))
        machine.hurry()

    # --- disks and clocks

    def start_ended_servers(self):
        """A server ends when it cannot write."""
        for server in self.cluster.ensemble.servers:
            if server.process.poll() is not None:
                server.start()

    def fill_disk(self, chance):
        disk = chance.choice(self.cluster.ensemble.servers).disk
        disk.fill()
        time.sleep(chance.uniform(0.3, 3))
        disk.empty()

    def slow_disk(self, chance):
        """The thread that syncs the log stands still, and the others do not."""
        server = chance.choice(self.cluster.ensemble.servers)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for thread in slow_thread.threads_of(server.process, "SyncThread"):
                stack.enter_context(slow_thread.stopped(thread))
            time.sleep(chance.uniform(0.3, 4))

    def set_clock(self, chance):
        clock = self.cluster.clocks[chance.choice(sorted(self.cluster.clocks))]
        clock.set(chance.choice((-86400, -10, 10, 86400)))
        time.sleep(chance.uniform(0.3, 4))
        clock.set(0)

    # --- processes

    def stop_locker(self, chance):
        stop_for([chance.choice(self.lockers).process], chance.uniform(0.3, 3 * TIMEOUT / 1000))

    def stop_client(self, chance):
        stop_for([chance.choice(self.clients).process], chance.uniform(0.3, 3 * TIMEOUT / 1000))

    def kill_process(self, chance):
        process = chance.choice(self.lockers + self.clients)
        process.kill()
        process.start()

    def kill_server(self, chance):
        server = chance.choice(self.cluster.ensemble.servers)
        server.kill()
        time.sleep(chance.uniform(0, 2))
        server.start()

    def stop_server(self, chance):
        server = chance.choice(self.cluster.ensemble.servers)
        stop_for([server.process], chance.uniform(0.3, 4))

    def kill_lockd(self, chance):
        lockd = chance.choice(self.cluster.lockds)
        lockd.kill()
        time.sleep(chance.uniform(0, 2))
        lockd.start()

    def stop_lockd(self, chance):
        lockd = chance.choice(self.cluster.lockds)
        stop_for([lockd.process], chance.uniform(0.3, 3 * TIMEOUT / 1000))

    def stop_machine(self, chance):
        which = chance.randrange(len(self.cluster.lockds))
        # The client goes on first, so that it may believe in a lock before lockd looks.
        stop_for([self.clients[which].process, self.cluster.lockds[which].process],
                 chance.uniform(0.3, 3 * TIMEOUT / 1000))

    def finish(self):
        """Waits until everything has ended. Returns what is wrong."""
        wrong = [process.finish() for process in self.lockers + self.clients]
        for lockd in self.cluster.lockds:
            code = lockd.end()
            if code != 0:
                wrong.append(f"{lockd.name}: exit code {code}: {lockd.text()[-2000:]}")
        left = self.cluster.ensemble.sessions_left(LIMIT)
        if left:
            wrong.append(f"sessions were left: {left}")
        wrong.append(self.cluster.ensemble.disagreement(LIMIT) or None)
        return [line for line in wrong if line is not None]

    def steps(self):
        return [step for process in self.lockers + self.clients for step in process.steps()]


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--lockers", type=int, default=2)
    parser.add_argument("--lockds", type=int, default=3)
    parser.add_argument("--faults", default="", metavar="PATTERN",
                        help="only those whose names have it; nothing: none")
    parser.add_argument("--careless", action="store_true")
    parser.add_argument("build")
    options = parser.parse_args()
    if options.lockers + options.lockds == 0:
        parser.error("nobody takes locks")
    return options


def print_tables(caused, steps):
    """Prints how many of each there were, in Markdown. Returns the number of grants."""
    print("\n| fault | times |\n| --- | --- |")
    for name, count in sorted(caused.items()):
        print(f"| {name} | {count} |")
    print(f"| all | {sum(caused.values())} |")
    print("\n| key | grants | longest pause |\n| --- | --- | --- |")
    grants = Counter(key for _, what, key, *_ in steps if what == "grant")
    for key in KEYS:
        print(f"| {key} | {grants[key]} | {history.longest_pause(steps, key):.1f} s |")
    print(f"| all | {grants.total()} | |\n")
    return grants.total()


def main():
    options = read_options()
    if missing():
        sys.exit("ensemble: " + missing())
    has_network = network.enter()
    chance = random.Random(options.seed)
    print(f"seed {options.seed}, {options.seconds} s, {options.lockers} lockers, {options.lockds} "
          f"lockds with a client each, sessions of {TIMEOUT / 1000} s", flush=True)
    caused = {}
    # The root is such that lockers, which know nothing of contexts, have the same nodes as lockds.
    weir = os.path.join(options.build, "bin")
    with Cluster(weir, 3, options.lockds, f"{TIMEOUT}ms", "/", options.lockers, has_network,
                 {"lock.contexts": SEMAPHORES}) as cluster:
        end = time.monotonic() + options.seconds
        campaign = Campaign(cluster, options, end)
        faults = [fault for fault in sorted(campaign.faults().items())
                  if re.search(options.faults, fault[0])]
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.5, 2))
            if faults:
                name, cause = chance.choice(faults)
                cause(chance)
                caused[name] = caused.get(name, 0) + 1
            campaign.start_ended_servers()
        found = campaign.finish()
        steps = campaign.steps()
    found += history.violations(steps)
    grants = print_tables(caused, steps)
    print(f"{len(found)} violations")
    for line in found[:10]:
        print("  " + line)
    if grants == 0 or bool(found) != options.careless:
        sys.exit(1)


if __name__ == "__main__":
    main()
