"""weir top: what it shows of a running lockd, with and without a terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

import pyte

from lockd import LIMIT, Lockd, main, program

COLUMNS, LINES = 120, 30


class Terminal:
    """A program on a terminal of its own: its screen, and keys for it."""

    def __init__(self, *command, term="xterm"):
        self.ours, theirs = pty.openpty()
        self.screen = pyte.Screen(COLUMNS, LINES)
        self.stream = pyte.ByteStream(self.screen)
        self.resize(COLUMNS, LINES)
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env={**os.environ, "TERM": term, "LC_ALL": "C.UTF-8"})
        os.close(theirs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.ours)

    def resize(self, columns, lines):
        self.screen.resize(lines, columns)
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        if hasattr(self, "process"):
            self.process.send_signal(signal.SIGWINCH)  # not our controlling terminal

    def press(self, keys):
        os.write(self.ours, keys.encode())

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self, limit):
        """Reads the next output. Returns False at the end."""
        if not select.select([self.ours], [], [], limit)[0]:
            return True
        try:
            data = os.read(self.ours, 65536)
        except OSError:  # the program has closed the terminal
            return False
        self.stream.feed(data)
        return bool(data)

    def wait_for(self, pattern):
        end = time.monotonic() + LIMIT
        while not re.search(pattern, self.text(), re.MULTILINE):
            if time.monotonic() > end or not self.read(1):
                raise AssertionError(f"no '{pattern}' on the screen:\n{self.text()}")

    def end(self):
        """Waits for the end. Returns the exit code."""
        while self.read(LIMIT):
            pass
        return self.process.wait(LIMIT)


def top(lockd, *arguments):
    return Terminal(program("weir"), "top", "unix:" + lockd.unix, *arguments)


def batch(lockd, *arguments):
    return subprocess.run([program("weir"), "top", "unix:" + lockd.unix, *arguments], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=LIMIT, check=False)


class OnATerminal(unittest.TestCase):
    def test_each_view_is_a_key_away_and_shows_what_is_there(self):
        with Lockd() as lockd, lockd.connect() as holder, lockd.connect() as waiter:
            holder.ask("CLIENT SETNAME holder")
            holder.token("LOCK my\x1bkey")
            waiter.send(b"LOCK my\x1bkey\r\n")
            with top(lockd, "--interval", "0.1") as terminal:
                terminal.wait_for(rf"^process {lockd.process.pid} at unix:")
                terminal.wait_for(r"^events: [\d.]+/s, \d+ queued, 1 blocked +locks: [\d.]+/s, "
                                  "1 held, 1 waited for")
                terminal.wait_for(r"^QUEUE +EVENTS/S\* ")
                terminal.wait_for(r"^root/lock +[\d.]+ +1 .* lock$")
                terminal.press("m")
                terminal.wait_for(r"^resp +succeeded +")
                terminal.press("r")
                terminal.wait_for(r"^client \d+ +resp +waiting .* lock 'my.*key'")
                terminal.press("\t")
                terminal.wait_for(r"^my\\x1bkey +default +1 +1 +1 .*'holder'")
                terminal.press("q")
                self.assertEqual(terminal.end(), 0)

    def test_rules_are_a_key_away_with_what_they_have_done(self):
        rules = {"greet": {"on": "shop.Order", "do": [{"log": "hello"}]},
                 "complain": {"on": "shop.Order", "do": [{"fail": "there is no bread"}]}}
        with Lockd({"server": {"startup": ["lock", "resp", "manager", "rules"],
                               "events": {"shop.Order": {"indices": [{"name": "customer"}]}}},
                    "module": {"rules": {"rules": rules}}}) as lockd:
            with top(lockd, "--interval", "0.1", "--view", "rules") as terminal:
                terminal.wait_for(r"^RULE\*? +ON\*? +STATE.* FAILED")
                terminal.wait_for(r"^greet +shop\.Order +works +\S+ +0 +0 +0 +0 ")
                for _ in range(3):
                    lockd.cli("SEND", "shop.Order", '{"customer": "ann"}')
                terminal.wait_for(r"^greet +shop\.Order +works +\S+ +3 +0 +0 +0 ")
                terminal.wait_for(r"^complain +shop\.Order +works +\S+ +3 +0 +0 +3 ")
                terminal.press("u")
                terminal.wait_for(r"^root/rules\.\S+ ")
                terminal.press("e")
                terminal.wait_for(r"^complain +shop\.Order +works ")
                terminal.press("q")
                self.assertEqual(terminal.end(), 0)

    def test_keys_sort_and_scroll(self):
        with Lockd() as lockd, top(lockd, "--interval", "0.1") as terminal:
            terminal.wait_for(r"^QUEUE +EVENTS/S\* ")
            terminal.press("<")
            terminal.wait_for(r"^QUEUE\* .*\nroot .*\nroot/change ")
            terminal.press("R")
            terminal.wait_for(r"^QUEUE\* .*\nroot/write ")
            terminal.press("R\x1bOB")  # and down
            terminal.wait_for(r"^QUEUE\* .*\nroot .*\nroot/change ")
            terminal.resize(80, 8)
            terminal.wait_for(r"^root/change .*\nq quit ")
            terminal.press("\x1bOB")
            terminal.wait_for(r"^QUEUE\* .*\nroot/change ")
            terminal.press("\x1bOA")
            terminal.wait_for(r"^QUEUE\* .*\nroot ")
            terminal.press("\x1bOF")
            terminal.wait_for(r"^root/write ")
            self.assertTrue(all(len(line) <= 80 for line in terminal.text().split("\n")))

    def test_a_server_that_ends_is_reported_and_found_again(self):
        with Lockd() as lockd:
            with top(lockd, "--interval", "0.1") as terminal:
                terminal.wait_for(r"^root/lock ")
                first = lockd.process.pid
                lockd.end()
                terminal.wait_for(r"^no answer, trying again: .*connect")
                with lockd:
                    self.assertNotEqual(lockd.process.pid, first)
                    terminal.wait_for(
                        rf"(?s)\A(?!.*no answer)process {lockd.process.pid} at unix:")
                    terminal.press("q")
                    self.assertEqual(terminal.end(), 0)

    def test_an_unknown_terminal_is_an_error(self):
        with Lockd() as lockd, Terminal(program("weir"), "top", "unix:" + lockd.unix,
                                        term="abacus") as terminal:
            self.assertEqual(terminal.end(), 1)
            self.assertIn("the terminal 'abacus' is not known", terminal.text())


class WithoutATerminal(unittest.TestCase):
    def test_an_error_names_the_option_batch(self):
        with Lockd() as lockd:
            done = batch(lockd)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(done.stdout,
                             "weir top: standard input and output are not a terminal; "
                             "use --batch\n")

    def test_frames_are_printed(self):
        with Lockd() as lockd:
            done = batch(lockd, "--batch", "-n", "3", "--interval", "0.1")
            self.assertEqual(done.returncode, 0)
            frames = done.stdout.split("\n\nprocess ")
            self.assertEqual(len(frames), 3)
            for frame in frames:
                self.assertRegex(frame, r"(?m)^events: [\d.]+/s, ")
                self.assertRegex(frame, r"(?m)^root/lock +[\d.]+ +0 ")
            self.assertNotIn("\x1b", done.stdout)

    def test_a_server_that_is_not_there_or_has_no_manager_is_an_error(self):
        with Lockd({"server": {"startup": ["lock", "resp"]}}) as lockd:
            done = batch(lockd, "--batch")
            self.assertEqual(done.returncode, 1)
            self.assertIn("weir top: ", done.stdout)
            self.assertIn("manager", done.stdout)
            lockd.unix += ".other"
            done = batch(lockd, "--batch")
            self.assertEqual(done.returncode, 1)
            self.assertIn("cannot connect", done.stdout)


if __name__ == "__main__":
    main()
