"""Kills a server with a store at random moments: what it has answered for is there afterwards."""

import json
import os
import random
import signal
import threading
import unittest

import redis

from lockd import LIMIT, Lockd, main

ROUNDS = 6
WRITERS = 4


class Store(Lockd):
    """A server with a store in a file, which it finds again when it is started anew."""

    def __init__(self, file):
        super().__init__(more={"server": {"startup": ["lock", "resp", "store"]},
                               "module": {"store": {"file": file}}})

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(LIMIT)
        self.reader.join(LIMIT)
        self.folder.cleanup()

    def call(self, client, function, **parameters):
        return json.loads(client.execute_command("CALL", "store", function,
                                                 json.dumps(parameters)))


class Model:
    """What a writer knows of its keys: their values, and those that it may have written."""

    def __init__(self):
        self.sure = {}
        self.perhaps = {}

    def check(self, test, key, value):
        allowed = [self.sure.get(key)]
        if key in self.perhaps:
            allowed.append(self.perhaps[key])
        test.assertIn(value, allowed, key)


class StoreTest(unittest.TestCase):
    def write(self, server, model, number, rng):
        """Changes keys until the server dies. Each writer has keys of its own."""
        client = server.owner()
        try:
            while True:
                key = f"w{number}/{rng.randrange(20)}"
                delete = rng.random() < 0.2
                value = None if delete else {"n": rng.random(), "text": "x" * rng.randrange(3000)}
                model.perhaps[key] = value
                if delete:
                    server.call(client, "delete", key=key)
                else:
                    server.call(client, "set", key=key, value=value)
                model.sure[key] = value
                del model.perhaps[key]
        except redis.exceptions.ConnectionError:
            pass

    def test_what_was_answered_for_survives_kill_9(self):
        seed = int(os.environ.get("WEIR_SEED", random.randrange(1 << 30)))
        rng = random.Random(seed)
        models = [Model() for _ in range(WRITERS)]
        folder = Lockd().folder
        file = os.path.join(folder.name, "store.db")
        written = 0
        with self.subTest(seed=seed):
            for _ in range(ROUNDS):
                server = Store(file)
                server.__enter__()
                self.check(server, models)
                writers = [threading.Thread(target=self.write,
                                            args=(server, model, i, random.Random(rng.random())))
                           for i, model in enumerate(models)]
                for writer in writers:
                    writer.start()
                goal = rng.randrange(200)
                client = server.owner()
                for i in range(goal):  # how long: as long as these take
                    server.call(client, "add", key="count")
                    written += 1
                server.kill()
                for writer in writers:
                    writer.join(LIMIT)
            with Store(file) as server:
                self.check(server, models)
                count = server.call(server.owner(), "get", key="count")["value"] or 0
                self.assertEqual(count, written)
        folder.cleanup()

    def check(self, server, models):
        client = server.owner()
        for number, model in enumerate(models):
            for key in {*model.sure, *model.perhaps}:
                value = server.call(client, "get", key=key)["value"]
                model.check(self, key, value)
                model.sure[key] = value
            model.perhaps.clear()


if __name__ == "__main__":
    main()
