// The view of the modules: their states, how they depend on each other, and, for those who may,
// their settings and what can be done with them.

import { facts, h, put } from "./dom.js";
import { duration, figure, size } from "./format.js";
import { drawGraph } from "./graph.js";
import { may } from "./live.js";
import { ModuleSettings } from "./settings.js";
import { number, Table } from "./table.js";

const tones = { succeeded: "good", failed: "bad", not_loaded: "", unloaded: "" };

function toneOf(state) {
  return tones[state] ?? "warn";
}

export class Modules {
  id = "modules";
  title = "Modules";

  constructor(api, refresh) {
    this.api = api;
    this.refresh = refresh;
    this.chosen = null;
    this.drawn = "";
    this.picture = h("div", { class: "picture" });
    this.table = new Table("Modules", [
      { title: "Module", value: (row) => row.name, width: 1.4 },
      { title: "State", value: (row) => row.state, tone: (row) => toneOf(row.state) },
      number("For", (row) => row.seconds, duration),
      number("Calls now", (row) => row.calls, figure),
      number("Routines", (row) => row.routines, figure),
      number("Queued", (row) => row.queued, figure),
      number("Memory", (row) => row.memory, size),
      number("Code", (row) => row.library, (bytes) => (bytes ? size(bytes) : "linked in")),
    ], { key: (row) => row.name, chosen: (row) => this.choose(row?.name ?? null) });
    this.about = h("div", {});
    this.actions = h("div", { class: "actions" });
    this.result = h("p", { class: "result", role: "status" });
    this.settings = new ModuleSettings(api);
    this.panel = h("aside", { class: "panel", "aria-label": "The chosen module" },
      this.about, this.actions, this.result, this.settings.element);
    this.name = h("input", { name: "module", required: true, autocomplete: "off",
      "aria-label": "Name of a module to load", placeholder: "module" });
    this.loading = h("form", { class: "bar", submit: (event) => {
      event.preventDefault();
      this.act("load", { module: this.name.value }, this.name.value);
    } }, this.name, h("button", {}, "Load"));
    this.element = h("div", { class: "split" },
      h("div", { class: "stack" }, this.picture, this.table.element, this.loading), this.panel);
  }

  async load(api) {
    const [inspection, modules] = await Promise.all([
      api.call("manager", "inspect", { queues: false, routines: false, locks: false }),
      api.call("manager", "modules"),
    ]);
    const more = new Map(modules.map((module) => [module.name, module]));
    return inspection.modules.map((module) => ({ ...more.get(module.name), ...module }));
  }

  show(rows, live) {
    this.rows = rows;
    this.client = live.client;
    this.loading.hidden = !may(live.client, "manager", "load");
    this.table.show(rows);
    this.drawPicture();
    this.drawPanel();
    return this.element;
  }

  // Each module points to those that it needs.
  drawPicture() {
    const key = JSON.stringify([this.chosen,
      this.rows.map(({ name, state, dependencies }) => [name, state, dependencies])]);
    if (key === this.drawn) {
      return;
    }
    this.drawn = key;
    const names = new Set(this.rows.map(({ name }) => name));
    const arrows = this.rows.flatMap(({ name, dependencies }) => dependencies
      .filter((one) => names.has(one)).map((one) => ({ from: name, to: one })));
    const text = arrows.map(({ from, to }) => `${from} needs ${to}`).join(", ");
    put(this.picture, drawGraph(this.rows.map(({ name, state }) => ({
      id: name, text: name, kind: name === this.chosen ? "chosen" : "", tone: toneOf(state),
      chosen: () => this.table.select(this.rows.find((row) => row.name === name)),
    })), arrows, `Dependencies of the modules: ${text || "there are none"}`));
  }

  choose(name) {
    this.chosen = name;
    this.result.textContent = "";
    this.drawPicture();
    this.drawPanel();
    this.settings.turnTo(name, this.client);
  }

  drawPanel() {
    const row = this.rows.find(({ name }) => name === this.chosen);
    if (row === undefined) {
      put(this.about, h("p", { class: "quiet" },
        "Choose a module to see what it needs, its settings, and what can be done with it."));
      put(this.actions);
      return;
    }
    put(this.about, h("h2", {}, row.name), h("p", {}, row.sentence),
      facts([["State", `${row.state} for ${duration(row.seconds)}`], ["Reason", row.reason],
        ["Needs", row.dependencies.join(", ")], ["Needed by", row.users.join(", ")],
        ["File", row.file], ["Old versions", row.leaving.join("; ")]]));
    this.drawActions(row);
  }

  drawActions(row) {
    const runs = row.state === "succeeded";
    const wanted = runs ? ["reload", "unload"] : ["load"];
    const allowed = wanted.filter((action) => may(this.client, "manager", action));
    const key = `${row.name}|${wanted}|${allowed}|${this.running}`;
    if (this.actions.drawn === key) {
      return; // the focus stays on a button
    }
    this.actions.drawn = key;
    const click = {
      reload: () => this.act("reload", { modules: [row.name] }, row.name),
      unload: () => this.askFirst(row),
      load: () => this.act("load", { module: row.name }, row.name),
    };
    const lacks = wanted.filter((action) => !allowed.includes(action));
    put(this.actions, ...wanted.map((action) => h("button", {
      type: "button", click: click[action], "data-action": action,
      disabled: lacks.includes(action) || this.running === true,
    }, action[0].toUpperCase() + action.slice(1))), ...(lacks.length === 0 ? [] : [
      h("span", { class: "quiet" },
        `You need the right ${lacks.map((one) => `manager.${one}`).join(", ")}.`)]));
  }

  askFirst(row) {
    const also = row.users.length === 0 ? "" : `, with ${row.users.join(", ")}, which need it`;
    put(this.actions,
      h("span", {}, `Unload ${row.name}${also}?`),
      h("button", { type: "button", "data-action": "sure",
        click: () => this.act("unload", { module: row.name }, row.name) }, "Unload"),
      h("button", { type: "button", click: () => {
        this.actions.drawn = null;
        this.drawActions(row);
      } }, "Keep"));
    this.actions.querySelector("button").focus();
  }

  async act(action, parameters, name) {
    this.running = true;
    this.actions.drawn = null;
    this.result.className = "result";
    this.result.textContent = `${name}: ${action} …`;
    this.drawPanel();
    try {
      await this.api.call("manager", action, parameters, { timeout: null });
      this.result.textContent = `${name} has been ${action}ed.`;
    } catch (error) {
      this.result.classList.add("bad");
      this.result.textContent = error.message;
    }
    this.running = false;
    this.actions.drawn = null;
    this.refresh();
    this.settings.turnTo(this.chosen, this.client);
  }
}
