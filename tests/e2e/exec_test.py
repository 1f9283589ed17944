"""Tests that the module exec tells each line of a command as soon as it is written."""

import contextlib
import json
import os
import subprocess
import threading
import unittest

import redis

from lockd import Lockd, LIMIT, main, program, wait_until


class ExecTest(unittest.TestCase):
    def server(self, **commands):
        return Lockd(more={"server": {"startup": ["lock", "resp", "exec"]},
                           "module": {"exec": {"commands": commands}}})

    def watch(self, server, count):
        watch = subprocess.Popen([program("weir"), "watch", "unix:" + server.unix, "exec.Line",
                                  "-n", str(count)],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("watching", watch.stderr.readline())
        self.addCleanup(watch.communicate)
        return watch

    def run_command(self, server, **parameters):
        return json.loads(server.owner().execute_command("CALL", "exec", "run",
                                                         json.dumps(parameters)))

    def test_a_line_is_an_event_while_the_command_still_runs(self):
        folder = Lockd().folder
        go = os.path.join(folder.name, "go")
        script = f"echo first; until [ -e {go} ]; do sleep 0.02; done; echo second"
        with self.server(build={"command": ["sh", "-c", script], "lines": "text"}) as server:
            watch = self.watch(server, 2)
            report = {}
            runs = threading.Thread(target=lambda: report.update(
                self.run_command(server, command="build", tag="7")))
            runs.start()
            first = json.loads(watch.stdout.readline())["event"]
            self.assertEqual(first, {"command": "build", "tag": "7", "line": "first",
                                     "of_errors": False})
            self.assertEqual(report, {})
            with open(go, "w", encoding="ascii"):
                pass
            self.assertEqual(json.loads(watch.stdout.readline())["event"]["line"], "second")
            runs.join(LIMIT)
            self.assertEqual((report["code"], report["output"]), (0, "first\nsecond\n"))
        folder.cleanup()

    def test_lines_are_json_if_they_are_some_and_keep_their_order(self):
        folder = Lockd().folder
        script = "cat; printf 'no end' >&2; exit 3"
        deep = "[" * 100 + "]" * 100  # deeper than a value may be
        text = "".join(json.dumps({"n": n}) + "\n" for n in range(500)) + f"no JSON\n{deep}\n\n"
        with self.server(many={"command": ["sh", "-c", script], "lines": "json",
                                       "output": "100B"}) as server:
            watch = self.watch(server, 504)
            report = self.run_command(server, command="many", input=text, must_succeed=False)
            self.assertEqual((report["code"], report["cut"], len(report["output"])),
                             (3, True, 100))
            events = [json.loads(line)["event"] for line in watch.communicate(timeout=LIMIT)[0]
                      .splitlines()]
            output = [event["line"] for event in events if not event["of_errors"]]
            self.assertEqual(output, [{"n": n} for n in range(500)] + ["no JSON", deep, ""])
            self.assertEqual([event["line"] for event in events if event["of_errors"]], ["no end"])
        folder.cleanup()

    def test_a_line_of_any_length_comes_in_parts(self):
        folder = Lockd().folder
        script = "head -c 200000 /dev/zero | tr '\\0' x"
        with self.server(long={"command": ["sh", "-c", script], "lines": "text"}) as server:
            watch = self.watch(server, 4)
            self.run_command(server, command="long")
            lines = [json.loads(line)["event"]["line"]
                     for line in watch.communicate(timeout=LIMIT)[0].splitlines()]
            self.assertEqual("".join(lines), "x" * 200000)
        folder.cleanup()

    def test_a_command_has_no_more_memory_than_the_file_says(self):
        take = "import sys; taken = b'x' * (int(sys.argv[1]) << 20); print(len(taken) >> 20)"
        command = ["/usr/bin/python3", "-c", take]
        with self.server(small={"command": command, "arguments": True, "memory": "100MiB"},
                         large={"command": command, "arguments": True}) as server:
            def taken(name, size):
                report = self.run_command(server, command=name, arguments=[str(size)],
                                          must_succeed=False)
                return report["code"], report["output"], report["errors"]
            self.assertEqual(taken("small", 10), (0, "10\n", ""))
            code, output, errors = taken("small", 200)
            self.assertEqual((code, output), (1, ""))
            self.assertIn("MemoryError", errors)
            self.assertEqual(taken("large", 200), (0, "200\n", ""))

    @unittest.skipUnless(os.geteuid() == 0, "only root may start a command as another user")
    def test_a_command_runs_as_the_user_of_the_file_and_cannot_raise_its_limits(self):
        script = "id -un; id -Gn; ulimit -d 200000 || echo refused"
        with self.server(guest={"command": ["bash", "-c", script], "user": "nobody",
                                "memory": "100MiB"}) as server:
            report = self.run_command(server, command="guest")
            user, groups, refused = report["output"].splitlines()
            self.assertEqual((user, "root" in groups, refused), ("nobody", False, "refused"))

    def test_a_command_has_the_environment_and_folder_of_the_file(self):
        folder = Lockd().folder
        script = "echo $WHO $${HOME-no home}; pwd; cat"
        with self.server(own={"command": ["/bin/sh", "-c", script], "clear_environment": True,
                              "environment": {"WHO": "ann"}, "folder": folder.name}) as server:
            report = self.run_command(server, command="own", input="read")
            self.assertEqual(report["output"], f"ann no home\n{folder.name}\nread")
        folder.cleanup()

    def test_a_program_that_cannot_be_started_is_named_with_where_it_was_looked_for(self):
        with self.server(lost={"command": ["no-such-program"]},
                         gone={"command": ["/no/such/program"]},
                         nowhere={"command": ["true"], "folder": "/no/folder"}) as server:
            self.assertIn("warning", server.text())
            self.assertIn('module.exec.commands.gone.command: there is no file /no/such/program: '
                          "each run of the command fails", server.text())
            for name, why in (("lost", "no folder of PATH has a program of this name; PATH is "
                               + os.environ["PATH"]),
                              ("gone", "there is no file /no/such/program"),
                              ("nowhere", "there is no folder /no/folder")):
                with self.assertRaises(redis.ResponseError) as error:
                    self.run_command(server, command=name)
                self.assertIn(f"command_failed: the command '{name}' cannot be run: starting ",
                              str(error.exception))
                self.assertIn(why, str(error.exception))
            listed = json.loads(server.owner().execute_command("CALL", "exec", "list"))
            self.assertEqual([(one["runs"], one["failed"]) for one in listed], [(1, 1)] * 3)

    def test_commands_end_with_a_server_that_is_killed(self):
        folder = Lockd().folder
        started = os.path.join(folder.name, "started")
        script = f"sleep 1000 & echo $! $$ >{started}.new; mv {started}.new {started}; wait"
        server = self.server(long={"command": ["sh", "-c", script]})
        self.addCleanup(server.folder.cleanup)
        server.__enter__()

        def call():
            with contextlib.suppress(redis.ConnectionError):
                self.run_command(server, command="long")
        runs = threading.Thread(target=call)
        runs.start()
        wait_until(lambda: os.path.exists(started), "the command runs")
        server.process.kill()
        server.process.wait(LIMIT)
        runs.join(LIMIT)
        with open(started, encoding="ascii") as file:
            for process in file.read().split():
                wait_until(lambda process=process: not lives(process), f"{process} has ended")
        folder.cleanup()


def lives(process):
    """Returns whether the process runs; one that no parent has reaped yet does not."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


if __name__ == "__main__":
    main()
