#!/usr/bin/env python3
"""Each rule of tidy.py finds its mistake, and nothing else."""

import os
import tempfile
import unittest
import unittest.mock

import headers
import rooms
import tidy

GOOD_HEADER = "#pragma once\n\nint f();\n"
USER = '#include "core/base/x.h"\n'
CONDITION = ("g++ 12 compiles co_await in a condition wrongly if the coroutine declares no "
             "variable: give the result a name")

# A name, the files of a tree, and the mistakes in it.
CASES = [
    ("clean", {"core/base/x.h": GOOD_HEADER, "core/base/x.cpp": USER + "\nint f() { return 1; }\n"},
     []),
    (
        "white space",
        {"a.md": "x \n\ty\nz"},
        ["a.md:1: blanks at the end of the line", "a.md:2: tab; indent with spaces",
         "a.md:3: no newline at the end of the file"],
    ),
    ("empty line at the end", {"a.md": "x\n\n"}, ["a.md:2: empty line at the end of the file"]),
    ("columns", {"cmake/a.cpp": "//" + "é" * 98 + "\n//" + "x" * 99 + "\n"},
     ["cmake/a.cpp:2: 101 columns; at most 100"]),
    (
        "length",
        {"cmake/a.cpp": "//\n" * 601},
        ["cmake/a.cpp:600: 601 lines; at most 600: split it, or say in tidy.py why not"],
    ),
    ("pragma once", {"core/base/x.h": "int f();\n", "core/base/x.cpp": USER},
     ["core/base/x.h:1: header without #pragma once"]),
    ("switched off", {"cmake/a.cpp": "#if 0\n#endif\n"},
     ["cmake/a.cpp:1: code that is switched off: delete it"]),
    (
        "forbidden calls",
        {"cmake/a.cpp": 'int a = std::rand();\n'
                        'int b = system("");\nint c = my.system(1) + my::rand();\n'
                  '// rand()\nauto d = "rand()";\n'},
        ["cmake/a.cpp:1: rand() is forbidden: it is one state for all",
         "cmake/a.cpp:2: system() is forbidden: it is a shell in between"],
    ),
    (
        "sleeping tests",
        {"a_test.cpp": "int a = sleep(1);\nint b = routine.sleep(1);\nint c = usleep(1'000);\n"
                       "int d = usleep(2);  // tidy: allow, shown as wrong\n"
                       "auto e = std::this_thread::sleep_for(1s);\n",
         "cmake/a.cpp": "int a = sleep(1);\n"},
        ["a_test.cpp:1: sleep: tests never sleep, they simulate time",
         "a_test.cpp:3: usleep: tests never sleep, they simulate time",
         "a_test.cpp:5: sleep_for: tests never sleep, they simulate time"],
    ),
    ("test names", {"a_test.cpp": 'TEST_CASE("a; b") {}\nauto x = "c;";\n'},
     ["a_test.cpp:1: semicolon in the name of a test case"]),
    (
        "coroutines without a variable",
        {"cmake/a.cpp": "Task<> f(Door& door) {\n    knock();\n    if (co_await door.opens()) {\n"
                        "        enter();\n    }\n}\n"
                        "Task<> g(Door& door) {\n    const bool open = co_await door.opens();\n"
                        "    if (open) {\n        enter();\n    }\n}\n"
                        "Task<> h(Door& door) {\n"
                        "    if (const Key key = co_await door.key(); key) {\n"
                        "        co_return;\n    }\n}\n"
                        "const auto task = [](Door& door) -> Task<> {\n"
                        "    while (!(co_await door.opens())) {\n    }\n};\n"},
        ["cmake/a.cpp:3: " + CONDITION, "cmake/a.cpp:19: " + CONDITION],
    ),
    (
        "types without their header",
        {"core/base/x.h": "#pragma once\n\nclass Cup {\n};\nstruct Saucer {\n};\n",
         "core/base/y.h": '#pragma once\n\nclass Cup;\nvoid fill(Cup& cup);\nSaucer none();\n',
         "core/base/y.cpp": '#include "core/base/y.h"\n\nvoid fill(Cup&) {}\n'
                            'int a = Tray::Saucer;\n',
         "core/base/z.cpp": USER + '#include "core/base/y.h"\n\nCup a; Saucer b;\n'},
        ["core/base/y.h:5: names Saucer without core/base/x.h"],
    ),
    (
        "examples in comments",
        {"core/base/x.h": GOOD_HEADER + "// Text\n//\n//     f(a, \"b\");  // c\n//     ... more\n"
                          "//     g(...);\n\n/// No code:\n///     tea: green\n",
         "core/base/x.cpp": USER,
         "tests/docs/header_examples.cpp": "void h() {\n    f(a,\n      \"z\");\n    i();\n"
                                           "    g(1);\n}\n"},
        [],
    ),
    (
        "an example that is not compiled",
        {"core/base/x.h": GOOD_HEADER + "//     f(a);\n//     g();\n",
         "core/base/x.cpp": USER, "tests/docs/header_examples.cpp": "void h() { f(b); g(); }\n"},
        ["core/base/x.h:4: an example that is not in tests/docs/header_examples*"],
    ),
    ("dead headers", {"core/base/x.h": GOOD_HEADER},
     ["core/base/x.h:1: no file includes this header"]),
    ("files that tools leave", {"core/base/x.cpp.orig": "", "a~": "", "b.rej": ""},
     ["a~:1: a tool has left this file; remove it",
      "b.rej:1: a tool has left this file; remove it",
      "core/base/x.cpp.orig:1: a tool has left this file; remove it"]),
    (
        "promised tests",
        {"a_test.cpp": 'TEST_CASE("a sentence") {}\n',
         "a.md": '[`a_test.cpp`: "a sentence"]\n[`a_test.cpp`: "a lie"]\n'},
        ["a.md:2: a_test.cpp has no test 'a lie'"],
    ),
    ("dead paths", {"docs/a.md": "`docs/a.md` `docs/*.md` `a/b` `docs/c.md`\n"},
     ["docs/a.md:1: no file docs/c.md"]),
    (
        "guarantees without a test",
        {"a_test.cpp": 'TEST_CASE("a sentence") {}\n',
         "b/CMakeLists.txt": "add_test(NAME b/c COMMAND d)\n",
         "docs/guarantees.md": '# All\n\nText\n\n- A\n  [`a_test.cpp`: "a sentence"]\n- B\n  b\n'
                               '- C\n  [`b/CMakeLists.txt`: "b/c"]\n\n## D\n\n- E\n'},
        ['docs/guarantees.md:7: no test shows this: [`file`: "name"]',
         'docs/guarantees.md:14: no test shows this: [`file`: "name"]'],
    ),
    (
        "dead links",
        {"a.md": "# One `two`, three\n[ok](docs/b.md#b) [no](c.md) `[code](c.md)` [web](http://x/)"
                 "\n[ok](#one-two-three) [no](#four)\n```\n[code](c.md)\n```\n",
         "docs/b.md": "## B\n[ok](../a.md) [no](../a.md#b)\n"},
        ["a.md:2: dead link: c.md", "a.md:3: dead link: no heading #four in a.md",
         "docs/b.md:2: dead link: no heading #b in a.md"],
    ),
]  # fmt: skip


def include(*names):
    return "".join(f'#include "{name}.h"\n' for name in names)


def header(*includes):
    return "#pragma once\n" + include(*includes)


def ring(room, count, first=0):
    """`count` headers of a room, each of which includes the next one."""
    return {
        f"{room}/x{first + i}.h": header(f"{room}/x{first + (i + 1) % count}")
        for i in range(count)
    }


# Three rooms for the tests: each may use the one below it.
ROOMS = {
    "core/low": ("Low", []),
    "core/mid": ("Middle", ["core/low"]),
    "core/top/**": ("Top", ["core/mid"]),
}
LOW = {"core/low/l.h": header()}
MID = {"core/mid/m.h": header("core/low/l")}
TOP = {"core/top/deep/t.cpp": include("core/mid/m")}
TABLE = os.path.join("tests", "tidy", "rooms.py")

# A name, the files of a tree with these rooms, and the mistakes in it.
ROOM_CASES = [
    ("in order", LOW | MID | TOP, []),
    (
        "over a room, and beside oneself",
        LOW | MID | {"core/top/deep/t.cpp": include("core/mid/m", "core/low/l", "beside"),
                     "core/top/deep/beside.h": header()},
        [],
    ),
    (
        "against the order",
        MID | {"core/low/l.h": header("core/mid/m")},
        ["core/low/l.h:2: core/low must not use core/mid, see tests/tidy/rooms.py"],
    ),
    (
        "tests may use any room, and no room uses tests",
        LOW | MID | TOP | {"core/low/l_test.cpp": include("core/mid/m", "tests/help"),
                           "tests/help.h": header("core/mid/m"),
                           "core/low/bad.cpp": include("tests/help")},
        ["core/low/bad.cpp:1: tests/help.h is for tests"],
    ),
    (
        "outside of the rooms",
        {"core/deep/x.cpp": "", "core/x.cpp": "", "x.cpp": "", "core/x_test.cpp": ""},
        [f"{path}:1: is in no room; tests/tidy/rooms.py lists them"
         for path in ("core/deep/x.cpp", "core/x.cpp", "x.cpp")],
    ),
    (
        "a permission without use",
        LOW | {"core/mid/m.cpp": ""},
        [f"{TABLE}:1: core/mid may use core/low, but includes nothing of it"],
    ),
    ("a circle of four files", ring("core/low", 4), []),
    (
        "a circle of five, one of them through its source file",
        ring("core/low", 5) | {"core/low/x4.h": header(),
                               "core/low/x4.cpp": include("core/low/x0")},
        ["core/low/x0.h:1: circle of 5 files, at most 4: x0, x1, x2, x3, x4"],
    ),
    (
        "two circles",
        ring("core/low", 5) | ring("core/low", 4, first=5),
        ["core/low/x0.h:1: circle of 5 files, at most 4: x0, x1, x2, x3, x4"],
    ),
]  # fmt: skip


# The files of a tree with public headers, and the mistakes in it.
LIST = os.path.join("cmake", "public_headers.cmake")
PUBLIC = {
    "core/base/x.h": header("core/base/y"),
    "core/base/y.h": header(),
    "core/include/weir/core.h": header("core/base/x"),
    LIST: "set(WEIR_PUBLIC_HEADERS\n    core/include/weir/core.h\n    core/base/x.h)\n",
    "docs/reference.md": "| task | use | header |\n| do | `f(1)` | [x.h](../core/base/x.h) |\n"
                         "\n[core](../core/include/weir/core.h)\n",
}  # fmt: skip
PUBLIC["core/base/x.h"] += "void f(int);\n"
LEARN = os.path.join("apps", "examples", "learn", "a.cpp")
HEADER_CASES = [
    ("examples include public headers, and their own",
     {LEARN: "#include <weir/core.h>\n" + include("core/base/x", "own"),
      "apps/examples/learn/own.h": header()}, []),
    ("an example includes an internal header", {LEARN: include("core/base/y")},
     [f"{LEARN}:1: core/base/y.h is not in {LIST}"]),
    ("a page does", {"a.md": "```cpp\n" + include("core/base/y", "core/base/z") + "```\n"},
     [f"a.md:2: core/base/y.h is not in {LIST}", "a.md:3: no header core/base/z.h"]),
    ("the umbrella of no header", {LEARN: "#include <weir/tea.h>\n"},
     [f"{LEARN}:1: no header weir/tea.h"]),
    ("a public header that is not there, and one without a task",
     {LIST: PUBLIC[LIST].replace("core/base/x.h", "core/base/y.h\n    core/base/tea.h")},
     [f"{LIST}:1: core/base/y.h is not in {headers.REFERENCE}",
      f"{LIST}:1: no file core/base/tea.h"]),
    ("a task whose name is not in its header",
     {"docs/reference.md": PUBLIC["docs/reference.md"].replace("f(1)", "g(1)")},
     ["docs/reference.md:2: g: not in core/base/x.h"]),
]  # fmt: skip


def mistakes(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            path = os.path.join(root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        # Layout is clang-format's, and its tests are too.
        rules = [rule for rule in tidy.TREE_RULES if rule is not tidy.layout]
        with unittest.mock.patch.object(tidy, "TREE_RULES", rules):
            return [f"{path}:{line}: {what}" for path, line, what in tidy.check(root)]


@unittest.mock.patch.object(rooms, "CIRCLES", {})
class Rules(unittest.TestCase):
    def test_each(self):
        for name, files, expected in CASES:
            with self.subTest(name):
                self.assertEqual(mistakes(files), expected)


def without_dead_headers(test):
    """Headers of the samples need no includer here."""
    rules = [rule for rule in tidy.TREE_RULES if rule is not tidy.dead_headers]
    patch = unittest.mock.patch.object(tidy, "TREE_RULES", rules)
    patch.start()
    test.addCleanup(patch.stop)


@unittest.mock.patch.object(rooms, "CIRCLES", {})
class HeaderRules(unittest.TestCase):
    def setUp(self):
        without_dead_headers(self)
        # The samples use less than the rooms may.
        patch = unittest.mock.patch.object(
            rooms, "ROOMS", {room: (purpose, []) for room, (purpose, _) in rooms.ROOMS.items()}
            | {"core/include/weir": ("", ["core/base"]),
               "apps/examples/**": ("", ["core/include/weir"])}
        )  # fmt: skip
        patch.start()
        self.addCleanup(patch.stop)

    def test_each(self):
        unused = "may use core/include/weir, but includes nothing of it"
        for name, files, expected in [("clean", {}, []), *HEADER_CASES]:
            with self.subTest(name):
                found = [what for what in mistakes(PUBLIC | files) if unused not in what]
                self.assertEqual(found, expected)


class RoomRules(unittest.TestCase):
    def setUp(self):
        for name, value in (("ROOMS", ROOMS), ("CIRCLES", {})):
            patch = unittest.mock.patch.object(rooms, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        without_dead_headers(self)

    def test_each(self):
        for name, files, expected in ROOM_CASES:
            with self.subTest(name):
                self.assertEqual(mistakes(files), expected)

    def test_a_table_with_a_circle_or_an_unknown_room(self):
        table = {
            "core/a": ("A", ["core/b"]),
            "core/b": ("B", ["core/c"]),
            "core/c": ("C", ["core/a"]),
            "core/d": ("D", ["core/e"]),
        }
        with unittest.mock.patch.object(rooms, "ROOMS", table):
            self.assertEqual(
                mistakes({}),
                [f"{TABLE}:1: core/d may use core/e, which is no room",
                 f"{TABLE}:1: rooms that may use each other: core/a, core/b, core/c"],
            )  # fmt: skip

    def test_an_exception_must_shrink(self):
        for circle, size, expected in (
            (6, 6, []),
            (7, 6, ["core/low/x0.h:1: circle of 7 files, at most 6: x0, x1, x2, x3, x4, x5, x6"]),
            (5, 6, [f"{TABLE}:1: CIRCLES says 6 for core/low: write 5"]),
            (4, 6, [f"{TABLE}:1: CIRCLES says 6 for core/low: remove it"]),
            (0, 6, [f"{TABLE}:1: CIRCLES says 6 for core/low: remove it"]),
        ):
            with self.subTest(circle=circle):
                with unittest.mock.patch.object(rooms, "CIRCLES", {"core/low": (size, "why")}):
                    files = ring("core/low", circle) if circle else LOW
                    self.assertEqual(mistakes(files), expected)

    def test_the_page_shows_the_rooms(self):
        begin, end = rooms.BEGIN.format, rooms.END.format
        place = "\n".join(
            line for part in ("map of the rooms", "includes of the rooms")
            for line in (begin(part), end(part))
        )  # fmt: skip
        tree = LOW | MID | TOP | {rooms.PAGE: "Text\n" + place + "\nText\n"}
        folders = {path: "" for path in ("core/low/x.md", "core/mid/x.md", "core/top/x.md")}
        stale = f"{rooms.PAGE}:3: is not what the tree is; run tests/tidy/tidy.py --write"
        self.assertEqual(mistakes(tree), [stale])

        with tempfile.TemporaryDirectory() as root:
            os.mkdir(os.path.join(root, "docs"))
            for path, text in (tree | folders).items():
                os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            rooms.write_page(root, list(tidy.find_files(root)))
            with open(os.path.join(root, rooms.PAGE), encoding="utf-8") as file:
                page = file.read()
        self.assertIn("| [`core/mid`](../core/mid) | Middle | `core/low` |\n", page)
        self.assertIn("        core_top[top]\n", page)
        self.assertIn("    core_top --> core_mid\n", page)
        self.assertNotIn("core_top --> core_low", page)  # follows from the rest
        self.assertEqual(mistakes(tree | {rooms.PAGE: page}), [])

        without = f"{rooms.PAGE}:1: has no place for the map of the rooms, or for their includes"
        self.assertEqual(mistakes(tree | {rooms.PAGE: "Text\n"}), [without])


if __name__ == "__main__":
    unittest.main()
