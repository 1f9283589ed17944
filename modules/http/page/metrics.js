// Reads the text format of Prometheus, and derives from two readings what the server does.

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const escapes = { n: "\n", "\\": "\\", '"': '"' };

function labelsOf(text) {
  const labels = {};
  for (const [, name, value] of (text ?? "").matchAll(label)) {
    labels[name] = value.replace(/\\(.)/g, (whole, mark) => escapes[mark] ?? whole);
  }
  return labels;
}

// All values of one moment, by the name of the metric.
export class Metrics {
  constructor(text) {
    this.values = new Map();
    for (const row of text.split("\n")) {
      // Buckets are half of the text, and the page shows none.
      const found = row.startsWith("#") || row.includes("_bucket{") ? null : line.exec(row);
      if (found) {
        const [, name, labels, value] = found;
        if (!this.values.has(name)) {
          this.values.set(name, []);
        }
        this.values.get(name).push({ labels: labelsOf(labels), value: Number(value) });
      }
    }
  }

  all(name) {
    return this.values.get(name) ?? [];
  }

  // Returns the sum of the values that have these labels; undefined if there is none.
  sum(name, labels = {}) {
    const found = this.all(name).filter((one) =>
      Object.entries(labels).every(([key, value]) => one.labels[key] === value));
    return found.length === 0 ? undefined
      : found.reduce((total, one) => total + one.value, 0);
  }
}

// Returns how much a counter has grown; undefined if it is not known, or has begun again.
function growth(before, now) {
  return before !== undefined && now !== undefined && now >= before ? now - before : undefined;
}

function quotient(a, b) {
  return a !== undefined && b > 0 ? a / b : undefined;
}

// Returns what happened between two readings, per second, and what is there now.
export function derive(before, now, seconds) {
  const grown = (name, labels) => growth(before.sum(name, labels), now.sum(name, labels));
  const rate = (name, labels) => quotient(grown(name, labels), seconds);
  return {
    events: rate("weir_core_queue_processed_total", { queue: "root" }),
    calls: rate("weir_module_call_seconds_count") ?? 0,
    errors: rate("weir_module_failed_calls_total") ?? 0,
    rounds: rate("weir_core_rounds_total"),
    processor: rate("process_cpu_seconds_total"),
    round: quotient(grown("process_cpu_seconds_total"), grown("weir_core_rounds_total")),
    memory: now.sum("process_resident_memory_bytes"),
    held: now.sum("weir_lock_held"),
    waiting: now.sum("weir_lock_waiting"),
    acquired: rate("weir_lock_acquired_total"),
    requests: rate("weir_http_requests_total"),
  };
}

// Returns one row for each function that was called: its rate, mean time and share of errors.
export function functionRows(before, now, seconds) {
  return now.all("weir_module_call_seconds_count").map(({ labels, value }) => {
    const of = (metrics, name) => metrics.sum(name, labels);
    const calls = growth(of(before, "weir_module_call_seconds_count"), value);
    return {
      name: `${labels.module}.${labels.function}`,
      total: value,
      rate: quotient(calls, seconds) ?? 0,
      mean: quotient(of(now, "weir_module_call_seconds_sum"), value),
      failed: of(now, "weir_module_failed_calls_total") ?? 0,
    };
  });
}

// Returns whether the second reading is of another process than the first.
export function restarted(before, now) {
  return before.sum("process_start_time_seconds") !== now.sum("process_start_time_seconds");
}
