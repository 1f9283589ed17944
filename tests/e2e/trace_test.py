"""weir trace: recordings of a running lockd, read as a viewer reads them."""

import json
import os
import pty
import signal
import subprocess
import unittest
from collections import defaultdict

from lockd import LIMIT, Lockd, main, program, wait_until


class Trace:
    """A trace file, checked while it is read: time does not decrease, slices of a line nest, and
    each arrow begins and ends in a slice."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        self.about = content["otherData"]
        self.names = {}     # of lines, by process and line
        self.slices = defaultdict(list)  # (begin, end, name) in ns, by the name of the line
        self.moments = defaultdict(list)
        self.sizes = defaultdict(list)
        arrows = {}
        last = 0
        for event in content["traceEvents"]:
            line = (event["pid"], event["tid"])
            if event["ph"] == "M":
                if event["name"] == "thread_name":
                    self.names[line] = event["args"]["name"]
                continue
            time = self.nanoseconds(event["ts"])
            assert time >= last, f"time goes back: {event}"
            last = time
            name = self.names[line]
            if event["ph"] == "X":
                self.slices[line].append((time, time + self.nanoseconds(event["dur"]),
                                          event["name"]))
            elif event["ph"] == "i":
                self.moments[name].append(event["name"])
            elif event["ph"] == "C":
                self.sizes[event["name"]].append(event["args"]["events"])
            else:
                assert event["ph"] in "sf", event
                assert any(begin <= time <= end for begin, end, _ in self.slices[line][-2:]), event
                if event["ph"] == "s":
                    arrows[event["id"]] = event["name"]
                else:
                    assert arrows.pop(event["id"]) == event["name"]
        assert not arrows, f"arrows without an end: {arrows}"
        for line, slices in self.slices.items():
            self.check_nesting(self.names[line], slices)

    @staticmethod
    def nanoseconds(microseconds):
        return round(microseconds * 1000)

    @staticmethod
    def check_nesting(line, slices):
        open_ones = []
        for begin, end, name in slices:
            while open_ones and open_ones[-1] <= begin:
                open_ones.pop()
            assert not open_ones or end <= open_ones[-1], f"{line}: {name} at {begin} crosses"
            open_ones.append(end)

    def of(self, name):
        """Returns the names of all slices on the lines of that name."""
        return [what for line, slices in self.slices.items() if self.names[line] == name
                for _, _, what in slices]


def trace(lockd, *arguments, **options):
    return subprocess.Popen([program("weir"), "trace", "unix:" + lockd.unix, *arguments],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def recording(lockd):
    """Waits until the server has begun to record."""
    wait_until(lambda: "manager.watch_recording" in lockd.cli("CALL", "manager", "inspect"),
               "it records")


def work(lockd, times):
    with lockd.connect() as client, lockd.connect() as other:
        client.ask("CLIENT SETNAME worker")
        for _ in range(times):
            client.token("LOCK key")
            other.send(b"LOCK key\r\n")
            client.ask("UNLOCK key")
            other.line()
            other.ask("UNLOCK key")


class Recording(unittest.TestCase):
    def setUp(self):
        self.lockd = self.enterContext(Lockd())
        self.file = os.path.join(self.lockd.folder.name, "trace.json")

    def end(self, recorder, code=0):
        out, error = recorder.communicate(timeout=LIMIT)
        self.assertEqual(recorder.returncode, code, error)
        return out + error

    def test_routines_and_queues_are_lines_and_events_go_between_them(self):
        recorder = trace(self.lockd, "--seconds", "60", "-o", self.file)
        recording(self.lockd)
        work(self.lockd, 50)
        recorder.send_signal(signal.SIGINT)
        text = self.end(recorder)
        self.assertRegex(text, r"^recorded \S+ s; .* opens .*trace\.json\n$")
        told = Trace(self.file)
        self.assertEqual(told.about["dropped_records"], 0)
        self.assertGreater(told.about["seconds"], 0)
        self.assertLess(told.about["seconds"], 60)
        names = set(told.names.values())
        for name in ("root/lock", "root/resp", "root/moduleapi", "manager.watch_recording"):
            self.assertIn(name, names)
        clients = [name for name in names if name.startswith("client ")]
        self.assertTrue(clients)
        ran = [what for name in clients for what in told.of(name)]
        self.assertGreaterEqual(len(ran), 200)
        requests = told.moments["root/resp"].count("queued: weir.resp.InputEvent")
        self.assertGreaterEqual(requests, 200)
        self.assertGreaterEqual(told.of("root/lock").count("weir.LockEvent"), 100)
        self.assertGreaterEqual(told.moments["root/lock"].count("queued: weir.LockEvent"), 100)
        self.assertGreaterEqual(told.moments["root/lock"].count("blocks: weir.LockEvent"), 100)
        self.assertIn(1, told.sizes["in root/lock"])
        self.assertIn(0, told.sizes["in root/lock"])

    def test_it_shows_what_events_say(self):
        events = {"house.Door": {"indices": [{"name": "room"}]}}
        with Lockd(more={"server": {"events": events}}) as house:
            recorder = trace(house, "--seconds", "60", "-o", self.file)
            recording(house)
            house.cli("SEND", "house.Door", '{"room": "hall"}')
            recorder.send_signal(signal.SIGINT)
            self.end(recorder)
        with open(self.file, encoding="utf-8") as file:
            entries = json.load(file)["traceEvents"]
        self.assertEqual([entry["args"]["event"] for entry in entries
                          if entry["name"] in ("house.Door", "queued: house.Door")],
                         [{"room": "hall"}] * 2)

    def test_it_ends_by_itself_and_counts_dropped_records(self):
        recorder = trace(self.lockd, "--seconds", "1", "--records", "100", "-o", self.file)
        recording(self.lockd)
        work(self.lockd, 50)
        text = self.end(recorder)
        told = Trace(self.file)
        self.assertGreater(told.about["dropped_records"], 100)
        self.assertIn(f"{told.about['dropped_records']} records were dropped, for there was room "
                      "for 100", text)

    def test_a_server_runs_on_when_its_client_disconnects(self):
        recorder = trace(self.lockd, "--seconds", "3600", "-o", self.file)
        recording(self.lockd)
        recorder.kill()
        recorder.communicate(timeout=LIMIT)
        work(self.lockd, 10)
        second = trace(self.lockd, "--seconds", "0.1", "-o", self.file)
        self.assertIn("another client records; try again in ", self.end(second, 1))

    def test_a_server_that_ends_is_an_error(self):
        recorder = trace(self.lockd, "--seconds", "3600", "-o", self.file)
        recording(self.lockd)
        self.lockd.end()
        self.assertIn("weir trace: ", self.end(recorder, 1))

    def test_a_file_that_cannot_be_written_is_an_error_at_once(self):
        recorder = trace(self.lockd, "--seconds", "3600", "-o", "/nowhere/trace.json")
        self.assertIn("cannot write /nowhere/trace.json", self.end(recorder, 1))

    def test_on_a_terminal_it_shows_what_is_left(self):
        ours, theirs = pty.openpty()
        recorder = subprocess.Popen(
            [program("weir"), "trace", "unix:" + self.lockd.unix, "--seconds", "30", "-o",
             self.file], stdin=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        seen = b""
        while b"s left, " not in seen:
            seen += os.read(ours, 1000)
        recorder.send_signal(signal.SIGTERM)
        self.assertEqual(recorder.wait(LIMIT), 0)
        os.close(ours)
        Trace(self.file)


if __name__ == "__main__":
    main()
