"""Tests traces: requests that bring one, and a collector of OpenTelemetry that gets the spans."""

import http.server
import json
import threading
import time
import unittest

from http_test import LOGIN, Web
from lockd import LIMIT, main, wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
PARENT = ("-H", f"traceparent: 00-{TRACE}-{CALLER}-01")


class Collector:
    """Takes spans at a port, as OTLP/HTTP with JSON says."""

    def __init__(self, status=200):
        self.spans = []
        self.requests = []
        self.status = status
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                collector.requests.append((self.path, dict(self.headers)))
                if collector.status == 200:
                    for resource in body["resourceSpans"]:
                        for scope in resource["scopeSpans"]:
                            for span in scope["spans"]:
                                collector.spans.append({**span, "resource": resource["resource"]})
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/v1/traces"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def wait_for(self, *names):
        """Returns the first span of each name."""
        def has_all():
            return set(names) <= {span["name"] for span in self.spans}
        wait_until(has_all, f"the spans {names} of {[s['name'] for s in self.spans]}")
        return [next(span for span in self.spans if span["name"] == name) for name in names]


def attributes(holder):
    return {a["key"]: next(iter(a["value"].values())) for a in holder["attributes"]}


def web_with(collector, startup=("otlp", "lock", "resp", "http", "manager"), **settings):
    web = Web()
    web.more["server"]["startup"] = list(startup)
    web.more["module"]["otlp"] = {"collector": collector, "interval": "50ms", **settings}
    web.write()
    return web


class Traces(unittest.TestCase):

    def test_a_request_is_part_of_the_trace_that_it_brings(self):
        with Collector() as collector, web_with(
                collector.address, service_name="till", headers={"X-Key": "1"},
                resource={"deployment.environment.name": "test"}) as web:
            before = time.time_ns()
            status, held = web.post("/locks/order:1", {}, *LOGIN, *PARENT)
            self.assertEqual(status, 201)
            request, opening, acquiring = collector.wait_for(
                "POST /locks/{key}", "lock.open_session", "lock.acquire")
            for span in (request, opening, acquiring):
                self.assertEqual(span["traceId"], TRACE)
                self.assertRegex(span["spanId"], "^[0-9a-f]{16}$")
                began, ended = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
                self.assertLessEqual(began, ended)
                self.assertLess(abs(began - before), LIMIT * 10**9)
            self.assertEqual((request["parentSpanId"], request["kind"]), (CALLER, 2))
            self.assertEqual(attributes(request), {
                "http.request.method": "POST", "http.route": "/locks/{key}",
                "http.response.status_code": "201"})
            for call in (opening, acquiring):
                self.assertEqual((call["parentSpanId"], call["kind"]), (request["spanId"], 1))
            self.assertEqual(attributes(acquiring),
                             {"rpc.service": "lock", "rpc.method": "acquire"})
            resource = attributes(request["resource"])
            self.assertEqual((resource["service.name"], resource["deployment.environment.name"]),
                             ("till", "test"))
            path, headers = collector.requests[0]
            self.assertEqual((path, headers["X-Key"], headers["Content-Type"]),
                             ("/v1/traces", "1", "application/json"))
            # What has failed says so, in the words of the error.
            web.post("/call/lock/release", {"session": "none", "key": "a"}, *LOGIN, *PARENT)
            failed, = collector.wait_for("lock.release")
            self.assertEqual((failed["status"], attributes(failed)["error.type"]),
                             ({"code": 2}, "unknown_session"))
            web.curl("/locks/order:1?session=" + held["session"], "-X", "DELETE", *LOGIN)

    def test_requests_without_a_trace_begin_one_and_those_that_are_not_sampled_have_no_spans(self):
        with Collector() as collector, web_with(collector.address) as web:
            web.curl("/health", "-H", f"traceparent: 00-{TRACE}-{CALLER}-00")
            web.curl("/nothing", "-H", "traceparent: nonsense")
            web.curl("/call/lock/list?pattern=a")
            called, request = collector.wait_for("lock.list", "GET /call/{module}/{function}")
            self.assertNotIn("parentSpanId", request)
            self.assertNotEqual(request["traceId"], TRACE)
            self.assertEqual((called["traceId"], called["parentSpanId"]),
                             (request["traceId"], request["spanId"]))
            self.assertNotIn(TRACE, [span["traceId"] for span in collector.spans])
            nowhere = [span for span in collector.spans if span["name"] == "GET"]
            self.assertEqual([attributes(span)["http.response.status_code"] for span in nowhere],
                             ["404"])
        with Collector() as collector, web_with(collector.address, begin_share=0) as web:
            for _ in range(20):
                web.curl("/health")
            web.curl("/health", *PARENT)
            collector.wait_for("GET /health")
            self.assertEqual({span["traceId"] for span in collector.spans}, {TRACE})

    def test_a_collector_that_is_away_delays_no_request_and_costs_spans_above_a_limit(self):
        with Collector(status=503) as collector:
            with web_with(collector.address, max_spans=20, batch=5) as web:
                for _ in range(30):
                    self.assertEqual(web.curl("/health")[0], 200)
                web.wait_for_log("cannot send spans: it answers 503; up to 20 wait")

                def metric(name):
                    text = web.curl("/metrics", owner=True)[2].decode()
                    return int(next(line for line in text.splitlines()
                                    if line.startswith(name + " ")).split()[1])
                self.assertGreater(metric("weir_otlp_dropped_total"), 0)
                self.assertGreater(metric("weir_otlp_failed_requests_total"), 0)
                self.assertEqual(metric("weir_otlp_sent_total"), 0)
                self.assertLessEqual(metric("weir_otlp_waiting"), 25)
                collector.status = 200
                web.wait_for_log("takes spans again")
                wait_until(lambda: metric("weir_otlp_sent_total") >= 20, "the rest is sent")

    def test_the_last_spans_are_sent_when_the_server_ends(self):
        with Collector() as collector:
            with web_with(collector.address, interval="1h") as web:
                web.curl("/health", *PARENT)
            self.assertIn("GET /health", [span["name"] for span in collector.spans])

    def test_a_reload_loses_no_span(self):
        with Collector() as collector, web_with(collector.address) as web:
            for i in range(3):
                web.curl("/health", "-H", f"traceparent: 00-{i + 1:032x}-{CALLER}-01")
                status, body = web.post("/call/manager/reload", {"modules": ["otlp"]}, owner=True)
                self.assertEqual(status, 200, body)
            wait_until(lambda: {f"{i + 1:032x}" for i in range(3)} <= {
                span["traceId"] for span in collector.spans}, "all have come")


if __name__ == "__main__":
    main()
