"""Checks histories of locks, as lockers write them:

    <nanoseconds> grant|check|release <key> <token> <share>

`share` says with whom the holder holds the key: 1, with nobody; N, it has one of N slots; 0, with
all that say 0 too (readers). Holders of different shares exclude each other.

Each time is one at which, or shortly before which, the holder certainly held: a holder is noted as
such from its grant to its last check, and no holder is noted who is none. Tokens tell the order of
grants that exclude each other, so that one pass over each key finds all violations.
"""

from collections import defaultdict
from dataclasses import dataclass


@dataclass
class Hold:
    """A grant, and until when its holder certainly held."""

    token: int
    share: int
    since: int
    until: int


def read(lines):
    """Returns steps as (time, what, key, token, share). A last line that is cut off is left out."""
    steps = []
    for line in lines:
        parts = line.split()
        if len(parts) == 5 and line.endswith("\n"):
            steps.append((int(parts[0]), parts[1], parts[2], int(parts[3]), int(parts[4])))
    return steps


def violations(steps):
    """Returns a line for each violation of what a lock promises."""
    holds = defaultdict(dict)  # key: {token: Hold}
    found = []
    for time, what, key, token, share in sorted(steps, key=lambda step: step[1] != "grant"):
        if what == "grant":
            if token in holds[key]:
                found.append(f"{key}: token {token} was granted twice")
            else:
                holds[key][token] = Hold(token, share, time, time)
        elif what == "check" and token in holds[key]:
            hold = holds[key][token]
            hold.until = max(hold.until, time)
    for key, of_key in holds.items():
        in_order = [of_key[token] for token in sorted(of_key)]
        found += [f"{key}: {line}" for line in wrong_order(in_order) + too_many(in_order)]
    return found


def wrong_order(holds):
    """What is wrong with holds that exclude each other, which are in the order of tokens."""
    found = []
    first = {}  # share: the hold that began last
    last = {}  # share: the hold that was believed in last
    for hold in holds:
        for share, before in first.items():
            if share != hold.share or share == 1:
                believed = last[share]
                if hold.since < before.since:
                    found.append(f"token {hold.token} was granted before {before.token}")
                elif believed.until > hold.since:
                    late = (believed.until - hold.since) / 1e9
                    found.append(f"the holder of {believed.token} believed in its lock for "
                                 f"{late:.3f} s after {hold.token} was granted")
        first[hold.share] = max(hold, first.get(hold.share, hold), key=lambda one: one.since)
        last[hold.share] = max(hold, last.get(hold.share, hold), key=lambda one: one.until)
    return found


def too_many(holds):
    """What is wrong with holds of slots: more than there are, at a time."""
    found = []
    for share in {hold.share for hold in holds if hold.share > 1}:
        changes = []
        for hold in holds:
            if hold.share == share and hold.until > hold.since:
                changes += [(hold.since, 1, hold.token), (hold.until, -1, hold.token)]
        holding = 0
        for _, change, token in sorted(changes):  # an end before a begin of the same time
            holding += change
            if holding > share:
                found.append(f"{holding} holders believed in {share} slots when {token} was "
                             "granted")
    return found


def longest_pause(steps, key):
    """Returns the longest time between two grants of a key, in seconds."""
    times = sorted(time for time, what, of, *_ in steps if what == "grant" and of == key)
    return max((b - a for a, b in zip(times, times[1:])), default=0) / 1e9
