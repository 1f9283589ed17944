#!/usr/bin/env python3
"""Runs the benchmarks and prints their results as tables; `./dev bench` calls this.

    bench.py [OPTION...] BUILD-FOLDER [NAME...]

A NAME is a part of a program's name, or a workload, such as W4.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys

import plots
import tables

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "instructions"))
import instructions  # noqa: E402


def read_arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", usage="%(prog)s [OPTION...] [NAME...]")
    parser.add_argument("--quick", action="store_true",
                        help="a short run, to see that everything works")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each figure")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument("--plots", action="store_true",
                        help="draw the cost of each workload against its size")
    parser.add_argument("--original", metavar="DIR", help="a checkout of VLCP, as one more peer")
    parser.add_argument("folder", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME")
    return parser.parse_intermixed_args()


def is_workload(name):
    return re.fullmatch(r"W\d+", name) is not None


def programs(arguments):
    """Returns the paths of the benchmark programs to run."""
    folder = os.path.join(arguments.folder, "bench")
    names = [name for name in arguments.names if not is_workload(name)]
    return [os.path.join(folder, program) for program in sorted(os.listdir(folder))
            if program.endswith("_benchmark")
            and (not names or any(name in program for name in names))]


def run(program, options, arguments):
    """Runs a benchmark program and returns the figures that it prints."""
    figures = []
    with subprocess.Popen([program, "--json", *options], stdout=subprocess.PIPE,
                          text=True) as running:
        for line in running.stdout:
            figures.append(json.loads(line))
            if arguments.json:
                print(line, end="", flush=True)
            else:
                show_progress(figures[-1])
    if running.returncode != 0:
        sys.exit(f"{os.path.basename(program)} failed")
    return figures


def show_progress(figure):
    """Shows on a terminal which workload runs: benchmarks take minutes."""
    if sys.stderr.isatty():
        size = f" {figure['size']:,}" if "size" in figure else ""
        print(f"\r\x1b[K{figure['workload']}{size}: {figure['contender']}", end="",
              file=sys.stderr, flush=True)


def end_progress():
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def count_instructions(arguments, figures):
    """Returns the instructions of an operation, by workload: counted now, or the recorded ones if
    the run is short or valgrind is missing."""
    with open(instructions.COUNTS, encoding="ascii") as file:
        recorded = json.load(file)
    if arguments.quick or not shutil.which("valgrind"):
        return recorded
    wanted = {figure["workload"] for figure in figures}
    folder = os.path.join(arguments.folder, "bench")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counting = [pool.submit(instructions.count, folder, program, workload)
                    for program, workload in instructions.WORKLOADS
                    if any(name.startswith(workload) for name in wanted)]
        return dict(result.result() for result in counting)


def main():
    arguments = read_arguments()
    if arguments.plots and not shutil.which("gnuplot"):
        sys.exit("bench: plots need gnuplot")
    if arguments.original and not os.path.isdir(os.path.join(arguments.original, "vlcp")):
        sys.exit(f"bench: no checkout of VLCP: {arguments.original}")
    options = (["--quick"] * arguments.quick + ["--sweep"] * arguments.plots
               + ([f"--original={os.path.abspath(arguments.original)}"] if arguments.original
                  else []))
    # The blank keeps W1 from matching W10.
    workloads = [[name + " "] for name in arguments.names if is_workload(name)] or [[]]
    figures = []
    for program in programs(arguments):
        for workload in workloads:
            figures += run(program, options + workload, arguments)
    if not figures:
        sys.exit("bench: no program or workload has this name")
    end_progress()
    if not arguments.json:
        counts = {} if arguments.plots else count_instructions(arguments, figures)
        write = tables.markdown if arguments.markdown else tables.text
        print("\n\n".join(write(title, table) for title, table in tables.tables(figures, counts)))
    if arguments.plots:
        folder = os.path.join(os.path.dirname(os.path.abspath(arguments.folder)), "plots")
        for path in plots.plot(figures, folder):
            print(f"{os.path.relpath(path)}.svg", file=sys.stderr)


if __name__ == "__main__":
    main()
