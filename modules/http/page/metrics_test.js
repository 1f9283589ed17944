import assert from "node:assert/strict";
import test from "node:test";

import { derive, functionRows, Metrics, restarted } from "./metrics.js";

function metrics({ start = 1, processed, calls, sum = 0, failed = 0, cpu = 0, rounds = 0 }) {
  return new Metrics(`# HELP x y
# TYPE x counter
process_start_time_seconds ${start}
process_cpu_seconds_total ${cpu}
weir_core_rounds_total ${rounds}
weir_core_queue_processed_total{queue="root"} ${processed}
weir_core_queue_processed_total{queue="root/lock"} 1e6
weir_module_call_seconds_bucket{module="lock",function="list",le="+Inf"} 7
weir_module_call_seconds_count{module="lock",function="list"} ${calls}
weir_module_call_seconds_sum{module="lock",function="list"} ${sum}
weir_module_failed_calls_total{module="lock",function="list"} ${failed}
`);
}

test("labels may contain what the format escapes", () => {
  const read = new Metrics('a{key="x\\"},\\n\\\\",b="2"} 3\n');
  assert.deepEqual(read.all("a"), [{ labels: { key: 'x"},\n\\', b: "2" }, value: 3 }]);
});

test("values with the same labels are summed, and what is missing is not 0", () => {
  const read = new Metrics('a{x="1",y="1"} 1\na{x="1",y="2"} 2\na{x="2",y="1"} 4\n');
  assert.equal(read.sum("a"), 7);
  assert.equal(read.sum("a", { x: "1" }), 3);
  assert.equal(read.sum("b"), undefined);
});

test("rates are the growth of counters in a second", () => {
  const seen = derive(metrics({ processed: 100, calls: 10, cpu: 1, rounds: 50 }),
    metrics({ processed: 300, calls: 14, failed: 2, cpu: 1.5, rounds: 150 }), 2);
  assert.equal(seen.events, 100);
  assert.equal(seen.calls, 2);
  assert.equal(seen.errors, 1);
  assert.equal(seen.processor, 0.25);
  assert.equal(seen.round, 0.005);
  assert.equal(seen.held, undefined);
});

test("a counter that begins again has no rate", () => {
  const seen = derive(metrics({ processed: 100, calls: 10 }),
    metrics({ processed: 3, calls: 1 }), 2);
  assert.equal(seen.events, undefined);
  assert.equal(seen.calls, 0);
});

test("a function has its rate, its mean time and its errors", () => {
  const rows = functionRows(metrics({ processed: 0, calls: 10 }),
    metrics({ processed: 0, calls: 20, sum: 5, failed: 3 }), 5);
  assert.deepEqual(rows, [{ name: "lock.list", total: 20, rate: 2, mean: 0.25, failed: 3 }]);
});

test("another process has another start", () => {
  const now = metrics({ processed: 0, calls: 0 });
  assert.equal(restarted(now, metrics({ processed: 9, calls: 9 })), false);
  assert.equal(restarted(now, metrics({ start: 2, processed: 9, calls: 9 })), true);
});
