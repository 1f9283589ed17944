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
import shutil
import sys
import tempfile
import time


class Failure(Exception):
    pass


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


def put(source, folder, name):
    """Installs a plugin like a package manager: a new file under the old name."""
    shutil.copy(source, f"{folder}/{name}.new")
    os.rename(f"{folder}/{name}.new", f"{folder}/{name}")


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


def libraries(pid):
    """Returns the copies of plugins in memory, and all mappings."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        lines = maps.read().splitlines()
    return sorted({line.split(maxsplit=5)[5] for line in lines if "/weir-" in line}), len(lines)


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


async def run(args):
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder, path = f"{scratch}/plugins", f"{scratch}/lockd.sock"
        os.mkdir(folder)
        for name in ("lock.so", "resp.so", "manager.so"):
            put(f"{args.plugins}/{name}", folder, name)
        with open(f"{scratch}/lockd.json", "w", encoding="ascii") as file:
            json.dump({"server": {"startup": ["lock", "resp", "manager"], "plugin_path": [folder]},
                       "module": {"resp": {"listen": [f"unix:{path}"], "reload_timeout": "200ms"},
                                  "lock": {"reload_timeout": "200ms"}}}, file)
        with open(f"{scratch}/log", "wb") as log:
            server = await asyncio.create_subprocess_exec(
                f"{args.weir}/weir", "run", f"{scratch}/lockd.json", stdout=log, stderr=log)
        try:
            while not os.path.exists(path):
                if server.returncode is not None:
                    raise Failure("lockd does not start")
                await asyncio.sleep(0.01)
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
            at_first = memory(server.pid)
            reloading = asyncio.create_task(reload_all(admin, args, folder, shared, rng))
            done, _ = await asyncio.wait([reloading, *jobs],
                                         return_when=asyncio.FIRST_COMPLETED)
            for job in done - {reloading}:
                job.result()
            refused, times = await reloading
            # A call that waits when a reload ends stays in the old version until it is answered.
            # Only when all calls have ended can all old versions be unloaded.
            shared.stop = True
            await asyncio.gather(*jobs)
            for client in clients + [holder, waiter]:
                await client.close()
            if sum(shared.counters) != shared.updates:
                raise Failure(f"{shared.updates} updates, counted {sum(shared.counters)}")
            listed, count = libraries(server.pid)
            for _ in range(500):
                if args.kept or len(listed) <= 3:
                    break
                await asyncio.sleep(0.02)
                listed, count = libraries(server.pid)
            else:
                modules = await admin.ask("CALL", "manager", "modules")
                raise Failure(f"old versions stay in memory: {listed}\n{modules}")
            times.sort()
            of_them = ", ".join(f"{count} {kind}" for kind, count in refused.items())
            print(f"{args.reloads} reloads, bad versions: {of_them}, under "
                  f"{args.clients} clients with {shared.updates} updates: no failure\n"
                  f"a reload takes {1000 * times[len(times) // 2]:.1f} ms (median), "
                  f"{1000 * times[-1]:.1f} ms at most; memory {at_first} KiB at first, "
                  f"{memory(server.pid)} KiB at the end; {count} mappings, "
                  f"{len(listed)} of plugins' libraries")
            server.terminate()
            if await asyncio.wait_for(server.wait(), 60) != 0:
                raise Failure(f"lockd ended with {server.returncode}")
        except BaseException:
            with open(f"{scratch}/log", encoding="utf-8", errors="replace") as log:
                sys.stderr.write(log.read()[-12000:])
            raise
        finally:
            if server.returncode is None:
                server.kill()
                await server.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("weir")
    parser.add_argument("plugins")
    parser.add_argument("bad", help="the folder of bad versions")
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kept", action="store_true",
                        help="expect libraries to stay, as under a sanitizer")
    args = parser.parse_args()
    try:
        asyncio.run(run(args))
    except Failure as failure:
        sys.exit(f"seed {args.seed}: {failure}")


if __name__ == "__main__":
    main()
