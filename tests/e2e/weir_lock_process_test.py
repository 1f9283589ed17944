"""weir lock and the processes below it: groups, signals, the terminal, files, and unclean ends."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
import unittest

from lockd import LIMIT, Lockd, main, program, wait_until

# Says "ready" and its process id, counts SIGINT, and ends with a line of input or after SIGTERM.
COUNTER = """
import os, signal, sys, time
count = 0
def interrupt(*_):
    global count
    count += 1
signal.signal(signal.SIGINT, interrupt)
print("ready", os.getpid(), os.getpgrp(), flush=True)
end = time.time() + float(sys.argv[1])
while time.time() < end and not (count and len(sys.argv) > 2):
    time.sleep(0.01)
time.sleep(0.3)
print("SIGINT came", count, "times", flush=True)
"""


def state(process):
    """The letter of /proc for a process; "" if it is gone, or only waits to be reaped."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            letter = file.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if letter in "ZX" else letter


def lives(process):
    return state(process) != ""


class Processes(unittest.TestCase):
    def setUp(self):
        self.lockd = self.enterContext(Lockd())

    def command(self, *arguments):
        return [program("weir"), "lock", "--server", self.server(), *arguments]

    def server(self):
        return "unix:" + self.lockd.unix

    def start(self, *arguments, **options):
        process = subprocess.Popen(
            self.command(*arguments), text=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               **options})
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def started(self, process, count=1):
        """Process ids that the command prints; at the end of the test they are killed."""
        ids = [int(process.stdout.readline()) for _ in range(count)]
        for one in ids:
            self.addCleanup(lambda one=one: lives(one) and os.kill(one, signal.SIGKILL))
        return ids

    def lose(self):
        """Closes the connection of a client that holds a lock."""
        [holder] = [line for line in self.lockd.cli("CLIENT", "LIST").splitlines()
                    if "locks=1" in line]
        self.lockd.cli("CLIENT", "KILL", "ID", re.search(r"\bid=(\d+)", holder).group(1),
                       owner=True)

    def is_free(self, key):
        with self.lockd.connect() as client:
            return client.ask("TRYLOCK " + key) != "$-1"


class Lost(Processes):
    def test_all_that_the_command_started_is_ended_in_its_group_or_out_of_it(self):
        process = self.start("key", "--", "sh", "-c",
                             "sleep 1000 & echo $!; setsid sleep 1000 & echo $!; echo $$; "
                             "(setsid sh -c 'echo $$; exec sleep 1000' &); wait; sleep 1000")
        ids = self.started(process, 4)
        self.lose()
        self.assertEqual(process.wait(LIMIT), 125)
        self.assertEqual([lives(one) for one in ids], [False] * 4)

    def test_what_ignores_sigterm_is_killed_after_a_while(self):
        process = self.start("key", "--kill-after", "0.2", "--", "sh", "-c",
                             "trap '' TERM; sleep 1000 & echo $!; echo $$; exec sleep 1000")
        ids = self.started(process, 2)
        self.lose()
        self.assertEqual(process.wait(LIMIT), 125)
        self.assertEqual([lives(one) for one in ids], [False, False])
        self.assertRegex(process.stderr.read(), "is lost: .*\n.*did not end, and is killed\n")

    def test_a_stopped_command_is_continued_so_that_it_can_end(self):
        process = self.start("key", "--kill-after", "1000", "--", "sh", "-c",
                             "echo $$; exec sleep 1000")
        [command] = self.started(process)
        os.kill(command, signal.SIGSTOP)
        wait_until(lambda: state(command) == "T", "it is stopped")
        self.lose()
        self.assertEqual(process.wait(LIMIT), 125)

    def test_standard_error_that_nobody_reads_does_not_keep_it_from_ending_the_command(self):
        for full in False, True:
            reader, writer = os.pipe()
            if full:
                os.set_blocking(writer, False)
                try:
                    while os.write(writer, b"x" * 4096):
                        pass
                except BlockingIOError:
                    os.set_blocking(writer, True)
            else:
                os.close(reader)
            process = self.start("key", "--", "sh", "-c", "echo $$; exec sleep 1000",
                                 stderr=writer)
            os.close(writer)
            [command] = self.started(process)
            self.lose()
            self.assertEqual(process.wait(LIMIT), 125)
            self.assertFalse(lives(command))
            if full:
                os.close(reader)

    def test_a_server_that_is_stopped_loses_the_lock(self):
        process = self.start("key", "--server-timeout", "0.2", "--", "sh", "-c",
                             "echo $$; exec sleep 1000")
        self.started(process)
        os.kill(self.lockd.process.pid, signal.SIGSTOP)
        try:
            self.assertEqual(process.wait(LIMIT), 125)
        finally:
            os.kill(self.lockd.process.pid, signal.SIGCONT)
        self.assertIn("the server does not answer", process.stderr.read())


class Signals(Processes):
    def test_what_was_ignored_stays_ignored_and_the_rest_has_its_default(self):
        # For SIGHUP as nohup does it; a parent that ignores or blocks SIGCHLD must not matter.
        def before():
            for ignored in signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE:
                signal.signal(ignored, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGTERM])
        process = self.start("key", "--", "sh", "-c",
                             "grep -E 'Sig(Blk|Ign)' /proc/self/status; echo end; sleep 0.2; "
                             "echo survived", preexec_fn=before, restore_signals=False)
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGHUP)
        output, _ = process.communicate(timeout=LIMIT)
        self.assertEqual((process.returncode, output), (0, "survived\n"))
        self.assertEqual([line.split()[-1] for line in lines],
                         ["0" * 16, f"{1 << (signal.SIGHUP - 1):016x}", "end"])

    def test_signals_of_all_kinds_reach_the_whole_group(self):
        for one in (signal.SIGTERM, signal.SIGALRM, signal.SIGUSR2, signal.SIGRTMIN):
            process = self.start("key", "--", "sh", "-c",
                                 "sleep 1000 & echo $!; echo $$; wait; wait")
            ids = self.started(process, 2)
            process.send_signal(one)
            self.assertEqual(process.wait(LIMIT), 128 + one)
            wait_until(lambda: not any(map(lives, ids)), "the group is ended")

    def test_without_a_terminal_stop_and_continue_reach_the_command_alone(self):
        process = self.start("key", "--", "sh", "-c", "echo $$; exec sleep 1000",
                             start_new_session=True)
        [command] = self.started(process)
        process.send_signal(signal.SIGTSTP)
        wait_until(lambda: state(command) == "T", "the command is stopped")
        self.assertNotEqual(state(process.pid), "T")
        process.send_signal(signal.SIGCONT)
        wait_until(lambda: state(command) == "S", "the command goes on")
        process.terminate()
        self.assertEqual(process.wait(LIMIT), 128 + signal.SIGTERM)

    def test_as_the_first_process_of_a_container_it_reaps_and_obeys(self):
        unshare = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"]
        if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no namespaces for processes here")
        # The orphan ends while the command runs: nothing of it is left.
        script = ("(sh -c 'exit 3' & exec true); sleep 0.3; cat /proc/[0-9]*/stat | grep -c ' Z '; "
                  "exec sleep 1000")
        process = subprocess.Popen([*unshare, *self.command("key", "--", "sh", "-c", script)],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "0\n")
        [first] = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True,
                                 text=True, check=True).stdout.split()
        os.kill(int(first), signal.SIGTERM)
        self.assertEqual(process.wait(LIMIT), 128 + signal.SIGTERM)
        with self.lockd.connect() as holder:
            holder.token("LOCK key")
            process = subprocess.Popen([*unshare, *self.command("key", "--", "true")])
            self.addCleanup(process.kill)
            wait_until(lambda: self.lockd.info("locks_waited_for") == 1, "it waits")
            [first] = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True,
                                     text=True, check=True).stdout.split()
            os.kill(int(first), signal.SIGTERM)
            self.assertEqual(process.wait(LIMIT), 128 + signal.SIGTERM)


class Killed(Processes):
    def test_when_it_is_killed_so_is_the_whole_group_and_then_the_lock_is_free(self):
        process = self.start("key", "--", "sh", "-c",
                             "trap '' TERM HUP; sleep 1000 & echo $!; echo $$; wait")
        ids = self.started(process, 2)
        with self.lockd.connect() as client:
            client.send(b"LOCK key\r\n")
            wait_until(lambda: self.lockd.info("locks_waited_for") == 1, "one waits")
            process.kill()
            self.assertRegex(client.line(), r"^:\d+$")
            self.assertEqual([lives(one) for one in ids], [False, False])

    def test_what_the_command_leaves_behind_holds_neither_the_lock_nor_a_file(self):
        process = self.start("key", "--", "sh", "-c",
                             "sleep 1000 >/dev/null 2>&1 & echo $!; "
                             "ls -l /proc/self/fd /proc/$PPID/fd | grep -c socket; "
                             "ls /proc/self/fd")
        [left] = self.started(process)
        output, _ = process.communicate(timeout=LIMIT)  # its output is closed, too
        self.assertTrue(lives(left))
        self.assertTrue(self.is_free("key"))
        self.assertEqual(output.splitlines()[0], "1")  # of weir lock alone
        self.assertEqual(output.splitlines()[1:], ["0", "1", "2", "3"])  # 3 is of ls

    def test_the_command_does_not_see_the_password(self):
        with Lockd(password="secret", owner_at_port=False) as lockd:
            self.lockd = lockd
            environment = {**os.environ, "WEIR_PASSWORD": "secret"}
            process = self.start("key", "--", "env", env=environment)
            output, _ = process.communicate(timeout=LIMIT)
            self.assertEqual(process.returncode, 0)
            self.assertRegex(output, r"WEIR_LOCK_TOKEN=\d+\n")
            self.assertNotIn("secret", output)
            self.server = lambda: f"127.0.0.1:{lockd.port}"
            process = self.start("key", "--", "true")
            self.assertIn("environment variable WEIR_PASSWORD", process.communicate()[1])
            self.assertEqual(process.returncode, 125)


class Files(Processes):
    def test_standard_files_that_are_closed_are_not_the_connection(self):
        for closed in (0,), (1,), (2,), (0, 1, 2):
            def before(closed=closed):
                for file in closed:
                    os.close(file)
            path = os.path.join(self.lockd.folder.name, "files")
            process = self.start("key", "--", "sh", "-c",
                                 f"ls -l /proc/self/fd >{path}; echo UNLOCK key; sleep 0.1; exit 3",
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 preexec_fn=before)
            wait_until(lambda: self.lockd.info("locks_held") == 1 or process.poll() is not None,
                       "it holds the lock")
            self.assertEqual(process.wait(LIMIT), 3)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            self.assertNotIn("socket:", text)
            for number in closed:
                if number != 1:  # which is the file of ls
                    self.assertIn(f" {number} -> /dev/null\n", text)
        self.assertNotIn("UNLOCK", self.lockd.text())


class Terminal(Processes):
    def open(self, *arguments):
        """Starts a program on a terminal of its own; gives its process and our side."""
        process, ours = pty.fork()
        if process == 0:
            os.execv(arguments[0], arguments)
        self.addCleanup(os.close, ours)
        self.addCleanup(lambda: lives(process) and os.kill(process, signal.SIGKILL))
        self.seen = ""
        return process, ours

    def read_until(self, ours, pattern):
        """Reads until the pattern is in what has been shown; gives the match."""
        while True:
            if found := re.search(pattern, self.seen):
                self.seen = self.seen[found.end():]
                return found
            try:
                self.seen += os.read(ours, 1000).decode()
            except OSError as error:
                raise AssertionError(f"no '{pattern}' in {self.seen!r}") from error

    def code(self, process):
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    def test_ctrl_c_reaches_the_command_once(self):
        process, ours = self.open(*self.command("key", "--", sys.executable, "-c", COUNTER, "30",
                                                "once"))
        self.read_until(ours, r"ready \d+ \d+")
        os.write(ours, b"\x03")
        self.read_until(ours, "SIGINT came 1 times")
        self.assertEqual(self.code(process), 0)

    def test_ctrl_c_reaches_the_command_and_its_neighbours_in_a_pipeline_once(self):
        line = " ".join(f"'{word}'" for word in self.command("key", "--", sys.executable, "-c",
                                                             COUNTER, "30", "once"))
        process, ours = self.open("/bin/sh", "-c", f"trap 'echo script' INT; {line} | cat; true")
        # cat dies of the key, so that the command cannot say how often it came: it ends, as asked.
        self.read_until(ours, r"ready \d+ \d+")
        os.write(ours, b"\x03")
        self.read_until(ours, "script")
        self.code(process)
        wait_until(lambda: self.is_free("key"), "the command has ended")

    def test_a_command_ended_by_ctrl_c_ends_the_script_around_it(self):
        line = " ".join(self.command("key", "--", "cat"))
        process, ours = self.open("/bin/sh", "-c", f"{line}; echo went on")
        os.write(ours, b"hello\n")
        self.read_until(ours, "hello\r\nhello\r\n")  # echoed, then read by the command
        os.write(ours, b"\x03")
        self.assertEqual(self.code(process), -signal.SIGINT)
        self.assertNotIn("went on", self.seen)

    def test_under_a_shell_a_job_stops_continues_and_reads_from_the_terminal(self):
        process, ours = self.open("/bin/bash", "--norc", "--noediting", "-i")
        os.write(ours, b"PS1=; set +o history\n")
        os.write(ours, (" ".join(self.command(
            "key", "--", "sh", "-c", "'echo pid $$.; read x; echo got $x; exit 5'")) +
            "\n").encode())
        command = int(self.read_until(ours, r"pid (\d+)\.").group(1))
        os.write(ours, b"\x1a")
        self.read_until(ours, "Stopped")
        self.assertEqual(state(command), "T")
        os.write(ours, b"echo shell here\n")
        self.read_until(ours, "shell here\r\nshell here")
        os.write(ours, b"fg\n")
        wait_until(lambda: state(command) == "S", "the command goes on")
        os.write(ours, b"input\n")
        self.read_until(ours, "got input")
        os.write(ours, b"echo code $?.\n")
        self.read_until(ours, r"code 5\.")
        # In the background it stops when it reads, and goes on in the foreground.
        os.write(ours, (" ".join(self.command(
            "key", "--", "sh", "-c", "'echo pid $$.; read x; echo got $x'")) + " &\n").encode())
        command = int(self.read_until(ours, r"pid (\d+)\.").group(1))
        wait_until(lambda: state(command) == "T", "it is stopped by its reading")
        os.write(ours, b"fg\n")
        wait_until(lambda: state(command) == "S", "the command goes on")
        os.write(ours, b"more\n")
        self.read_until(ours, "got more")
        os.write(ours, b"exit\n")
        self.code(process)


if __name__ == "__main__":
    main()
