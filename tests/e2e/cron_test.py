"""Tests the app apps/cron with redis-cli, weir, a lockd, a receiver of HTTP and real commands."""

import contextlib
import http.server
import json
import os
import re
import subprocess
import tarfile
import tempfile
import threading
import unittest

from lockd import LIMIT, Lockd, listens, main, program, wait_until
from running_app import RunningApp

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../apps/cron")
APP = os.path.join(HERE, "cron.json")
SHARED = os.path.join(HERE, "shared.json")


@contextlib.contextmanager
def receiver():
    """Yields the address of an HTTP server, and the list of the bodies that it has got."""
    bodies = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/team", bodies
        finally:
            server.shutdown()


class Cron(RunningApp):
    """A running app cron, with jobs of the test that are due only when they are fired. With a
    lockd and the address of a webhook, it is one of several."""

    def __init__(self, lockd=None, team=None):
        super().__init__("cron")
        self.shared = {} if lockd is None else {
            "CRON_LOCKD": "unix:" + lockd.unix, "CRON_TEAM": team,
            "CRON_LISTEN": "unix:" + self.path("page")}
        self.socket = self.path("socket")
        go = self.path("go")
        jobs = {
            "fine": {"command": ["sh", "-c", "echo made by $WHO"], "environment": {"WHO": "ann"}},
            "broken": {"command": ["sh", "-c", "echo x >>tries; echo oh >&2; exit 3"],
                       "folder": self.folder.name},
            "slow": {"command": ["sh", "-c", f"until [ -e {go} ]; do sleep 0.02; done; echo slow"]},
            "endless": {"command": ["sleep", "1000"], "timeout": "50ms", "patience": "1s"},
        }
        with open(self.path("own.json"), "w", encoding="ascii") as file:
            json.dump({"module": {
                "schedule": {"schedules": {name: {"at": "2999-01-01T00:00:00Z"} for name in jobs}},
                "exec": {"commands": jobs},
            }}, file)

    def __enter__(self):
        self.launch(APP, *([SHARED] if self.shared else []), self.path("own.json"),
                    CRON_SOCKET=self.socket, CRON_STATE=self.path("state"),
                    CRON_HISTORY=self.path("history"), CRON_BACKOFF="10ms",
                    XDG_STATE_HOME=self.path("xdg"), **self.shared)
        wait_until(lambda: listens(self.socket), "the socket")
        wait_until(lambda: self.weir("call", "schedule", "list").returncode == 0,
                   "an answer of schedule")
        return self

    def weir(self, command, *arguments):
        return subprocess.run([program("weir"), command, "unix:" + self.socket, *arguments],
                              capture_output=True, text=True, timeout=LIMIT, check=False)

    def commands(self):
        return json.loads(self.weir("call", "exec", "list").stdout)

    def history(self, job):
        answer = self.weir("call", "store", "get", json.dumps({"key": "history of " + job}))
        return json.loads(answer.stdout)["value"]

    def fire(self, job):
        result = self.weir("call", "schedule", "fire", json.dumps({"schedule": job}))
        assert result.returncode == 0, result.stderr

    def watch(self, event, job):
        """Starts to watch; the result's lines are events."""
        watch = subprocess.Popen([program("weir"), "watch", "unix:" + self.socket, event,
                                  "job=" + job, "-n", "1"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = watch.stderr.readline()
        assert "watching" in line, line
        return watch

    def event_of(self, watch):
        output, _ = watch.communicate(timeout=LIMIT)
        return json.loads(output)["event"]


class CronTest(unittest.TestCase):
    def test_a_job_runs_and_tells_what_it_has_written(self):
        with Cron() as cron:
            watch = cron.watch("cron.Done", "fine")
            cron.fire("fine")
            event = cron.event_of(watch)
            self.assertEqual(event["output"], "made by ann\n")
            self.assertEqual(cron.history("fine"),
                             [{"due": event["due"], "seconds": event["seconds"]}])
            self.assertRegex(event["due"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")

    def test_a_job_that_fails_is_tried_again_and_told_about(self):
        with Cron() as cron:
            watch = cron.watch("cron.Failed", "broken")
            cron.fire("broken")
            event = cron.event_of(watch)
            self.assertEqual(event["reason"], "command_failed: the command 'broken' exited with "
                                              "code 3: oh")
            with open(cron.path("tries"), encoding="ascii") as file:
                self.assertEqual(file.read(), "x\n" * 3)
            self.assertEqual(cron.history("broken"),
                             [{"due": event["due"], "failed": "command_failed"}])
            wait_until(lambda: re.search("error .*broken of .*exited with code 3",
                                         "".join(cron.log)), "the error in the log")

    def test_a_job_does_not_overlap_with_itself(self):
        with Cron() as cron:
            done = cron.watch("cron.Done", "slow")
            failed = cron.watch("cron.Failed", "slow")
            cron.fire("slow")
            wait_until(lambda: any(command["running"] == 1 for command in cron.commands()),
                       "the first run")
            cron.fire("slow")
            self.assertEqual(cron.event_of(failed)["reason"],
                             "locked: the lock 'job slow' is held")
            with open(cron.path("go"), "w", encoding="ascii"):
                pass
            self.assertEqual(cron.event_of(done)["output"], "slow\n")

    def test_a_job_does_not_overlap_with_itself_on_another_machine(self):
        with receiver() as (team, told), Lockd() as lockd, \
                Cron(lockd, team) as one, Cron(lockd, team) as two:
            done = one.watch("cron.Done", "slow")
            failed = two.watch("cron.Failed", "slow")
            one.fire("slow")
            wait_until(lambda: any(command["running"] == 1 for command in one.commands()),
                       "the first run")
            two.fire("slow")
            event = two.event_of(failed)
            self.assertEqual(event["reason"], "locked: the lock 'job slow' is held")
            for cron in (one, two):
                with open(cron.path("go"), "w", encoding="ascii"):
                    pass
            self.assertEqual(one.event_of(done)["output"], "slow\n")
            again = two.watch("cron.Done", "slow")
            two.fire("slow")
            self.assertEqual(two.event_of(again)["output"], "slow\n")
            wait_until(lambda: told, "the webhook")
            self.assertEqual(told, [{"text": f"slow of {event['due']} has failed: "
                                             f"{event['reason']}"}])
            page = subprocess.run(["curl", "-sS", "--unix-socket", one.path("page"),
                                   "http://localhost/ui/"], capture_output=True, text=True,
                                  timeout=LIMIT, check=True).stdout
            self.assertIn("<html", page)

    def test_a_job_that_takes_too_long_is_stopped(self):
        with Cron() as cron:
            watch = cron.watch("cron.Failed", "endless")
            cron.fire("endless")
            self.assertEqual(cron.event_of(watch)["reason"],
                             "command_failed: the command 'endless' was stopped after 50ms")

    def test_a_command_that_the_file_does_not_name_is_not_run(self):
        with Cron() as cron:
            result = cron.weir("call", "exec", "run", '{"command": "fin"}')
            self.assertIn("unknown_command: unknown command 'fin' (did you mean 'fine'?)",
                          result.stderr)
            result = cron.weir("call", "exec", "run", '{"command": "fine", "arguments": ["x"]}')
            self.assertIn("takes none from callers", result.stderr)
            result = cron.weir("call", "exec", "run",
                               '{"command": "broken", "must_succeed": false}')
            report = json.loads(result.stdout)
            self.assertEqual((report["code"], report["errors"], report["timed_out"]),
                             (3, "oh\n", False))

    def test_a_copy_of_the_app_has_the_script_of_its_backup(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, "nightly")
            for command, where in (([program("weir"), "new", "app", "nightly", "--from", "cron"],
                                    folder), (["./backup.sh"], copy), (["./backup.sh"], copy)):
                subprocess.run(command, cwd=where, capture_output=True, timeout=LIMIT, check=True)
            (archive,) = os.listdir(os.path.join(copy, "backups"))
            with tarfile.open(os.path.join(copy, "backups", archive)) as tar:
                self.assertEqual(sorted(tar.getnames()), [".", "./backup.sh", "./nightly.json"])

    def test_the_picture_of_the_page_is_that_of_the_file(self):
        graph = subprocess.run([program("weir"), "graph", APP], capture_output=True, text=True,
                               timeout=LIMIT, check=True).stdout
        with open(os.path.join(HERE, "cron.mmd"), encoding="utf-8") as file:
            self.assertEqual(graph, file.read())


if __name__ == "__main__":
    main()
