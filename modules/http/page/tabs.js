// The tabs of the views. The chosen one is the fragment of the address: #locks.

import { h, put } from "./dom.js";

// `chosen` is called with the view that is to be shown, at first at once. Returns a function that
// shows the tabs of those views only for which another function returns true.
export function beginTabs(list, panel, views, chosen) {
  const tabs = views.map(({ id, title }) => h("a", {
    href: `#${id}`, role: "tab", id: `tab-${id}`, "aria-controls": "panel",
  }, title));
  put(list, ...tabs);

  const turn = () => {
    const view = views.find(({ id }) => `#${id}` === location.hash) ?? views[0];
    tabs.forEach((tab, index) => {
      const is = views[index] === view;
      tab.setAttribute("aria-selected", is);
      tab.tabIndex = is ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `tab-${view.id}`);
    document.title = `weir: ${view.title.toLowerCase()}`;
    chosen(view);
  };
  list.addEventListener("keydown", (event) => {
    const seen = tabs.filter((tab) => !tab.hidden);
    const at = seen.indexOf(document.activeElement);
    const goal = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: seen.length - 1,
      " ": at }[event.key];
    if (goal === undefined || at < 0) {
      return;
    }
    event.preventDefault();
    const tab = seen[(goal + seen.length) % seen.length];
    tab.focus();
    tab.click();
  });
  addEventListener("hashchange", turn);
  turn();
  return (isThere) => tabs.forEach((tab, index) => { tab.hidden = !isThere(views[index]); });
}
