// The view of all in one: rates of the last minutes, functions, and what needs attention.

import { Chart } from "./chart.js";
import { h, notice, put } from "./dom.js";
import { count, duration, figure, percent, size } from "./format.js";
import { may } from "./live.js";
import { functionRows } from "./metrics.js";
import { number, Table } from "./table.js";

const perSecond = (value) => `${figure(value < 10 ? Number(value.toPrecision(2)) : value)}/s`;

// Returns what a person should look at: [{text, view}].
export function attentions(metrics, deadlocks) {
  const found = [];
  for (const { labels } of metrics.all("weir_module_state")) {
    if (labels.state === "failed") {
      found.push({ text: `The module ${labels.module} has failed.`, view: "modules" });
    }
  }
  if (deadlocks > 0) {
    found.push({ text: `There ${deadlocks === 1 ? "is" : "are"} ${count(deadlocks, "deadlock")}.`,
      view: "locks" });
  }
  const dropped = metrics.sum("weir_core_log_lines_dropped_total") ?? 0;
  if (dropped > 0) {
    found.push({ text: `${count(dropped, "line")} of the log were lost.`, view: "overview" });
  }
  const files = metrics.sum("process_open_fds") / metrics.sum("process_max_fds");
  if (files > 0.8) {
    found.push({ text: `${percent(files)} of all open files are in use.`, view: "overview" });
  }
  return found;
}

export class Overview {
  id = "overview";
  title = "Overview";

  constructor() {
    this.charts = [
      new Chart("Events", perSecond, [{ member: "events", tone: "one" }]),
      new Chart("Calls", perSecond, [{ member: "calls", tone: "one" },
        { member: "errors", name: "errors", tone: "bad" }]),
      new Chart("Locks held", figure, [{ member: "held", tone: "one" },
        { member: "waiting", name: "waiting", tone: "two" }]),
      new Chart("Processor", percent, [{ member: "processor", tone: "one" }]),
      new Chart("Processor time per round", duration, [{ member: "round", tone: "one" }]),
      new Chart("Memory", size, [{ member: "memory", tone: "one" }], 2 ** 20),
    ];
    this.attention = h("ul", { class: "attention" });
    this.functions = new Table("Functions", [
      { title: "Function", value: (row) => row.name, width: 2 },
      number("Calls/s", (row) => row.rate, figure),
      number("Mean time", (row) => row.mean, duration),
      number("Errors", (row) => row.failed, figure,
        { tone: (row) => (row.failed > 0 ? "bad" : "") }),
      number("Calls", (row) => row.total, figure),
    ], { key: (row) => row.name, sort: { column: 4, downwards: true },
      empty: "No function has been called." });
    this.element = h("div", { class: "overview" },
      h("section", { "aria-label": "Attention" }, this.attention),
      h("section", { class: "charts", "aria-label": "Rates" },
        ...this.charts.map(({ element }) => element)),
      h("section", { class: "fills" }, h("h2", {}, "Functions"), this.functions.element));
  }

  async load(api, client) {
    return may(client, "lock", "deadlocks") ? (await api.call("lock", "deadlocks")).length : 0;
  }

  show(deadlocks, live) {
    if (live.metrics === null) {
      return notice("You may not see the rates: they need the right manager.metrics.");
    }
    const { before, now, seconds, time } = live.metrics;
    this.charts.forEach((chart) => chart.show(live.history, time));
    this.charts[2].element.hidden = now.sum("weir_lock_held") === undefined;
    this.functions.show(functionRows(before ?? now, now, seconds));
    const found = attentions(now, deadlocks);
    put(this.attention, ...(found.length === 0
      ? [h("li", { class: "good" }, "Nothing needs attention.")]
      : found.map(({ text, view }) =>
        h("li", { class: "bad" }, h("a", { href: `#${view}` }, text)))));
    return this.element;
  }
}
