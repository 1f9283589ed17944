#!/usr/bin/env python3
"""Lets rules fire under load, reloads them, and kills the server.

First, bursts of events let a rule fire that calls a function for each. Meanwhile the configuration
changes and the module `rules` is reloaded, again and again. The run fails if a firing is lost or
done twice, if the server needs more than a second of processor time for 10,000 firings, or if its
memory grows. Then lines are written to a file that is followed, and messages are published at a
Redis server, while the modules `files` and `redis` are reloaded: a rule must fire for each line,
and once for each message. At last, in each round, clients change a store and do the jobs of a
queue, both with files, and write lines, while these modules are reloaded, until the server is
killed at a random moment. The run fails if the next server's store or queue does not have what it
must have, or if no rule has fired for a line.

usage: rules_campaign.py [--bursts N] [--rounds N] [--seed N] [--kept] BUILD-FOLDER
"""

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

import lockd  # noqa: E402
from campaign import Failure  # noqa: E402
from models import Mortal, QueueModel, StoreModel, call, threads_of  # noqa: E402
from redis_server import RedisServer, missing  # noqa: E402

BURST = 500      # firings of one
PER_SECOND = 10_000
FLAT = 6000 * 1024  # bytes that may come with more bursts: the allocator's parts that are not full
MODULES = ["store", "queue", "files"]  # not rules, whose reload ends runs under way


def app(folder, text="first", redis=None):
    listens = {} if redis is None else {"redis": {"server": "unix:" + redis, "channels": ["news"]}}
    lines = os.path.join(folder, "lines")
    return {
        "server": {
            # On a machine that is busy otherwise, a report would load debugging information.
            "stuck_after": None,
            "startup": ["lock", "resp", "manager", "rules", "store", "queue", "count", "files",
                        *listens],
            "events": {
                "test.Burst": {"description": "Many at a time",
                               "members": [{"name": "numbers", "type": "any"}]},
                "test.Tick": {"description": "One of them",
                              "members": [{"name": "number", "type": "integer"}]},
            },
        },
        "module": {
            **listens,
            "count": {"plugin": "store"},
            "files": {"tails": {"lines": {"file": lines, "state_file": lines + ".state",
                                          "from": "begin", "confirm": True}}},
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
                "line": {"on": "files.Line", "at_once": 1, "do": [
                    {"call": "store.add", "with": {"key": "line/{{event.line}}"},
                     "retry": {"times": 1000, "backoff": "1ms", "longest": "20ms"}},
                    {"call": "files.confirm", "with": {"tail": "lines",
                                                       "number": "{{event.number}}"}}]},
                **({"news": {"on": "redis.Message",
                             "do": [{"call": "count.add", "with": {"key": "news"}}]}}
                   if listens else {}),
            }},
        },
    }


def processor_time(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count(client, key):
    return call(client, "count", "get", key=key)["value"] or 0


def ticks(client):
    return count(client, "ticks")


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


class Lines:
    """The lines of the file that the server follows."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "lines")
        self.written = 0

    def write(self, number):
        with open(self.path, "a", encoding="ascii") as file:
            for _ in range(number):
                file.write(f"{self.written}\n")
                self.written += 1

    def write_on(self, server):
        """Writes until the server dies, as fast as it answers."""
        client = server.owner()
        try:
            while True:
                self.write(10)
                call(client, "files", "status")
        except lockd.redis.exceptions.ConnectionError:
            pass

    def missing(self, client):
        """The lines for which no rule has fired."""
        found, after = set(), ""
        while True:
            part = call(client, "store", "scan", prefix="line/", after=after, limit=1000)
            found |= {entry["key"] for entry in part["entries"]}
            if not part["more"]:
                return {f"line/{number}" for number in range(self.written)} - found
            after = part["entries"][-1]["key"]


def all_fired(client, lines):
    """Waits for a firing for each line, as long as more come. A line that was not confirmed before
    a reload fires again."""
    while missing_lines := len(lines.missing(client)):
        lockd.wait_until(lambda before=missing_lines: len(lines.missing(client)) < before,
                         "a firing for each line")


def follow(server, redis, lines, rounds):
    """Writes lines and publishes messages while the modules that take them are reloaded."""
    client, published = server.owner(), 0
    for _ in range(rounds):
        lines.write(BURST)
        call(client, "manager", "reload", modules=["files"])
        lines.write(BURST)
        if redis is not None:
            with redis.client() as publisher:
                for number in range(BURST):
                    publisher.publish("news", number)
                    if number == BURST // 2:
                        call(client, "manager", "reload", modules=["redis"])
            published += BURST
            lockd.wait_until(lambda: count(client, "news") == published, "all messages")
        all_fired(client, lines)


def kill_one(folder, stores, queue, lines, rng):
    """Lets clients work, reloads modules meanwhile, and kills the server."""
    server = Mortal(more=app(folder))
    server.__enter__()
    threads = threads_of(
        *((model.write, server, random.Random(rng.random())) for model in stores),
        *((queue.produce, server, random.Random(rng.random())) for _ in range(2)),
        *((queue.work, server, random.Random(rng.random())) for _ in range(4)),
        (lines.write_on, server))
    client = server.owner()
    for _ in range(rng.randrange(1, 4)):
        call(client, "manager", "reload", modules=[rng.choice(MODULES)])
        for _ in range(rng.randrange(300)):  # how long: as long as these take
            ticks(client)
    server.kill()
    for thread in threads:
        thread.join(lockd.LIMIT)


def check(folder, stores, queue, lines):
    with Mortal(more=app(folder)) as server:
        client = server.owner()
        wrong = [mistake for model in stores for mistake in model.mistakes(client)]
        if wrong:
            raise Failure(f"the store is wrong: {wrong}")
        if wrong := queue.drain(server):
            raise Failure(f"the queue is wrong: {wrong}")
        all_fired(client, lines)


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
        lines = Lines(folder)
        with contextlib.ExitStack() as stack:
            redis = None if missing() else stack.enter_context(RedisServer())
            server = stack.enter_context(
                Mortal(more=app(folder, redis=redis and redis.unix)))
            if redis:
                lockd.wait_until(
                    lambda: dict(redis.client().pubsub_numsub("news"))["news"] == 1,
                    "it listens to the channel")
            follow(server, redis, lines, arguments.rounds)
        stores, queue = [StoreModel(number) for number in range(3)], QueueModel()
        for _ in range(arguments.rounds):
            kill_one(folder, stores, queue, lines, rng)
            check(folder, stores, queue, lines)
        print(f"{arguments.rounds} kills, {queue.next} jobs submitted, "
              f"{len(queue.finished)} finished, {lines.written} lines written")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"failed: {failure}")
