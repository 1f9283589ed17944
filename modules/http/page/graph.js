// Lays out and draws small graphs, from left to right along their arrows.

import { svg } from "./dom.js";
import { shortened } from "./format.js";

// Returns for each node the layer that it is in: behind all nodes with an arrow to it, and, if there
// is none, before the nearest that it has an arrow to. Arrows that close a circle do not count;
// `isBack` tells which do. `arrows`: [from, to] by the nodes' ids.
export function layersOf(ids, arrows) {
  const next = new Map(ids.map((id) => [id, []]));
  for (const [from, to] of arrows) {
    next.get(from)?.push(to);
  }
  const state = new Map();
  const order = [];
  const back = new Set();
  for (const start of ids) {
    if (state.has(start)) {
      continue;
    }
    // Depth first, without recursion: a chain may be long.
    const path = [{ id: start, at: 0 }];
    state.set(start, "open");
    while (path.length !== 0) {
      const top = path.at(-1);
      const to = next.get(top.id)[top.at++];
      if (to === undefined) {
        state.set(top.id, "done");
        order.unshift(top.id);
        path.pop();
      } else if (state.get(to) === "open") {
        back.add(`${top.id}\n${to}`);
      } else if (!state.has(to) && next.has(to)) {
        state.set(to, "open");
        path.push({ id: to, at: 0 });
      }
    }
  }
  const layers = new Map(ids.map((id) => [id, 0]));
  for (const id of order) {
    for (const to of next.get(id)) {
      if (next.has(to) && !back.has(`${id}\n${to}`)) {
        layers.set(to, Math.max(layers.get(to), layers.get(id) + 1));
      }
    }
  }
  const behind = new Set(arrows.filter(([from, to]) => !back.has(`${from}\n${to}`))
    .map(([, to]) => to));
  for (const id of ids) {
    const nearest = next.get(id).filter((to) => next.has(to) && !back.has(`${id}\n${to}`))
      .map((to) => layers.get(to));
    if (!behind.has(id) && nearest.length !== 0) {
      layers.set(id, Math.min(...nearest) - 1);
    }
  }
  return { layers, isBack: (from, to) => back.has(`${from}\n${to}`) };
}

const box = { width: 128, height: 30, across: 36, down: 14 };

// Returns where each node is, and the size of the picture. `margin`: at the left and right side.
export function placesOf(nodes, layers, margin = 8) {
  const columns = [];
  for (const { id } of nodes) {
    (columns[layers.get(id)] ??= []).push(id);
  }
  const most = Math.max(1, ...columns.map((column) => column?.length ?? 0));
  const height = most * (box.height + box.down) + box.down;
  const places = new Map();
  columns.forEach((column, layer) => {
    const step = height / (column.length + 1);
    column.forEach((id, index) => places.set(id, {
      x: margin + layer * (box.width + box.across),
      y: Math.round(step * (index + 1) - box.height / 2),
    }));
  });
  const width = Math.max(1, columns.length) * (box.width + box.across) - box.across + 2 * margin;
  return { places, width, height };
}

function curve(from, to, isBack, floor) {
  const [x1, y1] = [from.x + box.width, from.y + box.height / 2];
  const [x2, y2] = [to.x, to.y + box.height / 2];
  if (!isBack) {
    const bend = Math.max(24, (x2 - x1) / 2);
    return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 5} ${y2}`;
  }
  // Below all nodes, back to the left.
  return `M${x1} ${y1}C${x1 + 34} ${y1} ${x1 + 34} ${floor} ${x1 - 10} ${floor}` +
    `L${x2 + 10} ${floor}C${x2 - 34} ${floor} ${x2 - 34} ${y2} ${x2 - 5} ${y2}`;
}

// Returns a picture. Nodes: {id, text, kind, tone, chosen}; arrows: {from, to, tone}. `label` says
// to those who cannot see it what it shows.
export function drawGraph(nodes, arrows, label) {
  const pairs = arrows.map(({ from, to }) => [from, to]);
  const { layers, isBack } = layersOf(nodes.map(({ id }) => id), pairs);
  const closes = arrows.some(({ from, to }) => isBack(from, to));
  const { places, width, height } = placesOf(nodes, layers, closes ? 36 : 8);
  const floor = height + 4;
  const whole = height + (closes ? 16 : 0);
  return svg("svg", {
    class: "graph", role: "img", "aria-label": label, width, height: whole,
    viewBox: `0 0 ${width} ${whole}`,
  },
  svg("defs", {}, ...["", "bad"].map((tone) => svg("marker", {
    id: `tip${tone}`, viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 7, markerHeight: 7,
    orient: "auto",
  }, svg("path", { class: `tip ${tone}`, d: "M0 0L8 4L0 8z" })))),
  ...arrows.map(({ from, to, tone = "" }) => svg("path", {
    class: `arrow ${tone}`, "marker-end": `url(#tip${tone === "bad" ? "bad" : ""})`,
    d: curve(places.get(from), places.get(to), isBack(from, to), floor),
  })),
  ...nodes.map(({ id, text, kind = "", tone = "", chosen }) => {
    const { x, y } = places.get(id);
    return svg("g", {
      class: `node ${kind} ${tone}`, transform: `translate(${x} ${y})`, click: chosen,
    },
    svg("title", {}, text),
    svg("rect", { width: box.width, height: box.height, rx: kind === "key" ? 2 : 8 }),
    svg("text", { x: box.width / 2, y: 19, "text-anchor": "middle" }, shortened(text, 18)));
  }));
}
