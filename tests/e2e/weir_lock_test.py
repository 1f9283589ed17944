"""weir lock: runs a command while it holds a lock."""

import os
import signal
import subprocess
import unittest

from lockd import LIMIT, Lockd, main, program, wait_until


class WeirLock(unittest.TestCase):
    def start(self, lockd, *arguments, **options):
        """Starts `weir lock KEY...` with its output piped."""
        process = subprocess.Popen(
            [program("weir"), "lock", "--server", "unix:" + lockd.unix, *arguments], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.addCleanup(process.kill)
        return process

    def run_it(self, lockd, *arguments):
        process = self.start(lockd, *arguments)
        output, errors = process.communicate(timeout=LIMIT)
        return process.returncode, output, errors

    def test_the_command_runs_with_its_token_and_its_exit_code_is_passed_on(self):
        with Lockd() as lockd:
            code, output, _ = self.run_it(lockd, "key", "--", "sh", "-c",
                                          "echo token $WEIR_LOCK_TOKEN; exit 7")
            self.assertEqual(code, 7)
            self.assertRegex(output, r"^token \d{16}\n$")
            self.assertEqual(self.run_it(lockd, "key", "--", "sh", "-c", "kill -9 $$")[0], 137)
            self.assertEqual(lockd.info("locks_held"), 0)

    def test_failing_to_run_or_to_lock_has_its_own_exit_codes(self):
        with Lockd(max_locks=1) as lockd, lockd.connect() as holder:
            self.assertEqual(self.run_it(lockd, "key", "--", "/nowhere/at/all")[0], 127)
            self.assertEqual(self.run_it(lockd, "key", "--", "/etc/passwd")[0], 126)
            holder.token("LOCK key")
            code, output, _ = self.run_it(lockd, "key", "--timeout", "0.05", "--", "echo", "ran")
            self.assertEqual((code, output), (124, ""))
            lockd.unix += ".other"
            code, _, errors = self.run_it(lockd, "key", "--", "true")
            self.assertEqual(code, 125)
            self.assertIn("cannot connect", errors)

    def test_two_commands_exclude_each_other_and_a_semaphore_lets_more_in(self):
        with Lockd() as lockd:
            def start(*arguments):
                return self.start(lockd, "key", *arguments, "--", "sh", "-c", "echo in; read line")
            first = start()
            self.assertEqual(first.stdout.readline(), "in\n")
            second = start()
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "the second waits")
            code, _, errors = self.run_it(lockd, "key", "--semaphore", "2", "--", "true")
            self.assertEqual(code, 125)
            self.assertIn("there is no semaphore", errors)
            for process in first, second:
                process.communicate("end\n", timeout=LIMIT)

            first = start("--semaphore", "1")
            self.assertEqual(first.stdout.readline(), "in\n")
            second = start("--semaphore", "1")
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "the second waits")
            code, _, errors = self.run_it(lockd, "key", "--", "true")
            self.assertEqual(code, 125)
            self.assertIn("has a semaphore", errors)
            third = start("--semaphore", "2")
            self.assertEqual(second.stdout.readline(), "in\n")
            first.communicate("end\n", timeout=LIMIT)
            self.assertEqual(third.stdout.readline(), "in\n")
            for process in second, third:
                process.communicate("end\n", timeout=LIMIT)
            self.assertEqual([first.returncode, second.returncode, third.returncode], [0, 0, 0])

    def test_with_verbose_it_says_at_which_position_it_waits(self):
        with Lockd() as lockd, lockd.connect() as holder, lockd.connect() as before:
            holder.token("LOCK key")
            before.send(b"LOCK key\r\n")
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "another waits before it")
            process = self.start(lockd, "key", "--verbose", "--", "true")
            self.assertEqual(process.stderr.readline(),
                             "weir lock: waiting for 'key': position 2\n")
            holder.ask("UNLOCK key")
            self.assertEqual(process.stderr.readline(),
                             "weir lock: waiting for 'key': position 1\n")
            before.line()
            before.ask("UNLOCK key")
            _, errors = process.communicate(timeout=LIMIT)
            self.assertRegex(errors, r"^weir lock: 'key' is held, with the token \d+\n$")
            self.assertEqual(process.returncode, 0)
            # Without a line it says nothing of one.
            code, _, errors = self.run_it(lockd, "key", "-v", "--", "true")
            self.assertEqual((code, errors.count("\n")), (0, 1))

    def test_signals_are_passed_on_to_the_command(self):
        with Lockd() as lockd:
            process = self.start(lockd, "key", "--", "sh", "-c",
                                 "trap 'echo got it; exit 3' TERM; echo in; while :; do "
                                 "read line || sleep 0.01; done")
            self.assertEqual(process.stdout.readline(), "in\n")
            process.stdin.close()
            process.stdin = None
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=LIMIT)
            self.assertEqual((process.returncode, output), (3, "got it\n"))

    def test_when_the_lock_is_lost_the_command_is_ended_or_goes_on_as_asked(self):
        with Lockd() as lockd:
            ended = self.start(lockd, "a", "--", "sh", "-c", "echo in; exec sleep 1000")
            warned = self.start(lockd, "b", "--only-warn", "--", "sh", "-c", "echo in; read line")
            for process in ended, warned:
                self.assertEqual(process.stdout.readline(), "in\n")
            lockd.cli("CLIENT", "KILL", "ID", "1", owner=True)
            lockd.cli("CLIENT", "KILL", "ID", "2", owner=True)
            _, errors = ended.communicate(timeout=LIMIT)
            self.assertEqual(ended.returncode, 125)
            self.assertIn("the lock 'a' is lost", errors)
            self.assertIn("the lock 'b' is lost", warned.stderr.readline())
            warned.communicate("end\n", timeout=LIMIT)
            self.assertEqual(warned.returncode, 0)

    def test_when_it_is_killed_the_lock_is_free(self):
        with Lockd() as lockd, lockd.connect() as next_one:
            process = self.start(lockd, "key", "--", "sh", "-c", "echo in; read line",
                                 start_new_session=True)
            self.assertEqual(process.stdout.readline(), "in\n")
            next_one.send(b"LOCK key\r\n")
            wait_until(lambda: lockd.info("locks_waited_for") == 1, "one waits")
            os.killpg(process.pid, signal.SIGKILL)
            self.assertRegex(next_one.line(), r"^:\d+$")
            process.communicate()


if __name__ == "__main__":
    main()
