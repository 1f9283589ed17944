// The dialog that asks for name and password.

import { ConnectionLost } from "./api.js";
import { h, put } from "./dom.js";

// Opens the dialog. `logged_in` is called when the server has taken the password.
export function askForLogin(dialog, api, loggedIn) {
  const user = h("input", { id: "user-name", name: "username", autocomplete: "username",
    required: true, spellcheck: "false", autocapitalize: "none" });
  const password = h("input", { id: "user-password", name: "password", type: "password",
    autocomplete: "current-password", required: true });
  const mistake = h("p", { class: "mistake", role: "alert", hidden: true });
  const button = h("button", {}, "Log in");
  const form = h("form", { submit: async (event) => {
    event.preventDefault();
    button.disabled = true;
    mistake.hidden = true;
    try {
      await api.login(user.value, password.value);
      dialog.close();
      loggedIn();
    } catch (error) {
      mistake.textContent = error instanceof ConnectionLost ? "There is no answer." : error.message;
      mistake.hidden = false;
      password.select();
    }
    button.disabled = false;
  } },
  h("h2", { id: "dialog-title" }, "Log in"),
  h("label", { for: "user-name" }, "Name"), user,
  h("label", { for: "user-password" }, "Password"), password,
  h("p", { class: "quiet" },
    "This page keeps the password in memory, until it is closed or loaded anew."),
  mistake,
  h("div", { class: "actions" }, button,
    h("button", { type: "button", click: () => dialog.close() }, "Cancel")));
  put(dialog, form);
  dialog.addEventListener("close", () => put(dialog), { once: true });
  dialog.showModal();
  user.focus();
}
