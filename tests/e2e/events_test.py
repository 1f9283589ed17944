"""Tests events as data: SEND, WATCH and EVENTS of clients of Redis, and the commands of weir."""

import json
import subprocess
import unittest

from lockd import LIMIT, Lockd, main, program

DOOR = {
    "description": "A door was opened or closed",
    "indices": [{"name": "room"}, {"name": "number", "type": "integer", "default": 1}],
    "members": [{"name": "open", "type": "boolean"}],
}


def house():
    return Lockd(more={"server": {"events": {
        "house.Door": DOOR,
        "house.Job": {"ignorable": False},
        "house.Noise": {"members": [{"name": "text"}]},
    }, "queues": [{"name": "jobs", "event": "house.Job", "limit": 1}]}})


def event(room, opened, number=1):
    return {"type": "house.Door", "event": {"room": room, "number": number, "open": opened}}


def weir(lockd, command, *arguments):
    """Returns the exit code, the output and the errors of a command of weir."""
    done = subprocess.run([program("weir"), command, "unix:" + lockd.unix, *arguments],
                          capture_output=True, text=True, timeout=LIMIT, check=False)
    return done.returncode, done.stdout, done.stderr


class Watcher:
    """A running `weir watch`, which is watching."""

    def __init__(self, lockd, *arguments):
        self.process = subprocess.Popen(
            [program("weir"), "watch", "unix:" + lockd.unix, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if not line.startswith("weir watch: watching "):
            raise AssertionError(line + self.process.stderr.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def line(self):
        return json.loads(self.process.stdout.readline())


class Commands(unittest.TestCase):
    def test_what_one_sends_another_watches(self):
        with house() as lockd:
            with Watcher(lockd, "house.Door") as every, \
                    Watcher(lockd, "house.Door", "room=hall", "number=2") as one:
                for number, room in (1, "hall"), (2, "attic"), (2, "hall"):
                    data = {"room": room, "number": number, "open": True}
                    self.assertEqual(weir(lockd, "send", "house.Door", json.dumps(data)),
                                     (0, "", ""))
                    self.assertEqual(every.line(), event(room, True, number))
                self.assertEqual(one.line(), event("hall", True, 2))

    def test_watch_ends_after_so_many_events(self):
        with house() as lockd:
            with Watcher(lockd, "house.Noise", "-n", "1") as watching:
                code, _, _ = weir(lockd, "send", "house.Noise", '{"text": "\\u001b[2J"}')
                self.assertEqual(code, 0)
                # Nothing that acts on a terminal.
                self.assertEqual(watching.process.stdout.readline(),
                                 '{"type":"house.Noise","event":{"text":"\\u001b[2J"}}\n')
                self.assertEqual(watching.process.wait(LIMIT), 0)

    def test_events_lists_the_types(self):
        with house() as lockd:
            code, text, _ = weir(lockd, "events")
            self.assertEqual(code, 0)
            self.assertIn("house.Door: A door was opened or closed\n"
                          "  declared by the configuration\n"
                          "  indices\n"
                          "    room  (string, required)\n"
                          "    number  (integer, default 1)\n"
                          "  members\n"
                          "    open  (boolean, required)\n", text)
            self.assertIn("house.Job\n"
                          "  declared by the configuration, not ignorable: cannot be watched\n",
                          text)
            listed = json.loads(weir(lockd, "events", "house.Door", "--json")[1])
            self.assertEqual([index["name"] for index in listed["indices"]], ["room", "number"])

    def test_what_is_wrong_is_said(self):
        with house() as lockd:
            for arguments, error in (
                    (("send", "house.Dor"), "ERR unknown_event: unknown event type 'house.Dor' "
                                            "(did you mean 'house.Door'?)"),
                    (("send", "house.Door", '{"room": "hall"}'),
                     "ERR bad_event: event:1:1: open: is missing and has no default"),
                    (("send", "weir.TimerEvent"), "ERR not_portable: 'weir.TimerEvent' cannot be "
                                                  "sent: it is not portable: its declaration does "
                                                  "not describe its members"),
                    (("watch", "house.Job"), "ERR not_portable: 'house.Job' cannot be watched: its "
                                             "events are not ignorable, each is for the routine "
                                             "that processes it"),
                    (("watch", "house.Door", "number=x"),
                     'ERR bad_event: number: expected an integer, found the string "x"')):
                self.assertEqual(weir(lockd, *arguments),
                                 (1, "", f"weir {arguments[0]}: {error}\n"))

    def test_a_sender_waits_for_room_and_gives_up(self):
        with house() as lockd:
            self.assertEqual(weir(lockd, "send", "house.Job")[0], 0)
            self.assertEqual(
                weir(lockd, "send", "house.Job", "{}", "--wait", "0.05"),
                (1, "", "weir send: ERR timeout: no room in the queue of "
                        "'house.Job' within 50ms\n"))


class Clients(unittest.TestCase):
    def test_a_library_reads_events_as_messages_of_a_channel(self):
        with house() as lockd:
            channel = lockd.redis().pubsub()

            def read():
                return channel.handle_message(channel.parse_response())
            channel.execute_command("WATCH", "house.Door", "room=hall")
            self.assertEqual(read()["type"], "watch")
            self.assertEqual(lockd.owner().execute_command(
                "SEND", "house.Door", '{"room": "hall", "open": false}'), b"OK")
            message = read()
            self.assertEqual(message["type"], "message")
            self.assertEqual(message["channel"], b"house.Door room=hall")
            self.assertEqual(json.loads(message["data"]), event("hall", False))
            channel.close()

    def test_events_are_pushes_in_version_3(self):
        with house() as lockd, lockd.connect() as client:
            client.send(b"HELLO 3\r\n")
            while client.line() != "$7" or client.line() != "modules":
                pass
            self.assertEqual(client.line(), "*0")
            client.send(b"WATCH house.Noise\r\n")
            self.assertEqual([client.line() for _ in range(6)],
                             ["*3", "$5", "watch", "$11", "house.Noise", ":1"])
            self.assertEqual(lockd.cli("SEND", "house.Noise", '{"text": "x"}', owner=True),
                             "OK")
            self.assertEqual([client.line() for _ in range(5)],
                             [">3", "$7", "message", "$11", "house.Noise"])
            self.assertEqual(client.bulk(), '{"type":"house.Noise","event":{"text":"x"}}')

    def test_redis_cli_describes_types(self):
        with house() as lockd:
            self.assertEqual(json.loads(lockd.cli("EVENTS", "house.Job"))["ignorable"], False)
            self.assertEqual(lockd.cli("EVENTS", "house.Jobs"),
                             "ERR unknown_event: unknown event type 'house.Jobs' (did you mean "
                             "'house.Job'?)")

    def test_a_watch_survives_a_reload_of_the_module(self):
        with house() as lockd:
            with Watcher(lockd, "house.Door") as watcher:
                lockd.owner().execute_command("CALL", "manager", "reload", '{"modules": ["resp"]}')
                weir(lockd, "send", "house.Door", '{"room": "hall", "open": true}')
                self.assertEqual(watcher.line(), event("hall", True))

    def test_a_watcher_that_does_not_read_learns_what_it_lost_and_delays_nobody(self):
        with house() as lockd, lockd.connect() as slow:
            slow.send(b"WATCH house.Noise\r\n")
            self.assertEqual(slow.line(), "*3")
            sender = lockd.owner()
            data = json.dumps({"text": "x" * 100_000})
            sent = 300
            for _ in range(sent):
                self.assertEqual(sender.execute_command("SEND", "house.Noise", data), b"OK")
            for _ in range(5):
                slow.line()
            received = lost = 0
            while received + lost < sent:
                self.assertEqual([slow.line() for _ in range(5)],
                                 ["*3", "$7", "message", "$11", "house.Noise"])
                content = json.loads(slow.bulk())
                lost += content.get("lost", 0)
                received += "event" in content
            self.assertGreater(received, 0)
            self.assertGreater(lost, 0)


if __name__ == "__main__":
    main()
