"""The log of a running lockd: lines for programs, levels, files, and a pipe that is not read."""

import fcntl
import json
import os
import re
import signal
import subprocess
import unittest

from lockd import APP, LIMIT, Lockd, listens, main, program, wait_until

SMALL_PIPE = 4096  # bytes; the reader has a buffer besides


def make_it_warn(lockd):
    """Makes lockd log a warning of a rejected browser. Returns when it is rejected."""
    with lockd.connect() as browser:
        browser.send(b"POST / HTTP/1.1\r\n\r\n")
        if browser.rest() != b"":
            raise AssertionError("a browser was served")


def fill_pipe(lockd, lines):
    """Stops reading the log, and makes lockd log more than the pipe and the queue can hold."""
    lockd.may_read.clear()
    fcntl.fcntl(lockd.process.stderr, fcntl.F_SETPIPE_SZ, SMALL_PIPE)
    for _ in range(lines):
        with lockd.connect() as client:
            client.send(b"*x\r\n")
            client.rest()


def inspect(lockd, *arguments):
    done = subprocess.run([program("weir"), "inspect", "unix:" + lockd.unix, *arguments],
                          capture_output=True, text=True, timeout=LIMIT, check=True)
    return done.stdout


def read_until(pipe, text):
    """Reads a pipe until the text has come, as a program that is started for that."""
    with open(pipe, encoding="utf-8") as file:
        for line in file:
            if text in line:
                return
    raise AssertionError(f"the pipe ended without '{text}'")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def reconfigure(lockd, **log):
    lockd.more = {"server": {"log": log}}
    lockd.write()
    lockd.process.send_signal(signal.SIGHUP)


class Log(unittest.TestCase):
    def test_the_server_runs_on_when_its_log_is_not_read_and_counts_lost_lines(self):
        with Lockd({"server": {"log": {"queue": 16}}}) as lockd:
            fill_pipe(lockd, 300)
            with lockd.connect() as client:
                self.assertEqual(client.ask("PING"), "+PONG")
                client.token("LOCK key")
            dropped = json.loads(inspect(lockd, "--json"))["dropped_log_lines"]
            self.assertGreater(dropped, 0)
            self.assertIn(f"\nlines of the log that were dropped: {dropped}\n", inspect(lockd))

            lockd.may_read.set()

            def counted():
                text = lockd.text()
                told = re.findall(r"warning (\d+) lines? w\w+ dropped here: ", text)
                return text.count("Protocol error"), sum(map(int, told))
            wait_until(lambda: sum(counted()) == 300, "each line is written or counted")
            self.assertEqual(counted()[1], dropped)

    def test_the_end_does_not_wait_long_for_a_log_that_is_not_read(self):
        with Lockd({"server": {"log": {"queue": 16}}}) as lockd:
            fill_pipe(lockd, 300)
            lockd.process.send_signal(signal.SIGTERM)
            self.assertEqual(lockd.process.wait(LIMIT), 0)
            self.assertFalse(os.path.exists(lockd.unix))  # a regular end
            lockd.may_read.set()

    def test_each_line_of_json_is_an_object(self):
        with Lockd({"server": {"log": {"format": "json"}}}) as lockd:
            make_it_warn(lockd)
            with lockd.connect() as client:
                client.send(b"*x\xff\"\r\n")
                client.rest()
            lockd.end()
            lines = [json.loads(line) for line in lockd.log if line is not None]
            for line in lines:
                self.assertEqual(list(line), ["time", "level", "module", "routine", "message"])
                self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            [browser] = [line for line in lines if "speaks HTTP" in line["message"]]
            self.assertEqual((browser["level"], browser["module"]), ("warning", "resp"))
            self.assertTrue(browser["routine"])
            self.assertTrue([line for line in lines if "Protocol error" in line["message"]])

    def test_the_level_of_a_module_changes_while_it_runs(self):
        with Lockd() as lockd:
            for level in "error", "warning":
                lockd.settings.update(log_level=level)
                lockd.write()
                seen = len(lockd.log)
                lockd.process.send_signal(signal.SIGHUP)
                lockd.wait_for_log("has been read again", after=seen)
                make_it_warn(lockd)
            lockd.wait_for_log("speaks HTTP")
            self.assertEqual(lockd.text().count("speaks HTTP"), 1)

    def test_after_hangup_the_log_goes_to_a_new_file(self):
        with Lockd() as lockd:
            log = os.path.join(lockd.folder.name, "lockd.log")
            reconfigure(lockd, file=log)
            wait_until(lambda: os.path.exists(log) and "read again\n" in read(log), "it is there")
            os.rename(log, log + ".1")
            lockd.process.send_signal(signal.SIGHUP)
            wait_until(lambda: os.path.exists(log) and "read again\n" in read(log), "it is there")
            self.assertEqual(read(log).count("\n"), 1)
            self.assertEqual(read(log + ".1").count("\n"), 1)
            self.assertEqual(lockd.end(), 0)
            self.assertIn("lock unloaded", read(log))

    def test_a_pipe_as_the_log_needs_no_reader_and_may_change_readers(self):
        lockd = Lockd()
        pipe = os.path.join(lockd.folder.name, "pipe")
        os.mkfifo(pipe)
        lockd.more = {"server": {"log": {"file": pipe}}}
        lockd.write()
        process = subprocess.Popen([program("weir"), "run", APP, lockd.file],
                                   stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: listens(lockd.unix), "it listens though its log is not read")
            read_until(pipe, "listens at unix:")
            for _ in range(2):
                process.send_signal(signal.SIGHUP)  # while its log is not read
                read_until(pipe, "read again")
        finally:
            process.send_signal(signal.SIGTERM)
            errors = process.communicate(timeout=LIMIT)[1]
        self.assertEqual((process.returncode, errors), (0, ""))

    def test_a_file_that_cannot_be_the_log_is_a_mistake_of_the_configuration(self):
        lockd = Lockd({"server": {"log": {"file": "/"}}})
        for command in "run", "check":
            done = subprocess.run([program("weir"), command, APP, lockd.file],
                                  capture_output=True, text=True, timeout=LIMIT, check=False)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, r"own\.json:1:\d+: server\.log\.file: '/' cannot be "
                                          "opened: Is a directory")

    def test_a_log_that_cannot_be_opened_anew_is_told_on_standard_error(self):
        lockd = Lockd()
        log = os.path.join(lockd.folder.name, "lockd.log")
        lockd.more = {"server": {"log": {"file": log}}}
        lockd.write()
        process = subprocess.Popen([program("weir"), "run", APP, lockd.file],
                                   stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: os.path.exists(log) and "listens at unix:" in read(log), "it runs")
            os.rename(log, log + ".1")
            os.mkdir(log)
            process.send_signal(signal.SIGHUP)
            self.assertRegex(process.stderr.readline(), "the log goes on where it was: .*directory")
            wait_until(lambda: "goes on where it was" in read(log + ".1"), "it goes on")
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    main()
