"""Two modules of one plugin side by side, with different rights: for the public, and for admins."""

import json
import signal
import subprocess
import unittest
import urllib.error
import urllib.request

import redis

from lockd import LIMIT, Lockd, main, program, wait_until

UNLOAD = ("CALL", "manager", "unload", '{"module": "tea"}')


class TwoDoors(Lockd):
    """A server with the modules `resp` and `inner` of the plugin resp, `web` and `desk` of http."""

    def __init__(self):
        super().__init__(owner_at_port=False)
        free = {"address": "tcp://127.0.0.1:0", "owner": []}
        admin = {**free, "anonymous": ["admin"]}
        self.more = {
            "server": {"startup": ["resp", "inner", "web", "desk", "manager"]},
            "module": {
                "inner": {"plugin": "resp", "listen": [admin], "max_clients": 2},
                "web": {"plugin": "http", "listen": [free]},
                "desk": {"plugin": "http", "listen": [admin]},
            },
        }
        self.write()

    def __enter__(self):
        super().__enter__()
        self.ports = {}
        for name in "inner", "web", "desk":
            found = self.wait_for_log(fr" {name}: .*listens at tcp://[\d.]+:(\d+)|"
                                      fr"{name}.*listens at tcp://[\d.]+:(\d+)")
            self.ports[name] = int(found.group(1) or found.group(2))
        self.wait_for_log("manager loaded")
        return self

    def inner(self):
        return redis.Redis(port=self.ports["inner"], single_connection_client=True,
                           socket_timeout=LIMIT)

    def http(self, name, path, body=None):
        """Returns the status and the content of the response."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports[name]}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=LIMIT) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


class Instances(unittest.TestCase):
    def test_clients_of_each_listener_have_its_rights_and_share_the_locks(self):
        with TwoDoors() as lockd:
            public, inner = lockd.redis(), lockd.inner()
            with self.assertRaises(redis.exceptions.NoPermissionError):
                public.execute_command(*UNLOAD)
            with self.assertRaisesRegex(redis.exceptions.ResponseError, "'tea' is not loaded"):
                inner.execute_command(*UNLOAD)
            self.assertIsInstance(public.execute_command("LOCK", "a"), int)
            self.assertIsNone(inner.execute_command("TRYLOCK", "a"))
            self.assertEqual(lockd.http("web", "/call/manager/unload", {"module": "tea"})[0], 403)
            status, text = lockd.http("desk", "/call/manager/unload", {"module": "tea"})
            self.assertIn("'tea' is not loaded", text)
            self.assertNotEqual(status, 403)
            self.assertIn('"a"', lockd.http("web", "/locks")[1])

    def test_each_module_has_its_own_name_in_listings_metrics_and_limits(self):
        with TwoDoors() as lockd:
            inner = lockd.inner()
            inner.ping()
            modules = {module["name"]: module for module in
                       json.loads(inner.execute_command("CALL", "manager", "modules"))}
            self.assertEqual({name: modules[name]["plugin"] for name in modules},
                             {"lock": "lock", "manager": "manager", "resp": "resp",
                              "inner": "resp", "web": "http", "desk": "http"})
            text = json.loads(inner.execute_command("CALL", "manager", "metrics"))
            self.assertIn("\nweir_resp_clients 0\n", text)
            self.assertIn('\nweir_resp_clients{module="inner"} 1\n', text)
            self.assertIn('\nweir_http_clients{module="desk"} 0\n', text)
            self.assertEqual(text.count("# TYPE weir_resp_clients "), 1)
            self.assertEqual(
                len(json.loads(inner.execute_command("CALL", "inner", "clients"))), 1)
            self.assertEqual(json.loads(inner.execute_command("CALL", "resp", "clients")), [])
            shown = subprocess.run([program("weir"), "inspect",
                                    f"127.0.0.1:{lockd.ports['inner']}"], capture_output=True,
                                   text=True, timeout=LIMIT, check=True).stdout
            self.assertIn("  inner (resp): succeeded for", shown)
            self.assertRegex(shown, r"\n    inner: 0.*, of inner\n")
            wait_until(
                lambda: len(json.loads(inner.execute_command("CALL", "inner", "clients"))) == 1,
                "the client of weir inspect has gone")
            second = lockd.inner()
            second.ping()
            with self.assertRaises(redis.exceptions.ConnectionError):
                lockd.inner().ping()

    def test_one_is_unloaded_and_the_others_serve_on(self):
        with TwoDoors() as lockd:
            public = lockd.redis()
            public.execute_command("LOCK", "a")
            with lockd.inner() as inner:
                inner.execute_command("CALL", "manager", "unload", '{"module": "desk"}')
                inner.execute_command("CALL", "manager", "reload", '{"plugins": ["resp", "http"]}')
                lockd.wait_for_log("inner reloaded")
                lockd.wait_for_log("web reloaded")
                self.assertTrue(inner.ping())
            self.assertEqual(public.execute_command("UNLOCK", "a"), 1)
            self.assertEqual(lockd.http("web", "/health")[0], 200)
            with self.assertRaises(urllib.error.URLError):
                lockd.http("desk", "/health")
            lockd.more["server"]["startup"] = ["resp", "web", "manager"]
            lockd.write()
            lockd.process.send_signal(signal.SIGHUP)
            lockd.wait_for_log("inner unloaded")
            self.assertTrue(public.ping())

    def test_the_schema_takes_a_module_under_another_name_and_refuses_a_misspelt_plugin(self):
        try:
            import jsonschema  # pylint: disable=import-outside-toplevel
        except ImportError:
            self.skipTest("needs python3-jsonschema")
        schema = json.loads(subprocess.run([program("weir"), "schema"], capture_output=True,
                                           text=True, timeout=LIMIT, check=True).stdout)
        jsonschema.Draft202012Validator.check_schema(schema)

        def fits(module):
            return jsonschema.Draft202012Validator(schema).is_valid({"module": module})
        self.assertTrue(fits({"a": {"plugin": "resp", "max_clients": 5}}))
        self.assertTrue(fits({"a.plugin": "resp", "resp": {"max_clients": 5}}))
        self.assertFalse(fits({"a": {"plugin": "rsep"}}))
        self.assertFalse(fits({"a": {"plugin": "resp", "max_client": 5}}))
        self.assertFalse(fits({"a": {"plugin": "http", "max_memory": 5}}))
        self.assertFalse(fits({"rsep": {"max_clients": 5}}))
        self.assertFalse(fits({"resp": {"max_client": 5}}))


if __name__ == "__main__":
    main()
