"""Tests the module redis with a real redis-server: commands, scripts, messages, TLS, restarts."""

import json
import os
import signal
import subprocess
import tempfile
import threading
import unittest

from lockd import LIMIT, listens, main, program, wait_until
from loopback import make_certificate
from redis_server import RedisServer, missing
from running_app import RunningApp


class App(RunningApp):
    """An app with the module redis, and a rule that answers each message with a command."""

    def __init__(self, server, **settings):
        super().__init__("redis")
        self.settings = {"server": server, "channels": ["orders"], **settings}
        self.socket = self.path("socket")

    def write(self):
        app = {
            "server": {"startup": ["redis", "rules", "resp", "manager"]},
            "module": {
                "resp": {"listen": ["unix:" + self.socket]},
                "redis": self.settings,
                "rules": {"rules": {"count": {
                    "on": "redis.Message",
                    "do": [{"call": "redis.command",
                            "with": {"arguments": ["RPUSH", "seen", "{{event.channel}} "
                                                   "{{event.data.n}}"]}}]}}},
            },
        }
        with open(self.path("app.json"), "w", encoding="ascii") as file:
            json.dump(app, file)

    def __enter__(self):
        self.write()
        self.launch(self.path("app.json"), REDIS_PASSWORD="pears")
        wait_until(lambda: listens(self.socket), "the app serves")
        return self

    def change(self, **settings):
        self.settings.update(settings)
        self.write()
        self.process.send_signal(signal.SIGHUP)

    def call(self, function, **parameters):
        """Returns the result, or what weir says of the error."""
        done = subprocess.run(
            [program("weir"), "call", "unix:" + self.socket, "redis", function,
             json.dumps(parameters)], capture_output=True, text=True, timeout=LIMIT, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def command(self, *arguments, **more):
        return self.call("command", arguments=list(arguments), **more)

    def reload(self):
        subprocess.run([program("weir"), "call", "unix:" + self.socket, "manager", "reload",
                        '{"modules": ["redis"]}'], stdout=subprocess.DEVNULL, timeout=LIMIT,
                       check=True)

    def listens(self, times=1):
        """Waits until the module listens to its channels, on a connection of that number."""
        def connected():
            messages = self.call("status")["messages"]
            return messages["connected"] and messages["connections"] >= times
        wait_until(connected, "it listens to its channels")


@unittest.skipIf(missing(), missing())
class RedisTest(unittest.TestCase):
    def test_commands_keep_their_types_in_both_versions_of_the_protocol(self):
        with RedisServer() as server, App(f"tcp://127.0.0.1:{server.port}") as app:
            self.assertEqual(app.command("SET", "a", 1), "OK")
            self.assertEqual(app.command("INCR", "a"), 2)
            self.assertEqual(app.command("GET", "a"), "2")
            self.assertIsNone(app.command("GET", "b"))
            self.assertEqual(app.command("HSET", "h", "x", "1", "y", {"z": None}), 2)
            self.assertEqual(app.command("HGETALL", "h"), {"x": "1", "y": '{"z":null}'})
            app.command("ZADD", "z", 1.5, "m")
            self.assertEqual(app.command("ZSCORE", "z", "m"), 1.5)
            self.assertEqual(app.command("SMEMBERS", "none"), [])
            self.assertIn("wrongtype: INCR on tcp://127.0.0.1:", app.command("INCR", "h"))
            self.assertIn("refused: ", app.command("NOSUCH"))
            self.assertIn("bad_parameter: ", app.command("BLPOP", "a", 0))
            self.assertEqual(app.call("status")["commands"]["version"], 3)
        with RedisServer('rename-command HELLO ""') as server:
            with App("unix:" + server.unix) as app:
                app.listens()
                app.command("HSET", "h", "x", "1")
                self.assertEqual(app.command("HGETALL", "h"), ["x", "1"])
                server.client().publish("orders", '{"n": 1}')
                wait_until(lambda: server.client().lrange("seen", 0, -1) == ["orders 1"],
                           "the rule has run")
                self.assertEqual(app.call("status")["commands"]["version"], 2)

    def test_a_script_is_sent_again_when_the_server_has_forgotten_it(self):
        with RedisServer() as server, App("unix:" + server.unix) as app:
            script = "return redis.call('INCRBY', KEYS[1], ARGV[1])"
            self.assertEqual(app.call("script", text=script, keys=["n"], arguments=[5]), 5)
            server.client().script_flush()
            self.assertEqual(app.call("script", text=script, keys=["n"], arguments=[5]), 10)
            self.assertEqual(app.call("script", text=script, keys=["n"], arguments=[5]), 15)
            executed = server.client().info("commandstats")
            self.assertEqual(executed["cmdstat_eval"]["calls"], 2)

    def test_a_restart_of_the_server_leaves_commands_in_doubt_or_done_once(self):
        with RedisServer() as server, App("unix:" + server.unix, command_timeout="30s") as app:
            self.assertEqual(app.command("PING"), "PONG")
            server.process.send_signal(signal.SIGSTOP)
            results = {}

            def ask(name, *arguments, **more):
                results[name] = app.command(*arguments, **more)

            waiting = [threading.Thread(target=ask, args=("doubt", "INCR", "n")),
                       threading.Thread(target=ask, args=("safe", "SET", "a", "1"),
                                        kwargs={"safe_to_repeat": True})]
            for thread in waiting:
                thread.start()
            wait_until(lambda: app.call("status")["pending"] == 2, "both commands wait")
            server.kill()
            wait_until(lambda: not app.call("status")["commands"]["connected"], "it notices")
            waiting.append(threading.Thread(target=ask, args=("later", "INCR", "m")))
            waiting[-1].start()
            server.start()
            for thread in waiting:
                thread.join(LIMIT)
            self.assertIn("in_doubt: INCR on unix:", results["doubt"])
            self.assertEqual(results["safe"], "OK")
            self.assertEqual(results["later"], 1)
            self.assertIsNone(server.client().get("n"))

    def test_messages_are_events_also_after_a_restart_and_by_other_channels(self):
        with RedisServer() as server, App("unix:" + server.unix) as app:
            def seen(expected):
                wait_until(lambda: server.client().lrange("seen", 0, -1) == expected,
                           f"{expected} are seen")

            app.listens()
            self.assertEqual(app.call("publish", channel="orders", payload={"n": 1}), 1)
            seen(["orders 1"])
            server.kill()
            server.start()
            app.listens(2)
            server.client().publish("orders", '{"n": 2}')
            seen(["orders 2"])
            app.change(channels=[], patterns=["news.*"])
            wait_until(lambda: server.client().pubsub_numpat() == 1, "it listens to the pattern")
            server.client().publish("orders", '{"n": 3}')
            server.client().publish("news.today", '{"n": 4}')
            seen(["orders 2", "news.today 4"])

    def test_a_password_is_read_again_and_shown_nowhere(self):
        with RedisServer("requirepass apples") as server:
            app = App("unix:" + server.unix, password_file="password", command_timeout="1s")
            with open(app.path("password"), "w", encoding="ascii") as file:
                file.write("plums\n")
            with app:
                self.assertIn("WRONGPASS", app.command("PING"))
                with open(app.path("password"), "w", encoding="ascii") as file:
                    file.write("apples\n")
                app.process.send_signal(signal.SIGHUP)
                wait_until(lambda: app.command("PING") == "PONG", "it has logged in")
            self.assertNotIn("plums", "".join(app.log))
            self.assertNotIn("apples", "".join(app.log))
        with RedisServer("user ann on >pears ~* +@all &*", "user default off") as server:
            with App("unix:" + server.unix, user="ann", password="${REDIS_PASSWORD}") as app:
                self.assertEqual(app.command("ACL", "WHOAMI"), "ann")
        with RedisServer("user ann on nopass ~* +@all &*") as server:
            with App("unix:" + server.unix, user="ann") as app:
                self.assertEqual(app.command("ACL", "WHOAMI"), "ann")

    def test_tls_shows_a_certificate_and_verifies_that_of_the_server(self):
        with tempfile.TemporaryDirectory(prefix="redis-test-") as folder:
            certificate = os.path.join(folder, "certificate.pem")
            key = os.path.join(folder, "key.pem")
            make_certificate(certificate, key)
            with open(certificate, "ab") as both, open(key, "rb") as file:
                both.write(file.read())
            with RedisServer(tls=certificate) as server:
                with App(f"tls://localhost:{server.port}", certificate=certificate,
                         certificate_authorities=certificate) as app:
                    self.assertEqual(app.command("PING"), "PONG")
                with App(f"tls://localhost:{server.port}", certificate=certificate,
                         command_timeout="1s") as app:
                    self.assertIn("unavailable: ", app.command("PING"))
                    self.assertIn("certificate", app.call("status")["commands"]["obstacle"])

    def test_a_reload_keeps_the_connections(self):
        with RedisServer() as server, App("unix:" + server.unix) as app:
            app.listens()
            clients = server.client().info("stats")["total_connections_received"]
            app.reload()
            self.assertEqual(app.command("PING"), "PONG")
            app.listens()
            # One for each question of this test.
            self.assertEqual(server.client().info("stats")["total_connections_received"],
                             clients + 1)

    def test_a_reload_takes_another_server(self):
        with RedisServer() as old, RedisServer() as new, App("unix:" + old.unix) as app:
            app.listens()
            new.client().set("which", "new")
            app.change(server="unix:" + new.unix)
            wait_until(lambda: any("takes effect when the module is reloaded" in line
                                   for line in app.log), "the log says when")
            self.assertIsNone(app.command("GET", "which"))
            app.reload()
            self.assertEqual(app.command("GET", "which"), "new")
            app.listens()
            new.client().publish("orders", '{"n": 1}')
            wait_until(lambda: new.client().lrange("seen", 0, -1) == ["orders 1"],
                       "it listens to the new server")

    def test_settings_that_cannot_work_are_mistakes(self):
        def check(module, settings):
            app = {"server": {"startup": [module]}, "module": {module: settings}}
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump(app, file)
                file.flush()
                done = subprocess.run([program("weir"), "check", file.name], timeout=LIMIT,
                                      capture_output=True, text=True, check=False)
            self.assertNotEqual(done.returncode, 0)
            return done.stdout + done.stderr

        missing_file = {"server": "tls://localhost:1", "certificate_authorities": "/nowhere.pem"}
        both = {"password": "a", "password_file": "/etc/hostname"}
        for settings, mistake in (
                (missing_file, 'certificate_authorities: cannot be read: "/nowhere.pem"'),
                (both, "has both password and password_file"),
                ({"channels": [""]}, "has an empty name")):
            self.assertIn(mistake, check("redis", settings))
        for backend, mistake in (
                ({}, "names none: expected zookeeper or lockd"),
                ({"lockd": {}, "zookeeper": {"servers": ["a"]}}, "names both zookeeper and lockd"),
                ({"lockd": both}, "has both password and password_file"),
                ({"lockd": missing_file}, "certificate_authorities: cannot be read")):
            self.assertIn(mistake, check("lock", {"backend": backend}))


if __name__ == "__main__":
    main()
