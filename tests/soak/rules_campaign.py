#!/usr/bin/env python3
"""Lets rules fire under load, reloads them, and kills the server.

First, bursts of events let a rule fire that calls a function for each. Meanwhile the configuration
changes and the modules `rules`, `store` and `queue` are reloaded, again and again. The run fails if
a firing is lost or done twice, if the server needs more than a second of processor time for 10,000
firings, or if its memory grows. Then, in each round, clients change a store and do the jobs of a
queue, both with files, while these modules are reloaded, until the server is killed at a random
moment. The run fails if the next server's store or queue does not have what it must have.

usage: rules_campaign.py [--bursts N] [--rounds N] [--seed N] [--kept] BUILD-FOLDER
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import lockd  # noqa: E402
from models import Mortal, QueueModel, StoreModel, call, threads_of  # noqa: E402

BURST = 500      # firings of one
PER_SECOND = 10_000
FLAT = 6000 * 1024  # bytes that may come with more bursts: the allocator's parts that are not full
MODULES = ["rules", "store", "queue"]


class Failure(Exception):
    pass


def app(folder, text="first"):
    return {
        "server": {
            "startup": ["lock", "resp", "manager", "rules", "store", "queue", "count"],
            "events": {
                "test.Burst": {"description": "Many at a time",
                               "members": [{"name": "numbers", "type": "any"}]},
                "test.Tick": {"description": "One of them",
                              "members": [{"name": "number", "type": "integer"}]},
            },
        },
        "module": {
            "count": {"plugin": "store"},
            "store": {"file": os.path.join(folder, "store.db")},
            "queue": {"file": os.path.join(folder, "queue.db"), "queues": {"q": {
                "visibility": "500ms",
                "retry": {"times": 1000000, "backoff": "1ms", "longest": "20ms"}}}},
            "rules": {"rules": {
                "burst": {"on": "test.Burst", "do": [
                    {"each": "{{event.numbers}}",
                     "do": [{"send": "test.Tick", "with": {"number": "{{item}}"}}]}]},
                "tick": {"on": "test.Tick", "do": [
                    {"call": "count.add", "with": {"key": "ticks"}}]},
                "other": {"on": "test.Tick", "if": {"member": "number", "is": -1},
                          "do": [{"log": text}]},
            }},
        },
    }


def processor_time(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ticks(client):
    return call(client, "count", "get", key="ticks")["value"] or 0


def idle(client):
    return all(rule["running"] + rule["waiting"] == 0 for rule in call(client, "rules", "list"))


def fire(server, folder, bursts):
    """Returns firings per second of processor time."""
    client, numbers = server.owner(), json.dumps({"numbers": list(range(BURST))})
    used, early, sent = 0.0, 0, 0
    for burst in range(bursts):
        before = processor_time(server.process)
        client.execute_command("SEND", "test.Burst", numbers)
        sent += BURST
        lockd.wait_until(lambda: ticks(client) == sent and idle(client), "all firings")
        used += processor_time(server.process) - before
        if burst % 5 == 1:
            server.more = app(folder, f"text {burst}")
            server.write()
            server.process.send_signal(signal.SIGHUP)
        if burst % 5 == 3:
            client.execute_command("SEND", "test.Burst", numbers)
            sent += BURST
            call(client, "manager", "reload", modules=["rules"])
            lockd.wait_until(lambda: ticks(client) == sent and idle(client), "all firings")
        if burst == max(1, bursts // 4):
            early = server.memory()
    grown = server.memory() - early
    if grown > FLAT and not lockd.sanitized():
        raise Failure(f"{grown} bytes more memory after {bursts} bursts than after a quarter")
    return bursts * BURST / used


def kill_one(folder, stores, queue, rng):
    """Lets clients work, reloads modules meanwhile, and kills the server."""
    server = Mortal(more=app(folder))
    server.__enter__()
    threads = threads_of(
        *((model.write, server, random.Random(rng.random())) for model in stores),
        *((queue.produce, server, random.Random(rng.random())) for _ in range(2)),
        *((queue.work, server, random.Random(rng.random())) for _ in range(4)))
    client = server.owner()
    for _ in range(rng.randrange(1, 4)):
        call(client, "manager", "reload", modules=[rng.choice(MODULES)])
        for _ in range(rng.randrange(300)):  # how long: as long as these take
            ticks(client)
    server.kill()
    for thread in threads:
        thread.join(lockd.LIMIT)


def check(folder, stores, queue):
    with Mortal(more=app(folder)) as server:
        client = server.owner()
        wrong = [mistake for model in stores for mistake in model.mistakes(client)]
        if wrong:
            raise Failure(f"the store is wrong: {wrong}")
        if wrong := queue.drain(server):
            raise Failure(f"the queue is wrong: {wrong}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--bursts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--kept", action="store_true", help="a sanitizer keeps memory and is slow")
    parser.add_argument("build")
    arguments = parser.parse_args()
    lockd.BUILD = arguments.build
    rng = random.Random(arguments.seed)
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="rules-campaign-") as folder:
        with Mortal(more=app(folder)) as server:
            rate = fire(server, folder, arguments.bursts)
        print(f"{arguments.bursts * BURST} firings, {rate:.0f} per second of processor time")
        if rate < PER_SECOND and not arguments.kept:
            raise Failure(f"fewer than {PER_SECOND} firings per second")
        stores, queue = [StoreModel(number) for number in range(3)], QueueModel()
        for _ in range(arguments.rounds):
            kill_one(folder, stores, queue, rng)
            check(folder, stores, queue)
        print(f"{arguments.rounds} kills, {queue.next} jobs submitted, "
              f"{len(queue.finished)} finished")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"failed: {failure}")
