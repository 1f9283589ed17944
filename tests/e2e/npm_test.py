"""lockd through the libraries of Redis and Valkey for Node.js that npm/package.json names."""

import hashlib
import json
import os
import shutil
import subprocess
import unittest

import lockd
from lockd import LIMIT, Lockd, main

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "npm")
INSTALLING = 300  # seconds


def install():
    """Installs the libraries into the build folder, once; returns the folder with the programs."""
    for tool in "node", "npm":
        if shutil.which(tool) is None:
            raise unittest.SkipTest(f"there is no {tool} here")
    folder = os.path.join(lockd.BUILD, "e2e-npm")
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(HERE):
        shutil.copy(os.path.join(HERE, name), folder)
    with open(os.path.join(HERE, "package-lock.json"), "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    stamp = os.path.join(folder, "installed")
    if os.path.exists(stamp):
        with open(stamp, encoding="ascii") as file:
            if file.read() == wanted:
                return folder
        os.remove(stamp)
    try:
        result = subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=folder, text=True,
                                capture_output=True, timeout=INSTALLING, check=False)
    except subprocess.TimeoutExpired as error:
        raise unittest.SkipTest("npm does not get the libraries in time") from error
    if result.returncode != 0:
        raise unittest.SkipTest("npm cannot get the libraries:\n" + result.stderr)
    with open(stamp, "w", encoding="ascii") as file:
        file.write(wanted)
    return folder


class Libraries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = install()

    def use(self, program):
        with Lockd() as server:
            result = subprocess.run(["node", program, str(server.port)], cwd=self.folder,
                                    capture_output=True, text=True, timeout=LIMIT, check=False)
            self.assertEqual(result.returncode, 0, result.stderr)
        told = json.loads(result.stdout.splitlines()[-1])  # a library may log there before
        self.assertTrue(told["exact"], told)  # JavaScript has no larger integers
        self.assertEqual(told["again"], told["token"])
        self.assertIsNone(told["refused"])
        self.assertEqual(told["unlocked"], 1)
        self.assertGreater(told["next"], told["token"])
        refused, taken, *others = told["transaction"]
        self.assertIsNone(refused)
        self.assertGreater(taken, told["next"])
        self.assertEqual(others, [1, "PONG"])
        self.assertIn("the key is empty", told["error"])
        self.assertIn("role:master", told["info"])

    def test_node_redis(self):
        self.use("redis.mjs")

    def test_ioredis(self):
        self.use("ioredis.mjs")

    def test_valkey_glide(self):
        self.use("valkey-glide.mjs")


if __name__ == "__main__":
    main()
