"""The rooms of the tree: what each is for, and which rooms it may use.

A room is one folder of source files; `PATH/**` is a folder with all below it. tidy.py checks every
include against this table, and writes the map and the picture of docs/inside.md from it.

A room may use those that it names and all that these may use, so it names only the nearest ones.
Tests, benchmarks, fuzzers and what helps them may use any room.
"""

import os
import re

# Room: (what it is for, the rooms that it may use).
ROOMS = {
    "core/base": (
        "Counted references, lists, memory pools, the clock, the log's sink",
        [],
    ),
    "core/event": (
        "Events and their indices, matchers, the match tree, the blocked events",
        ["core/base"],
    ),
    "core/queue": (
        "The queue tree: which event is next, and which sender waits",
        ["core/event"],
    ),
    "core/run": (
        "The scheduler, routines and their containers, timers, the poll of libuv",
        ["core/queue"],
    ),
    "core/wait": (
        "What a routine awaits: send, sleep, timeouts, futures, several tasks, threads",
        ["core/run"],
    ),
    "core/stream": (
        "Byte streams that routines read and write, and their buffers; pairs in memory",
        ["core/wait"],
    ),
    "core/tls": (
        "TLS over any byte stream or socket; the only room that includes OpenSSL's TLS",
        ["core/stream"],
    ),
    "core/net": (
        "Addresses, sockets, servers and clients, and the protocols that speak on them",
        ["core/tls"],
    ),
    "core/system": (
        "What the operating system offers: descriptors, files, processes, signals, datagrams",
        ["core/net", "core/simulation"],
    ),
    "core/program": (
        "What makes a program of a scheduler: its standard queues, signals, a foreign loop",
        ["core/net"],
    ),
    "core/observe": (
        "Snapshots of a running scheduler, and recordings of its events and routines",
        ["core/run"],
    ),
    "core/simulation": (
        "A world with virtual time, seeded order and injected faults",
        ["core/run"],
    ),
    "core/calendar": (
        "Times of the calendar: cron expressions, time zones, and timers that follow the clock",
        ["core/system", "core/simulation"],
    ),
    "core/include/weir": (
        "`<weir/core.h>`: the event system for programs without modules",
        ["core/program", "core/simulation"],
    ),
    "config/text": (
        "Positions in a text, quoting, UTF-8, the nearest name",
        [],
    ),
    "config/document": (
        "JSON files with positions, their layers and variables, the list of problems",
        ["config/text"],
    ),
    "config/settings": (
        "Described structs: reading, checking, tables, JSON Schema",
        ["config/document"],
    ),
    "modules/system/call": (
        "Functions of modules: their parameters, results and errors, and the call as an event",
        ["core/wait", "config/settings"],
    ),
    "modules/system/metrics": (
        "Metrics as plain data, and as text for Prometheus",
        ["core/base"],
    ),
    "modules/system/event": (
        "Events as data: described types, JSON, types of the configuration, sending, watching",
        ["modules/system/call"],
    ),
    "modules/system/world": (
        "Events of what happens outside: files, datagrams, times",
        ["modules/system/event", "core/system", "core/calendar"],
    ),
    "modules/system/rights": (
        "Users, their passwords and roles: who calls from outside, and what that allows",
        ["modules/system/call", "core/net"],
    ),
    "modules/system/log": (
        "Lines of the log, and the thread that writes them",
        ["core/run", "config/settings"],
    ),
    "modules/system/module": (
        "What a module is: its declaration, states, own log, and hand-over of state",
        ["modules/system/log", "modules/system/call", "modules/system/metrics"],
    ),
    "modules/system/net": (
        "What modules that serve the network share: settings of addresses and TLS, listeners",
        ["core/net", "modules/system/module", "modules/system/rights"],
    ),
    "modules/system/server": (
        "A server from a configuration; it loads, reloads and unloads modules",
        [
            "modules/system/module",
            "modules/system/event",
            "modules/system/rights",
            "core/program",
            "core/observe",
        ],
    ),
    "modules/testing": (
        "The kit for tests of modules: simulated servers, seeds, failing allocations and writes",
        ["modules/system/server", "core/simulation"],
    ),
    "modules/lock": (
        "Locks, semaphores, leases and fencing tokens, as a library",
        ["core/wait", "core/simulation"],
    ),
    "modules/lock/plugin": (
        "The module `lock`: settings and functions of the locks",
        ["modules/lock", "modules/system/module", "modules/redis", "modules/zookeeper"],
    ),
    "modules/resp": (
        "The module `resp`: clients that speak the Redis protocol",
        [
            "modules/lock",
            "modules/system/module",
            "modules/system/event",
            "modules/system/net",
            "modules/system/rights",
        ],
    ),
    "modules/limit": (
        "Limits as a library: rates, tickets at a time, fair waiting by key",
        ["modules/system/server"],
    ),
    "modules/limit/plugin": (
        "The module `limit`: settings and functions of the limits",
        ["modules/limit"],
    ),
    "modules/http": (
        "HTTP as a library: the parser, connections, routes, files, who asks from where",
        ["modules/system/server", "core/system", "core/simulation"],
    ),
    "modules/http/page": (
        "The page for browsers: its files, in JavaScript, and what serves them",
        ["modules/http"],
    ),
    "modules/http/plugin": (
        "The module `http`: settings, listeners, and the gateway to functions, events and locks",
        ["modules/http/page", "modules/limit", "modules/system/net"],
    ),
    "modules/otlp": (
        "The module `otlp`: spans of traces on their way to a collector",
        ["modules/http"],
    ),
    "modules/redis": (
        "A client of the Redis protocol as a library, and locks that a lockd decides about",
        ["modules/lock", "modules/system/server", "core/system", "core/simulation"],
    ),
    "modules/redis/plugin": (
        "The module `redis`: settings, functions, messages as events",
        ["modules/redis"],
    ),
    "modules/zookeeper": (
        "A client of ZooKeeper as a library: sessions, requests, watches, locks",
        ["modules/lock", "modules/system/server", "core/simulation"],
    ),
    "modules/zookeeper/plugin": (
        "The module `zookeeper`: settings, functions, the session of the process",
        ["modules/zookeeper"],
    ),
    "modules/zookeeper/testing": (
        "Servers of ZooKeeper in memory, with faults, for tests in virtual time",
        ["modules/zookeeper"],
    ),
    "modules/manager": (
        "The module `manager`: lists, loads, inspects and records what runs",
        ["modules/system/server"],
    ),
    "modules/rules": (
        "The module `rules`: compiled rules, their runs, and how often they run",
        ["core/calendar", "modules/lock", "modules/system/server"],
    ),
    "modules/schedule": (
        "The module `schedule`: events at times of the calendar",
        ["core/calendar", "modules/system/module", "modules/system/event"],
    ),
    "modules/exec": (
        "The module `exec`: commands that the configuration names",
        ["core/system", "modules/system/module", "modules/system/event"],
    ),
    "modules/files": (
        "The module `files`: folders that are watched, files that are followed, read and written",
        ["core/calendar", "modules/system/module", "modules/system/event"],
    ),
    "modules/mail": (
        "The module `mail`: mails on their way to a server of SMTP",
        ["core/system", "core/simulation", "modules/system/module"],
    ),
    "modules/database": (
        "What modules keep in files: databases of SQLite, and what writes to them",
        ["core/wait", "modules/system/call"],
    ),
    "modules/store": (
        "The module `store`: values under keys, in memory and in a file",
        ["modules/database", "core/simulation", "modules/system/module", "modules/system/event"],
    ),
    "modules/queue": (
        "The module `queue`: jobs that workers do at least once, in memory and in a file",
        ["modules/database", "core/simulation", "modules/system/module", "modules/system/event"],
    ),
    "modules/webhook": (
        "The module `webhook`: signed requests of HTTP that come in as events, and go out in order",
        ["modules/http"],
    ),
    "modules/include/weir": (
        "`<weir/module.h>`, `<weir/lock.h>`, `<weir/testing.h>`: what modules and their tests need",
        ["modules/lock", "modules/testing"],
    ),
    "apps/weir": (
        "The program `weir`, a file per command",
        ["modules/system/server"],
    ),
    "apps/lockd": (
        "The lock server: a JSON file, its demos, its load generator",
        [],
    ),
    "apps/examples/**": (
        "What the documentation quotes, and the templates of `weir new`",
        ["core/include/weir", "core/calendar", "modules/include/weir"],
    ),
    "cmake": (
        "How weir and its users' modules are built; a source file that each plugin gets",
        [],
    ),
}

# Rooms with a circle of more than CIRCLE files, each with the size of the largest one and the
# reason. The number only ever falls; tidy.py says when it is too high.
CIRCLE = 4
CIRCLES = {}

# Where <weir/...> is found.
INCLUDE_FOLDERS = (os.path.join("core", "include"), os.path.join("modules", "include"))

# The page with the map, and the lines between which its generated parts stand.
PAGE = os.path.join("docs", "inside.md")
BEGIN = "<!-- {}: written by tests/tidy/tidy.py --write -->"
END = "<!-- end of {} -->"

TEST = re.compile(
    r"^tests/|/testdata/|_(test|benchmark|load)\.(h|cpp)$|(^|/)(test|fuzz|caught)_\w+\.(h|cpp)$"
)


def is_test(path):
    """Whether the file is a test, a benchmark, a fuzzer, or only there for one."""
    return bool(TEST.search(path.replace(os.sep, "/")))


def room_of(path):
    """The room in which the file is, or None."""
    folder = os.path.dirname(path).replace(os.sep, "/")
    if folder in ROOMS:
        return folder
    while folder:
        if folder + "/**" in ROOMS:
            return folder + "/**"
        folder = os.path.dirname(folder)
    return None


def included(path, header, paths):
    """Which of the paths an #include of `header` in the file `path` means, or None."""
    for folder in ("", *INCLUDE_FOLDERS, os.path.dirname(path)):
        goal = os.path.normpath(os.path.join(folder, header))
        if goal in paths:
            return goal
    return None


def circles(graph):
    """The sets of more than one node that reach each other, each sorted (Tarjan's algorithm)."""
    order, low, stack, on_stack, found = {}, {}, [], set(), []

    def visit(node):
        order[node] = low[node] = len(order)
        stack.append(node)
        on_stack.add(node)
        for goal in graph.get(node, ()):
            if goal not in order:
                visit(goal)
                low[node] = min(low[node], low[goal])
            elif goal in on_stack:
                low[node] = min(low[node], order[goal])
        if low[node] == order[node]:
            members = []
            while not members or members[-1] != node:
                members.append(stack.pop())
                on_stack.discard(members[-1])
            if len(members) > 1:
                found.append(sorted(members))

    for node in graph:
        if node not in order:
            visit(node)
    return sorted(found)


def reach(graph, node, seen=None):
    """All nodes that can be reached from this one, without itself."""
    seen = set() if seen is None else seen
    for goal in graph.get(node, ()):
        if goal not in seen:
            seen.add(goal)
            reach(graph, goal, seen)
    return seen


def reduced(graph):
    """The graph without each arrow that follows from the rest; it must have no circle."""
    return {
        node: sorted(
            goal
            for goal in goals
            if not any(goal in reach(graph, other) for other in goals if other != goal)
        )
        for node, goals in graph.items()
    }


class Includes:
    """Which source file includes which; tests left out."""

    def __init__(self, files):
        paths = {file.path for file in files if file.is_cpp}
        self.files = {}  # path: [(line, included path)]
        for file in files:
            if file.is_cpp and not is_test(file.path):
                self.files[file.path] = [
                    (number, goal)
                    for number, header in file.includes
                    if (goal := included(file.path, header, paths))
                ]

    def rooms(self):
        """Room: the rooms that its files include."""
        graph = {}
        for path, includes in self.files.items():
            room = room_of(path)
            if room:
                goals = graph.setdefault(room, set())
                goals.update(
                    goal for _, header in includes if (goal := room_of(header)) not in (None, room)
                )
        return graph

    def concepts(self, room):
        """The same for the files of a room: x.h and x.cpp are one node."""
        graph = {}
        for path, includes in self.files.items():
            if room_of(path) == room:
                stem = os.path.splitext(path)[0]
                goals = graph.setdefault(stem, set())
                for _, header in includes:
                    goal = os.path.splitext(header)[0]
                    if goal != stem and room_of(header) == room and not is_test(header):
                        goals.add(goal)
        return graph


# --- Rules: each yields (path, line, what is wrong) -----------------------------------------------

TABLE = os.path.join("tests", "tidy", "rooms.py")


def table(root, files):
    """The rooms have an order: no room uses, directly or through rooms, a room that uses it."""
    graph = {room: uses for room, (_, uses) in ROOMS.items()}
    for room, uses in graph.items():
        for goal in uses:
            if goal not in ROOMS:
                yield TABLE, 1, f"{room} may use {goal}, which is no room"
    for members in circles(graph):
        yield TABLE, 1, f"rooms that may use each other: {', '.join(members)}"


def outside(root, files):
    """For a file outside of all rooms nothing says what it may use."""
    for file in files:
        if file.is_cpp and not is_test(file.path) and room_of(file.path) is None:
            yield file.path, 1, "is in no room; tests/tidy/rooms.py lists them"


def order(root, files):
    """A room uses those below it, and none above or beside it."""
    graph = {room: uses for room, (_, uses) in ROOMS.items()}
    for path, includes in Includes(files).files.items():
        room = room_of(path)
        for number, header in includes:
            goal = room_of(header)
            if header.startswith("tests" + os.sep) or is_test(header):
                yield path, number, f"{header} is for tests"
            elif room and goal and goal != room and goal not in reach(graph, room):
                yield path, number, f"{room} must not use {goal}, see tests/tidy/rooms.py"


def unused(root, files):
    """A permission that is not needed invites includes that were not meant."""
    used = Includes(files).rooms()
    for room, (_, uses) in ROOMS.items():
        for goal in uses:
            if room in used and goal not in used[room]:
                yield TABLE, 1, f"{room} may use {goal}, but includes nothing of it"


def file_circles(root, files):
    """Files that include each other in a circle can only be understood all at once."""
    includes = Includes(files)
    for room in sorted({room_of(path) for path in includes.files} - {None}):
        allowed, _ = CIRCLES.get(room, (CIRCLE, ""))
        largest = 0
        for members in circles(includes.concepts(room)):
            largest = max(largest, len(members))
            if len(members) > allowed:
                names = ", ".join(os.path.basename(member) for member in members)
                path = next(p for p in includes.files if os.path.splitext(p)[0] == members[0])
                yield path, 1, f"circle of {len(members)} files, at most {allowed}: {names}"
        if room in CIRCLES and largest < allowed:
            wanted = f"write {largest}" if largest > CIRCLE else "remove it"
            yield TABLE, 1, f"CIRCLES says {allowed} for {room}: {wanted}"


# --- What docs/inside.md shows --------------------------------------------------------------------


def name_of(room):
    return room.removesuffix("/**")


def room_map():
    yield "| room | what it is for | may use |"
    yield "| --- | --- | --- |"
    for room, (purpose, uses) in ROOMS.items():
        names = ", ".join(f"`{name_of(goal)}`" for goal in uses) or "-"
        yield f"| [`{name_of(room)}`](../{name_of(room)}) | {purpose} | {names} |"


def room_graph(files):
    graph = reduced(Includes(files).rooms())
    identity = {room: name_of(room).replace("/", "_") for room in ROOMS}
    yield "```mermaid"
    yield "flowchart TD"
    for layer in dict.fromkeys(room.split("/")[0] for room in ROOMS):
        members = [room for room in ROOMS if room.split("/")[0] == layer and room in graph]
        members = [r for r in members if graph[r] or any(r in goals for goals in graph.values())]
        if members:
            yield f"    subgraph {layer}"
            for room in members:
                yield f"        {identity[room]}[{name_of(room).removeprefix(layer + '/')}]"
            yield "    end"
    for room in ROOMS:
        for goal in graph.get(room, []):
            yield f"    {identity[room]} --> {identity[goal]}"
    yield "```"


def parts(files):
    return {"map of the rooms": list(room_map()), "includes of the rooms": list(room_graph(files))}


def page_with(lines, files):
    """The page as it should be, or None where it has no place for a part."""
    for name, content in parts(files).items():
        try:
            begin = lines.index(BEGIN.format(name)) + 1
            end = lines.index(END.format(name), begin)
        except ValueError:
            return None
        lines = lines[:begin] + content + lines[end:]
    return lines


def stale_page(root, files):
    """The map of the house shows the house."""
    for file in files:
        if file.path == PAGE:
            wanted = page_with(file.lines, files)
            if wanted is None:
                yield PAGE, 1, "has no place for the map of the rooms, or for their includes"
            elif wanted != file.lines:
                line = next(
                    (n for n, pair in enumerate(zip(wanted, file.lines), 1) if pair[0] != pair[1]),
                    1,
                )
                yield PAGE, line, "is not what the tree is; run tests/tidy/tidy.py --write"


def write_page(root, files):
    for file in files:
        if file.path == PAGE and (wanted := page_with(file.lines, files)) is not None:
            with open(os.path.join(root, PAGE), "w", encoding="utf-8") as page:
                page.write("\n".join(wanted))


RULES = [table, outside, order, unused, file_circles, stale_page]
