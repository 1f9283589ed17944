#!/usr/bin/env python3
"""Counts the lines that the compiler reads for the smallest module and for the ten largest units.

    lines.py BUILD_FOLDER [--record]

Time to compile varies, these lines do not. Prints a line for each unit, and exits with 1 if one is
more than 10 % above what lines.json records. With --record, counts every unit of the build and
writes lines.json; the change then shows up in review.
"""

import argparse
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RECORD = os.path.join(HERE, "lines.json")
SMALLEST = "apps/examples/learn/01-smallest"
LARGEST = 10
TOLERANCE = 1.1


def units(build):
    """The units of the build by name: the command that compiles each, and its folder."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    result = {}
    for entry in entries:
        is_unity = "/Unity/" in entry["file"]
        name = os.path.relpath(entry["file"], build if is_unity else ROOT)
        name = name.replace("CMakeFiles/", "").replace(".dir/Unity/unity_", " ")
        if name.startswith(SMALLEST) and "objects" in name:
            name = SMALLEST
        # Which tests are one unit changes with the names in them; C is short.
        if "_tests " in name or name.endswith(".c"):
            continue
        if name == SMALLEST or not name.startswith(("apps/examples", "cmake", "..")):
            result.setdefault(name, (entry["command"], entry["directory"]))
    return result


def alone(command):
    """The command without ccache, output and precompiled header; prints what the compiler reads."""
    words = shlex.split(command)
    words = words[[i for i, word in enumerate(words) if os.path.basename(word) == "c++"][0]:]
    kept, skip = [], 0
    for word in words:
        if skip:
            skip -= 1
        elif word in ("-o", "-MF", "-MT"):
            skip = 1
        elif word not in ("-c", "-MD", "-fpch-preprocess"):
            kept.append(word)
    return kept + ["-E", "-w"]


def count(unit):
    command, folder = unit
    done = subprocess.run(alone(command), cwd=folder, capture_output=True, check=True)
    return done.stdout.count(b"\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    known = units(os.path.abspath(args.build))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        if args.record:
            counted = dict(zip(known, pool.map(count, known.values())))
            largest = sorted(counted, key=counted.get, reverse=True)[:LARGEST]
            recorded = {name: counted[name] for name in [SMALLEST, *largest]}
            with open(RECORD, "w", encoding="utf-8") as file:
                json.dump(recorded, file, indent=4)
                file.write("\n")
            return 0
        with open(RECORD, encoding="utf-8") as file:
            recorded = json.load(file)
        missing = [name for name in recorded if name not in known]
        if missing:
            print("not in this build, record anew: " + ", ".join(missing))
            return 1
        now = dict(zip(recorded, pool.map(count, [known[name] for name in recorded])))
    too_many = False
    for name, lines in now.items():
        above = lines > TOLERANCE * recorded[name]
        too_many |= above
        verdict = "too many" if above else "fine"
        print(f"{lines:8,d} lines, {recorded[name]:8,d} recorded, {verdict}: {name}")
    return 1 if too_many else 0


if __name__ == "__main__":
    sys.exit(main())
