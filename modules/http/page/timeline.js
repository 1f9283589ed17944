// The view of a recording: which routines ran when, as a timeline, and how long events waited.

import { ConnectionLost, Problem } from "./api.js";
import { h, notice, put, setText, svg } from "./dom.js";
import { count, duration, figure, place, shortened } from "./format.js";
import { may } from "./live.js";
import { boxes, moved, nearest, Recording } from "./recording.js";
import { number, Table } from "./table.js";

const width = 1000;
const height = 14;
const mostLanes = 40;
const mostRecords = 200_000;
const look = 250; // milliseconds between two looks at a recording that runs

const seconds = (nanoseconds) => duration(nanoseconds / 1e9);
const shown = (name) => (name.includes("/") ? place(name) : name);

export class Timeline {
  id = "timeline";
  title = "Timeline";

  constructor(api) {
    this.api = api;
    this.recording = null;
    this.wanted = false; // a person wants to record
    this.time = h("select", { "aria-label": "How long" }, ...[["1 s", "1s"], ["5 s", "5s"],
      ["30 s", "30s"]].map(([text, value]) => h("option", { value }, text)));
    this.again = h("input", { type: "checkbox" });
    this.button = h("button", { type: "button", click: () => this.press() }, "Record");
    this.state = h("p", { class: "quiet", role: "status" });
    this.steps = Object.entries({ in: "Zoom in", out: "Zoom out", left: "Earlier", right: "Later",
      all: "All" }).map(([step, text]) =>
      h("button", { type: "button", disabled: true, click: () => this.move(step) }, text));
    this.range = h("p", { class: "quiet" });
    this.picture = h("div", { class: "lanes", tabindex: 0, role: "group",
      "aria-label": "Timeline; the tables have the same in numbers",
      keydown: (event) => this.pressed(event) });
    this.chosen = h("p", { class: "quiet", role: "status" });
    this.routines = new Table("Busiest routines", [
      { title: "Routine", value: (lane) => shown(lane.name), width: 2.5 },
      number("Ran for", (lane) => lane.busy, seconds),
      number("Runs", (lane) => lane.runs.length, figure),
      number("Longest run", (lane) => lane.longest, seconds),
    ], { key: (lane) => lane.name, sort: { column: 1, downwards: true }, least: 420,
      empty: "No routine ran." });
    this.events = new Table("Events by type", [
      { title: "Type", value: (type) => type.name, width: 2 },
      number("Sent", (type) => type.sent, figure),
      number("In queue for", (type) => type.waited / Math.max(1, type.sent), seconds),
      number("Longest", (type) => type.longest, seconds),
      number("Senders waited", (type) => type.refused || null),
      number("Blocked", (type) => type.blocked || null),
    ], { key: (type) => type.name, sort: { column: 1, downwards: true },
      empty: "No event was sent." });
    this.element = h("div", { class: "stack" },
      h("div", { class: "bar" }, h("label", {}, "Time ", this.time),
        h("label", {}, this.again, " again and again"), this.button, this.state),
      h("div", { class: "bar" }, ...this.steps, this.range),
      this.picture, this.chosen,
      h("div", { class: "split even" }, this.routines.element, this.events.element));
  }

  load() {
    return null;
  }

  show(answer, live) {
    const mayRecord = ["start_trace", "trace", "take_trace"].every((name) =>
      may(live.client, "manager", name));
    return mayRecord ? this.element
      : notice("You may not record: that needs the rights manager.start_trace, manager.trace and",
        " manager.take_trace.");
  }

  press() {
    this.wanted = !this.wanted;
    this.button.textContent = this.wanted ? "Stop" : "Record";
    if (this.wanted) {
      this.record();
    }
  }

  // Records until a person stops it; once, if it is not to go on.
  async record() {
    try {
      do {
        await this.recordOnce();
      } while (this.wanted && this.again.checked && this.element.isConnected);
    } catch (error) {
      if (!(error instanceof Problem) && !(error instanceof ConnectionLost)) {
        throw error;
      }
      this.say(error.message, true);
    }
    this.wanted = false;
    this.button.textContent = "Record";
  }

  async recordOnce() {
    const { trace } = await this.api.call("manager", "start_trace",
      { time: this.time.value, records: mostRecords });
    for (;;) {
      const status = await this.api.call("manager", "trace", { trace });
      this.say(`recording, ${count(status.records, "record")}`);
      if (!status.running || !this.wanted) {
        break;
      }
      await new Promise((resolve) => { setTimeout(resolve, look); });
    }
    const recording = new Recording();
    for (let left = 1; left > 0;) {
      const part = await this.api.call("manager", "take_trace", { trace });
      recording.add(part);
      left = part.left;
      this.say(`fetching, ${count(left, "record")} left`);
    }
    this.drawAll(recording);
  }

  say(text, isBad = false) {
    this.state.classList.toggle("bad", isBad);
    setText(this.state, text);
  }

  drawAll(recording) {
    this.recording = recording;
    this.window = { from: 0, to: Math.max(1, recording.length) };
    this.lanes = recording.busiest(mostLanes);
    const more = recording.lanes.size - this.lanes.length;
    this.say([`${seconds(recording.length)} recorded`, count(recording.lanes.size, "routine"),
      more > 0 ? `the ${mostLanes} busiest are drawn` : "",
      recording.dropped > 0 ? `${count(recording.dropped, "record")} had no room` : "",
    ].filter((text) => text !== "").join(" · "));
    this.steps.forEach((step) => { step.disabled = false; });
    this.routines.show([...recording.lanes.values()]);
    this.events.show([...recording.types.values()]);
    setText(this.chosen, "");
    this.paths = this.lanes.map(() => svg("path", { class: "run" }));
    put(this.picture, ...this.lanes.map((lane, index) => {
      const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none",
        "aria-hidden": "true",
        click: (event) => this.choose(lane, event.offsetX / drawing.clientWidth),
      }, this.paths[index]);
      return h("div", { class: "lane" },
        h("span", { title: lane.name }, shortened(shown(lane.name), 60)), drawing);
    }));
    this.draw();
  }

  draw() {
    const { from, to } = this.window;
    this.paths.forEach((path, index) =>
      path.setAttribute("d", boxes(this.lanes[index].runs, { from, to, width, height })));
    setText(this.range, `${seconds(from)} to ${seconds(to)}`);
  }

  move(step) {
    this.window = moved(this.window, step, Math.max(1, this.recording.length));
    this.draw();
  }

  pressed(event) {
    const step = { "+": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", Home: "all" }[
      event.key];
    if (step !== undefined && this.recording !== null) {
      event.preventDefault();
      this.move(step);
    }
  }

  choose(lane, share) {
    const { from, to } = this.window;
    const run = nearest(lane.runs, from + share * (to - from));
    setText(this.chosen, run === null ? "" : `${shown(lane.name)} ran for ${seconds(run.time)} at ${
      seconds(run.at)}${run.event === "" ? "" : `, for ${run.event}`}`);
  }
}
