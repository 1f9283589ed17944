// What was seen in the last minutes, as far back as the page has been open.

export class History {
  constructor(milliseconds) {
    this.milliseconds = milliseconds;
    this.points = [];
  }

  add(time, values) {
    this.points.push({ time, ...values });
    const oldest = time - this.milliseconds;
    this.points = this.points.filter((point) => point.time >= oldest);
  }

  clear() {
    this.points = [];
  }

  get last() {
    return this.points.at(-1);
  }

  // Returns how much time a picture shows, in milliseconds: at first less than all, so that it is
  // not empty.
  span(now) {
    const seen = now - (this.points[0]?.time ?? now);
    return Math.min(this.milliseconds, Math.max(seen, this.milliseconds / 10));
  }
}

// Returns a round number that is no smaller, for the end of an axis: 1, 2, 5, 10, 20, ...
export function roundUp(number) {
  if (!(number > 0)) {
    return 1;
  }
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= number * 0.999999);
}

// Returns the path of a line through the values of a member. `width` and `height` are those of the
// picture, `from` and `to` the times at its sides. Where a value is missing, the line is broken; a
// pause longer than `gap` breaks it, too.
export function linePath(points, member, { width, height, from, to, most, gap }) {
  let path = "";
  let before = null;
  for (const point of points) {
    const value = point[member];
    if (value === undefined) {
      before = null;
      continue;
    }
    const x = (width * (point.time - from)) / (to - from);
    const y = height - (height * value) / most;
    const joins = before !== null && point.time - before <= gap;
    path += `${joins ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    before = point.time;
  }
  return path;
}
