// Asks the server again and again for what the page shows, and knows whether the answers are of
// now.

import { ConnectionLost, Problem } from "./api.js";
import { derive, Metrics, restarted } from "./metrics.js";
import { History } from "./history.js";

const interval = 2000; // milliseconds between two answers and the next questions
const longestPause = 3000; // between two attempts, when the server is lost
const remembered = 5 * 60_000;
const rightsHold = 10; // so many answers, until the rights of the user are asked for again

export class Live extends EventTarget {
  // States: "connecting", "live", "lost" and, while nobody can see the page, "paused". Sends the
  // events "state", "client" (the user may be another, or have other rights), "answer", "restart",
  // and "refused": the server does not take the password any more.
  constructor(api) {
    super();
    this.api = api;
    this.state = "connecting";
    this.client = null; // who the user is, as /ui/client says
    this.metrics = null; // the last two readings: {time, before, now, seconds}; null: not allowed
    this.history = new History(remembered);
    this.view = null;
    this.timer = null;
    this.failures = 0;
    this.asked = 0;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) {
        clearTimeout(this.timer);
        this.setState("paused");
      } else {
        this.askNow();
      }
    });
  }

  setState(state, why = "") {
    this.state = state;
    this.why = why;
    this.dispatchEvent(new Event("state"));
  }

  // Shows a view from now on, which has `load(api, client)` and `show(answer, live)`.
  turnTo(view) {
    this.view = view;
    this.askNow();
  }

  // Asks at once, and for the client again: after a login, and after something was changed.
  refresh() {
    this.client = null;
    this.askNow();
  }

  askNow() {
    clearTimeout(this.timer);
    this.ask(++this.asked);
  }

  async ask(number) {
    const isLatest = () => number === this.asked;
    let pause = interval;
    try {
      const isNew = await this.look(isLatest);
      if (!isLatest()) {
        return;
      }
      if (isNew) {
        this.dispatchEvent(new Event("client"));
      }
      const view = this.view;
      const answer = await this.load(view);
      if (!isLatest()) {
        return;
      }
      this.failures = 0;
      if (this.state !== "live") {
        this.setState("live");
      }
      this.dispatchEvent(new CustomEvent("answer", { detail: { view, ...answer } }));
    } catch (error) {
      if (!isLatest()) {
        return;
      }
      if (!(error instanceof ConnectionLost) && !(error instanceof Problem)) {
        throw error;
      }
      this.client = null;
      if (error.code === "wrong_login") {
        this.dispatchEvent(new Event("refused"));
      } else {
        this.setState("lost", error instanceof Problem ? error.message : "");
      }
      pause = Math.min(longestPause, 250 * 2 ** this.failures++);
    } finally {
      if (isLatest() && !document.hidden) {
        this.timer = setTimeout(() => this.ask(++this.asked), pause);
      }
    }
  }

  // Returns {value}, or {problem} if the server refuses to answer this view.
  async load(view) {
    try {
      return { value: await view.load(this.api, this.client) };
    } catch (problem) {
      if (problem instanceof Problem && problem.code !== "wrong_login") {
        return { problem };
      }
      throw problem;
    }
  }

  // Reads who the client is, if it is time for that, and the metrics. Returns whether the client, or
  // what it may do, is another. Changes nothing if this is not the latest question any more: a
  // person may have logged in or out meanwhile.
  async look(isLatest) {
    let isNew = false;
    if (this.client === null || --this.rightsLeft <= 0) {
      const client = await this.api.json("ui/client");
      if (!isLatest()) {
        return false;
      }
      this.rightsLeft = rightsHold;
      isNew = JSON.stringify(client) !== JSON.stringify(this.client);
      this.client = isNew ? client : this.client;
    }
    await this.readMetrics();
    return isNew;
  }

  async readMetrics() {
    if (!this.client.functions.manager?.includes("metrics")) {
      this.metrics = null;
      this.history.clear();
      return;
    }
    const now = new Metrics(await this.api.text("metrics"));
    const time = Date.now();
    if (this.metrics !== null && restarted(this.metrics.now, now)) {
      this.metrics = null;
      this.history.clear();
      this.rightsLeft = 0;
      this.dispatchEvent(new Event("restart"));
    }
    const before = this.metrics?.now ?? null;
    const seconds = before === null ? 0 : (time - this.metrics.time) / 1000;
    // Two questions at nearly one time, as when the view changes, give no rate.
    if (before === null || seconds >= 0.9) {
      this.metrics = { time, before, now, seconds };
      if (before !== null) {
        this.history.add(time, derive(before, now, seconds));
      }
    }
  }
}

// Whether the client may call a function.
export function may(client, module, name) {
  return client?.functions[module]?.includes(name) ?? false;
}
