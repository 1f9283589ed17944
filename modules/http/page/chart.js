// A small chart of what was in the last minutes, with its value now.

import { h, setText, svg } from "./dom.js";
import { clock, duration } from "./format.js";
import { linePath, roundUp } from "./history.js";

const width = 300;
const height = 64;

export class Chart {
  // `lines`: [{member, name, tone}], the first with its value in the title; `format`: of a value;
  // `unit`: of which the axis has a round number.
  constructor(title, format, lines, unit = 1) {
    this.format = format;
    this.unit = unit;
    this.lines = lines;
    this.value = h("strong", {}, "–");
    this.others = h("span", { class: "quiet" });
    this.most = h("span", { class: "most quiet" });
    this.ago = h("span", { class: "ago quiet" });
    this.paths = lines.map(({ tone }) => svg("path", { class: `line ${tone}` }));
    this.mark = svg("line", { class: "mark", y1: 0, y2: height });
    this.picture = svg("svg", {
      viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true",
      pointermove: (event) => this.point(event.offsetX / this.picture.clientWidth),
      pointerleave: () => this.point(null),
    }, svg("line", { class: "ground", x1: 0, x2: width, y1: height, y2: height }),
    ...this.paths, this.mark);
    this.element = h("figure", { class: "chart" },
      h("figcaption", {}, h("span", {}, title), this.value, this.others),
      h("div", { class: "plot" }, this.most, this.ago, this.picture));
    this.share = null;
  }

  // Shows the history; `now` is the time at the right side.
  show(history, now) {
    const points = history.points;
    const span = history.span(now);
    const from = now - span;
    const values = this.lines.flatMap(({ member }) =>
      points.map((point) => point[member]).filter((value) => value !== undefined));
    const most = roundUp(Math.max(0, ...values) / this.unit) * this.unit;
    this.paths.forEach((path, index) => path.setAttribute("d", linePath(points,
      this.lines[index].member, { width, height, from, to: now, most, gap: 10_000 })));
    setText(this.ago, `${duration(Math.round(span / 1000))} ago`);
    setText(this.most, values.length === 0 ? "" : this.format(most));
    this.seen = { points, from, now };
    this.point(this.share);
  }

  // Shows the values at a share of the width; null: the latest.
  point(share) {
    this.share = share;
    if (this.seen === undefined) {
      return;
    }
    const { points, from, now } = this.seen;
    const time = share === null ? now : from + share * (now - from);
    const point = points.reduce((best, one) =>
      best === undefined || Math.abs(one.time - time) < Math.abs(best.time - time) ? one : best,
    undefined);
    const x = share === null || point === undefined ? -10
      : (width * (point.time - from)) / (now - from);
    this.mark.setAttribute("x1", x);
    this.mark.setAttribute("x2", x);
    const text = ({ member }) =>
      point?.[member] === undefined ? "–" : this.format(point[member]);
    setText(this.value, text(this.lines[0]));
    setText(this.others, [
      ...this.lines.slice(1).map((one) => `${one.name} ${text(one)}`),
      ...(share === null || point === undefined ? [] : [clock(new Date(point.time))]),
    ].join(" · "));
  }
}
