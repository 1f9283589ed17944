"""What the program says of plugins that are damaged, and which it finds."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

from lockd import APP, LIMIT, main, plugin, program


def weir(*arguments):
    """Runs the program; the result with its output."""
    return subprocess.run([program("weir"), *arguments], capture_output=True, text=True,
                          timeout=LIMIT, check=False)


class Plugins(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="plugins-test-")
        self.addCleanup(self.folder.cleanup)
        self.hello = plugin("hello")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def test_a_half_written_plugin_is_named_and_the_others_are_described(self):
        with open(self.hello, "rb") as file:
            whole = file.read()
        with open(self.path("tea.so"), "wb") as file:
            file.write(whole[:4095])
        os.mkdir(self.path("cups.so"))
        for command, code in (("modules", 0), ("schema", 0), ("describe lock", 0),
                              ("describe tea", 1)):
            with self.subTest(command):
                result = weir(*command.split(), "--plugins", self.folder.name)
                self.assertEqual(result.returncode, code)
                self.assertIn(self.path("tea.so") + " is damaged or not yet written to its end: ",
                              result.stderr)
                self.assertIn(self.path("cups.so") + " is a folder, not a plugin", result.stderr)
        result = weir("check", APP, "--plugins", self.folder.name)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        result = weir("check", APP, "--plugins", self.folder.name, "--set",
                      'server.startup=["tea"]')
        self.assertEqual(result.returncode, 2)
        self.assertIn(self.path("tea.so") + " is damaged", result.stderr)

    def test_the_schema_knows_the_modules_that_may_be_started(self):
        shutil.copy(self.hello, self.path("hello.so"))
        schema = json.loads(weir("schema", "--plugins", self.folder.name).stdout)
        startup = schema["properties"]["server"]["properties"]["startup"]
        names = startup["items"]["anyOf"][0]["enum"]
        self.assertLessEqual({"hello", "lock", "manager", "resp"}, set(names))

    def test_each_plugin_is_opened_once(self):
        if shutil.which("strace") is None:
            self.skipTest("needs strace")
        trace = self.path("trace")
        with subprocess.Popen(["strace", "-D", "-f", "-qq", "-e", "trace=openat", "-o", trace,
                               program("weir"), "run", APP, "--set",
                               f'module.resp.listen=["unix:{self.path("socket")}"]'],
                              stderr=subprocess.PIPE, text=True) as server:
            for line in server.stderr:
                if "resp loaded" in line:
                    break
            server.terminate()
            server.communicate(timeout=LIMIT)
        with open(trace, encoding="utf8") as file:
            opened = [line for line in file if "/plugins/lock.so" in line]
        self.assertEqual(len(opened), 1, opened)


if __name__ == "__main__":
    main()
