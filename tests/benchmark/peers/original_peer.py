#!/usr/bin/env python3
"""The workloads of the benchmarks with VLCP, from a checkout of it; see tests/support/peer.h.

    original_peer.py CHECKOUT WORKLOAD NUMBER...
"""

import asyncio
import random
import sys
import time
import types

sys.path.insert(0, sys.argv[1])
if not hasattr(asyncio, "coroutine"):  # removed in Python 3.11
    asyncio.coroutine = types.coroutine

from vlcp.event.event import Event, withIndices  # noqa: E402
from vlcp.event.lock import Lock  # noqa: E402
from vlcp.event.runnable import RoutineContainer  # noqa: E402
from vlcp.server.server import Server  # noqa: E402


@withIndices("door")
class Knock(Event):
    pass


def run(*routines, begin=lambda scheduler: None):
    """Runs the routines, functions of their container, to the end. Returns the seconds taken."""
    server = Server()
    container = RoutineContainer(server.scheduler)
    start = time.process_time()
    for routine in routines:
        container.subroutine(routine(container), False)
    begin(server.scheduler)
    server.serve()
    return time.process_time() - start


def many_on_each_key(keys, routines):
    """W1, W3"""
    counters = [0] * keys

    def increment(key):
        async def routine(container):
            lock = Lock(key, container.scheduler)
            await lock.lock(container)
            before = counters[key]
            await container.do_events()
            counters[key] = before + 1
            lock.unlock()
        return routine

    taken = run(*(increment(i % keys) for i in range(keys * routines)))
    assert counters == [routines] * keys
    return taken / (keys * routines)


def a_new_key_each(keys):
    """W2"""
    async def lock_each(container):
        for n in range(keys):
            lock = Lock(f"key:{n}", container.scheduler)
            await lock.lock(container)
            lock.unlock()
            if n % 64 == 63:
                await container.do_events()

    return run(lock_each) / keys


def wake_each_other(hops):
    """W4"""
    def answer(door):
        async def routine(container):
            knock = Knock.createMatcher(door)
            for _ in range(hops // 2):
                await knock
                await container.wait_for_send(Knock(1 - door))
        return routine

    return run(answer(0), answer(1),
               begin=lambda scheduler: scheduler.emergesend(Knock(0))) / hops


def one_of_many(routines, knocks):
    """W5"""
    counted = 0
    taken = 0

    def count_knocks(door):
        async def routine(container):
            nonlocal counted
            knock = Knock.createMatcher(door)
            while True:
                await knock
                counted += 1
        return routine

    async def knock_at_random(container):
        nonlocal taken
        await container.do_events()
        chance = random.Random(7)
        start = time.process_time()
        for i in range(knocks):
            await container.wait_for_send(Knock(chance.randrange(routines)))
            if i % 16 == 15:
                await container.do_events()
        await container.do_events()
        taken = time.process_time() - start
        container.scheduler.quit()

    run(*(count_knocks(door) for door in range(routines)), knock_at_random)
    assert counted == knocks
    return taken / knocks


WORKLOADS = {"W1": many_on_each_key, "W2": a_new_key_each, "W3": many_on_each_key,
             "W4": wake_each_other, "W5": one_of_many}


def main():
    workload = WORKLOADS[sys.argv[2]]
    print("nanoseconds", 1e9 * workload(*map(int, sys.argv[3:])), flush=True)


if __name__ == "__main__":
    main()
