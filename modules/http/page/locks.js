// The view of the locks: who holds and who waits, for how long, and who waits for whom.

import { facts, h, notice, put } from "./dom.js";
import { count, duration, figure } from "./format.js";
import { drawGraph } from "./graph.js";
import { may } from "./live.js";
import { number, Table } from "./table.js";
import { waitGraph } from "./waits.js";

// Returns the longest time of some uses of a lock; null if there is none.
function longest(uses) {
  return uses.length === 0 ? null : uses.reduce((most, { seconds }) => Math.max(most, seconds), 0);
}

export class Locks {
  id = "locks";
  title = "Locks";

  constructor(api, refresh) {
    this.chosen = null;
    this.drawn = "";
    this.pattern = h("input", { type: "search", name: "pattern", placeholder: "*",
      autocomplete: "off", maxlength: 256, "aria-label": "Keys, with * and ?", input: refresh });
    this.waitedFor = h("input", { type: "checkbox", id: "waited-for",
      change: () => this.showRows() });
    this.counts = h("p", { class: "quiet" });
    this.table = new Table("Locks", [
      { title: "Key", value: (row) => row.key, width: 2 },
      { title: "Context", value: (row) => row.context, width: 0.9 },
      { title: "Held", number: true, value: (row) => row.holders.length,
        text: (row) => `${row.holders.length} of ${row.size}` },
      { title: "Held by", value: (row) => row.holders[0]?.owner ?? "",
        text: (row) => (row.holders.length > 1
          ? `${row.holders[0].owner} and ${row.holders.length - 1} more`
          : row.holders[0]?.owner ?? ""), width: 2 },
      number("For", (row) => longest(row.holders), duration),
      number("Token", (row) => row.holders[0]?.token, String, { width: 1.6 }),
      number("Waiting", (row) => row.waiters.length || null, figure,
        { tone: (row) => (row.waiters.length ? "warn" : "") }),
      number("Longest", (row) => longest(row.waiters), duration),
    ], { key: (row) => `${row.context}\n${row.key}`, sort: { column: 6, downwards: true },
      chosen: (row) => this.choose(row), empty: "No lock is held." });
    this.picture = h("div", { class: "picture tall" });
    this.panel = h("aside", { class: "panel", "aria-label": "The chosen lock" });
    this.element = h("div", { class: "split" },
      h("div", { class: "stack" },
        h("div", { class: "bar" }, h("label", {}, "Keys ", this.pattern),
          h("label", { for: "waited-for" }, this.waitedFor, " only those that are waited for"),
          this.counts),
        this.table.element,
        h("h2", {}, "Who waits for whom"), this.picture),
      this.panel);
  }

  async load(api, client) {
    if (client.functions.lock === undefined) {
      return null;
    }
    const pattern = this.pattern.value.trim();
    const [listing, deadlocks] = await Promise.all([
      api.call("lock", "list", { pattern: pattern || "*" }).then((locks) => ({ locks, trouble: "" }),
        (problem) => {
          if (problem.code !== "limit_reached") {
            throw problem;
          }
          return { locks: [], trouble: problem.message };
        }),
      may(client, "lock", "deadlocks") ? api.call("lock", "deadlocks") : [],
    ]);
    return { ...listing, deadlocks };
  }

  show(answer) {
    if (answer === null) {
      return notice("The module lock does not run.");
    }
    this.answer = answer;
    this.showRows();
    this.drawPicture();
    this.drawPanel();
    return this.element;
  }

  showRows() {
    const { locks, trouble } = this.answer;
    const rows = this.waitedFor.checked ? locks.filter(({ waiters }) => waiters.length) : locks;
    const waiters = locks.reduce((sum, lock) => sum + lock.waiters.length, 0);
    this.counts.textContent = trouble ||
      `${count(locks.length, "key")}, ${count(waiters, "waiter")}`;
    this.counts.classList.toggle("bad", trouble !== "");
    this.table.show(rows);
  }

  choose(row) {
    this.chosen = row === null ? null : { context: row.context, key: row.key };
    this.drawPanel();
  }

  drawPicture() {
    const { nodes, arrows, left } = waitGraph(this.answer.locks, this.answer.deadlocks);
    const key = JSON.stringify([nodes, arrows, left]);
    if (key === this.drawn) {
      return;
    }
    this.drawn = key;
    if (nodes.length === 0) {
      put(this.picture, h("p", { class: "quiet" }, "No owner waits for a lock."));
      return;
    }
    const { deadlocks } = this.answer;
    const more = [left.keys ? count(left.keys, "key") : "",
      left.waiters ? count(left.waiters, "waiter") : ""].filter((text) => text);
    put(this.picture,
      ...deadlocks.map(({ description }) =>
        h("p", { class: "deadlock bad" }, h("strong", {}, "Deadlock: "), description.replace(/^deadlock: /, ""))),
      drawGraph(nodes.map((node) => ({ ...node, chosen: node.lock === undefined ? null : () =>
        this.table.select(this.answer.locks.find(({ context, key: name }) =>
          context === node.lock.context && name === node.lock.key) ?? null) })),
      arrows, `${count(arrows.length, "arrow")} from owners to the locks that they wait for, and ` +
        `from locks to their holders; ${count(deadlocks.length, "deadlock")}`),
      more.length === 0 ? "" : h("p", { class: "quiet" },
        `Not in the picture: ${more.join(" and ")}.`));
  }

  drawPanel() {
    const lock = this.chosen === null ? undefined : this.answer.locks.find(({ context, key }) =>
      context === this.chosen.context && key === this.chosen.key);
    if (lock === undefined) {
      put(this.panel, h("p", { class: "quiet" }, this.chosen === null
        ? "Choose a lock to see its holders and waiters." : "That lock is free now."));
      return;
    }
    const list = (title, uses, extra) => [h("h3", {}, `${title} (${figure(uses.length)})`),
      h("ol", { class: "texts" }, ...uses.slice(0, 100).map((use) => h("li", {}, use.owner, " ",
        h("span", { class: "quiet" }, duration(use.seconds), extra(use))))),
      uses.length > 100 ? h("p", { class: "quiet" }, "The first 100 of them.") : null];
    const made = lock.semaphore;
    put(this.panel, h("h2", {}, lock.key),
      facts([["Context", lock.context], ["Slots", figure(lock.size)],
        ["Semaphore", made === null ? "" : `made by ${made.made_by || "a client"}, ` +
          `${duration(made.seconds)} ago`]]),
      ...list("Holders", lock.holders, ({ token }) => `, token ${token}`),
      ...list("Waiters, the next first", lock.waiters, () => ""));
  }
}
