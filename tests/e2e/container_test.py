"""Tests lockd where a container puts it: as PID 1, and where nothing can be written or executed."""

import os
import re
import signal
import subprocess
import tempfile
import unittest

from lockd import APP, LIMIT, listens, main, program, sanitized, wait_until

# As root of a namespace of its own, with its own processes and files.
CONTAINER = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc",
             "--kill-child"]


def inside(script, *arguments):
    """Runs a shell script in a namespace, in which $0 is weir. Returns what it did."""
    return subprocess.run([*CONTAINER, "sh", "-c", script, program("weir"), *arguments],
                          capture_output=True, text=True, timeout=LIMIT, check=False)


def skip_if_sanitized(test):
    """The sanitizers keep libraries in memory, so that plugins are copied to a folder."""
    if sanitized():
        test.skipTest("a build with sanitizers needs a folder for plugins")


def children(process):
    path = f"/proc/{process}/task/{process}/children"
    with open(path, encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def state(process):
    """Returns the letter of the process's state; "" if there is no such process."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return ""


class Container(unittest.TestCase):
    def setUp(self):
        if inside("true").returncode != 0:
            self.skipTest("no namespaces here")
        self.folder = tempfile.TemporaryDirectory(prefix="lockd-container-")
        self.addCleanup(self.folder.cleanup)
        self.socket = os.path.join(self.folder.name, "socket")

    def start(self, *command):
        """Starts lockd as PID 1. Returns unshare's process, and the numbers of both of lockd's."""
        listen = f'module.resp.listen=["unix:{self.socket}"]'
        process = subprocess.Popen(
            [*CONTAINER, *command, program("weir"), "run", APP, "--set", listen],
            env={**os.environ, "LOCKD_HTTP_PORT": "0", "XDG_STATE_HOME": self.folder.name,
                 "XDG_RUNTIME_DIR": self.folder.name}, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: listens(self.socket) or process.poll() is not None, "it listens")
        self.assertIsNone(process.poll())
        first, = children(process.pid)
        server, = children(first)
        return process, first, server

    def test_the_first_process_passes_signals_on_and_ends_as_the_server(self):
        process, first, server = self.start()
        os.kill(first, signal.SIGHUP)
        for line in process.stderr:
            if "the configuration has been read again" in line:
                break
        else:
            self.fail("it has ended")
        os.kill(first, signal.SIGTERM)
        log = process.communicate(timeout=LIMIT)[1]
        self.assertEqual(process.returncode, 0)
        self.assertIn("SIGTERM: quits", log)
        self.assertEqual(state(server), "")

    def test_the_first_process_ends_when_the_server_is_killed(self):
        process, _, server = self.start()
        os.kill(server, signal.SIGKILL)
        self.assertEqual(process.wait(LIMIT), 128 + signal.SIGKILL)

    def test_the_first_process_reaps_orphans(self):
        _, first, server = self.start()
        # Processes of other programs that enter the container, whose parents end before them.
        done = subprocess.run(
            ["nsenter", "--target", str(first), "--user", "--preserve-credentials", "--pid",
             "sh", "-c", "sh -c 'sleep 0.1 & sleep 0.1 & exit 0'"], check=False, timeout=LIMIT)
        self.assertEqual(done.returncode, 0)
        wait_until(lambda: children(first) == [server], "only the server is left")

    def test_nothing_needs_to_be_written(self):
        skip_if_sanitized(self)
        # The root with all below it, but for /proc, is read-only, and there is no /tmp.
        done = inside("""
            mount -t tmpfs -o size=0,ro none /tmp && mount -o remount,bind,ro / &&
            ! touch /here 2>/dev/null && TMPDIR=/tmp "$0" modules""")
        if "permission denied" in done.stderr.lower() and done.returncode == 32:
            self.skipTest("mounts cannot be changed here")
        self.assertEqual(done.stderr, "")
        self.assertIn("\nresp ", done.stdout)

    def test_a_folder_where_nothing_can_be_executed_does_not_matter(self):
        skip_if_sanitized(self)
        done = inside('mount -t tmpfs -o noexec none "$1" && TMPDIR="$1" "$0" modules',
                      self.folder.name)
        self.assertEqual(done.stderr, "")
        self.assertIn("\nresp ", done.stdout)

    def test_without_memory_files_plugins_run_from_a_folder(self):
        done = inside("echo 2 >/proc/sys/vm/memfd_noexec || exit 99; \"$0\" modules")
        if done.returncode == 99:
            self.skipTest("this kernel always executes files in memory")
        self.assertEqual(done.stderr, "")
        self.assertIn("\nresp ", done.stdout)

    def test_where_nothing_can_be_executed_each_cause_is_named(self):
        forbid = "echo 2 >/proc/sys/vm/memfd_noexec || exit 99; "
        no_exec = inside(forbid + 'mount -t tmpfs -o noexec none "$1" && TMPDIR="$1" "$0" modules',
                         self.folder.name)
        if no_exec.returncode == 99:
            self.skipTest("this kernel always executes files in memory")
        self.assertRegex(
            no_exec.stderr,
            r"cannot copy \S+/lock\.so: the system does not execute files in memory \(.+\), and "
            + re.escape(self.folder.name) +
            " is on a file system that is mounted noexec; TMPDIR names another folder")
        no_folder = inside(forbid + 'TMPDIR=/nowhere "$0" modules')
        self.assertRegex(
            no_folder.stderr,
            r"the system does not execute files in memory \(.+\), and no folder "
            r"/nowhere/weir-\w+ can be made: No such file or directory")


if __name__ == "__main__":
    main()
