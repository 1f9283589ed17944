#!/usr/bin/env python3
"""Puts sources that clang-tidy checks into units: one for those that are compiled alike.

To check a unit takes little more time than to check one of its sources: to read the headers, and to
look through them, takes most of it. Sources of one library can be compiled as one unit; see
WEIR_UNITY. Writes the units and their compile_commands.json to DESCRIBED/units, and prints the path
of each unit. DESCRIBED has the compile_commands.json of a build that compiles each source alone.

usage: lint_units.py DESCRIBED SOURCE...
"""

import json
import os
import shlex
import sys


def without_files(words, source):
    """The words of a command line that do not name the source, its output or its dependencies."""
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MT"):
            skip = True
        elif word not in ("-MD", "-c", source):
            kept.append(word)
    return kept


def main():
    described, sources = sys.argv[1], {os.path.abspath(path) for path in sys.argv[2:]}
    with open(os.path.join(described, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    units = {}
    for entry in entries:
        if entry["file"] in sources:
            words = without_files(shlex.split(entry["command"]), entry["file"])
            units.setdefault((entry["directory"], *words), []).append(entry["file"])
            sources.remove(entry["file"])  # some are a part of two targets
    folder = os.path.abspath(os.path.join(described, "units"))
    os.makedirs(folder, exist_ok=True)
    commands = []
    for number, ((directory, *words), files) in enumerate(units.items()):
        path = os.path.join(folder, f"unit_{number}.cpp")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f'#include "{name}"\n' for name in sorted(files))
        commands.append({"directory": directory, "file": path,
                         "command": shlex.join([*words, "-c", path])})
        print(path)
    with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(commands, file, indent=1)


if __name__ == "__main__":
    main()
