"""The checker of histories catches what a wrong lock does."""

import unittest

import history


def check(text):
    return history.violations(history.read(text.splitlines(keepends=True)))


class History(unittest.TestCase):
    def test_good(self):
        self.assertEqual(check("""
            1 grant a 10 1
            2 check a 10 1
            3 grant b 11 1
            4 release a 10 1
            5 grant a 12 1
            6 check b 11 1
            7 check a 12 1
            8 rest of a line that was cut o"""), [])

    def test_two_holders(self):
        """As with a heartbeat by reads, or without a check after a late grant."""
        self.assertEqual(check("""
            1 grant a 10 1
            2 grant a 12 1
            1000000002 check a 10 1
            3 check a 12 1
            """), ["a: the holder of 10 believed in its lock for 1.000 s after 12 was granted"])

    def test_two_holders_with_another_between(self):
        self.assertEqual(check("""
            1 grant a 10 1
            2 grant a 12 1
            3 grant a 13 1
            4 check a 10 1
            """), ["a: the holder of 10 believed in its lock for 0.000 s after 12 was granted",
                   "a: the holder of 10 believed in its lock for 0.000 s after 13 was granted"])

    def test_tokens_of_a_counter(self):
        """A counter of each process gives tokens twice, and smaller ones later."""
        self.assertEqual(check("1 grant a 1 1\n2 release a 1 1\n3 grant a 1 1\n"),
                         ["a: token 1 was granted twice"])
        self.assertEqual(check("1 grant a 7 1\n2 release a 7 1\n3 grant a 6 1\n"),
                         ["a: token 7 was granted before 6"])

    def test_slots(self):
        """Tokens of slots are in no order; there are as many holders as slots at most."""
        two = "1 grant s 5 2\n9 check s 5 2\n2 grant s 4 2\n6 check s 4 2\n"
        self.assertEqual(check(two + "6 grant s 7 2\n8 check s 7 2\n"), [])
        self.assertEqual(check(two + "5 grant s 7 2\n8 check s 7 2\n"),
                         ["s: 3 holders believed in 2 slots when 7 was granted"])

    def test_readers(self):
        """Readers hold together, and no writer with them."""
        readers = "1 grant r 1 0\n9 check r 1 0\n2 grant r 2 0\n3 grant r 3 0\n4 check r 3 0\n"
        self.assertEqual(check(readers), [])
        self.assertEqual(check(readers + "10 grant r 4 1\n11 check r 4 1\n12 grant r 5 0\n"), [])
        self.assertEqual(check(readers + "8 grant r 4 1\n"),
                         ["r: the holder of 1 believed in its lock for 0.000 s after 4 was "
                          "granted"])
        self.assertEqual(check("1 grant r 1 1\n5 check r 1 1\n4 grant r 2 0\n"),
                         ["r: the holder of 1 believed in its lock for 0.000 s after 2 was "
                          "granted"])

    def test_pause(self):
        steps = history.read(["1000000000 grant a 1 1\n", "4000000000 grant a 2 1\n"])
        self.assertEqual(history.longest_pause(steps, "a"), 3.0)


if __name__ == "__main__":
    unittest.main()
