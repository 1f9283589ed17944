"""weir metrics and /metrics: what they tell of a running lockd, and what Prometheus says of it."""

import json
import os
import re
import subprocess
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request

from lockd import LIMIT, Lockd, main, program, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def metrics(lockd, *arguments):
    """Returns the text that weir metrics prints."""
    done = subprocess.run([program("weir"), "metrics", "unix:" + lockd.unix, *arguments],
                          capture_output=True, text=True, timeout=LIMIT, check=True)
    return done.stdout


def value(text, name, **labels):
    """Returns the value of the metric with these labels, or None."""
    for line in text.splitlines():
        found = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})? (\S+)", line)
        if found and found[1] == name and dict(re.findall(r'(\w+)="([^"]*)"',
                                                          found[2] or "")) == labels:
            return float(found[3])
    return None


def fetch(port, path):
    """Returns the content type and the body of what a server at this machine responds."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=LIMIT) as response:
        return response.headers["Content-Type"], response.read().decode()


def promtool(text):
    """Returns the exit code of Prometheus's checker of metrics, and what it says."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          capture_output=True, timeout=LIMIT, check=False)
    return done.returncode, done.stdout, done.stderr


class Web(Lockd):
    """A lockd that serves HTTP, too, at a port of its own."""

    def __init__(self, **http):
        super().__init__({
            "server": {"startup": ["lock", "resp", "http", "manager"]},
            "module": {"http": {"listen": ["tcp://127.0.0.1:0"], **http}},
        })

    def __enter__(self):
        super().__enter__()
        self.http_port = int(
            self.wait_for_log(r"http.*listens at tcp://127\.0\.0\.1:(\d+)").group(1))
        wait_until(self.ready, "the server is ready")
        return self

    def ready(self):
        try:
            return fetch(self.http_port, "/ready")
        except urllib.error.HTTPError as error:
            error.close()
            return False


class Prometheus:
    """A running Prometheus with the configuration of the docs, which scrapes a port often."""

    def __init__(self, lockd, port):
        with open(os.path.join(ROOT, "docs", "prometheus.yml"), encoding="utf-8") as file:
            text = file.read()
        own = re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", text).replace("15s", "1s")
        self.file = os.path.join(lockd.folder.name, "prometheus.yml")
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(own)
        self.data = os.path.join(lockd.folder.name, "prometheus")
        self.log = []
        self.port = None
        self.started = threading.Event()

    def __enter__(self):
        self.process = subprocess.Popen(
            ["prometheus", "--config.file=" + self.file, "--storage.tsdb.path=" + self.data,
             "--web.listen-address=127.0.0.1:0"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        self.started.wait(LIMIT)
        if self.port is None:
            self.__exit__()
            raise AssertionError("Prometheus does not listen:\n" + "".join(self.log))
        return self

    def _read_log(self):
        for line in self.process.stderr:
            self.log.append(line)
            if found := re.search(r'msg="Listening on" address=127\.0\.0\.1:(\d+)', line):
                self.port = int(found[1])
                self.started.set()
        self.started.set()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(LIMIT)
        self.reader.join(LIMIT)
        self.process.stderr.close()

    def value(self, expression):
        """Returns the present value of the only series that the expression selects, or None."""
        try:
            _, body = fetch(self.port,
                            "/api/v1/query?query=" + urllib.parse.quote(expression))
        except OSError:  # it is not ready
            return None
        series = json.loads(body)["data"]["result"]
        return float(series[0]["value"][1]) if len(series) == 1 else None


class Metrics(unittest.TestCase):
    def test_prometheus_reads_them_by_http(self):
        with Web() as lockd, lockd.connect() as client:
            client.token("LOCK key")
            kind, text = fetch(lockd.http_port, "/metrics")
            self.assertEqual(kind, "text/plain; version=0.0.4; charset=utf-8")
            self.assertEqual(promtool(text), (0, "", ""))
            with Prometheus(lockd, lockd.http_port) as prometheus:
                wait_until(lambda: prometheus.value("weir_lock_held") == 1, "it sees the lock")
                self.assertEqual(client.ask("UNLOCK key"), ":1")
                wait_until(lambda: prometheus.value("weir_lock_held") == 0, "it sees no lock")
                wait_until(
                    lambda: prometheus.value(
                        'weir_module_state{module="http",state="succeeded"}') == 1,
                    "it sees the state of a module")
                lockd.cli("CALL", "manager", "reload", '{"modules": ["lock"]}', owner=True)
                wait_until(
                    lambda: prometheus.value(
                        'weir_module_changes_total{module="lock",change="reloaded"}') == 1,
                    "it sees the reload")

    def test_http_counts_its_requests_clients_and_bytes(self):
        with Web() as lockd:
            def now(name, **labels):
                return value(fetch(lockd.http_port, "/metrics")[1], "weir_http_" + name, **labels)
            good, missing = now("requests_total", status="2xx"), now("requests_total", status="4xx")
            received, sent = now("received_bytes_total"), now("sent_bytes_total")
            times = now("request_seconds_count")
            with self.assertRaises(urllib.error.HTTPError) as failed:
                fetch(lockd.http_port, "/nothing")
            failed.exception.close()
            # The requests for the metrics count, too, each from the next one on.
            self.assertEqual(now("requests_total", status="4xx"), missing + 1)
            self.assertEqual(now("requests_total", status="2xx"), good + 6)
            self.assertEqual(now("request_seconds_count"), times + 4)
            self.assertGreater(now("received_bytes_total"), received + 100)
            self.assertGreater(now("sent_bytes_total"), sent + 5000)
            wait_until(lambda: now("clients") == 1, "there is only the client that asks")

    def test_clients_that_may_not_read_get_no_metrics(self):
        with Web(listen=[{"address": "tcp://127.0.0.1:0", "anonymous": []}]) as lockd:
            with self.assertRaises(urllib.error.HTTPError) as refused:
                fetch(lockd.http_port, "/metrics")
            with refused.exception as response:
                self.assertEqual(response.status, 403)
                self.assertEqual(json.loads(response.read())["code"], "denied")

    def test_promtool_has_nothing_to_say_against_them(self):
        with Lockd() as lockd, lockd.connect() as client:
            client.token("LOCK key")
            lockd.cli("CALL", "manager", "modules")
            self.assertEqual(promtool(metrics(lockd)), (0, "", ""))

    def test_the_dashboard_of_the_docs_shows_only_metrics_that_there_are(self):
        with open(os.path.join(ROOT, "docs", "grafana.json"), encoding="utf-8") as file:
            panels = json.load(file)["panels"]
        with Lockd() as lockd:
            metrics(lockd)
            there = set(re.findall(r"^(\w+)", metrics(lockd), re.MULTILINE))
        shown = [target["expr"] for panel in panels for target in panel.get("targets", [])]
        self.assertGreater(len(shown), 10)
        for expression in shown:
            for name in re.findall(r"(?:weir|process)_\w+", expression):
                self.assertIn(name, there)

    def test_locks_clients_calls_and_events_are_counted(self):
        with Lockd() as lockd, lockd.connect() as client:
            before = metrics(lockd)
            client.token("LOCK key")
            client.ask("UNLOCK key")
            client.token("LOCK other")
            lockd.cli("CALL", "manager", "modules")
            lockd.cli("CALL", "lock", "list", '{"pattern": 5}')
            text = metrics(lockd)
            self.assertEqual(value(text, "weir_lock_acquired_total", context="default"), 2)
            self.assertEqual(value(text, "weir_lock_hold_seconds_count", context="default"), 1)
            self.assertEqual(value(text, "weir_lock_held"), 1)
            self.assertGreaterEqual(value(text, "weir_resp_clients"), 2)
            called = {"module": "manager", "function": "modules"}
            self.assertIsNone(value(before, "weir_module_call_seconds_count", **called))
            self.assertEqual(value(text, "weir_module_call_seconds_count", **called), 1)
            self.assertEqual(value(text, "weir_module_failed_calls_total", **called), 0)
            self.assertEqual(value(text, "weir_module_failed_calls_total", module="lock",
                                   function="list"), 1)
            events = {"queue": "root/resp"}
            self.assertGreater(value(text, "weir_core_queue_processed_total", **events),
                               value(before, "weir_core_queue_processed_total", **events))
            locks = {"type": "weir.LockEvent"}
            self.assertIsNone(value(before, "weir_core_events_delivered_total", **locks))
            self.assertEqual(value(text, "weir_core_events_delivered_total", **locks), 3)

    def test_keys_and_contexts_that_clients_choose_make_no_new_values(self):
        with Lockd() as lockd, lockd.connect() as client:
            client.token("LOCK key CONTEXT context")
            def names():  # the first of an event's type may come at any time
                return [line.rsplit(" ", 1)[0] for line in metrics(lockd).splitlines()
                        if not line.startswith("weir_core_events_delivered_total")]
            metrics(lockd)  # counts itself as a call from the second time on
            before = names()
            for i in range(20):
                client.token(f"LOCK key{i} CONTEXT context{i}")
            self.assertEqual(names(), before)
            self.assertNotIn("context", "".join(
                line for line in metrics(lockd).splitlines() if "delivered" in line))


if __name__ == "__main__":
    main()
