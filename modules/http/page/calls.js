// The view from which any function can be called, by a form that is made of its description.

import { ConnectionLost, Problem } from "./api.js";
import { h, put } from "./dom.js";
import { Field } from "./field.js";
import { duration } from "./format.js";
import { may } from "./live.js";
import { fieldsOf, mistakesByField } from "./schema.js";
import { Table } from "./table.js";

const validFor = 30_000; // milliseconds; then the functions may be those of another version
const longest = 200_000; // characters of a result that are shown

// Returns the functions that the document of OpenAPI describes: {module, name, sentence, schema}.
export function functionsOf(document) {
  return Object.entries(document.paths)
    .filter(([path]) => path.startsWith("/call/"))
    .map(([path, { post, get }]) => {
      const [, , module, name] = path.split("/");
      return { module, name, sentence: post.summary, reads: get !== undefined,
        schema: post.requestBody.content["application/json"].schema };
    });
}

export class Calls {
  id = "calls";
  title = "Calls";

  constructor(api) {
    this.api = api;
    this.functions = null;
    this.chosen = null;
    this.search = h("input", { type: "search", placeholder: "function", autocomplete: "off",
      "aria-label": "Text in the name of the function", input: () => this.showRows() });
    this.table = new Table("Functions that can be called", [
      { title: "Function", value: (row) => `${row.module}.${row.name}`,
        width: 1, tone: (row) => (this.isAllowed(row) ? "" : "quiet") },
      { title: "Kind", value: (row) => (!this.isAllowed(row) ? "no right" : row.reads ? "reads" : ""),
        width: "5em" },
    ], { key: (row) => `${row.module}.${row.name}`, chosen: (row) => this.choose(row), least: 0 });
    this.panel = h("section", { class: "panel wide", "aria-label": "Call" },
      h("p", { class: "quiet" }, "Choose a function to call it."));
    this.element = h("div", { class: "split reversed" },
      h("div", { class: "stack" }, h("div", { class: "bar" }, this.search), this.table.element),
      this.panel);
  }

  async load(api, client) {
    const isRecent = this.client === client && performance.now() - this.loaded < validFor;
    if (this.functions !== null && isRecent) {
      return this.functions;
    }
    const functions = functionsOf(await api.json("openapi.json"));
    this.loaded = performance.now();
    return functions;
  }

  show(functions, live) {
    if (this.functions !== functions) {
      this.functions = functions;
      this.client = live.client;
      this.showRows();
    }
    return this.element;
  }

  isAllowed({ module, name }) {
    return may(this.client, module, name);
  }

  showRows() {
    const text = this.search.value.trim().toLowerCase();
    this.table.show(this.functions.filter(({ module, name }) =>
      `${module}.${name}`.toLowerCase().includes(text)));
  }

  choose(row) {
    this.chosen = row;
    this.fields = fieldsOf(row.schema).map((description) => new Field(description));
    this.button = h("button", {}, "Call");
    this.cancel = h("button", { type: "button", hidden: true,
      click: () => this.stopping?.abort() }, "Cancel");
    this.status = h("p", { class: "result", role: "status" });
    this.result = h("pre", { class: "json", tabindex: 0, "aria-label": "Result", hidden: true });
    const isOpen = row.schema.properties === undefined;
    if (isOpen) {
      this.fields = [new Field({ name: "parameters", kind: "json", required: false, hint: "in JSON",
        description: "All parameters", choices: null })];
    }
    this.isOpen = isOpen;
    put(this.panel, h("h2", {}, `${row.module}.${row.name}`), h("p", {}, row.sentence),
      this.isAllowed(row) ? null
        : h("p", { class: "bad" }, `You lack the right ${row.module}.${row.name}.`),
      h("form", { submit: (event) => {
        event.preventDefault();
        this.send();
      } }, ...this.fields.map(({ element }) => element),
      h("div", { class: "actions" }, this.button, this.cancel, this.status)), this.result);
  }

  // Returns the parameters; undefined: a field is wrong, and says so.
  read() {
    const parameters = {};
    let isWrong = false;
    for (const field of this.fields) {
      field.setMistake("");
      try {
        const { value } = field;
        if (value !== undefined) {
          parameters[field.description.name] = value;
        }
      } catch (error) {
        field.setMistake(error.message);
        isWrong = true;
      }
    }
    this.fields.find((field) => field.mistake.hidden === false)?.input.focus();
    return isWrong ? undefined : this.isOpen ? parameters.parameters ?? {} : parameters;
  }

  async send() {
    const parameters = this.read();
    if (parameters === undefined) {
      return;
    }
    const { module, name } = this.chosen;
    const { status, result, button, cancel } = this;
    this.stopping = new AbortController();
    button.disabled = true;
    cancel.hidden = false;
    result.hidden = true;
    status.className = "result";
    status.textContent = "calling …";
    const begun = performance.now();
    try {
      const answer = await this.api.call(module, name, parameters,
        { timeout: null, signal: this.stopping.signal });
      const text = JSON.stringify(answer, null, 2);
      status.textContent = `done in ${duration((performance.now() - begun) / 1000)}` +
        (text.length > longest ? `; the first ${longest} of ${text.length} characters` : "");
      result.textContent = text.slice(0, longest);
      result.hidden = false;
    } catch (error) {
      this.fail(error, status);
    }
    button.disabled = false;
    cancel.hidden = true;
  }

  fail(error, status) {
    status.classList.add("bad");
    if (this.stopping.signal.aborted) {
      status.textContent = "cancelled";
    } else if (error instanceof ConnectionLost) {
      status.textContent = "connection lost: whether the function has run is not known";
    } else if (!(error instanceof Problem)) {
      throw error;
    } else {
      const names = this.fields.map((field) => field.description.name);
      const { fields, rest } = error.code === "bad_parameter"
        ? mistakesByField(error.message, names) : { fields: {}, rest: error.message };
      for (const field of this.fields) {
        field.setMistake(fields[field.description.name] ?? "");
      }
      this.fields.find((field) => field.mistake.hidden === false)?.input.focus();
      status.textContent = `${error.code}${rest === "" ? "" : `: ${rest}`}`;
    }
  }
}
