"""Compiles each wrong source beside this file: the compiler must say what is wrong in words, first
and in few lines. The first line of a source has the words. In the folder "warned", the compiler
must warn of exactly those lines that end in "// warned".

usage: mistakes_test.py COMPILER GENERATED_HEADERS [unittest's arguments]
"""

import glob
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MOST_LINES = 25  # of the compiler's output; the includes and the places in the source are some


def compiled(source):
    return subprocess.run(
        [COMPILER, "-std=c++20", "-fsyntax-only", "-I" + ROOT,
         "-I" + os.path.join(ROOT, "core/include"), "-I" + os.path.join(ROOT, "modules/include"),
         "-I" + GENERATED, source],
        env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, check=False)


class Mistakes(unittest.TestCase):
    def test_the_compiler_says_each_mistake_in_words(self):
        sources = sorted(glob.glob(os.path.join(HERE, "*.cpp")))
        self.assertGreater(len(sources), 5)
        for source in sources:
            with self.subTest(os.path.basename(source)):
                with open(source, encoding="utf-8") as file:
                    words = file.readline().removeprefix("// ").rstrip("\n")
                done = compiled(source)
                self.assertNotEqual(done.returncode, 0)
                errors = [line for line in done.stderr.splitlines() if " error: " in line]
                self.assertIn("static assertion failed: " + words, errors[0])
                self.assertEqual(len(errors), 1, done.stderr)
                self.assertLessEqual(done.stderr.count("\n"), MOST_LINES, done.stderr)

    def test_the_compiler_warns_of_what_is_not_awaited(self):
        source = os.path.join(HERE, "warned/forgotten_co_await.cpp")
        with open(source, encoding="utf-8") as file:
            expected = [number for number, line in enumerate(file, 1)
                        if line.endswith("// warned\n")]
        done = compiled(source)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = re.findall(r"forgotten_co_await\.cpp:(\d+):\d+: warning:", done.stderr)
        self.assertEqual(sorted(set(map(int, found))), expected, done.stderr)


if __name__ == "__main__":
    COMPILER = sys.argv.pop(1)
    GENERATED = sys.argv.pop(1)
    unittest.main(verbosity=2)
