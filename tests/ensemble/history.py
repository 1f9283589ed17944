"""Checks histories of locks, as lockers write them: lines `<nanoseconds> <what> <key> <token>`.

Tokens tell the order of the grants, so that one pass over each key finds all violations.
"""

from collections import defaultdict


def read(lines):
    """Returns steps as (time, what, key, token). A last line that is cut off is left out."""
    steps = []
    for line in lines:
        parts = line.split()
        if len(parts) == 4 and line.endswith("\n"):
            steps.append((int(parts[0]), parts[1], parts[2], int(parts[3])))
    return steps


def violations(steps):
    """Returns a line for each violation of what a lock promises."""
    grants = defaultdict(list)  # key: (token, time)
    last_check = {}  # (key, token): time of the last positive check
    for time, what, key, token in steps:
        if what == "grant":
            grants[key].append((token, time))
        elif what == "check":
            last_check[key, token] = max(time, last_check.get((key, token), time))
    found = []
    for key, granted in grants.items():
        granted.sort()
        for (token, time), (next_token, next_time) in zip(granted, granted[1:]):
            if token == next_token:
                found.append(f"{key}: token {token} was granted twice")
                continue
            if next_time < time:
                found.append(f"{key}: token {next_token} was granted before {token}")
                continue
            checked = last_check.get((key, token), time)
            if checked > next_time:
                late = (checked - next_time) / 1e9
                found.append(f"{key}: the holder of {token} believed in its lock for {late:.3f} s "
                             f"after {next_token} was granted")
    return found


def longest_pause(steps, key):
    """Returns the longest time between two grants of a key, in seconds."""
    times = sorted(time for time, what, of, _ in steps if what == "grant" and of == key)
    return max((b - a for a, b in zip(times, times[1:])), default=0) / 1e9
