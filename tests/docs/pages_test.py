#!/usr/bin/env python3
"""pages.py finds stale blocks, and reports only those."""

import os
import tempfile
import unittest

import pages

QUOTES = [
    ("a quote", "<!-- from LICENSE -->\n```text\nApache License\n```\n", None),
    ("left out lines", "<!-- from README.md -->\n```md\n# weir\n...\nwhole\n```\n",
     "not in README.md"),
    ("no source", "```cpp\nint i;\n```\n", "block without"),
    ("no such file", "<!-- from nowhere -->\n```cpp\nint i;\n```\n", "no file nowhere"),
    ("stale", "<!-- from LICENSE -->\n```text\nApache Licence\n```\n", "not in LICENSE"),
]

COMMANDS = [
    ("same", "$ echo a; echo b\na\nb\n", True),
    ("any lines", "$ seq 5\n1\n...\n5\n", True),
    ("any text", "$ echo from a to z\nfrom [...] z\n", True),
    ("two commands share a shell", "$ A=7\n$ echo $A\n7\n", True),
    ("continued", "$ echo a \\\n    b\na b\n", True),
    ("background", "$ (echo on; exec tail -f /dev/null) &\non\n$ echo next\nnext\n", True),
    ("other output", "$ echo a\nb\n", False),
    ("more output", "$ echo a; echo b\na\n", False),
    ("less output", "$ echo a\na\nb\n", False),
    ("no output", "$ true\na\n", False),
]


def problems(check, text):
    with tempfile.TemporaryDirectory() as folder:
        page = os.path.join(folder, "page.md")
        with open(page, "w", encoding="utf-8") as file:
            file.write(text)
        return check(page)


class PagesTest(unittest.TestCase):
    def test_quotes(self):
        for name, text, expected in QUOTES:
            with self.subTest(name):
                found = problems(pages.check_quotes, text)
                if expected is None:
                    self.assertEqual(found, [])
                else:
                    self.assertEqual(len(found), 1)
                    self.assertIn(expected, found[0])

    def test_json_is_read_by_a_command(self):
        quote = '<!-- from a/app.json -->\n```json\n{"include": "base.json"}\n```\n'
        base = "<!-- from a/base.json -->\n```json\n{}\n```\n"
        command = "```console\n$ weir check 'a/app.json'\nno mistakes found\n```\n"
        for text, count in ((quote + base + command, 0), (quote + base, 2), (base + command, 1)):
            with self.subTest(text):
                self.assertEqual(len(problems(lambda page: pages.check_json([page]), text)), count)

    def test_commands(self):
        for name, text, good in COMMANDS:
            with self.subTest(name), tempfile.TemporaryDirectory() as build:
                found = problems(lambda page, to=build: pages.run_page(page, to),
                                 f"```console\n{text}```\n")
                self.assertEqual(found == [], good, found)

    def test_page_without_commands(self):
        with tempfile.TemporaryDirectory() as build:
            found = problems(lambda page: pages.run_page(page, build), "nothing\n")
            self.assertEqual(len(found), 1)


if __name__ == "__main__":
    unittest.main()
