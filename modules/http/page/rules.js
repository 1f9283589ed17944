// The view of the rules: on which events they act, what they do now, and what has failed.

import { h, notice } from "./dom.js";
import { figure } from "./format.js";
import { number, Table } from "./table.js";

const bad = (value) => (row) => (value(row) ? "bad" : "");
const warn = (value) => (row) => (value(row) ? "warn" : "");

export class Rules {
  id = "rules";
  title = "Rules";

  constructor() {
    this.table = new Table("Rules", [
      { title: "Rule", value: (row) => row.name, width: 1.6 },
      { title: "On", value: (row) => row.on, width: 1.6 },
      { title: "State", value: (row) => row.state },
      number("Events", (row) => row.events, figure),
      number("Runs", (row) => row.runs, figure),
      number("Running", (row) => row.running || null, figure),
      number("Waiting", (row) => row.waiting || null, figure,
        { tone: warn((row) => row.waiting) }),
      number("Failed", (row) => row.failed || null, figure, { tone: bad((row) => row.failed) }),
      number("Retries", (row) => row.retries || null, figure),
      number("Dropped", (row) => row.dropped || null, figure,
        { tone: bad((row) => row.dropped) }),
    ], { key: (row) => `${row.name}\n${row.state}`, empty: "There are no rules." });
    this.element = h("div", { class: "stack" }, this.table.element);
  }

  async load(api, client) {
    return client.functions.rules === undefined ? null : api.call("rules", "list");
  }

  show(rules) {
    if (rules === null) {
      return notice("The module rules does not run.");
    }
    this.table.show(rules);
    return this.element;
  }
}
