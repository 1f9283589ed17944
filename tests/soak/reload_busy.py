#!/usr/bin/env python3
"""Reloads modules that listen, hold TLS connections and run processes, repeatedly, under load.

The server has a module that runs a process for each line of a client and for each call, a module of
the plugin resp for TLS, and another of the same plugin for the owner. Clients of TLS take and give
back locks, and one holds a lock all the time; clients of the first module want each line back, in
order. The run fails if a reply is lost, duplicated or unexpected, a client is disconnected, a
reload fails, or if afterwards there are more open files, processes, libraries or much more memory
than after the first tenth of the reloads.

usage: reload_busy.py [--reloads N] [--clients N] [--seed N] [--kept]
                      WEIR-FOLDER PLUGIN-FOLDER RUNNER-FOLDER
"""

import argparse
import asyncio
import json
import os
import random
import ssl
import sys
import tempfile

import campaign
from campaign import Failure, until
from reload_lockd import Client

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))

from loopback import make_certificate  # noqa: E402

# Memory that may come with more reloads, in KiB: the allocator's parts that are not full.
FLAT = 6000


class TlsClient(Client):
    def __init__(self, port, authority):
        super().__init__(None)
        self.port, self.context = port, ssl.create_default_context(cafile=authority)

    async def connect(self):
        self.reader, self.writer = await asyncio.open_connection(
            "localhost", self.port, ssl=self.context)
        return self

    async def close(self):
        if await self.ask("ECHO", "the end") != "the end":
            raise Failure("a reply too many")
        self.writer.close()


async def lock_often(client, number, state):
    """Takes a lock of its own; returns how often it did."""
    while not state["stop"]:
        if not isinstance(await client.ask("LOCK", f"own {number}"), int):
            raise Failure(f"client {number} did not get its lock")
        if await client.ask("UNLOCK", f"own {number}") != 1:
            raise Failure(f"client {number} lost its lock")
        state["locks"] += 1
        await asyncio.sleep(0.001)


async def hold(client, state):
    token = await client.ask("LOCK", "held")
    if not isinstance(token, int):
        raise Failure("the client that holds a lock all the time did not get it")
    while not state["stop"]:
        await asyncio.sleep(0.01)
    if await client.ask("UNLOCK", "held") != 1:
        raise Failure("the lock that is held all the time was released early")


async def send_lines(path, number, state):
    """Wants each line back. Some lines are sent together."""
    reader, writer = await asyncio.open_unix_connection(path)
    count = 0
    while not state["stop"]:
        lines = [f"line {number} {count + i}\n".encode() for i in range(1 + count % 3)]
        count += len(lines)
        writer.write(b"".join(lines))
        for line in lines:
            if (got := await reader.readline()) != line:
                raise Failure(f"a client that sent {line!r} got {got!r}")
            state["lines"] += 1
    writer.write_eof()
    if rest := await reader.read():
        raise Failure(f"left over: {rest!r}")
    writer.close()


async def call_often(path, number, state):
    client = await Client(path).connect()
    count = 0
    while not state["stop"]:
        text, count = f"call {number} {count}", count + 1
        answer = await client.ask("CALL", "runner", "say", json.dumps({"text": text}))
        if answer != json.dumps(text):
            raise Failure(f"a call that said {text!r} got {answer!r}")
        state["calls"] += 1
    await client.close()


def open_files(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def children(server):
    with open(f"/proc/{server.pid}/task/{server.pid}/children", encoding="ascii") as file:
        return file.read().split()


async def reload_all(admin, args, server, rng):
    """Returns the memory after a tenth of the reloads."""
    early = campaign.memory(server)
    for turn in range(args.reloads):
        chosen = rng.choice([{"modules": ["runner"]}, {"modules": ["secure"]},
                             {"plugins": ["resp"]}, {"modules": ["runner", "secure"]}])
        answer = await admin.ask("CALL", "manager", "reload", json.dumps(chosen))
        if answer != "null":
            raise Failure(f"reload {turn} of {chosen} answered {answer!r}")
        await asyncio.sleep(rng.random() * 0.02)
        if turn == args.reloads // 10:
            early = campaign.memory(server)
    return early


async def run_clients(args, server, owner, lines, port, scratch):
    rng = random.Random(args.seed)
    state = {"stop": False, "locks": 0, "lines": 0, "calls": 0}
    authority = f"{scratch}/certificate.pem"
    admin = await Client(owner).connect()
    secure = [await TlsClient(port, authority).connect() for _ in range(args.clients + 1)]
    files = open_files(server) - len(secure)
    jobs = [asyncio.create_task(lock_often(client, number, state))
            for number, client in enumerate(secure[1:])]
    jobs.append(asyncio.create_task(hold(secure[0], state)))
    jobs += [asyncio.create_task(send_lines(lines, number, state)) for number in range(3)]
    jobs += [asyncio.create_task(call_often(owner, number, state)) for number in range(3)]
    early = await campaign.finished(
        asyncio.create_task(reload_all(admin, args, server, rng)), jobs)
    state["stop"] = True
    await asyncio.gather(*jobs)
    for client in secure:
        await client.close()
    for what in "locks", "lines", "calls":
        if state[what] == 0:
            raise Failure(f"no {what} during the reloads")
    # A module that was reloaded alone has the plugin for itself.
    if await admin.ask("CALL", "manager", "reload", '{"plugins": ["resp"]}') != "null":
        raise Failure("the last reload failed")
    # Each plugin once: lock, manager, resp, runner.
    await campaign.no_old_versions(server, args, 4)
    await until(lambda: open_files(server) <= files,
                lambda: f"{open_files(server)} open files, {files} before the reloads")
    await until(lambda: not children(server),
                lambda: f"processes are left: {children(server)}")
    late = campaign.memory(server)
    if not args.kept and late > early + FLAT:
        raise Failure(f"memory grew from {early} KiB to {late} KiB")
    print(f"{args.reloads} reloads under {state['locks']} locks by TLS, {state['lines']} lines and "
          f"{state['calls']} calls with a process each: no failure; memory {early} KiB after a "
          f"tenth, {late} KiB at the end; {files} open files")


async def run(args):
    with tempfile.TemporaryDirectory() as scratch:
        make_certificate(f"{scratch}/certificate.pem", f"{scratch}/key.pem")
        owner, lines = f"{scratch}/owner.sock", f"{scratch}/lines.sock"
        tls = {"certificate": f"{scratch}/certificate.pem", "key": f"{scratch}/key.pem"}
        app = {
            "server": {"startup": ["resp", "secure", "runner", "manager"],
                       "plugin_path": [args.plugins, args.runner]},
            "module": {
                "resp": {"listen": [f"unix:{owner}"]},
                "secure": {"plugin": "resp",
                           "listen": [{"address": "tls://127.0.0.1:0", "tls": tls}]},
                "runner": {"listen": f"unix:{lines}"},
            }}
        async with campaign.running(args.weir, scratch, app) as server:
            await campaign.started(server,
                                   lambda: os.path.exists(owner) and os.path.exists(lines))
            port = await secure_port(owner)
            await run_clients(args, server, owner, lines, port, scratch)


async def secure_port(owner):
    admin = await Client(owner).connect()
    while not (listed := await admin.ask("CALL", "secure", "addresses")).startswith("["):
        await asyncio.sleep(0.01)  # its module is not loaded yet
    await admin.close()
    return int(json.loads(listed)[0].rpartition(":")[2])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("weir")
    parser.add_argument("plugins")
    parser.add_argument("runner", help="the folder of the plugin runner")
    parser.add_argument("--reloads", type=int, default=200)
    parser.add_argument("--clients", type=int, default=20)
    campaign.main(run, parser)


if __name__ == "__main__":
    main()
