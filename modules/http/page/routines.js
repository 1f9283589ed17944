// The view of the routines: how many wait at which line of the sources, and each of them.

import { h, put } from "./dom.js";
import { count, duration, figure, place, size } from "./format.js";
import { number, Table } from "./table.js";

const most = 1000; // that the server lists; it counts the rest

export class Routines {
  id = "routines";
  title = "Routines";

  constructor(api, refresh) {
    this.contains = h("input", { type: "search", autocomplete: "off", maxlength: 256,
      placeholder: "name, place or wait", "aria-label": "Text in the name, the place or the wait", input: refresh });
    this.module = h("select", { "aria-label": "Module", change: refresh },
      h("option", { value: "" }, "all modules"));
    this.counts = h("p", { class: "quiet" });
    const common = [
      { title: "Module", value: (row) => row.module },
      { title: "Started at", value: (row) => place(row.started_at), width: 2 },
      { title: "State", value: (row) => row.state },
    ];
    this.groups = new Table("Routines by place", [
      number("Routines", (row) => row.count, figure),
      ...common,
      number("Longest wait", (row) => row.seconds, duration),
      number("Memory", (row) => row.memory, size),
      { title: "One of them", value: (row) => row.name },
      { title: "waits for", value: (row) => row.waits_for ?? "", width: 2.5 },
    ], { key: (row) => `${row.module}|${row.started_at}|${row.state}`,
      opened: (row) => this.open(row) });
    this.table = new Table("Routines", [
      { title: "Routine", value: (row) => row.name || place(row.started_at),
        width: 1.2 },
      ...common,
      number("For", (row) => row.seconds, duration),
      number("Timers", (row) => row.timers || null),
      number("Memory", (row) => row.memory, size),
      { title: "Waits for", value: (row) => row.waits_for ?? "", width: 2.5 },
    ], { key: (row) => JSON.stringify([row.name, row.started_at, row.waits_for]),
      empty: "No routine matches." });
    this.refresh = refresh;
    this.element = h("div", { class: "stack" },
      h("div", { class: "bar" }, h("label", {}, "Filter ", this.contains), this.module,
        this.counts),
      h("h2", {}, "By the line that started them"), this.groups.element,
      h("h2", {}, "Each"), this.table.element);
    this.groups.element.classList.add("short");
  }

  load(api) {
    return api.call("manager", "routines",
      { module: this.module.value, contains: this.contains.value, limit: most });
  }

  // Shows the routines of the group only.
  open(group) {
    this.contains.value = group.started_at;
    this.refresh();
  }

  show(answer, live) {
    const names = Object.keys(live.client.functions);
    if (this.names !== names.join()) {
      this.names = names.join();
      const chosen = this.module.value;
      put(this.module, h("option", { value: "" }, "all modules"),
        ...names.map((name) => h("option", { value: name }, name)));
      this.module.value = names.includes(chosen) ? chosen : "";
    }
    const { routines, matching, list } = answer;
    this.counts.textContent = `${count(routines, "routine")}` +
      (matching === routines ? "" : `, ${figure(matching)} match`) +
      (list.length === matching ? "" : `; ${figure(list.length)} are listed`);
    this.groups.show(answer.groups);
    this.table.show(list);
    return this.element;
  }
}
