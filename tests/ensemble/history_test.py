"""The checker of histories catches what a wrong lock does."""

import unittest

import history


def check(text):
    return history.violations(history.read(text.splitlines(keepends=True)))


class History(unittest.TestCase):
    def test_good(self):
        self.assertEqual(check("""
            1 grant a 10
            2 check a 10
            3 grant b 11
            4 release a 10
            5 grant a 12
            6 check b 11
            7 check a 12
            8 rest of a line that was cut o"""), [])

    def test_two_holders(self):
        """As with a heartbeat by reads, or without a check after a late grant."""
        self.assertEqual(check("""
            1 grant a 10
            2 grant a 12
            1000000002 check a 10
            3 check a 12
            """), ["a: the holder of 10 believed in its lock for 1.000 s after 12 was granted"])

    def test_tokens_of_a_counter(self):
        """A counter of each process gives tokens twice, and smaller ones later."""
        self.assertEqual(check("1 grant a 1\n2 release a 1\n3 grant a 1\n"),
                         ["a: token 1 was granted twice"])
        self.assertEqual(check("1 grant a 7\n2 release a 7\n3 grant a 6\n"),
                         ["a: token 7 was granted before 6"])

    def test_pause(self):
        steps = history.read(["1000000000 grant a 1\n", "4000000000 grant a 2\n"])
        self.assertEqual(history.longest_pause(steps, "a"), 3.0)


if __name__ == "__main__":
    unittest.main()
