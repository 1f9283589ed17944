// What a recording of the server contains: which routine ran when, for which event, and how long
// events waited in queues. The records are those of `manager.take_trace`.

const kinds = ["routine", "queue", "ran", "ended", "queued", "popped", "refused", "blocked",
  "unblocked", "handled"];
const fields = 7; // numbers of each record: kind, at, amount, event, routine, queue, text

// Times are in nanoseconds.
export class Recording {
  constructor() {
    this.length = 0;
    this.dropped = 0;
    this.lanes = new Map(); // by name: {name, runs: [{at, time, event}], busy, longest}
    this.types = new Map(); // by name: {name, sent, waited, longest, refused, blocked}
    this.texts = [];
    this.routines = new Map(); // their names, by number
    this.queued = new Map(); // when events have entered their queues, by number
  }

  // Adds one part as the server gives it.
  add({ length, texts, records, dropped }) {
    this.length = length;
    this.dropped = dropped;
    this.texts.push(...texts);
    for (let at = 0; at < records.length; at += fields) {
      const [kind, time, amount, event, routine, , text] = records.slice(at, at + fields);
      this.take(kinds[kind], { time, amount, event, routine, text: this.texts[text] });
    }
    return this;
  }

  take(kind, { time, amount, event, routine, text }) {
    switch (kind) {
      case "routine":
        this.routines.set(routine, text);
        break;
      case "ran":
        this.run(this.routines.get(routine), { at: time, time: amount, event: text });
        break;
      case "queued":
        this.typeOf(text).sent += 1;
        this.queued.set(event, time);
        break;
      case "popped":
        this.leave(event, time, text);
        break;
      case "refused":
      case "blocked":
        this.typeOf(text)[kind] += 1;
        break;
      default: // what the pictures do not show
    }
  }

  run(name, run) {
    let lane = this.lanes.get(name);
    if (lane === undefined) {
      lane = { name, runs: [], busy: 0, longest: 0 };
      this.lanes.set(name, lane);
    }
    lane.runs.push(run);
    lane.busy += run.time;
    lane.longest = Math.max(lane.longest, run.time);
  }

  // An event that was queued before the recording has no time.
  leave(event, time, text) {
    const since = this.queued.get(event);
    if (since !== undefined) {
      this.queued.delete(event);
      const type = this.typeOf(text);
      type.waited += time - since;
      type.longest = Math.max(type.longest, time - since);
    }
  }

  typeOf(name) {
    let type = this.types.get(name);
    if (type === undefined) {
      type = { name, sent: 0, waited: 0, longest: 0, refused: 0, blocked: 0 };
      this.types.set(name, type);
    }
    return type;
  }

  // Returns the lanes that were busy for longest, in that order.
  busiest(most) {
    return [...this.lanes.values()].sort((a, b) => b.busy - a.busy).slice(0, most);
  }
}

// Returns a path of SVG with a box for each run between two times. Runs that would be drawn at the
// same place are one box, so that the path has at most as many as the picture is wide.
export function boxes(runs, { from, to, width, height, least = 1 }) {
  const scale = width / (to - from);
  const parts = [];
  let begin = null;
  let end = 0;
  const close = () => {
    if (begin !== null) {
      parts.push(`M${begin.toFixed(1)} 0h${(end - begin).toFixed(1)}v${height}H${
        begin.toFixed(1)}z`);
    }
  };
  for (const { at, time } of runs) {
    if (at + time < from || at > to) {
      continue;
    }
    const left = Math.max(0, (at - from) * scale);
    const right = Math.min(width, Math.max((at + time - from) * scale, left + least));
    if (begin !== null && left <= end + least / 2) {
      end = Math.max(end, right);
    } else {
      close();
      begin = left;
      end = right;
    }
  }
  close();
  return parts.join("");
}

// Returns the run at a time, or else the one next to it.
export function nearest(runs, time) {
  const away = ({ at, time: length }) => Math.max(at - time, time - at - length, 0);
  return runs.reduce((best, run) => (best === null || away(run) < away(best) ? run : best), null);
}

// Returns the window after a step: "in" and "out" around its middle, "left" and "right" by a half.
export function moved({ from, to }, step, length) {
  const span = to - from;
  const middle = (from + to) / 2;
  const [newSpan, newMiddle] = {
    in: [span / 2, middle], out: [span * 2, middle],
    left: [span, middle - span / 2], right: [span, middle + span / 2],
    all: [length, length / 2],
  }[step];
  const width = Math.min(length, Math.max(newSpan, 1000)); // at least a microsecond
  const begin = Math.min(Math.max(0, newMiddle - width / 2), length - width);
  return { from: begin, to: begin + width };
}
