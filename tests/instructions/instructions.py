#!/usr/bin/env python3
"""Counts the instructions of the hot operations and compares them with counts.json.

    instructions.py [--record] BENCHMARK-FOLDER

Time is noisy on shared machines; instructions are not. Each workload of the benchmarks runs once
and twice under valgrind. The difference excludes the cost of starting the program and is divided by
the number of operations. More than 5 % more instructions than recorded are a failure. --record
writes the counts to counts.json. Record improvements too, or they may be lost again unnoticed.

The counts are valid for the compiler and the C library of Debian 12, on x86-64 and with -O2.
"""

import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys

TOLERANCE = 0.05
COUNTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "counts.json")

# The counted workloads: the program, and a part of the workload's name.
WORKLOADS = [
    ("lock_benchmark", "W1 one lock"),
    ("lock_benchmark", "W2"),
    ("lock_benchmark", "W3"),
    ("scheduler_benchmark", "W4 two routines"),
    ("scheduler_benchmark", "W4 the same with new matchers"),
    ("scheduler_benchmark", "W5 an event to one of 100,000"),
    ("echo/weir_echo", "W6"),
    ("timer_benchmark", "W7 100,000 timers: start"),
    ("timer_benchmark", "W7 100,000 timers: stop"),
    ("timer_benchmark", "W7 100,000 timers: leave"),
    ("queue_benchmark", "W8 20 queues, 10,000 events"),
    ("queue_benchmark", "W8 a full queue"),
    ("api_benchmark", "W9 a call and its reply, C++ values"),
    ("api_benchmark", "W9 a call of a coroutine"),
    ("api_benchmark", "W9 a call and its reply, JSON"),
    ("rules_benchmark", "W12"),
    ("floor/observable_floor", "W1 floor"),
    ("floor/observable_floor", "W2 floor"),
    ("floor/observable_floor", "W3 floor"),
    ("floor/observable_floor", "W4 floor"),
]


class Failure(Exception):
    pass


def run(program, workload, times):
    """Returns the workload's whole name, its operations, and all instructions of `times` runs."""
    # Cachegrind counts the same as callgrind, but faster. The environment is fixed, because a
    # program reads it.
    done = subprocess.run(
        ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
         program, "--quick", f"--once={times}", workload],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, capture_output=True, text=True,
        check=False)
    lines = done.stdout.splitlines()
    counted = re.search(r"I +refs: +([\d,]+)", done.stderr)
    said = re.fullmatch(r"(.*): (\d+) operations", lines[0]) if len(lines) == 1 else None
    if done.returncode != 0 or not counted or not said:
        raise Failure(f"{program} {workload}: expected one counted workload, got\n"
                      f"{done.stdout}{done.stderr}")
    return said[1], int(said[2]), int(counted[1].replace(",", ""))


def count(folder, program, workload):
    """Returns the workload's whole name and the instructions of one operation."""
    path = os.path.join(folder, program)
    name, operations, once = run(path, workload, 1)
    _, _, twice = run(path, workload, 2)
    return name, round((twice - once) / operations, 1)


def compare(counts, recorded):
    """Prints a line for each workload. Returns the number of failures."""
    failed = 0
    for name, now in counts.items():
        before = recorded.get(name)
        if before is None:
            verdict = "FAILED: not recorded"
        elif now > before * (1 + TOLERANCE):
            verdict = f"FAILED: {now / before - 1:+.1%}, more than {TOLERANCE:.0%}"
        elif now < before * (1 - TOLERANCE):
            verdict = f"{now / before - 1:+.1%}: worth recording"
        else:
            verdict = f"{now / before - 1:+.1%}"
        failed += verdict.startswith("FAILED")
        recorded_text = "-" if before is None else f"{before:,.1f}"
        print(f"{name:44} {now:10,.1f} instructions  recorded {recorded_text:>10}  {verdict}")
    for name in recorded.keys() - counts.keys():
        failed += 1
        print(f"{name:44} FAILED: recorded, but no longer counted")
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", action="store_true")
    parser.add_argument("folder")
    arguments = parser.parse_args()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counting = [pool.submit(count, arguments.folder, *workload) for workload in WORKLOADS]
        counts = dict(result.result() for result in counting)
    recorded = {}
    if os.path.exists(COUNTS):
        with open(COUNTS, encoding="ascii") as file:
            recorded = json.load(file)
    if arguments.record:
        for name, now in counts.items():
            print(f"{name:44} {now:10,.1f} instructions, before {recorded.get(name, '-')}")
        with open(COUNTS, "w", encoding="ascii") as file:
            json.dump(counts, file, indent=4)
            file.write("\n")
        print(f"recorded in {os.path.relpath(COUNTS)}")
        return 0
    failed = compare(counts, recorded)
    if failed:
        print("To record an intended change: ./dev instructions --record")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"instructions: {failure}")
