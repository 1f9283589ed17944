"""Kills a server with a store at random moments: what it has answered for is there afterwards."""

import os
import random
import unittest

from lockd import LIMIT, Lockd, main
from models import Mortal, StoreModel, call, seed_of_run, threads_of

ROUNDS = 6
WRITERS = 4


def server_with(file):
    return Mortal(more={"server": {"startup": ["lock", "resp", "store"]},
                        "module": {"store": {"file": file}}})


class StoreTest(unittest.TestCase):
    def test_what_was_answered_for_survives_kill_9(self):
        seed = seed_of_run()
        rng = random.Random(seed)
        models = [StoreModel(number) for number in range(WRITERS)]
        folder = Lockd().folder
        file = os.path.join(folder.name, "store.db")
        written = 0
        with self.subTest(seed=seed):
            for _ in range(ROUNDS):
                server = server_with(file)
                server.__enter__()
                self.check(server, models)
                writers = threads_of(*((model.write, server, random.Random(rng.random()))
                                       for model in models))
                client = server.owner()
                for _ in range(rng.randrange(200)):  # how long: as long as these take
                    call(client, "store", "add", key="count")
                    written += 1
                server.kill()
                for writer in writers:
                    writer.join(LIMIT)
            with server_with(file) as server:
                self.check(server, models)
                count = call(server.owner(), "store", "get", key="count")["value"] or 0
                self.assertEqual(count, written)
        folder.cleanup()

    def check(self, server, models):
        client = server.owner()
        for model in models:
            self.assertEqual(model.mistakes(client), [])


if __name__ == "__main__":
    main()
