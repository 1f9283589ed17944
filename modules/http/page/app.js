// Puts the page together: the views, who is logged in, and whether the server answers.

import { Api } from "./api.js";
import { Calls } from "./calls.js";
import { notice, put, setText } from "./dom.js";
import { Events } from "./events.js";
import { clock, duration } from "./format.js";
import { Live } from "./live.js";
import { Locks } from "./locks.js";
import { askForLogin } from "./login.js";
import { Modules } from "./modules.js";
import { Overview } from "./overview.js";
import { Queues } from "./queues.js";
import { Routines } from "./routines.js";
import { Rules } from "./rules.js";
import { beginTabs } from "./tabs.js";
import { beginTheme } from "./theme.js";

const element = (id) => document.getElementById(id);
const main = element("main");
const panel = element("panel");
const trouble = element("trouble");
const digest = new URL(import.meta.url).pathname.split("/").at(-2);

const api = new Api();
const live = new Live(api);
const refresh = () => live.askNow();
const events = new Events(api, refresh);
const views = [new Overview(), new Queues(), new Modules(api, refresh), new Locks(api, refresh),
  new Rules(), new Routines(api, refresh), events, new Calls(api)];
let shown = null; // the view that is in the document
let answered = null; // when the last answer came

function mount(node) {
  if (panel.firstElementChild !== node) {
    put(panel, node);
  }
}

// --- the state of the connection

live.addEventListener("state", () => {
  const { state } = live;
  const texts = { connecting: "connecting", live: "live", paused: "paused",
    lost: "connection lost, trying again" };
  setText(element("state"), texts[state]);
  element("state").dataset.state = state;
  // What is not of now does not look as if it were.
  document.body.dataset.state = state;
  main.inert = state === "lost";
  trouble.hidden = state !== "lost";
  if (state === "lost") {
    const what = live.why === "" ? "The server does not answer" : `The server refuses: ${live.why}`;
    trouble.textContent = answered === null ? `${what}. Trying again.`
      : `${what} since ${clock(answered)}. What you see is of that time. Trying again.`;
  }
});

live.addEventListener("restart", () => events.reset());

live.addEventListener("client", () => {
  const { client } = live;
  if (client.page !== digest && answered !== null) {
    location.reload(); // the server has another version of this page now
    return;
  }
  const isIn = client.user !== "";
  element("login").hidden = !isIn && !client.can_log_in;
  element("login").textContent = isIn ? "Log out" : "Log in";
  element("user").textContent = isIn ? client.user : "guest";
  events.reset();
});

live.addEventListener("refused", () => {
  // The password is another now, or the user is gone.
  api.logout();
  login();
  live.refresh();
});

live.addEventListener("answer", ({ detail: { view, value, problem } }) => {
  answered = new Date();
  const { client, metrics } = live;
  const started = metrics?.now.sum("process_start_time_seconds");
  setText(element("server"), [`${location.host}`, `version ${client.version}`,
    started === undefined ? "" : `up ${duration(Date.now() / 1000 - started)}`]
    .filter((text) => text !== "").join(" · "));
  if (problem === undefined) {
    mount(view.show(value, live));
  } else {
    mount(notice(problem.isDenied ? `You may not see this. ${problem.message}`
      : `This cannot be shown now. ${problem.message}`));
  }
  shown = view;
});

// --- login

function login() {
  if (!element("dialog").open) {
    askForLogin(element("dialog"), api, () => live.refresh());
  }
}

element("login").addEventListener("click", () => {
  if (live.client?.user) {
    api.logout();
    live.refresh();
  } else {
    login();
  }
});

beginTheme(element("theme"));
beginTabs(element("tabs"), panel, views, (view) => {
  if (shown !== view) {
    put(panel);
  }
  live.turnTo(view);
});
