// The view of the queue tree: how full each queue is, how fast events leave it, and which senders
// wait for room in it.

import { facts, h, put, setText, svg } from "./dom.js";
import { count, figure } from "./format.js";
import { number, Table } from "./table.js";

const mostSubqueues = 100; // of one queue; a queue may have one for each key

// Returns how many senders wait for room in the queue, of which the server may list the first only.
function sendersOf(queue) {
  return queue.waiting_senders ?? queue.senders.length;
}

// Returns the rows of the tree from the root on: {queue, path, depth, rate}. `before`: what had
// left each queue by then, by path. Of many subqueues the busiest are shown, and the others counted.
export function rowsOf(root, before, seconds) {
  const rows = [];
  const add = (queue, parent, depth, isLast, lines) => {
    const name = queue.name || (depth === 0 ? "root" : queue.matcher);
    const path = parent === "" ? name : `${parent}/${name}`;
    const left = before.get(path);
    const rate = left !== undefined && queue.popped >= left && seconds > 0
      ? (queue.popped - left) / seconds : undefined;
    rows.push({ queue, path, name, depth, isLast, lines, rate, limit: limitOf(queue) });
    const weight = (one) => sendersOf(one) * 1e6 + one.size;
    const byPriority = [...queue.subqueues].sort((a, b) => b.priority - a.priority);
    const shown = byPriority.length <= mostSubqueues ? byPriority
      : byPriority.sort((a, b) => weight(b) - weight(a)).slice(0, mostSubqueues);
    const leftOut = queue.subqueues.length - shown.length;
    shown.forEach((one, index) => {
      const last = index === shown.length - 1 && leftOut === 0;
      add(one, path, depth + 1, last, depth === 0 ? [] : [...lines, !isLast]);
    });
    if (leftOut > 0) {
      rows.push({ path: `${path}/…`, name: `${count(leftOut, "further queue")}`, depth: depth + 1,
        isLast: true, lines: depth === 0 ? [] : [...lines, !isLast], limit: null });
    }
  };
  add(root, "", 0, true, []);
  return rows;
}

// What of its limits a queue has least room in: {size, most}; null if it has none.
function limitOf(queue) {
  const limits = [
    { size: queue.size, most: queue.max_total },
    { size: queue.default_size, most: queue.max_default },
  ].filter(({ most }) => most !== null);
  return limits.sort((a, b) => b.size / b.most - a.size / a.most)[0] ?? null;
}

function drawBranch(cell, row) {
  const step = 18;
  const width = row.depth * step;
  const parts = row.lines.map((goesOn, at) => goesOn
    ? svg("path", { d: `M${at * step + 8} 0V26` }) : null);
  if (row.depth > 0) {
    const x = (row.depth - 1) * step + 8;
    parts.push(svg("path", { d: `M${x} 0V${row.isLast ? 13 : 26}M${x} 13H${x + 9}` }));
  }
  const name = h("span", { title: row.path }, row.name);
  cell.className = "branch";
  const key = `${row.path}|${row.isLast}|${row.lines}`;
  if (cell.drawn !== key) {
    cell.drawn = key;
    put(cell, svg("svg", { width, height: 26, class: "branches", "aria-hidden": "true" },
      ...parts), name);
  }
}

// A bar as long as the queue is full; a queue without a limit gets a mark if anything is in it.
function drawFill(cell, row) {
  if (cell.bar === undefined) {
    cell.bar = svg("rect", { class: "bar", height: 10, y: 0, x: 0, rx: 2 });
    cell.text = h("span", {});
    cell.className = "fill";
    put(cell, svg("svg", { width: 90, height: 10, "aria-hidden": "true" },
      svg("rect", { class: "trough", width: 90, height: 10, rx: 2 }), cell.bar), cell.text);
  }
  const { queue, limit } = row;
  cell.firstChild.classList.toggle("open", limit === null);
  const share = limit === null ? 0 : Math.min(1, limit.size / limit.most);
  const isThere = (queue?.size ?? 0) > 0;
  cell.bar.setAttribute("width", Math.max(isThere ? 3 : 0, share * 90));
  cell.bar.setAttribute("class", `bar ${share >= 0.95 ? "bad" : share >= 0.7 ? "warn" : ""}`);
  setText(cell.text, queue === undefined ? ""
    : limit === null ? figure(queue.size) : `${figure(limit.size)} of ${figure(limit.most)}`);
}

export class Queues {
  id = "queues";
  title = "Queues";

  constructor() {
    this.before = null;
    this.chosen = null;
    this.table = new Table("Queue tree", [
      { title: "Queue", value: (row) => row.path, draw: drawBranch, width: 3 },
      { title: "Fill", value: (row) => row.limit?.size ?? row.queue?.size ?? 0, draw: drawFill,
        width: 2.4 },
      number("Events/s", (row) => row.rate, figure),
      number("Blocked", (row) => row.queue?.blocked || null, figure),
      number("Senders", (row) => (row.queue && sendersOf(row.queue)) || null, figure,
        { tone: (row) => (row.queue && sendersOf(row.queue) ? "bad" : "") }),
      number("Left", (row) => row.queue?.popped, figure),
      number("Priority", (row) => (row.depth > 0 ? row.queue?.priority : null)),
      { title: "Module", value: (row) => row.queue?.module ?? "" },
    ], { key: (row) => row.path, chosen: (row) => this.choose(row) });
    this.panel = h("aside", { class: "panel", "aria-label": "The chosen queue" });
    this.element = h("div", { class: "split" }, this.table.element, this.panel);
  }

  load(api) {
    return api.call("manager", "inspect", { queues: true, routines: false, locks: false });
  }

  show(answer) {
    const isSame = this.before?.process === answer.process;
    this.rows = rowsOf(answer.queue, isSame ? this.before.popped : new Map(),
      isSame ? answer.time - this.before.time : 0);
    this.answer = answer;
    if (!isSame || answer.time - this.before.time >= 0.9) {
      this.before = { process: answer.process, time: answer.time,
        popped: new Map(this.rows.filter(({ queue }) => queue)
          .map(({ path, queue }) => [path, queue.popped])) };
    }
    this.table.show(this.rows);
    this.detail();
    return this.element;
  }

  choose(row) {
    this.chosen = row?.path ?? null;
    this.detail();
  }

  detail() {
    const row = this.rows?.find(({ path }) => path === this.chosen);
    if (row?.queue === undefined) {
      const { blocked } = this.answer.counts;
      put(this.panel, h("p", { class: "quiet" },
        `Choose a queue to see who waits. ${count(blocked, "event")} block their queues until a ` +
        "routine has processed them: each lock that is held is one."));
      return;
    }
    const { queue } = row;
    const blocked = this.answer.blocked_events.filter((one) => one.queue === row.path);
    const list = (title, texts, all) => (all === 0 ? [] : [
      h("h3", {}, `${title} (${figure(all)})`),
      h("ul", { class: "texts" }, ...texts.slice(0, 50).map((text) => h("li", {}, text))),
      texts.length < all || texts.length > 50
        ? h("p", { class: "quiet" }, "The list is not complete.") : null,
    ]);
    put(this.panel,
      h("h2", {}, row.path),
      facts([["Takes", queue.matcher], ["Order", queue.kind],
        ["Limit", queue.max_default === null ? "none" : figure(queue.max_default)],
        ["With those below", queue.max_total === null ? "no limit" : figure(queue.max_total)]]),
      ...list("Senders that wait for room", queue.senders, sendersOf(queue)),
      ...list("Events that block it", blocked.map(({ event }) => event), queue.blocked));
  }
}
