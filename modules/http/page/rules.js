// The view of the rules: how often each has run, failed and waits.

import { h, notice } from "./dom.js";
import { count, figure } from "./format.js";
import { may } from "./live.js";
import { number, Table } from "./table.js";

// Returns the rules with their runs per second since the answer before: {time, runs: by name}.
export function withRates(rules, before, time) {
  return rules.map((rule) => {
    const runs = before?.runs.get(rule.name);
    return { ...rule, rate: runs === undefined || runs > rule.runs || time <= before.time
      ? undefined : ((rule.runs - runs) * 1000) / (time - before.time) };
  });
}

const bad = (value) => ({ tone: (row) => (value(row) > 0 ? "bad" : "") });

export class Rules {
  id = "rules";
  title = "Rules";

  constructor() {
    this.before = null;
    this.counts = h("p", { class: "quiet" });
    this.table = new Table("Rules", [
      { title: "Rule", value: (rule) => rule.name, width: 1.4 },
      { title: "On", value: (rule) => rule.on, width: 1.4 },
      { title: "State", value: (rule) => rule.state },
      number("Runs/s", (rule) => rule.rate, figure),
      number("Runs", (rule) => rule.runs, figure),
      number("Failed", (rule) => rule.failed, figure, bad((rule) => rule.failed)),
      number("Retries", (rule) => rule.retries, figure),
      number("Running", (rule) => rule.running, figure),
      number("Waiting", (rule) => rule.waiting, figure),
      number("Events", (rule) => rule.events, figure),
      number("Dropped", (rule) => rule.dropped, figure, bad((rule) => rule.dropped)),
    ], { key: (rule) => `${rule.name}\n${rule.state}`, least: 760, empty: "There is no rule." });
    this.element = h("div", { class: "stack" }, this.counts, this.table.element);
  }

  // Whether the server has rules; who may not see them is told so.
  isThere(client) {
    return client.functions.rules !== undefined;
  }

  load(api, client) {
    return may(client, "rules", "list") ? api.call("rules", "list") : null;
  }

  show(rules) {
    if (rules === null) {
      return notice("You may not see the rules: they need the right rules.list.");
    }
    const time = Date.now();
    this.table.show(withRates(rules, this.before, time));
    this.before = { time, runs: new Map(rules.map(({ name, runs }) => [name, runs])) };
    const sum = (member) => rules.reduce((all, rule) => all + rule[member], 0);
    this.counts.textContent = [count(rules.length, "rule"), `${figure(sum("running"))} running`,
      `${count(sum("waiting"), "event")} waiting`].join(" · ");
    return this.element;
  }
}
