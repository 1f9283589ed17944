import assert from "node:assert/strict";
import test from "node:test";

import { boxes, moved, nearest, Recording } from "./recording.js";

const part = (records, more = {}) => ({ length: 1000, dropped: 0, left: 0,
  texts: ["", "lock.acquire", "client", "shop.Order"], records: records.flat(), ...more });

// kind, at, amount, event, routine, queue, text
const begins = (number, text) => [0, 0, 0, 0, number, 0, text];
const ran = (at, time, number) => [2, at, time, 9, number, 0, 3];

test("a lane has the runs of all routines of its name, the busiest is the first", () => {
  const recording = new Recording().add(part([begins(1, 1), begins(2, 2), ran(10, 5, 1),
    ran(20, 50, 2), [3, 70, 0, 0, 1, 0, 0], begins(3, 1), ran(80, 7, 3)]));
  const [client, acquire] = recording.busiest(5);
  assert.deepEqual([client.name, client.busy, client.longest], ["client", 50, 50]);
  assert.deepEqual([acquire.name, acquire.busy, acquire.longest], ["lock.acquire", 12, 7]);
  assert.deepEqual(acquire.runs, [{ at: 10, time: 5, event: "shop.Order" },
    { at: 80, time: 7, event: "shop.Order" }]);
  assert.equal(recording.busiest(1).length, 1);
});

test("events wait from when they are queued until they leave, over the parts of a recording", () => {
  const recording = new Recording()
    .add(part([[4, 10, 1, 7, 0, 1, 3], [5, 5, 0, 6, 0, 0, 3], [6, 11, 0, 8, 0, 0, 3]]))
    .add(part([[5, 40, 0, 7, 0, 0, 3], [7, 41, 1, 7, 0, 1, 3], [9, 42, 0, 7, 0, 0, 4]],
      { texts: ["shop.Paid"], dropped: 3 }));
  assert.deepEqual([...recording.types.values()], [{ name: "shop.Order", sent: 1, waited: 30,
    longest: 30, refused: 1, blocked: 1 }]);
  assert.equal(recording.dropped, 3);
});

test("runs that cannot be told apart are one box", () => {
  const view = { from: 0, to: 1000, width: 100, height: 10 };
  assert.equal(boxes([{ at: 100, time: 200 }, { at: 800, time: 100 }], view),
    "M10.0 0h20.0v10H10.0zM80.0 0h10.0v10H80.0z");
  const many = Array.from({ length: 1000 }, (_, at) => ({ at, time: 1 }));
  assert.equal(boxes(many, view), "M0.0 0h100.0v10H0.0z");
  // A short one can be seen, and those outside are left out.
  assert.equal(boxes([{ at: 500, time: 0 }], view), "M50.0 0h1.0v10H50.0z");
  assert.equal(boxes([{ at: 0, time: 10 }], { ...view, from: 100 }), "");
});

test("the run at a time is found, or the next", () => {
  const runs = [{ at: 0, time: 10 }, { at: 100, time: 10 }];
  assert.equal(nearest(runs, 5), runs[0]);
  assert.equal(nearest(runs, 80), runs[1]);
  assert.equal(nearest([], 5), null);
});

test("the window stays within the recording", () => {
  const length = 100_000;
  const all = { from: 0, to: length };
  assert.deepEqual(moved(all, "in", length), { from: 25_000, to: 75_000 });
  assert.deepEqual(moved(all, "out", length), all);
  assert.deepEqual(moved({ from: 0, to: 50_000 }, "left", length), { from: 0, to: 50_000 });
  assert.deepEqual(moved({ from: 0, to: 50_000 }, "right", length), { from: 25_000, to: 75_000 });
  assert.deepEqual(moved({ from: 10, to: 1010 }, "in", length), { from: 10, to: 1010 });
  assert.deepEqual(moved({ from: 10, to: 20 }, "all", length), all);
});
