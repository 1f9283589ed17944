"""Tests the app apps/deploy with curl, signed pushes, real builds and a host that is told."""

import hashlib
import hmac
import http.server
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

from lockd import LIMIT, main, program, wait_until
from running_app import RunningApp

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../apps/deploy")
APP = os.path.join(HERE, "deploy.json")
SECRET = "apples and pears"

# Writes that it has begun, waits until the test says so, and fails for the commit "bad".
SCRIPT = """#!/bin/sh
echo "$1 $2" >>began
echo "building $2"
until [ -e go ]; do sleep 0.02; done
test "$2" != bad
"""


class Host(http.server.ThreadingHTTPServer):
    """Notes which states it is told."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Told)
        self.states = []

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def states_of(self, commit):
        return [state for path, state in self.states if path.endswith("/" + commit)]


class Told(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.states.append((self.path, body["state"]))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Deploy(RunningApp):
    """The running app in a folder of its own."""

    def __init__(self, host):
        super().__init__("deploy")
        self.host = host
        with open(self.path("build.sh"), "w", encoding="ascii") as file:
            file.write(SCRIPT)
        os.chmod(self.path("build.sh"), 0o755)

    def run(self):
        self.launch(APP, DEPLOY_SECRET=SECRET, DEPLOY_SOCKET=self.path("socket"),
                    DEPLOY_HOST=f"http://127.0.0.1:{self.host.server_port}",
                    DEPLOY_LISTEN="unix:" + self.path("http"))
        wait_until(self.has_looked, "the rule that looks for what waited")

    def __enter__(self):
        self.run()
        return self

    def curl(self, path, *options):
        return subprocess.run(["curl", "-sS", "--max-time", "10", "--unix-socket",
                               self.path("http"), "localhost" + path, *options],
                              capture_output=True, text=True, timeout=LIMIT, check=False).stdout

    def push(self, repository, commit, secret=SECRET):
        body = json.dumps({"repository": {"full_name": repository}, "after": commit})
        signature = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
        return self.curl("/hooks/push", "-d", body, "-H", "Content-Type: application/json",
                         "-H", "X-GitHub-Event: push", "-H",
                         "X-Hub-Signature-256: sha256=" + signature)

    def began(self):
        try:
            with open(self.path("began"), encoding="ascii") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def go(self):
        with open(self.path("go"), "w", encoding="ascii"):
            pass

    def weir(self, *arguments):
        return subprocess.run([program("weir"), "call", "unix:" + self.path("socket"), *arguments],
                              capture_output=True, text=True, timeout=LIMIT, check=False)

    def has_looked(self):
        """Whether the rule `again` has run, which a push would else meet in the middle."""
        done = self.weir("rules", "list")
        return done.returncode == 0 and json.loads(done.stdout)[0]["runs"] == 1

    def limit(self):
        return json.loads(self.weir("limit", "list").stdout)[0]


class DeployTest(unittest.TestCase):
    def test_a_push_is_built_and_the_host_learns_how(self):
        with Host() as host, Deploy(host) as deploy:
            deploy.go()
            self.assertEqual(deploy.push("ann/shop", "good"), "")
            self.assertEqual(deploy.push("ann/site", "bad"), "")
            wait_until(lambda: host.states_of("good") == ["pending", "success"], "the success")
            wait_until(lambda: host.states_of("bad") == ["pending", "failure"], "the failure")
            wait_until(lambda: deploy.limit()["in_use"] == 0, "the end of the builds")

    def test_a_push_that_is_not_genuine_builds_nothing(self):
        with Host() as host, Deploy(host) as deploy:
            self.assertEqual(json.loads(deploy.push("ann/shop", "good", "other"))["code"],
                             "bad_signature")
            self.assertEqual(deploy.limit()["taken"], 0)

    def test_two_builds_run_at_a_time_one_for_each_repository_and_the_newest_waits(self):
        with Host() as host, Deploy(host) as deploy:
            deploy.push("ann/shop", "one")
            wait_until(lambda: deploy.began() == ["ann/shop one"], "the first build")
            for commit in ("two", "three", "four"):
                deploy.push("ann/shop", commit)
            wait_until(lambda: deploy.limit()["waiting"] == 3, "the pushes that wait")
            deploy.push("bob/site", "five")
            wait_until(lambda: deploy.began()[1:] == ["bob/site five"], "the second build")
            deploy.push("cid/tool", "six")
            wait_until(lambda: deploy.limit()["waiting"] == 4, "the third repository")
            deploy.go()
            for commit in ("one", "four", "five", "six"):
                wait_until(lambda c=commit: host.states_of(c) == ["pending", "success"], commit)
            wait_until(lambda: deploy.limit()["in_use"] == 0 and deploy.limit()["waiting"] == 0,
                       "the end of the builds")
            self.assertEqual(sorted(deploy.began()), ["ann/shop four", "ann/shop one",
                                                      "bob/site five", "cid/tool six"])

    def test_what_a_build_writes_is_streamed(self):
        with Host() as host, Deploy(host) as deploy:
            stream = subprocess.Popen(["curl", "-sS", "-N", "--unix-socket", deploy.path("http"),
                                       "localhost/events?type=exec.Line&command=build"],
                                      stdout=subprocess.PIPE, text=True)
            self.assertIn("watching exec.Line", stream.stdout.readline())
            deploy.push("ann/shop", "good")
            line = next(line for line in stream.stdout if line.startswith("data:"))
            event = json.loads(line[5:])
            self.assertEqual((event["tag"], event["line"]), ("ann/shop", "building good"))
            stream.kill()
            stream.communicate()
            deploy.go()
            wait_until(lambda: host.states_of("good") == ["pending", "success"], "the success")

    def test_a_build_that_the_end_of_the_app_has_interrupted_is_made_again(self):
        for how in (signal.SIGKILL, signal.SIGTERM):
            with self.subTest(how=how), Host() as host, Deploy(host) as deploy:
                deploy.push("ann/shop", "good")
                wait_until(lambda: deploy.began() == ["ann/shop good"], "the build")
                deploy.process.send_signal(how)
                deploy.process.wait(LIMIT)
                deploy.go()
                deploy.run()
                wait_until(lambda: "success" in host.states_of("good"), "the success")
                self.assertNotIn("failure", host.states_of("good"))
                self.assertEqual(deploy.began(), ["ann/shop good"] * 2)

    @unittest.skipUnless(shutil.which("git") and shutil.which("make"), "needs git and make")
    def test_a_copy_of_the_app_has_a_script_that_builds_a_commit(self):
        with tempfile.TemporaryDirectory() as folder:
            def run(*command, inside):
                return subprocess.run(command, cwd=os.path.join(folder, inside),
                                      capture_output=True, text=True, timeout=LIMIT, check=False,
                                      env={**os.environ, "DEPLOY_FROM": folder})
            made = run(program("weir"), "new", "app", "shop", "--from", "deploy", inside="")
            self.assertIn("build.sh", made.stdout)
            repository = os.path.join(folder, "ann", "tea")
            os.makedirs(repository)
            with open(os.path.join(repository, "Makefile"), "w", encoding="ascii") as file:
                file.write("all:\n\t@echo tea is ready\n")
            for words in ("init --quiet", "add Makefile",
                          "-c user.name=ann -c user.email=ann@example.com commit --quiet -m Tea"):
                run("git", *words.split(), inside="ann/tea")
            commit = run("git", "rev-parse", "HEAD", inside="ann/tea").stdout.strip()
            built = run("./build.sh", "ann/tea", commit, inside="shop")
            self.assertEqual((built.returncode, built.stdout), (0, "tea is ready\n"), built.stderr)
            self.assertNotEqual(run("./build.sh", "ann/tea", "0" * 40, inside="shop").returncode,
                                0)

    def test_the_picture_of_the_page_is_that_of_the_file(self):
        graph = subprocess.run([program("weir"), "graph", APP], capture_output=True, text=True,
                               timeout=LIMIT, check=True,
                               env={**os.environ, "DEPLOY_SECRET": SECRET}).stdout
        with open(os.path.join(HERE, "deploy.mmd"), encoding="utf-8") as file:
            self.assertEqual(graph, file.read())


if __name__ == "__main__":
    main()
