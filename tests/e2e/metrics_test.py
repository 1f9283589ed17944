"""weir metrics: what it prints of a running lockd, and what Prometheus's own checker says of it."""

import json
import os
import re
import subprocess
import unittest

from lockd import LIMIT, Lockd, main, program

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


class Metrics(unittest.TestCase):
    def test_promtool_has_nothing_to_say_against_them(self):
        with Lockd() as lockd, lockd.connect() as client:
            client.token("LOCK key")
            lockd.cli("CALL", "manager", "modules")
            done = subprocess.run(["promtool", "check", "metrics"], input=metrics(lockd), text=True,
                                  capture_output=True, timeout=LIMIT, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

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

    def test_keys_and_contexts_that_clients_choose_make_no_new_values(self):
        with Lockd() as lockd, lockd.connect() as client:
            client.token("LOCK key CONTEXT context")
            metrics(lockd)  # counts itself as a call from the second time on
            lines = len(metrics(lockd).splitlines())
            for i in range(20):
                client.token(f"LOCK key{i} CONTEXT context{i}")
            self.assertEqual(len(metrics(lockd).splitlines()), lines)


if __name__ == "__main__":
    main()
