"""What clients of a store and of a queue know of their contents, for tests that kill the server."""

import json
import os
import random
import signal
import threading

import redis

from lockd import LIMIT, Lockd


class Mortal(Lockd):
    """A server that is killed, and finds its files again when another one is started."""

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(LIMIT)
        self.reader.join(LIMIT)
        self.folder.cleanup()


def call(client, module, function, /, **parameters):
    return json.loads(client.execute_command("CALL", module, function, json.dumps(parameters)))


class StoreModel:
    """What a writer knows of its keys in a store: their values, and those that it may have
    written."""

    def __init__(self, number):
        self.number = number
        self.sure = {}
        self.perhaps = {}

    def write(self, server, rng):
        """Changes keys until the server dies. Each writer has keys of its own."""
        client = server.owner()
        try:
            while True:
                key = f"w{self.number}/{rng.randrange(20)}"
                delete = rng.random() < 0.2
                value = None if delete else {"n": rng.random(), "text": "x" * rng.randrange(3000)}
                self.perhaps[key] = value
                if delete:
                    call(client, "store", "delete", key=key)
                else:
                    call(client, "store", "set", key=key, value=value)
                self.sure[key] = value
                del self.perhaps[key]
        except redis.exceptions.ConnectionError:
            pass

    def mistakes(self, client):
        """The keys whose values are neither what was written last nor what may have been."""
        wrong = []
        for key in {*self.sure, *self.perhaps}:
            value = call(client, "store", "get", key=key)["value"]
            if value not in (self.sure.get(key), self.perhaps.get(key, self.sure.get(key))):
                wrong.append((key, value))
            self.sure[key] = value
        self.perhaps.clear()
        return wrong


class QueueModel:
    """What clients know of the jobs in a queue `q`, by the number in their data."""

    def __init__(self):
        self.lock = threading.Lock()
        self.kept = set()      # `submit` has returned
        self.perhaps = set()   # it has not
        self.finished = {}     # `finish` has returned: how many had before
        self.asked = set()     # it has not
        self.again = []        # fetched although finished
        self.unknown = []      # fetched although never submitted
        self.next = 0
        self.stopped = False

    def number(self):
        with self.lock:
            self.next += 1
            self.perhaps.add(self.next)
            return self.next

    def submitted(self, number):
        with self.lock:
            self.perhaps.discard(number)
            self.kept.add(number)

    def fetched(self, number, mark):
        """`mark`: how many jobs were finished when the worker asked for one."""
        with self.lock:
            if self.finished.get(number, mark) < mark:
                self.again.append(number)
            if number not in self.kept and number not in self.perhaps:
                self.unknown.append(number)

    def finishing(self, number):
        with self.lock:
            self.asked.add(number)

    def done(self, number):
        with self.lock:
            self.finished[number] = len(self.finished)

    def produce(self, server, rng):
        """Submits jobs until the server dies."""
        client = server.owner()
        try:
            while not self.stopped:
                number = self.number()
                call(client, "queue", "submit", queue="q",
                     data={"n": number, "text": "x" * rng.randrange(500)},
                     key=str(rng.randrange(5)), priority=rng.randrange(3),
                     delay=rng.choice(["0s", "0s", "5ms"]))
                self.submitted(number)
        except redis.exceptions.ConnectionError:
            pass

    def work(self, server, rng):
        """Does jobs, not always well, until the server dies."""
        client = server.owner()
        try:
            while not self.stopped:
                mark = len(self.finished)
                job = call(client, "queue", "fetch", queue="q", wait="50ms")
                if job is not None:
                    self.fetched(job["data"]["n"], mark)
                    self.do(client, job, rng.random())
        except redis.exceptions.ConnectionError:
            pass

    def do(self, client, job, choice):
        mine = {"id": job["id"], "receipt": job["receipt"]}
        try:
            if choice < 0.1:
                call(client, "queue", "fail", reason="chance", **mine)
            elif choice < 0.15:
                pass  # the worker crashes: another gets the job
            else:
                if choice < 0.25:
                    call(client, "queue", "extend", **mine)
                self.finishing(job["data"]["n"])
                call(client, "queue", "finish", **mine)
                self.done(job["data"]["n"])
        except redis.exceptions.ResponseError as error:  # it took too long
            if "not_yours" not in str(error):
                raise

    def drain(self, server):
        """Does all that is left, and returns the mistakes that the end shows."""
        client = server.owner()
        left = set()
        while True:
            mark = len(self.finished)
            job = call(client, "queue", "fetch", queue="q", wait="100ms", visibility="1h")
            if job is not None:
                self.fetched(job["data"]["n"], mark)
                left.add(job["data"]["n"])
                call(client, "queue", "finish", id=job["id"], receipt=job["receipt"])
                self.done(job["data"]["n"])
                continue
            line = next(line for line in call(client, "queue", "list") if line["name"] == "q")
            if line["delayed"] + line["running"] == 0:
                break
        wrong = {"lost": self.kept - self.asked - left, "again": set(self.again),
                 "unknown": set(self.unknown)}
        # What a worker had asked to finish may be done or not; what is done now is.
        self.kept -= self.finished.keys()
        self.kept -= self.asked
        return {what: numbers for what, numbers in wrong.items() if numbers}


def threads_of(*tasks):
    """Starts a thread for each (function, arguments...)."""
    threads = [threading.Thread(target=function, args=arguments)
               for function, *arguments in tasks]
    for thread in threads:
        thread.start()
    return threads


def seed_of_run():
    return int(os.environ.get("WEIR_SEED", random.randrange(1 << 30)))
