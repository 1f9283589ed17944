#!/usr/bin/env python3
"""A process of the campaign (ensemble.py): takes locks through lockds all the time.

Writes a history as locker.cpp does, of the same keys. A client looks whether it holds its lock by
asking for it again: lockd then answers the same token. What it answers was so some time after the
question, and so what is noted is the time of the question.

usage: lockd_client.py [--careless] SECONDS SOCKET...

Uses the first socket that a lockd listens at. A careless client does not look.
"""

import argparse
import os
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "..", "apps", "lockd"))

from lockd_process import Client, Refused, listens  # noqa: E402


def now():
    """Nanoseconds of the clock that goes on while the machine stands still."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


# What a client takes by a connection of its own each: a key and a share, as in history.py.
WANTED = (("a", 1), ("a", 1), ("b", 1), ("s", 2), ("s", 2), ("r", 1), ("r", 0))
WORDS = {0: " READ", 1: "", 2: " SHARED"}


def note(at, what, key, token, share):
    os.write(sys.stdout.fileno(), f"{at} {what} {key} {token} {share}\n".encode())


class Holder:
    """Takes one lock again and again, by a connection of its own."""

    def __init__(self, key, share, options):
        self.lock = f"{key} CONTEXT campaign{WORDS[share]}"
        self.key = key
        self.share = share
        self.careless = options.careless
        self.sockets = options.sockets
        self.client = None

    def run(self, end):
        while now() < end:
            try:
                self.take()
            except Refused as error:
                # The lock is not to be had, but the connection is as it was.
                if not str(error).startswith("UNAVAILABLE"):
                    self.leave()
            except (ConnectionError, FileNotFoundError):
                self.leave()
            time.sleep(random.uniform(0, 0.02))
        self.leave()

    def take(self):
        if self.client is None:
            path = next((path for path in self.sockets if listens(path)), self.sockets[0])
            self.client = Client(path)
        token = self.client.ask(f"LOCK {self.lock}{random.choice(('', ' TIMEOUT 5'))}")
        if token is not None and self.hold(token):
            self.note(now(), "release", token)
            self.client.ask(f"UNLOCK {self.key} CONTEXT campaign")

    def note(self, at, what, token):
        note(at, what, self.key, token, self.share)

    def hold(self, token):
        """Returns whether the lock was held to the end."""
        at = now()
        if not self.holds(token):
            return False
        self.note(at, "grant", token)
        until = at + random.randrange(100_000_000)
        while at < until:
            time.sleep(0.002)
            at = now()
            if not self.holds(token):
                return False
            self.note(at, "check", token)
        return True

    def holds(self, token):
        if self.careless or self.client.ask(f"LOCK {self.lock}") == token:
            return True
        self.leave()  # with all that it has got instead
        return False

    def leave(self):
        if self.client is not None:
            self.client.close()
        self.client = None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--careless", action="store_true")
    parser.add_argument("seconds", type=float)
    parser.add_argument("sockets", nargs="+")
    options = parser.parse_args()
    end = now() + int(options.seconds * 1e9)
    with ThreadPoolExecutor(len(WANTED)) as threads:
        running = [threads.submit(Holder(key, share, options).run, end) for key, share in WANTED]
        for one in running:
            one.result()


if __name__ == "__main__":
    main()
