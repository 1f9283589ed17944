#!/usr/bin/env python3
"""Reloads the plugins lock and resp of a running lockd repeatedly, under load.

Clients acquire one of a few locks, read a counter, think, write the counter plus one and release
the lock, by commands or through the module's API. One client holds a lock all the time, and another
waits for it. Some new versions of plugins fail. The run fails if an update is lost, two clients
hold a lock at a time, a fencing token does not grow, a reply is lost, duplicated or unexpected, a
client is disconnected, a reload fails without need, a wrong version is not rejected with its
reason, or libraries of old versions stay in memory.

usage: reload_lockd.py [--reloads N] [--clients N] [--seed N] [--kept]
                       WEIR-FOLDER PLUGIN-FOLDER BAD-FOLDER
"""

import argparse
import asyncio
import json
import os
import random
import tempfile
import time

import campaign
from campaign import Failure, put


class Client:
    """One connection that gets exactly one reply for each request."""

    def __init__(self, path):
        self.path = path

    async def connect(self):
        self.reader, self.writer = await asyncio.open_unix_connection(self.path)
        return self

    def send(self, *words):
        self.writer.write(b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()) for word in words))

    async def reply(self):
        line = await self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise Failure(f"disconnected, after {line!r}")
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            if rest == b"-1":
                return None
            body = await self.reader.readexactly(int(rest) + 2)
            return body[:-2].decode()
        if kind == b":":
            return int(rest)
        return line[:-2].decode()

    async def ask(self, *words):
        self.send(*words)
        return await self.reply()

    async def close(self):
        """Requires that no reply is left over."""
        if await self.ask("ECHO", "the end") != "the end":
            raise Failure("a reply too many")
        self.writer.write_eof()
        if rest := await self.reader.read():
            raise Failure(f"left over: {rest!r}")
        self.writer.close()


class Shared:
    def __init__(self, keys):
        self.counters = [0] * keys
        self.holders = [None] * keys
        self.tokens = [0] * keys
        self.updates = 0
        self.stop = False


class ThroughApi:
    """A session of the module's API, with the interface of a client that uses LOCK."""

    def __init__(self, client):
        self.client, self.session = client, None

    async def call(self, function, **parameters):
        answer = await self.client.ask("CALL", "lock", function, json.dumps(parameters))
        try:
            return json.loads(answer)
        except ValueError:
            raise Failure(f"CALL lock {function} answered {answer!r}") from None

    async def lock(self, name):
        if self.session is None:
            self.session = (await self.call("open_session"))["session"]
        return await self.call("acquire", session=self.session, key=name)

    async def unlock(self, name):
        return 1 if await self.call("release", session=self.session, key=name) is True else 0


async def work(client, number, shared, rng):
    api = ThroughApi(client) if number % 10 == 0 else None
    while not shared.stop:
        key = rng.randrange(len(shared.counters))
        name = f"key {key}"
        pipelined = not api and rng.random() < 0.2
        if api:
            token = await api.lock(name)
        else:
            client.send("LOCK", name)
        if pipelined:
            client.send("ECHO", f"{number} {shared.updates}")
            echo = f"{number} {shared.updates}"
        if not api:
            token = await client.reply()
        if not isinstance(token, int):
            raise Failure(f"LOCK answered {token!r}")
        if pipelined and (got := await client.reply()) != echo:
            raise Failure(f"ECHO answered {got!r}, not {echo!r}")
        if shared.holders[key] is not None:
            raise Failure(f"{name} is held by {shared.holders[key]} and by {number}")
        if token <= shared.tokens[key]:
            raise Failure(f"token {token} after {shared.tokens[key]}")
        shared.tokens[key] = token
        shared.holders[key] = number
        before = shared.counters[key]
        if rng.random() < 0.5:
            await asyncio.sleep(rng.random() * 0.002)
        if rng.random() < 0.1 and await client.ask("PING") != "+PONG":
            raise Failure("PING is not answered by PONG")
        shared.counters[key] = before + 1
        shared.updates += 1
        shared.holders[key] = None
        answer = await api.unlock(name) if api else await client.ask("UNLOCK", name)
        if answer != 1:
            raise Failure(f"UNLOCK answered {answer!r}: the lock was released early")


async def hold(client, shared):
    """Holds a lock during the whole run."""
    if not isinstance(await client.ask("LOCK", "held"), int):
        raise Failure("the client that holds a lock all the time did not get it")
    while not shared.stop:
        await asyncio.sleep(0.01)
    if await client.ask("UNLOCK", "held") != 1:
        raise Failure("the lock that is held all the time was released early")


async def wait(client, shared):
    """Waits for that lock during the whole run. Its later requests are answered afterwards."""
    client.send("LOCK", "held")
    client.send("ECHO", "waited")
    if not isinstance(await client.reply(), int):
        raise Failure("the client that waits all the time did not get the lock")
    if not shared.stop:
        raise Failure("two clients got the lock")
    if await client.reply() != "waited" or await client.ask("UNLOCK", "held") != 1:
        raise Failure("the client that waited all the time got a wrong answer")


# The reason for which each wrong version is rejected.
BAD = {
    "broken": "failed: this version is broken",
    "hanging": "failed: load() did not end within 200ms",
    "refusing": ": this version wants no state",
    "other": ", only '{}' version 1000",
}


async def reload_all(admin, args, folder, shared, rng):
    refused = {kind: 0 for kind in BAD}
    times = []
    for turn in range(args.reloads):
        modules = rng.choice([["lock"], ["resp"], ["lock", "resp"]])
        kind = rng.choice(list(BAD)) if rng.random() < 0.2 else None
        bad = rng.choice(["lock", "resp"]) if "lock" in modules else "resp"
        if kind:
            put(f"{args.bad}/{kind}/{bad}.so", folder, f"{bad}.so")
        started = time.monotonic()
        answer = await admin.ask("CALL", "manager", "reload", json.dumps({"modules": modules}))
        if kind:
            expected = BAD[kind].format(bad) + "; the old version runs on"
            if not answer.startswith("-ERR failed: the module") or expected not in answer:
                raise Failure(f"reload {turn} with a {kind} {bad} answered {answer!r}")
            refused[kind] += 1
            put(f"{args.plugins}/{bad}.so", folder, f"{bad}.so")
        elif answer != "null":
            raise Failure(f"reload {turn} of {modules} answered {answer!r}")
        else:
            times.append(time.monotonic() - started)
        await asyncio.sleep(rng.random() * 0.02)
        held = json.loads(await admin.ask("CALL", "lock", "list", '{"pattern": "held"}'))[0]
        if len(held["holders"]) != 1 or len(held["waiters"]) != 1:
            raise Failure(f"the lock that is held all the time: {held}")
    return refused, times


async def run(args):
    with tempfile.TemporaryDirectory() as scratch:
        folder, path = f"{scratch}/plugins", f"{scratch}/lockd.sock"
        os.mkdir(folder)
        for name in ("lock.so", "resp.so", "manager.so"):
            put(f"{args.plugins}/{name}", folder, name)
        app = {"server": {"startup": ["lock", "resp", "manager"], "plugin_path": [folder]},
               "module": {"resp": {"listen": [f"unix:{path}"], "reload_timeout": "200ms"},
                          "lock": {"reload_timeout": "200ms"}}}
        async with campaign.running(args.weir, scratch, app) as server:
            await campaign.started(server, lambda: os.path.exists(path))
            await run_clients(server, path, folder, args)


async def run_clients(server, path, folder, args):
    rng = random.Random(args.seed)
    shared = Shared(max(2, args.clients // 10))
    admin = await Client(path).connect()
    clients = [await Client(path).connect() for _ in range(args.clients)]
    holder, waiter = await Client(path).connect(), await Client(path).connect()
    jobs = [asyncio.create_task(work(client, number, shared, random.Random(rng.random())))
            for number, client in enumerate(clients)]
    jobs.append(asyncio.create_task(hold(holder, shared)))
    while await admin.ask("CALL", "lock", "list", '{"pattern": "held"}') == "[]":
        await asyncio.sleep(0.01)
    jobs.append(asyncio.create_task(wait(waiter, shared)))
    while '"waiters":[]' in await admin.ask("CALL", "lock", "list", '{"pattern": "held"}'):
        await asyncio.sleep(0.01)
    at_first = campaign.memory(server)
    refused, times = await campaign.finished(
        asyncio.create_task(reload_all(admin, args, folder, shared, rng)), jobs)
    # A call that waits when a reload ends stays in the old version until it is answered. Only when
    # all calls have ended can all old versions be unloaded.
    shared.stop = True
    await asyncio.gather(*jobs)
    for client in clients + [holder, waiter]:
        await client.close()
    if sum(shared.counters) != shared.updates:
        raise Failure(f"{shared.updates} updates, counted {sum(shared.counters)}")
    await campaign.no_old_versions(server, args, 3)
    times.sort()
    of_them = ", ".join(f"{count} {kind}" for kind, count in refused.items())
    listed, count = campaign.libraries(server)
    print(f"{args.reloads} reloads, bad versions: {of_them}, under "
          f"{args.clients} clients with {shared.updates} updates: no failure\n"
          f"a reload takes {1000 * times[len(times) // 2]:.1f} ms (median), "
          f"{1000 * times[-1]:.1f} ms at most; memory {at_first} KiB at first, "
          f"{campaign.memory(server)} KiB at the end; {count} mappings, "
          f"{len(listed)} of plugins' libraries")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("weir")
    parser.add_argument("plugins")
    parser.add_argument("bad", help="the folder of bad versions")
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=200)
    campaign.main(run, parser)


if __name__ == "__main__":
    main()
