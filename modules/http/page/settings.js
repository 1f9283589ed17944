// The settings of a module, in a form that changes them while it runs.

import { h, put } from "./dom.js";
import { Field } from "./field.js";
import { may } from "./live.js";
import { kindOfType, mistakesByField } from "./schema.js";

function shown(value, kind) {
  if (kind === "boolean") {
    return value;
  }
  if (value === null) {
    return "";
  }
  return typeof value === "string" && kind !== "json" ? value : JSON.stringify(value);
}

export class ModuleSettings {
  constructor(api) {
    this.api = api;
    this.fields = new Map();
    this.element = h("section", { class: "settings", "aria-label": "Settings" });
    this.module = null;
  }

  // Reads the settings of the module, and shows them.
  async turnTo(module, client) {
    this.module = module;
    this.client = client;
    if (module === null) {
      put(this.element);
      return;
    }
    const title = h("h3", {}, "Settings");
    if (!may(client, "manager", "settings")) {
      put(this.element, title, h("p", { class: "quiet" },
        "You may not see them: they need the right manager.settings."));
      return;
    }
    try {
      const settings = await this.api.call("manager", "settings", { module });
      if (this.module === module) {
        this.draw(title, settings);
      }
    } catch (error) {
      put(this.element, title, h("p", { class: "quiet" }, error.message));
    }
  }

  draw(title, settings) {
    const mayChange = may(this.client, "manager", "change_settings");
    this.fields = new Map(settings.map((setting) => {
      const kind = kindOfType(setting.type);
      const hint = [setting.type, setting.allowed, setting.unit,
        setting.fixed ? "changes when the module is reloaded" : ""].filter((text) => text !== "");
      return [setting.name, new Field({
        name: setting.name, kind, required: true, mayBeEmpty: true,
        nullable: setting.type.endsWith(" or null"), description: setting.sentence,
        hint: hint.join("; "), secret: setting.secret, choices: null,
        value: setting.secret ? "" : shown(setting.value, kind),
        isChanged: JSON.stringify(setting.value) !== JSON.stringify(setting.default),
      }, { readonly: !mayChange, changed: () => this.count() })];
    }));
    this.button = h("button", { disabled: true }, "Change");
    this.message = h("p", { class: "result", role: "status" });
    put(this.element, title, mayChange
      ? h("p", { class: "quiet" },
        "A change holds until the configuration is read again (SIGHUP) or the server ends.")
      : h("p", { class: "quiet" }, "To change them you need the right manager.change_settings."),
    h("form", { submit: (event) => {
      event.preventDefault();
      this.change();
    } }, ...[...this.fields.values()].map(({ element }) => element),
    h("div", { class: "actions sticky" }, mayChange ? this.button : null, this.message)));
  }

  count() {
    const number = [...this.fields.values()].filter((field) => field.isEdited).length;
    this.button.disabled = number === 0;
    this.button.textContent = number > 1 ? `Change ${number} settings` : "Change";
  }

  async change() {
    const settings = {};
    let isWrong = false;
    for (const [name, field] of this.fields) {
      field.setMistake("");
      try {
        if (field.isEdited) {
          settings[name] = field.value;
        }
      } catch (error) {
        field.setMistake(error.message);
        isWrong = true;
      }
    }
    if (isWrong) {
      return;
    }
    this.message.className = "result";
    const { module, client } = this;
    try {
      const answer = await this.api.call("manager", "change_settings", { module, settings });
      await this.turnTo(module, client);
      this.message.textContent = [
        answer.changed.length === 0 ? "" : `Changed: ${answer.changed.join(", ")}.`,
        answer.after_reload.length === 0 ? ""
          : `When the module is reloaded: ${answer.after_reload.join(", ")}.`].join(" ").trim();
    } catch (error) {
      const { fields, rest } = mistakesByField(error.message, [...this.fields.keys()]);
      for (const [name, text] of Object.entries(fields)) {
        this.fields.get(name).setMistake(text);
      }
      this.message.classList.add("bad");
      this.message.textContent = rest || "Nothing has been changed.";
    }
  }
}
