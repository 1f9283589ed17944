"""Tests the module files with files that are written, rotated and exchanged by others, and with a
server that is killed."""

import json
import os
import random
import subprocess
import threading
import unittest

import redis

from lockd import LIMIT, Lockd, main, program, wait_until
from models import Mortal, call, seed_of_run, threads_of


def settings(**files):
    return {"server": {"startup": ["lock", "resp", "files"]}, "module": {"files": files}}


class Events:
    """The events of a type, as a client watches them."""

    def __init__(self, server, name):
        self.process = subprocess.Popen([program("weir"), "watch", "unix:" + server.unix, name],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        assert "watching" in line, line
        self.all = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.all.append(json.loads(line)["event"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(LIMIT)
        self.reader.join(LIMIT)
        self.process.stdout.close()
        self.process.stderr.close()


class FilesTest(unittest.TestCase):
    def setUp(self):
        self.keeper = Lockd().folder
        self.addCleanup(self.keeper.cleanup)

    def path(self, *names):
        return os.path.join(self.keeper.name, *names)

    def put(self, text, *names, mode="w"):
        os.makedirs(os.path.dirname(self.path(*names)), exist_ok=True)
        with open(self.path(*names), mode, encoding="utf-8") as file:
            file.write(text)

    # --- watches

    def watching(self, **more):
        return Lockd(more=settings(watches={"w": {"folder": self.path("in"), "settled": "50ms",
                                                  **more}}))

    def changes(self, events):
        return [(event["kind"], event["path"], event["from"]) for event in events.all]

    def expect(self, events, *changes):
        """Waits for these changes, in any order, and no others."""
        wait_until(lambda: len(events.all) >= len(changes), f"{changes}")
        self.assertEqual(sorted(self.changes(events)), sorted(changes))
        events.all.clear()

    def test_files_that_are_made_written_moved_and_removed_are_told(self):
        os.mkdir(self.path("in"))
        with self.watching(patterns=["*.txt"]) as server, Events(server, "files.Changed") as events:
            self.put("12345", "in", "a.txt")
            self.put("x", "in", "a.log")
            self.expect(events, ("made", "a.txt", ""))
            self.put("6", "in", "a.txt", mode="a")
            wait_until(lambda: events.all, "a change")
            self.assertEqual(events.all[0], {"watch": "w", "kind": "written", "path": "a.txt",
                                             "from": "", "file": self.path("in", "a.txt"),
                                             "size": 6})
            events.all.clear()
            self.put("new", "in", "temporary")
            os.rename(self.path("in", "temporary"), self.path("in", "a.txt"))
            self.expect(events, ("written", "a.txt", ""))
            os.rename(self.path("in", "a.txt"), self.path("in", "b.txt"))
            self.expect(events, ("moved", "b.txt", "a.txt"))
            os.rename(self.path("in", "b.txt"), self.path("elsewhere"))
            self.expect(events, ("removed", "b.txt", ""))

    def test_a_file_is_told_when_its_writer_has_closed_it(self):
        os.mkdir(self.path("in"))
        with self.watching() as server, Events(server, "files.Changed") as events:
            with open(self.path("in", "slow"), "w", encoding="utf-8") as file:
                for part in range(5):
                    file.write("part\n")
                    file.flush()
                    name = f"other{part}"  # which comes after the time in which it has settled
                    self.put("", "in", name)
                    self.expect(events, ("made", name, ""))
            wait_until(lambda: events.all, "the file")
            self.assertEqual((events.all[0]["path"], events.all[0]["size"]), ("slow", 25))

    def test_a_folder_may_come_later_and_be_made_again(self):
        with self.watching(recursive=True) as server, Events(server, "files.Changed") as events:
            self.put("1", "in", "deep", "er", "a")
            self.expect(events, ("made", "deep/er/a", ""))
            os.rename(self.path("in", "deep"), self.path("in", "other"))
            self.expect(events, ("moved", "other/er/a", "deep/er/a"))
            os.rename(self.path("in"), self.path("gone"))
            self.put("2", "in", "b")
            self.expect(events, ("removed", "other/er/a", ""), ("made", "b", ""))
            self.put("3", "gone", "c")  # is not watched any more
            self.put("4", "in", "d")
            self.expect(events, ("made", "d", ""))

    def test_links_are_not_followed_out_of_the_folder(self):
        os.mkdir(self.path("in"))
        self.put("x", "outside", "secret")
        with self.watching(recursive=True) as server, Events(server, "files.Changed") as events:
            os.symlink(self.path("outside"), self.path("in", "way"))
            os.symlink(self.path("outside", "secret"), self.path("in", "link"))
            self.put("y", "outside", "other")
            self.put("z", "in", "file")
            self.expect(events, ("made", "file", ""))

    def test_what_is_there_is_found_and_a_changed_setting_forgets_nothing(self):
        self.put("1", "in", "a")
        server = self.watching(existing=True)
        # The event comes before a client can watch it: its count does not.
        with server:
            def done():
                watch = call(server.owner(), "files", "status")["watches"][0]
                return (watch["files"], watch["changes"])
            wait_until(lambda: done() == (1, 1), "the file")
            with Events(server, "files.Changed") as events:
                server.more["module"]["files"]["watches"]["w"]["settled"] = "20ms"
                server.write()
                server.process.send_signal(1)
                server.wait_for_log("reconfigured|configuration")
                self.put("2", "in", "b")
                self.expect(events, ("made", "b", ""))

    def test_an_overflow_of_reports_loses_nothing(self):
        os.mkdir(self.path("in"))
        with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
            most = int(file.read())
        with self.watching(max_files=100) as server, Events(server, "files.Changed") as events:
            self.put("", "in", "before")
            self.expect(events, ("made", "before", ""))
            server.process.send_signal(19)  # SIGSTOP: it reads nothing
            for number in range(most // 2 + 10):
                self.put("", "in", f"a{number % 2}")
                os.unlink(self.path("in", f"a{number % 2}"))
            self.put("", "in", "after")
            server.process.send_signal(18)  # SIGCONT
            self.expect(events, ("made", "after", ""))
            self.assertGreaterEqual(
                call(server.owner(), "files", "status")["watches"][0]["overflows"], 1)

    def test_as_many_files_as_are_watched_are_renamed_at_once_and_one_more_is_logged_once(self):
        for number in range(20):
            self.put("", "in", f"old{number:02}")
        with self.watching(max_files=20) as server, Events(server, "files.Changed") as events:
            def status():
                return call(server.owner(), "files", "status")["watches"][0]
            wait_until(lambda: status()["files"] == 20, "the first look")
            for number in range(20):
                os.rename(self.path("in", f"old{number:02}"), self.path("in", f"new{number:02}"))
            self.expect(events, *(("moved", f"new{number:02}", f"old{number:02}")
                                  for number in range(20)))
            self.assertEqual(status()["beyond"], 0)
            for number in range(3):
                self.put("", "in", f"beyond{number}")
            wait_until(lambda: status()["beyond"] >= 3, "the files beyond the limit")
            self.put("x", "in", "new00")
            self.expect(events, ("written", "new00", ""))
            self.assertEqual(server.text().count("there are more than 20 files"), 1)

    def test_a_file_in_place_of_a_folder_is_called_so(self):
        self.put("", "in")
        with self.watching() as server, Events(server, "files.Changed") as events:
            server.wait_for_log("the watch 'w' of .*: it is no folder")
            os.unlink(self.path("in"))
            self.put("", "in", "a")
            self.expect(events, ("made", "a", ""))

    # --- tails

    def tailing(self, **more):
        return Lockd(more=settings(tails={"t": {"file": self.path("log"), "from": "begin",
                                                "linger": "100ms",
                                                "state_file": self.path("state"), **more}}))

    def lines(self, events):
        return [event["line"] for event in events.all]

    def expect_lines(self, events, *lines):
        wait_until(lambda: len(events.all) >= len(lines), f"the lines {lines}")
        self.assertEqual(self.lines(events), list(lines))
        events.all.clear()

    def test_lines_are_told_through_rotations(self):
        with self.tailing(longest_line=16) as server, Events(server, "files.Line") as events:
            writer = None
            for generation in range(4):
                if generation:
                    os.rename(self.path("log"), self.path(f"log.{generation}"))
                    with writer:
                        print(f"late {generation}", file=writer)  # it has the old one open still
                writer = open(self.path("log"), "a", encoding="utf-8")
                print(f"line {generation}", file=writer, flush=True)
                late = [f"late {generation}"] if generation else []
                self.expect_lines(events, *late, f"line {generation}")
            print("x" * 100, file=writer, flush=True)
            wait_until(lambda: events.all, "the long line")
            self.assertEqual(events.all[0], {"tail": "t", "line": "x" * 16, "number": 8,
                                             "cut": True})
            events.all.clear()
            # copytruncate
            os.truncate(self.path("log"), 0)
            wait_until(lambda: call(server.owner(), "files", "status")["tails"][0]["cut_files"],
                       "the cut")
            print("anew", file=writer, flush=True)
            self.expect_lines(events, "anew")
            writer.close()

    def test_a_restart_goes_on_where_it_was_also_in_a_file_that_was_rotated(self):
        self.put("1\n2\n", "log")
        with self.tailing() as server:
            wait_until(lambda: call(server.owner(), "files", "status")["tails"][0]["number"] == 2,
                       "the lines")
        self.put("3\n", "log", mode="a")
        os.rename(self.path("log"), self.path("log.2"))
        self.put("4\n", "log.1")
        self.put("5\n", "log")
        with self.tailing() as server:
            tail = {}
            def arrived():
                tail.update(call(server.owner(), "files", "status")["tails"][0])
                return tail["number"] >= 5
            wait_until(arrived, "the other lines")
            self.assertEqual((tail["number"], tail["lines"], tail["rotations"]), (5, 3, 2))
            with Events(server, "files.Line") as events:
                self.put("6\n", "log", mode="a")
                self.expect_lines(events, "6")

    def test_files_that_are_rotated_are_told_while_the_newest_is_empty_without_a_pause(self):
        self.put("1\n", "log")
        with self.tailing(linger="1h") as server:
            wait_until(lambda: call(server.owner(), "files", "status")["tails"][0]["number"] == 1,
                       "the line")
        self.put("2\n", "log", mode="a")
        os.rename(self.path("log"), self.path("log.2"))
        self.put("3\n", "log.1")
        self.put("", "log")
        for name, time in (("log.2", 1000), ("log.1", 2000)):
            os.utime(self.path(name), (time, time))
        with self.tailing(linger="1h") as server:
            wait_until(lambda: call(server.owner(), "files", "status")["tails"][0]["number"] == 3,
                       "the other lines")

    def test_a_file_that_is_written_anew_and_longer_is_read_from_its_beginning(self):
        self.put("old 1\nold 2\n", "log")
        with self.tailing() as server:
            def tail():
                return call(server.owner(), "files", "status")["tails"][0]
            wait_until(lambda: tail()["number"] == 2, "the lines")
            with Events(server, "files.Line") as events:
                with server.stopped():  # it sees only how it ends
                    self.put("a newer line\nanother one\nand one more\n", "log")
                self.expect_lines(events, "a newer line", "another one", "and one more")
            self.assertEqual(tail()["cut_files"], 1)

    def test_a_line_of_json_that_is_nested_too_deeply_is_told_as_text(self):
        deep = "[" * 100 + "]" * 100
        self.put("", "log")
        with self.tailing(lines="json") as server, Events(server, "files.Line") as events:
            self.put(f'{deep}\n{{"a": 1}}\r\n', "log", mode="a")
            self.expect_lines(events, deep, {"a": 1})

    def noting(self):
        """A server with a rule that notes each line, and then confirms it."""
        more = settings(roots={"r": {"folder": self.path("notes"), "writable": True}},
                        tails={"t": {"file": self.path("log"), "from": "begin", "linger": "100ms",
                                     "confirm": True, "ahead": 100,
                                     "state_file": self.path("state")}})
        more["server"]["startup"].append("rules")
        note = {"number": "{{event.number}}", "line": "{{event.line}}"}
        more["module"]["rules"] = {"rules": {"note": {
            "on": "files.Line", "at_once": 1,
            "do": [{"call": "files.append", "with": {"root": "r", "path": "notes", "line": note}},
                   {"call": "files.confirm",
                    "with": {"tail": "t", "number": "{{event.number}}"}}]}}}
        return Mortal(more=more)

    def noted(self):
        """The notes, by the numbers of their lines. A line may have several, which are equal."""
        notes = {}
        try:
            with open(self.path("notes", "notes"), encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            return notes
        for entry in text.split("\n"):
            try:
                note = json.loads(entry)
            except json.JSONDecodeError:
                continue  # its writer was killed
            self.assertEqual(notes.setdefault(note["number"], note["line"]), note["line"])
        return notes

    def clock(self):
        """The time of the file system, which has ticks."""
        self.put("", "clock")
        return os.stat(self.path("clock")).st_mtime_ns

    def test_no_line_is_lost_by_kill_9_if_it_is_confirmed(self):
        seed = seed_of_run()
        rng = random.Random(seed)
        os.mkdir(self.path("notes"))
        written = []

        def write():
            """Writes some lines, and rotates the file now and then."""
            for _ in range(rng.randrange(20, 100)):
                if rng.random() < 0.03 and os.path.exists(self.path("log")):
                    rotated = self.path(f"log.{len(written)}")
                    os.rename(self.path("log"), rotated)
                    wait_until(lambda: self.clock() > os.stat(rotated).st_mtime_ns, "a tick")
                self.put(f"line {len(written)}\n", "log", mode="a")
                written.append(f"line {len(written)}")

        self.put("line 0\n", "log")
        written.append("line 0")
        with self.subTest(seed=seed):
            for _ in range(6):
                server = self.noting()
                server.__enter__()
                wait_until(lambda: os.path.exists(self.path("state")), "the first look")
                goal = len(self.noted()) + rng.randrange(1, 20)
                write()
                wait_until(lambda goal=goal: len(self.noted()) >= goal, "notes")
                server.kill()
                write()  # while there is no server
            with self.noting():
                wait_until(lambda: len(self.noted()) >= len(written), "all notes")
            notes = self.noted()
            self.assertEqual([notes[number] for number in sorted(notes)], written)

    def test_reading_stops_while_the_queue_is_full(self):
        self.put("".join(f"{number}\n" for number in range(100_000)), "log")
        more = settings(tails={"t": {"file": self.path("log"), "from": "begin", "confirm": True,
                                     "ahead": 10, "state_file": self.path("state")}})
        with Lockd(more=more) as server:
            client = server.owner()
            def number():
                return call(client, "files", "status")["tails"][0]["number"]
            wait_until(lambda: number() == 10, "lines")
            call(client, "files", "confirm", tail="t", number=4)
            wait_until(lambda: number() == 14, "more lines")
            with self.assertRaisesRegex(redis.exceptions.ResponseError, "bad_parameter"):
                call(client, "files", "confirm", tail="t", number=15)

    def test_a_reload_tells_nothing_twice_and_misses_nothing(self):
        self.put("1", "in", "a")
        self.put("first\n", "log")
        more = settings(watches={"w": {"folder": self.path("in"), "settled": "50ms",
                                       "existing": True}},
                        tails={"t": {"file": self.path("log"), "from": "begin"}})
        more["server"]["startup"].append("manager")
        with Lockd(more=more) as server:
            client = server.owner()
            def status(kind):
                return call(client, "files", "status")[kind][0]
            wait_until(lambda: (status("watches")["changes"], status("tails")["lines"]) == (1, 1),
                       "the file and its line")
            with Events(server, "files.Changed") as changes, Events(server, "files.Line") as lines:
                call(client, "manager", "reload", modules=["files"])
                self.put("2", "in", "b")
                self.put("second\n", "log", mode="a")
                self.expect(changes, ("made", "b", ""))
                wait_until(lambda: lines.all, "the line")
                self.assertEqual(lines.all, [{"tail": "t", "line": "second", "number": 2,
                                              "cut": False}])
                self.assertEqual((status("watches")["files"], status("watches")["changes"]), (2, 1))

    # --- functions

    def test_a_file_has_the_old_or_the_new_content_whenever_the_server_is_killed(self):
        seed = seed_of_run()
        rng = random.Random(seed)
        os.mkdir(self.path("root"))
        sure = -1
        with self.subTest(seed=seed):
            for _ in range(4):
                server = Mortal(more=settings(roots={"r": {"folder": self.path("root"),
                                                           "writable": True}}))
                server.__enter__()
                perhaps = [sure]

                def write():
                    client = server.owner()
                    try:
                        while True:
                            perhaps.append(perhaps[-1] + 1)
                            call(client, "files", "write", root="r", path="file",
                                 content=f"{perhaps[-1]} " + "x" * rng.randrange(100_000) + " end")
                            done.append(perhaps[-1])
                    except redis.exceptions.ConnectionError:
                        pass

                done = []
                writers = threads_of((write,))
                wait_until(lambda count=rng.randrange(1, 20): len(done) >= count, "writes")
                server.kill()
                for writer in writers:
                    writer.join(LIMIT)
                with open(self.path("root", "file"), encoding="utf-8") as file:
                    first, *_, last = file.read().split(" ")
                self.assertEqual(last, "end")
                self.assertIn(int(first), (done[-1], perhaps[-1]))
                sure = int(first)

    def test_a_link_that_comes_between_leads_nowhere(self):
        os.makedirs(self.path("root", "way"))
        self.put("secret", "outside", "file")
        self.put("mine", "root", "way", "file")
        os.symlink(self.path("outside"), self.path("root", "link"))
        stop = threading.Event()

        def exchange():
            """Exchanges the folder for the link and back, as fast as it can."""
            while not stop.is_set():
                os.rename(self.path("root", "way"), self.path("root", "away"))
                os.rename(self.path("root", "link"), self.path("root", "way"))
                os.rename(self.path("root", "way"), self.path("root", "link"))
                os.rename(self.path("root", "away"), self.path("root", "way"))

        roots = {"r": {"folder": self.path("root"), "writable": True}}
        with Lockd(more=settings(roots=roots)) as server:
            client = server.owner()
            exchanger = threading.Thread(target=exchange)
            exchanger.start()
            read = 0
            try:
                for _ in range(300):
                    try:
                        content = call(client, "files", "read", root="r", path="way/file")
                        self.assertEqual(content["content"], "mine")
                        read += 1
                        call(client, "files", "write", root="r", path="way/new", content="x")
                    except redis.exceptions.ResponseError as error:
                        self.assertIn("not_found", str(error))
            finally:
                stop.set()
                exchanger.join(LIMIT)
            self.assertGreater(read, 0)
            self.assertEqual(os.listdir(self.path("outside")), ["file"])

    def test_mistakes_are_told_with_their_place(self):
        app = settings(
            watches={"v": {"folder": "a", "settled": "1s", "unclosed": "20ms"}},
            tails={"a": {"file": "f", "state_file": "s"}, "b": {"file": "g", "state_file": "s"},
                   "c": {"file": "h", "state_file": "h"}, "d": {"file": "i", "confirm": True}})
        app["server"]["startup"].append("rules")
        app["module"]["rules"] = {"rules": {
            "r": {"on": {"event": "files.Changed", "where": {"watch": "none"}},
                  "do": [{"call": "files.read", "with": {"root": "nowhere", "path": "x"}}]},
            "s": {"on": {"event": "files.Line", "where": {"tail": "a2"}},
                  "do": [{"call": "files.confirm", "with": {"tail": "b2", "number": 1}}]}}}
        self.put(json.dumps(app, indent=1), "app.json")
        done = subprocess.run([program("weir"), "check", self.path("app.json")],
                              capture_output=True, text=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 2)
        for place, what in (("files.watches.v.unclosed", "must be `settled` at least"),
                            ("files.tails.b.state_file", 'is that of the tail "a"'),
                            ("files.tails.c.state_file", "is the file that the tail follows"),
                            ("files.tails.d.confirm", "needs `state_file`"),
                            ("rules.rules.r.*watch", "watch 'none'"),
                            ("rules.rules.r.*root", "root 'nowhere'"),
                            ("rules.rules.s.*on.*tail", "tail 'a2'"),
                            ("rules.rules.s.*do.*tail", "tail 'b2'")):
            self.assertRegex(done.stderr + done.stdout,
                             rf"app\.json:\d+:\d+: module\.{place}: .*{what}")

    def test_a_watch_of_a_file_is_warned_of(self):
        self.put("", "a")
        self.put(json.dumps(settings(watches={"v": {"folder": self.path("a")}})), "app.json")
        done = subprocess.run([program("weir"), "check", self.path("app.json")],
                              capture_output=True, text=True, timeout=LIMIT, check=False)
        self.assertRegex(done.stderr + done.stdout,
                         r"module\.files\.watches\.v\.folder: .* is no folder now")


if __name__ == "__main__":
    main()
