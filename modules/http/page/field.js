// One field of a form: its name, what it is for, what is wrong with what is written in it.

import { h } from "./dom.js";
import { valueOf } from "./schema.js";

let made = 0;

export class Field {
  // `description`: {name, kind, required, default, hint, description, choices, value, secret}; see
  // schema.js.
  constructor(description, { readonly = false, changed = null } = {}) {
    this.description = description;
    const { name, kind, hint, required, choices, value, secret } = description;
    const id = `field-${++made}`;
    const common = { id, name, "aria-describedby": `${id}-about`, autocomplete: "off",
      spellcheck: "false", disabled: readonly, input: () => changed?.() };
    this.first = kind === "boolean" ? value ?? description.default ?? false : value ?? "";
    this.input = this.#make(kind, common, choices, secret);
    if (kind === "boolean") {
      this.input.checked = this.first;
    } else {
      this.input.value = this.first;
    }
    this.mistake = h("p", { class: "mistake", id: `${id}-mistake`, role: "alert", hidden: true });
    this.element = h("div", { class: "field" },
      h("label", { for: id }, name, required && !readonly && value === undefined
        ? h("abbr", { title: "required" }, "*") : null,
      description.isChanged ? h("span", { class: "tag" }, "not the default") : null),
      this.input,
      h("p", { class: "about quiet", id: `${id}-about` }, description.description,
        hint === "" ? "" : ` (${hint})`),
      this.mistake);
  }

  #make(kind, common, choices, secret) {
    const given = this.description.default;
    const placeholder = secret ? "(secret)" : given === undefined || given === null ? ""
      : typeof given === "string" ? given : JSON.stringify(given);
    if (kind === "boolean") {
      return h("input", { ...common, type: "checkbox" });
    }
    if (kind === "choice") {
      const none = placeholder && `${placeholder} (default)`;
      return h("select", common, h("option", { value: "" }, none),
        ...choices.map((choice) => h("option", { value: choice }, choice)));
    }
    if (kind === "json") {
      return h("textarea", { ...common, rows: 2, placeholder });
    }
    return h("input", { ...common, type: secret ? "password" : "text", placeholder,
      autocomplete: secret ? "new-password" : "off",
      inputmode: kind === "integer" ? "numeric" : kind === "number" ? "decimal" : null });
  }

  get written() {
    return this.description.kind === "boolean" ? this.input.checked : this.input.value;
  }

  get isEdited() {
    return this.written !== this.first;
  }

  // Returns the value; undefined: the default holds. Throws Error with what is wrong.
  get value() {
    return valueOf(this.description, this.written);
  }

  setMistake(text) {
    this.mistake.textContent = text;
    this.mistake.hidden = text === "";
    this.input.toggleAttribute("aria-invalid", text !== "");
    this.input.setAttribute("aria-invalid", text !== "");
  }
}
