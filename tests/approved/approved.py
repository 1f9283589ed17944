#!/usr/bin/env python3
"""Compares the texts that weir shows to users with the approved files beside this program.

usage: approved.py [--accept] BUILD-FOLDER [GROUP...]

Shows each difference and fails. If it is intended, run the same with --accept, which writes the
files, and review them with `git diff`. Groups: help, modules, describe, check, demo.
"""

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = ("exec", "files", "http", "limit", "lock", "mail", "manager", "otlp", "queue",
           "redis", "resp", "rules", "schedule", "store", "webhook", "zookeeper")


class Weir:
    """The built program with weir's own modules, without those of the tests."""

    def __init__(self, build, folder):
        self.bin = os.path.join(folder, "bin")
        os.mkdir(self.bin)
        shutil.copy(os.path.join(build, "bin", "weir"), self.bin)
        os.symlink(os.path.join(build, "lib"), os.path.join(folder, "lib"))
        os.mkdir(os.path.join(folder, "plugins"))
        for module in MODULES:
            os.symlink(os.path.join(build, "plugins", module + ".so"),
                       os.path.join(folder, "plugins", module + ".so"))

    def __call__(self, *arguments, cwd=None):
        """Returns its output, followed by the exit code if that is not 0."""
        done = subprocess.run([os.path.join(self.bin, "weir"), *arguments], cwd=cwd, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=50, check=False)
        return done.stdout + (f"(exit code {done.returncode})\n" if done.returncode else "")


# Each group yields names of files with their current texts.

def help_group(weir):
    """The help of the program and of each command that it lists."""
    text = weir("--help")
    yield "help/weir.txt", text
    for command in re.findall(r"^  (\w+) ", text.split("Subcommands:")[1], re.MULTILINE):
        yield f"help/{command}.txt", weir(command, "--help")


def modules_group(weir):
    yield "modules.txt", weir("modules")


def describe_group(weir):
    for module in ("server", *MODULES, "lokc"):
        yield f"describe/{module}.txt", weir("describe", module)


def check_group(weir):
    """The mistakes of each x.json in check/; x.txt beside it is the approved text."""
    folder = os.path.join(HERE, "check")
    for file in sorted(os.listdir(folder)):
        if file.endswith(".json"):
            yield f"check/{file[:-5]}.txt", weir("check", file, cwd=folder)


def demo_group(weir):
    """The demo. Figures and blanks that differ between runs are replaced, except 0."""
    demo = os.path.join(HERE, "../../apps/lockd/demo.py")
    done = subprocess.run([sys.executable, "-B", demo, "--quick", weir.bin], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    table, *by_hand = done.stdout.split("\nGo on by hand:")
    table = re.sub(r"[\d.]+ (ms|x)\b", r"N \1", table)
    table = re.sub(r"\b[1-9]\d*\b", "N", table)
    table = re.sub(r"  +", "  ", table)
    text = "\nGo on by hand:".join([table, *by_hand]).replace(weir.bin, "BIN")
    yield "demo.txt", re.sub(r"\S*apps/lockd/lockd.json", "apps/lockd/lockd.json", text)


GROUPS = {"help": help_group, "modules": modules_group, "describe": describe_group,
          "check": check_group, "demo": demo_group}


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def compare(group, weir, accept):
    """Returns the number of texts that differ, including files that no group yields."""
    differing = 0
    seen = set()
    for name, now in GROUPS[group](weir):
        path = os.path.join(HERE, name)
        seen.add(os.path.basename(path))
        approved = read(path)
        if now == approved:
            continue
        differing += 1
        sys.stdout.writelines(difflib.unified_diff(
            approved.splitlines(True), now.splitlines(True), f"{name} as approved",
            f"{name} now"))
        if accept:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(now)
    folder = os.path.join(HERE, group)
    for file in os.listdir(folder) if os.path.isdir(folder) else ():
        if file.endswith(".txt") and file not in seen:
            differing += 1
            print(f"{group}/{file}: weir no longer prints this text")
            if accept:
                os.remove(os.path.join(folder, file))
    return differing


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", help="the build folder")
    parser.add_argument("groups", nargs="*", help="default: all", metavar="GROUP")
    parser.add_argument("--accept", action="store_true", help="approve the differences")
    args = parser.parse_args()
    if unknown := set(args.groups) - set(GROUPS):
        parser.error(f"no group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    with tempfile.TemporaryDirectory() as folder:
        weir = Weir(os.path.abspath(args.build), folder)
        differing = sum(compare(group, weir, args.accept) for group in args.groups or GROUPS)
    if differing and not args.accept:
        sys.exit(f"\n{differing} texts differ from the approved ones. To approve: "
                 f"python3 tests/approved/approved.py --accept {args.build} "
                 f"{' '.join(args.groups)}".rstrip())


if __name__ == "__main__":
    main()
