#!/usr/bin/env python3
"""Each rule of tidy.py finds its mistake and reports no others."""

import os
import tempfile
import unittest
import unittest.mock

import tidy

GOOD_HEADER = "#pragma once\n\nint f();\n"
USER = '#include "core/x.h"\n'

# A name, the files of a tree, and the mistakes in it.
CASES = [
    ("clean", {"core/x.h": GOOD_HEADER, "core/x.cpp": USER + "\nint f() { return 1; }\n"}, []),
    (
        "white space",
        {"a.md": "x \n\ty\nz"},
        ["a.md:1: blanks at the end of the line", "a.md:2: tab; indent with spaces",
         "a.md:3: no newline at the end of the file"],
    ),
    ("empty line at the end", {"a.md": "x\n\n"}, ["a.md:2: empty line at the end of the file"]),
    ("columns", {"a.cpp": "//" + "é" * 98 + "\n//" + "x" * 99 + "\n"},
     ["a.cpp:2: 101 columns; at most 100"]),
    (
        "length",
        {"a.cpp": "//\n" * 601},
        ["a.cpp:600: 601 lines; at most 600: split it, or say in tidy.py why not"],
    ),
    ("pragma once", {"core/x.h": "int f();\n", "core/x.cpp": USER},
     ["core/x.h:1: header without #pragma once"]),
    ("switched off", {"a.cpp": "#if 0\n#endif\n"},
     ["a.cpp:1: code that is switched off: delete it"]),
    (
        "forbidden calls",
        {"a.cpp": 'int a = std::rand();\nint b = system("");\nint c = my.system(1) + my::rand();\n'
                  '// rand()\nauto d = "rand()";\n'},
        ["a.cpp:1: rand() is forbidden: it is one state for all",
         "a.cpp:2: system() is forbidden: it is a shell in between"],
    ),
    (
        "sleeping tests",
        {"a_test.cpp": "int a = sleep(1);\nint b = routine.sleep(1);\nint c = usleep(1'000);\n"
                       "int d = usleep(2);  // tidy: allow, shown as wrong\n"
                       "auto e = std::this_thread::sleep_for(1s);\n",
         "a.cpp": "int a = sleep(1);\n"},
        ["a_test.cpp:1: sleep: tests never sleep, they simulate time",
         "a_test.cpp:3: usleep: tests never sleep, they simulate time",
         "a_test.cpp:5: sleep_for: tests never sleep, they simulate time"],
    ),
    ("test names", {"a_test.cpp": 'TEST_CASE("a; b") {}\nauto x = "c;";\n'},
     ["a_test.cpp:1: semicolon in the name of a test case"]),
    ("layers", {"core/x.h": GOOD_HEADER, "core/x.cpp": USER + '#include "config/y.h"\n',
                "config/y.h": GOOD_HEADER, "config/y.cpp": '#include "config/y.h"\n' + USER},
     ["core/x.cpp:2: core/ must not use config/"]),
    ("dead headers", {"core/x.h": GOOD_HEADER}, ["core/x.h:1: no file includes this header"]),
    (
        "promised tests",
        {"a_test.cpp": 'TEST_CASE("a sentence") {}\n',
         "a.md": '[`a_test.cpp`: "a sentence"]\n[`a_test.cpp`: "a lie"]\n'},
        ["a.md:2: a_test.cpp has no test 'a lie'"],
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


class Rules(unittest.TestCase):
    def test_each(self):
        for name, files, expected in CASES:
            with self.subTest(name), tempfile.TemporaryDirectory() as root:
                for path, text in files.items():
                    path = os.path.join(root, path)
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(text)
                # clang-format checks the layout, and has tests of its own.
                rules = [rule for rule in tidy.TREE_RULES if rule is not tidy.layout]
                with unittest.mock.patch.object(tidy, "TREE_RULES", rules):
                    found = [f"{path}:{line}: {what}" for path, line, what in tidy.check(root)]
                self.assertEqual(found, expected)


if __name__ == "__main__":
    unittest.main()
