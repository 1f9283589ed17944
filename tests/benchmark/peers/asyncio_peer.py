#!/usr/bin/env python3
"""The workloads of the benchmarks with asyncio; see tests/support/peer.h.

    asyncio_peer.py WORKLOAD NUMBER...

Each workload function returns the seconds that an operation took.
"""

import asyncio
import functools
import random
import sys
import time


class Tally:
    """The counters that the tasks increment under a lock."""

    def __init__(self, keys):
        self.counters = [0] * keys


async def increment(lock, tally, key):
    async with lock:
        before = tally.counters[key]
        await asyncio.sleep(0)
        tally.counters[key] = before + 1


async def many_on_each_key(keys, routines):
    """W1, W3"""
    tally = Tally(keys)
    start = time.process_time()
    locks = {}
    tasks = [asyncio.create_task(increment(locks.setdefault(i % keys, asyncio.Lock()), tally,
                                           i % keys))
             for i in range(keys * routines)]
    await asyncio.gather(*tasks)
    taken = time.process_time() - start
    assert tally.counters == [routines] * keys
    return taken / (keys * routines)


async def a_new_key_each(keys):
    """W2"""
    start = time.process_time()
    locks = {}
    for n in range(keys):
        key = f"key:{n}"
        lock = locks.setdefault(key, asyncio.Lock())
        await lock.acquire()
        lock.release()
        del locks[key]
    return (time.process_time() - start) / keys


async def answer(mine, other, count):
    for _ in range(count):
        await mine.wait()
        mine.clear()
        other.set()


async def wake_each_other(hops):
    """W4"""
    first, second = asyncio.Event(), asyncio.Event()
    start = time.process_time()
    first.set()
    await asyncio.gather(answer(first, second, hops // 2), answer(second, first, hops // 2))
    return (time.process_time() - start) / hops


async def one_of_many(routines, knocks):
    """W5"""
    loop = asyncio.get_running_loop()
    waiting = [None] * routines
    counted = 0

    async def count_knocks(door):
        nonlocal counted
        while True:
            waiting[door] = loop.create_future()
            await waiting[door]
            counted += 1

    tasks = [asyncio.create_task(count_knocks(door)) for door in range(routines)]
    await asyncio.sleep(0)
    chance = random.Random(7)
    start = time.process_time()
    for _ in range(knocks):
        door = chance.randrange(routines)
        if waiting[door].done():
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        waiting[door].set_result(None)
    while counted < knocks:
        await asyncio.sleep(0)
    taken = time.process_time() - start
    for task in tasks:
        task.cancel()
    return taken / knocks


async def timers(count, stop):
    """W7: starts timers, or stops them."""
    loop = asyncio.get_running_loop()
    chance = random.Random(3)
    due = [chance.random() + 1000 for _ in range(count)]
    start = time.process_time()
    handles = [loop.call_later(after, print) for after in due]
    if stop:
        start = time.process_time()
        for handle in handles:
            handle.cancel()
    taken = time.process_time() - start
    for handle in handles:
        handle.cancel()
    return taken / count


WORKLOADS = {"W1": many_on_each_key, "W2": a_new_key_each, "W3": many_on_each_key,
             "W4": wake_each_other, "W5": one_of_many,
             "W7-start": functools.partial(timers, stop=False),
             "W7-stop": functools.partial(timers, stop=True)}


def main():
    workload = WORKLOADS[sys.argv[1]]
    numbers = [int(word) for word in sys.argv[2:]]
    asyncio.run(workload(*numbers))  # warms up
    print("nanoseconds", 1e9 * asyncio.run(workload(*numbers)), flush=True)


if __name__ == "__main__":
    main()
