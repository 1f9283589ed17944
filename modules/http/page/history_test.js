import assert from "node:assert/strict";
import test from "node:test";

import { History, linePath, roundUp } from "./history.js";

test("only the last minutes are remembered", () => {
  const history = new History(1000);
  for (const time of [0, 500, 1000, 1600]) {
    history.add(time, { value: time });
  }
  assert.deepEqual(history.points.map(({ value }) => value), [1000, 1600]);
  assert.equal(history.last.value, 1600);
});

test("a picture shows more and more time, up to what is remembered", () => {
  const history = new History(1000);
  assert.equal(history.span(0), 100);
  history.add(0, {});
  assert.deepEqual([50, 400, 1000, 2000].map((now) => history.span(now)), [100, 400, 1000, 1000]);
});

test("an axis ends at a round number", () => {
  assert.deepEqual([0, 0.03, 1, 3, 7, 20, 2001].map(roundUp), [1, 0.05, 1, 5, 10, 20, 5000]);
});

test("a line is broken where a value is missing, and by a pause", () => {
  const points = [[0, 1], [1, 2], [2, undefined], [3, 4], [9, 4]]
    .map(([time, value]) => ({ time, value }));
  const picture = { width: 10, height: 8, from: 0, to: 10, most: 4, gap: 2 };
  assert.equal(linePath(points, "value", picture),
    "M0.0 6.0L1.0 4.0M3.0 0.0M9.0 0.0");
});
