"""Tests the app apps/jobs as its clients use it, by HTTP, also while the server is killed."""

import http.client
import json
import os
import random
import socket
import subprocess
import unittest

import redis

from lockd import LIMIT, main, program, wait_until
from models import QueueModel, seed_of_run, threads_of
from running_app import RunningApp

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../apps/jobs")
APP = os.path.join(HERE, "jobs.json")
ROUNDS = 4
PRODUCERS = 4
WORKERS = 50


class UnixConnection(http.client.HTTPConnection):
    """An HTTP connection to a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=LIMIT)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(LIMIT)
        self.sock.connect(self.path)


class Client:
    """One connection to the app. It calls functions as a client of Redis does, which the model
    expects, by the app's routes."""

    PATHS = {
        "submit": ("POST", "/queues/{queue}/jobs"),
        "fetch": ("POST", "/queues/{queue}/next"),
        "dead": ("GET", "/queues/{queue}/dead"),
        "finish": ("DELETE", "/jobs/{id}?receipt={receipt}"),
        "fail": ("POST", "/jobs/{id}/fail"),
        "extend": ("POST", "/jobs/{id}/extend"),
        "revive": ("POST", "/jobs/{id}/revive"),
        "list": ("GET", "/queues"),
    }

    def __init__(self, path):
        self.connection = UnixConnection(path)

    def execute_command(self, _, module, function, text):
        assert module == "queue"
        method, path = self.PATHS[function]
        parameters = json.loads(text)
        target = path.format(**parameters)
        body = {name: value for name, value in parameters.items() if "{" + name + "}" not in path}
        try:
            self.connection.request(method, target, json.dumps(body) if method == "POST" else None,
                                    {"Content-Type": "application/json"})
            response = self.connection.getresponse()
            answer = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise redis.exceptions.ConnectionError(str(error)) from error
        if response.status != 200:
            raise redis.exceptions.ResponseError(answer)
        return answer

    def ask(self, function, **parameters):
        return json.loads(self.execute_command("CALL", "queue", function, json.dumps(parameters)))


class Jobs(RunningApp):
    """The running app, with a queue `q` of the test, in a folder that outlives the process."""

    def __init__(self, visibility="10s"):
        super().__init__("jobs")
        with open(self.path("own.json"), "w", encoding="ascii") as file:
            json.dump({"module": {"queue": {"queues": {"q": {
                "visibility": visibility,
                "retry": {"times": 1000000, "backoff": "1ms", "longest": "20ms"}}}}}}, file)

    def run(self):
        self.launch(APP, self.path("own.json"), JOBS_FILE=self.path("db"),
                    JOBS_LISTEN="unix:" + self.path("http"), JOBS_SOCKET=self.path("socket"))
        wait_until(self.answers, "an answer")

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError("".join(self.log))
        try:
            return isinstance(self.owner().ask("list"), list)
        except redis.exceptions.RedisError:
            return False

    def owner(self):
        return Client(self.path("http"))

    def __enter__(self):
        self.run()
        return self


class JobsTest(unittest.TestCase):
    def test_urgent_jobs_go_first_and_tenants_take_turns(self):
        with Jobs() as jobs:
            client = jobs.owner()
            for key, data, priority in (("ann", 1, 0), ("ann", 2, 0), ("ann", 3, 0), ("eve", 4, 0),
                                        ("ann", 5, 9)):
                client.ask("submit", queue="q", key=key, data=data, priority=priority)
            fetched = [client.ask("fetch", queue="q") for _ in range(5)]
            self.assertEqual([job["data"] for job in fetched[:1]], [5])
            self.assertEqual({job["key"] for job in fetched[1:3]}, {"ann", "eve"})
            self.assertEqual([job["data"] for job in fetched if job["key"] == "ann"], [5, 1, 2, 3])
            self.assertIsNone(client.ask("fetch", queue="q"))

    def test_a_job_comes_again_until_a_worker_has_finished_it(self):
        with Jobs(visibility="1ms") as jobs:
            client = jobs.owner()
            number = client.ask("submit", queue="q", data={"to": "ann"})
            client.ask("fetch", queue="q")
            again = client.ask("fetch", queue="q", wait="30s", visibility="1h")
            self.assertEqual((again["id"], again["data"], again["tries"]),
                             (number, {"to": "ann"}, 2))
            with self.assertRaisesRegex(redis.exceptions.ResponseError, "not_yours"):
                client.ask("finish", id=number, receipt=again["receipt"] - 1)
            client.ask("fail", id=number, receipt=again["receipt"], reason="no ink")
            third = client.ask("fetch", queue="q", wait="30s", visibility="1h")
            client.ask("finish", id=number, receipt=third["receipt"])
            line = next(line for line in client.ask("list") if line["name"] == "q")
            self.assertEqual((line["ready"], line["delayed"], line["running"], line["finished"]),
                             (0, 0, 0, 1))

    def test_what_has_failed_for_good_is_told_and_can_be_tried_again(self):
        with Jobs() as jobs:
            client = jobs.owner()
            number = client.ask("submit", queue="q", key="ann", data=7)
            receipt = client.ask("fetch", queue="q")["receipt"]
            client.ask("fail", id=number, receipt=receipt, reason="no paper", final=True)
            self.assertEqual(client.ask("dead", queue="q"), [
                {"id": number, "key": "ann", "data": 7, "tries": 1, "reason": "no paper"}])
            told = f"job {number} of ann in q has failed for good: no paper"
            wait_until(lambda: any(told in line for line in jobs.log), "the line in the log")
            client.ask("revive", id=number)
            self.assertEqual(client.ask("fetch", queue="q", wait="30s")["id"], number)

    def test_nothing_is_lost_although_the_server_is_killed_while_fifty_workers_work(self):
        seed = seed_of_run()
        rng = random.Random(seed)
        model = QueueModel()
        jobs = Jobs(visibility="2s")
        with self.subTest(seed=seed):
            for _ in range(ROUNDS):
                jobs.run()
                threads = threads_of(
                    *((model.produce, jobs, random.Random(rng.random()))
                      for _ in range(PRODUCERS)),
                    *((model.work, jobs, random.Random(rng.random())) for _ in range(WORKERS)))
                enough = len(model.finished) + rng.randrange(20, 200)
                wait_until(lambda n=enough: len(model.finished) >= n, "so many finished jobs")
                jobs.kill()
                for thread in threads:
                    thread.join(LIMIT)
            with jobs:
                self.assertEqual(model.drain(jobs), {})

    def test_the_picture_of_the_page_is_that_of_the_file(self):
        graph = subprocess.run([program("weir"), "graph", APP], capture_output=True, text=True,
                               timeout=LIMIT, check=True).stdout
        with open(os.path.join(HERE, "jobs.mmd"), encoding="utf-8") as file:
            self.assertEqual(graph, file.read())


if __name__ == "__main__":
    main()
