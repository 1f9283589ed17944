#!/usr/bin/env python3
"""Reloads http, and the modules whose functions it calls, under clients that send requests.

Clients call functions, read a file, call a hook, and take locks, on connections that stay open. One
reads a stream of events, and continues it when a reload has ended it. The run fails if a request
has no whole answer, or another than expected; if a connection ends although the server has not said
so; if an event of the stream is missing or comes twice; if two clients hold a lock at a time; if
memory grows from reload to reload, or libraries of old versions stay.

usage: reload_web.py [--seconds N] [--every N] [--clients N] [--seed N] [--kept]
                     WEIR-FOLDER PLUGIN-FOLDER
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

MODULES = ("lock", "http", "manager", "webhook")


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
        kind = rng.randrange(5)
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
        elif kind == 3:
            await client.ask("POST", "/hooks/any", {"number": number}, (204,))
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
        modules = rng.choice([["http"], ["http"], ["lock"], ["manager"], ["http", "lock"],
                              ["webhook"]])
        await client.ask("POST", "/call/manager/reload", {"modules": modules})
        count += 1
    client.close()
    return count


def app(folder, plugins, site):
    return {"server": {"startup": list(MODULES), "plugin_path": [plugins], "events": {
        "soak.Tick": {"members": [{"name": "number", "type": "integer"}]}}},
            "module": {"default": {"unload_timeout": "1m", "drain_timeout": "1m"},
                       "lock": {"state_dir": folder},
                       "webhook": {"hooks": {"any": {"path": "/hooks/any", "signature": "none"}}},
                       "http": {"listen": [{"address": "tcp://127.0.0.1:0",
                                            "anonymous": ["admin"]}],
                                "max_clients_per_address": 1000,
                                "routes": [{"path": "/site/*", "folder": site}]}}}


def port_in(log):
    """Returns the port at which it listens; None before the log says so."""
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            if "listens at tcp://" in line:
                return int(line.rsplit(":", 1)[1])
    return None


async def run_clients(port, args, rng, server):
    shared = Shared()
    began = asyncio.Event()
    jobs = [asyncio.create_task(watch(port, shared, began))]
    await asyncio.wait_for(began.wait(), 60)
    jobs += [asyncio.create_task(publish(port, shared))]
    jobs += [asyncio.create_task(work(port, number, shared, random.Random(rng.random())))
             for number in range(args.clients)]
    at_first = campaign.memory(server)
    reloads = await campaign.finished(
        asyncio.create_task(reload_modules(port, shared, args, rng)), jobs)
    shared.stop = True
    await asyncio.wait_for(asyncio.gather(*jobs), 120)
    return shared, reloads, at_first


async def run(args):
    with tempfile.TemporaryDirectory() as scratch:
        folder, site, log = f"{scratch}/plugins", f"{scratch}/site", f"{scratch}/log"
        os.mkdir(folder)
        os.mkdir(site)
        with open(f"{site}/file.txt", "w", encoding="ascii") as file:
            file.write("x" * 1024)
        for name in MODULES:
            put(f"{args.plugins}/{name}.so", folder, f"{name}.so")
        async with campaign.running(args.weir, scratch, app(scratch, folder, site)) as server:
            await campaign.started(server, lambda: port_in(log) is not None)
            shared, reloads, at_first = await run_clients(
                port_in(log), args, random.Random(args.seed), server)
            await campaign.no_old_versions(server, args, len(MODULES))
            at_end = campaign.memory(server)
            # What a reload would leave behind is more than this, if it is left behind each time.
            if not args.kept and at_end > at_first + 8192 + 64 * reloads:
                raise Failure(f"memory grows: {at_first} KiB at first, {at_end} at the end")
            print(f"{reloads} reloads under {args.clients} clients: {shared.requests} requests, "
                  f"none lost; {shared.received} events of one stream in order; memory {at_first} "
                  f"KiB at first, {at_end} KiB at the end")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("weir")
    parser.add_argument("plugins")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--every", type=float, default=10, help="seconds between two reloads")
    parser.add_argument("--clients", type=int, default=50)
    campaign.main(run, parser)


if __name__ == "__main__":
    main()
