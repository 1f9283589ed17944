// The view of events as they pass, by type and index.

import { ConnectionLost, Problem } from "./api.js";
import { h, notice, put } from "./dom.js";
import { clock, count, figure } from "./format.js";
import { Table } from "./table.js";

const kept = 1000; // events that stay in the list
const retry = 1000; // milliseconds until a stream that has ended is continued

// Returns what the list shows of an item of the stream, and how many events it says were lost.
export function rowOf({ event, data }) {
  if (event !== "lost") {
    return { event, data, lost: 0 };
  }
  const { lost } = JSON.parse(data);
  return lost === null
    ? { event, lost: 1, data: "some events, while the connection was lost" }
    : { event, lost, data: `${count(lost, "event")}, which came faster than this page has read` };
}

export class Events {
  id = "events";
  title = "Events";

  constructor(api, refresh) {
    this.api = api;
    this.refresh = refresh;
    this.types = null;
    this.rows = [];
    this.number = 0;
    this.lost = 0;
    this.waiting = []; // while the view is paused
    this.type = h("select", { "aria-label": "Type of the events",
      change: () => this.chooseType() });
    this.indices = h("span", { class: "bar" });
    this.pause = h("button", { type: "button", "aria-pressed": "false",
      click: () => this.setPaused(!this.isPaused) }, "Pause");
    this.clear = h("button", { type: "button", click: () => this.forget() }, "Clear");
    this.state = h("p", { class: "quiet", role: "status" });
    this.table = new Table("Events", [
      { title: "Time", value: (row) => row.number, text: (row) => clock(row.time), width: "6em" },
      { title: "Type", value: (row) => row.event, width: 1 },
      { title: "Event", value: (row) => row.data, width: 4,
        tone: (row) => (row.event === "lost" ? "bad" : "") },
    ], { key: (row) => row.number, chosen: (row) => this.choose(row), empty: "No event yet." });
    this.detail = h("pre", { class: "json", tabindex: 0, "aria-label": "The chosen event" });
    this.element = h("div", { class: "split" },
      h("div", { class: "stack" }, h("div", { class: "bar" }, h("label", {}, "Type ", this.type),
        this.indices, this.pause, this.clear, this.state), this.table.element),
      h("aside", { class: "panel", "aria-label": "The chosen event" }, this.detail));
  }

  // What is asked again and again is only which types there are.
  load(api) {
    return this.types === null ? api.json("events") : this.types;
  }

  show(types) {
    if (this.types === null) {
      this.types = types;
      put(this.type, ...types.map(({ type }) => h("option", { value: type }, type)));
      if (types.length !== 0) {
        this.chooseType();
      }
    }
    return types.length === 0
      ? notice("No type of event may leave this server. A configuration declares some at ",
        h("code", {}, "server.events"), ".")
      : this.element;
  }

  // Another user, or another process: the types may be others.
  reset() {
    this.stop();
    this.types = null;
  }

  chooseType() {
    const found = this.types.find(({ type }) => type === this.type.value);
    this.type.title = found.description;
    this.inputs = found.indices.map(({ name, type }) => h("input", { type: "search", name,
      placeholder: `any ${type}`, "aria-label": `Index ${name}`, autocomplete: "off",
      change: () => this.begin() }));
    put(this.indices, ...found.indices.map(({ name }, at) =>
      h("label", {}, `${name} `, this.inputs[at])));
    this.begin();
  }

  begin() {
    this.stop();
    this.forget();
    const query = new URLSearchParams({ type: this.type.value });
    for (const input of this.inputs) {
      if (input.value !== "") {
        query.set(input.name, input.value);
      }
    }
    this.stopping = new AbortController();
    this.watch(`events?${query}`, this.stopping.signal);
  }

  stop() {
    this.stopping?.abort();
    this.stopping = null;
  }

  // Watches until it is stopped; continues behind the last event when the stream has ended.
  async watch(path, signal) {
    let after = null;
    while (!signal.aborted) {
      try {
        await this.api.stream(path, {
          after, signal,
          begun: () => this.say("watching"),
          take: (items) => {
            after = items.findLast(({ id }) => id !== null)?.id ?? after;
            this.take(items);
          },
        });
        this.say("the stream has ended, trying again");
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (error instanceof Problem) {
          this.say(error.message, true);
          if (error.status < 500) {
            return;
          }
        } else if (error instanceof ConnectionLost) {
          this.say("connection lost, trying again", true);
        } else {
          throw error;
        }
      }
      await new Promise((resolve) => { setTimeout(resolve, retry); });
    }
  }

  say(text, isBad = false) {
    this.stateText = text;
    this.state.classList.toggle("bad", isBad);
    this.state.textContent = [text, count(this.number, "event"),
      this.lost > 0 ? `${figure(this.lost)} lost` : "",
      this.waiting.length > 0 ? `${figure(this.waiting.length)} more while paused` : ""]
      .filter((part) => part !== "").join(" · ");
  }

  take(items) {
    const time = new Date();
    const rows = items.map((item) => ({ number: ++this.number, time, ...rowOf(item) }));
    this.lost += rows.reduce((sum, { lost }) => sum + lost, 0);
    if (this.isPaused) {
      this.waiting = [...this.waiting, ...rows].slice(-kept);
    } else {
      this.add(rows);
    }
    this.say(this.stateText);
  }

  // Once for each picture of the screen, however fast events come.
  add(rows) {
    this.rows = [...rows.reverse(), ...this.rows].slice(0, kept);
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.table.show(this.rows);
    });
  }

  setPaused(isPaused) {
    this.isPaused = isPaused;
    this.pause.setAttribute("aria-pressed", isPaused);
    this.pause.textContent = isPaused ? "Continue" : "Pause";
    if (!isPaused) {
      this.add(this.waiting);
      this.waiting = [];
    }
    this.say(this.stateText);
  }

  forget() {
    this.rows = [];
    this.waiting = [];
    this.number = 0;
    this.lost = 0;
    this.detail.textContent = "";
    this.table.show([]);
    this.say(this.stateText ?? "connecting");
  }

  choose(row) {
    let text = row?.data ?? "";
    try {
      text = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // It is not JSON: a line about lost events.
    }
    this.detail.textContent = text;
  }
}
