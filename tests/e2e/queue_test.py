"""Kills a server with a queue at random moments, while workers work: no job is lost, and none that
was finished comes again."""

import json
import os
import random
import subprocess
import unittest

from lockd import LIMIT, Lockd, main, program
from models import Mortal, QueueModel, call, seed_of_run, threads_of

ROUNDS = 5
PRODUCERS = 3
WORKERS = 6


def server_with(file):
    return Mortal(more={
        "server": {"startup": ["lock", "resp", "queue"]},
        "module": {"queue": {"file": file, "queues": {"q": {
            "visibility": "200ms",
            "retry": {"times": 1000000, "backoff": "1ms", "longest": "20ms"}}}}}})


class QueueTest(unittest.TestCase):
    def test_what_becomes_of_jobs_is_an_event(self):
        more = {"server": {"startup": ["lock", "resp", "queue"]},
                "module": {"queue": {"queues": {"q": {
                    "retry": {"times": 1, "backoff": "1ms"}}}}}}
        with Lockd(more=more) as server:
            watches = [subprocess.Popen([program("weir"), "watch", "unix:" + server.unix, name,
                                         "queue=q", "-n", str(count)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                       for name, count in (("queue.Ready", 2), ("queue.Dead", 1),
                                           ("queue.Finished", 1))]
            for watch in watches:
                self.assertIn("watching", watch.stderr.readline())
            client = server.owner()
            job = call(client, "queue", "submit", queue="q", data=7, key="k")
            ready = {"queue": "q", "key": "k", "id": job}
            self.assertEqual(json.loads(watches[0].stdout.readline())["event"], ready)
            for reason in ("no paper", "no ink"):
                receipt = call(client, "queue", "fetch", queue="q", wait="10s")["receipt"]
                call(client, "queue", "fail", id=job, receipt=receipt, reason=reason)
            call(client, "queue", "revive", id=job)
            # A worker that waited has got the job, with no event, when it was to be tried again.
            self.assertEqual(json.loads(watches[0].stdout.readline())["event"], ready)
            receipt = call(client, "queue", "fetch", queue="q")["receipt"]
            call(client, "queue", "finish", id=job, receipt=receipt)
            seen = [[json.loads(line)["event"] for line in
                     watch.communicate(timeout=LIMIT)[0].splitlines()] for watch in watches]
            self.assertEqual(seen, [[],
                                    [{**ready, "data": 7, "tries": 2, "reason": "no ink"}],
                                    [ready]])

    def test_no_job_is_lost_and_none_comes_again_although_the_server_is_killed(self):
        seed = seed_of_run()
        rng = random.Random(seed)
        model = QueueModel()
        folder = Lockd().folder
        file = os.path.join(folder.name, "queue.db")
        with self.subTest(seed=seed):
            for _ in range(ROUNDS):
                server = server_with(file)
                server.__enter__()
                threads = threads_of(
                    *((model.produce, server, random.Random(rng.random()))
                      for _ in range(PRODUCERS)),
                    *((model.work, server, random.Random(rng.random())) for _ in range(WORKERS)))
                client = server.owner()
                for _ in range(rng.randrange(300)):  # how long: as long as these take
                    call(client, "queue", "list")
                server.kill()
                for thread in threads:
                    thread.join(LIMIT)
            with server_with(file) as server:
                self.assertEqual(model.drain(server), {})
                self.assertGreater(len(model.finished), 0)
        folder.cleanup()


if __name__ == "__main__":
    main()
