"""Makes tables from the benchmarks' JSON: text for a terminal, Markdown for docs/performance.md.

A figure is the JSON object of one line: workload, contender, kind (weir, baseline or peer), unit,
value (the median), least, most; and further measurements by names such as "p99, us".
"""

# The thing that a workload has very many of, and whose memory its row shows; by the first word of
# the workload's name.
MEMORY = {
    "W1": "a routine that waits for a lock",
    "W2": "a key that is locked",
    "W3": "a routine that waits for a lock",
    "W4": "a routine that waits for an event of its own",
    "W5": "a routine that waits for an event of its own",
    "W6": "a connection",
    "W7": "a timer",
    "W8": "an event in a queue",
}
# The heading of the value's column in tables with further measurements, by the value's unit.
VALUES = {"us": "processor time of the server"}
STANDARD = {"workload", "contender", "kind", "unit", "value", "least", "most", "size"}
MISSING = "-"


def number(value):
    """Formats a number with about three significant digits."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}" if value < 1 else f"{value:.1f}"


def quantity(figure):
    return f"{number(figure['value'])} {figure['unit']}"


def with_spread(figure):
    if figure["least"] == figure["most"]:
        return quantity(figure)
    return f"{quantity(figure)} ({number(figure['least'])} .. {number(figure['most'])})"


def by_workload(figures):
    """Groups figures by workload, in order, and within a workload by kind."""
    groups = {}
    for figure in figures:
        kinds = groups.setdefault(figure["workload"], {"weir": [], "baseline": [], "peer": []})
        kinds[figure["kind"]].append(figure)
    return groups


def memory_of(figures):
    """Maps (thing, kind) to its bytes."""
    return {(figure["workload"].removeprefix("memory of "), figure["kind"]): figure["value"]
            for figure in figures if figure["unit"] == "bytes"}


def memory_text(memory, what):
    if (what, "weir") not in memory:
        return MISSING
    baseline = memory.get((what, "baseline"))
    return number(memory[what, "weir"]) + (f" / {number(baseline)}" if baseline else "")


def main_table(figures, instructions):
    """Makes the table of all workloads. `instructions` maps a workload to its instructions."""
    memory = memory_of(figures)
    timed = [figure for figure in figures if figure["unit"] != "bytes"]
    rows = []
    for workload, kinds in sorted(by_workload(timed).items(), key=lambda item: order(item[0])):
        baseline = kinds["baseline"][0] if kinds["baseline"] else None
        for position, weir in enumerate(kinds["weir"]):
            first = position == 0
            rows.append([
                workload if first else "... " + weir["contender"].removeprefix("weir, "),
                with_spread(weir),
                with_spread(baseline) if baseline else MISSING,
                f"{weir['value'] / baseline['value']:.3g}" if baseline else MISSING,
                ", ".join(f"{peer['contender']} {number(peer['value'])}"
                          for peer in kinds["peer"]) * first or MISSING,
                number(instructions[workload]) if first and workload in instructions else MISSING,
                memory_text(memory, MEMORY.get(workload.split()[0])) if first else MISSING,
            ])
    return [["workload", "weir", "baseline", "ratio", "peers", "instructions",
             "bytes, weir / baseline"], *rows]


def order(workload):
    """Sort key: the number of the workload, so that W10 comes after W9."""
    digits = workload.split()[0].removeprefix("W")
    return int(digits) if digits.isdigit() else 0


def detail_tables(figures):
    """Makes tables of further measurements, one for each workload number, with a row for each
    program. Returns (title, table) pairs."""
    groups = {}
    for figure in figures:
        if set(figure) - STANDARD:
            groups.setdefault(figure["workload"].split()[0], []).append(figure)
    return [(title, detail_table(group)) for title, group in groups.items()]


def detail_table(figures):
    columns = list(dict.fromkeys(name for figure in figures for name in figure
                                 if name not in STANDARD))
    rows, last = [], None
    for figure in figures:
        rows.append([figure["workload"] if figure["workload"] != last else "",
                     figure["contender"], quantity(figure),
                     *(number(figure[name]) if name in figure else MISSING for name in columns)])
        last = figure["workload"]
    return [["workload", "", VALUES.get(figures[0]["unit"], "time"), *columns], *rows]


def memory_table(figures):
    memory = memory_of(figures)
    names = list(dict.fromkeys(what for what, _ in memory))
    return [["memory of", "weir, bytes", "baseline, bytes"],
            *([what, number(memory[what, "weir"]),
               number(memory[what, "baseline"]) if (what, "baseline") in memory else MISSING]
              for what in names)]


def growth_table(figures):
    """Makes the table of costs by size, with a row for each workload and contender."""
    sizes = sorted({figure["size"] for figure in figures})
    costs = {}
    for figure in sorted(figures, key=lambda figure: order(figure["workload"])):
        costs.setdefault((figure["workload"], figure["contender"]), {})[figure["size"]] = figure
    return [["ns, by size", "", *(f"{size:,}" for size in sizes)],
            *([workload, contender,
               *(number(cost[size]["value"]) if size in cost else "" for size in sizes)]
              for (workload, contender), cost in costs.items())]


def tables(figures, instructions):
    """Makes all tables; returns those that have rows, as (title, table) pairs."""
    sized = [figure for figure in figures if "size" in figure]
    plain = [figure for figure in figures if "size" not in figure]
    found = [("Workloads", main_table(plain, instructions)), *detail_tables(plain),
             ("Memory", memory_table(plain)), ("Growth", growth_table(sized))]
    return [(title, table) for title, table in found if len(table) > 1]


def text(title, table):
    widths = [max(map(len, column)) for column in zip(*table)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
             for row in table]
    return "\n".join([title, "", lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def markdown(title, table):
    lines = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([f"### {title}", "", lines[0],
                      "| " + " | ".join("---" for _ in table[0]) + " |", *lines[1:]])
