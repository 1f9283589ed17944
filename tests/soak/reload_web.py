#!/usr/bin/env python3
"""Reloads http, and the modules whose functions it calls, under clients that send requests.

Clients call functions, read a file, and take locks, on connections that stay open. One reads a
stream of events, and continues it when a reload has ended it. The run fails if a request has no
whole answer, or another than expected; if a connection ends although the server has not said so; if
an event of the stream is missing or comes twice; if two clients hold a lock at a time; if memory
grows from reload to reload, or libraries of old versions stay.

usage: reload_web.py [--seconds N] [--every N] [--clients N] [--seed N] [--kept]
                     WEIR-FOLDER PLUGIN-FOLDER
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time

from reload_lockd import Failure, libraries, memory, put

MODULES = ("lock", "http", "manager")


class Client:
    """A connection that gets exactly one answer for each request."""

    def __init__(self, port):
        self.port = port
        self.writer = None
        self.answered = 0

    async def ask(self, method, path, content=None, expected=(200,)):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        body = b"" if content is None else json.dumps(content).encode()
        self.writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                          f"application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                          .encode() + body)
        what = f"{method} {path}"
        status, headers = await self.head(what)
        answer = await self.reader.readexactly(int(headers.get("content-length", 0)))
        self.answered += 1
        if status not in expected:
            raise Failure(f"{what} answers {status}: {answer[:300]!r}")
        if headers.get("connection") == "close":
            self.close()
        return status, answer

    async def head(self, what):
        try:
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Failure(f"{what} has no answer after {self.answered} others: {error}") from None
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), headers

    def close(self):
        self.writer.close()
        self.writer = None


class Shared:
    def __init__(self):
        self.stop = False
        self.requests = 0
        self.holders = {}
        self.sent = 0
        self.received = 0


async def work(port, number, shared, rng):
    """Sends requests of all kinds, one after the other."""
    client = Client(port)
    while not shared.stop:
        kind = rng.randrange(4)
        if kind == 0:
            _, answer = await client.ask("GET", "/site/file.txt")
            if answer != b"x" * 1024:
                raise Failure(f"the file is {len(answer)} bytes long")
        elif kind == 1:
            _, answer = await client.ask("POST", "/call/lock/list", {"pattern": "none:*"})
            if answer != b"[]\n":
                raise Failure(f"the call answers {answer!r}")
        elif kind == 2:
            await client.ask("GET", "/nothing", expected=(404,))
        else:
            shared.requests += await use_lock(client, number, shared, rng)
        shared.requests += 1
    client.close()


async def use_lock(client, number, shared, rng):
    """Takes a lock and gives it back. Returns how many requests that were beside the first."""
    key = f"key:{rng.randrange(5)}"
    _, answer = await client.ask("POST", f"/locks/{key}", {"wait": "1m"}, (201,))
    if shared.holders.get(key) is not None:
        raise Failure(f"{key} is held by {shared.holders[key]} and by {number}")
    shared.holders[key] = number
    await asyncio.sleep(rng.random() * 0.005)
    shared.holders[key] = None
    await client.ask("DELETE", f"/locks/{key}?session={json.loads(answer)['session']}",
                     expected=(204,))
    return 1


async def publish(port, shared):
    client = Client(port)
    while not shared.stop:
        await client.ask("POST", "/events/soak.Tick", {"number": shared.sent}, (204,))
        shared.sent += 1
        await asyncio.sleep(0.01)
    client.close()


async def watch(port, shared, began):
    """Reads the stream of events, and continues it behind the last one when it has ended."""
    last = None
    while not shared.stop or shared.received < shared.sent:
        client = Client(port)
        client.reader, client.writer = await asyncio.open_connection("127.0.0.1", port)
        after = "" if last is None else f"Last-Event-ID: {last}\r\n"
        # HTTP/1.0: without chunks; the end of the stream is that of the connection.
        client.writer.write(f"GET /events?type=soak.Tick HTTP/1.0\r\nHost: localhost\r\n{after}\r\n"
                            .encode())
        status, _ = await client.head("the stream")
        if status != 200:
            raise Failure(f"the stream answers {status}")
        began.set()
        while not shared.stop or shared.received < shared.sent:
            line = (await client.reader.readline()).decode().rstrip()
            if line.startswith("id: "):
                last = line.removeprefix("id: ")
            elif line == "event: lost":
                raise Failure(f"the stream has lost events after {shared.received}")
            elif line.startswith("data: "):
                number = json.loads(line.removeprefix("data: "))["number"]
                if number != shared.received:
                    raise Failure(f"event {number} came, expected {shared.received}")
                shared.received += 1
            elif line == "" and client.reader.at_eof():
                break
        client.close()


async def reload_modules(port, shared, args, rng):
    client = Client(port)
    count = 0
    end = time.monotonic() + args.seconds
    while time.monotonic() < end:
        await asyncio.sleep(min(args.every, max(0, end - time.monotonic())))
        modules = rng.choice([["http"], ["http"], ["lock"], ["manager"], ["http", "lock"]])
        await client.ask("POST", "/call/manager/reload", {"modules": modules})
        count += 1
    client.close()
    return count


def app(folder, plugins, site):
    return {"server": {"startup": list(MODULES), "plugin_path": [plugins], "events": {
        "soak.Tick": {"members": [{"name": "number", "type": "integer"}]}}},
            "module": {"default": {"unload_timeout": "1m", "drain_timeout": "1m"},
                       "lock": {"state_dir": folder},
                       "http": {"listen": [{"address": "tcp://127.0.0.1:0",
                                            "anonymous": ["admin"]}],
                                "max_clients_per_address": 1000,
                                "routes": [{"path": "/site/*", "folder": site}]}}}


async def port_of(server, log):
    """Returns where it listens, once the log says so."""
    for _ in range(3000):
        with open(log, encoding="utf-8") as lines:
            for line in lines:
                if "listens at tcp://" in line:
                    return int(line.rsplit(":", 1)[1])
        if server.returncode is not None:
            break
        await asyncio.sleep(0.01)
    raise Failure("the server does not start")


async def run_clients(port, args, rng, server):
    shared = Shared()
    began = asyncio.Event()
    jobs = [asyncio.create_task(watch(port, shared, began))]
    await asyncio.wait_for(began.wait(), 60)
    jobs += [asyncio.create_task(publish(port, shared))]
    jobs += [asyncio.create_task(work(port, number, shared, random.Random(rng.random())))
             for number in range(args.clients)]
    at_first = memory(server.pid)
    reloading = asyncio.create_task(reload_modules(port, shared, args, rng))
    done, _ = await asyncio.wait([reloading, *jobs], return_when=asyncio.FIRST_COMPLETED)
    for job in done - {reloading}:
        job.result()
    reloads = await reloading
    shared.stop = True
    await asyncio.wait_for(asyncio.gather(*jobs), 120)
    return shared, reloads, at_first


async def run(args):
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder, site = f"{scratch}/plugins", f"{scratch}/site"
        os.mkdir(folder)
        os.mkdir(site)
        with open(f"{site}/file.txt", "w", encoding="ascii") as file:
            file.write("x" * 1024)
        for name in MODULES:
            put(f"{args.plugins}/{name}.so", folder, f"{name}.so")
        with open(f"{scratch}/app.json", "w", encoding="ascii") as file:
            json.dump(app(scratch, folder, site), file)
        with open(f"{scratch}/log", "wb") as log:
            server = await asyncio.create_subprocess_exec(
                f"{args.weir}/weir", "run", f"{scratch}/app.json", stdout=log, stderr=log)
        try:
            port = await port_of(server, f"{scratch}/log")
            shared, reloads, at_first = await run_clients(port, args, rng, server)
            for _ in range(1000):
                listed, _ = libraries(server.pid)
                if args.kept or len(listed) <= len(MODULES):
                    break
                await asyncio.sleep(0.02)
            else:
                raise Failure(f"old versions stay in memory: {listed}")
            at_end = memory(server.pid)
            # What a reload would leave behind is more than this, if it is left behind each time.
            if not args.kept and at_end > at_first + 8192 + 64 * reloads:
                raise Failure(f"memory grows: {at_first} KiB at first, {at_end} at the end")
            print(f"{reloads} reloads under {args.clients} clients: {shared.requests} requests, "
                  f"none lost; {shared.received} events of one stream in order; memory {at_first} "
                  f"KiB at first, {at_end} KiB at the end")
            server.terminate()
            if await asyncio.wait_for(server.wait(), 60) != 0:
                raise Failure(f"the server ended with {server.returncode}")
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
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--every", type=float, default=10, help="seconds between two reloads")
    parser.add_argument("--clients", type=int, default=50)
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
