import assert from "node:assert/strict";
import test from "node:test";

import { rowOf } from "./events.js";

test("an event is shown as it came", () => {
  assert.deepEqual(rowOf({ event: "shop.Order", data: "{}", id: "7" }),
    { event: "shop.Order", data: "{}", lost: 0 });
});

test("lost events are counted, and those that nobody has counted are one", () => {
  assert.equal(rowOf({ event: "lost", data: '{"lost": 1200}' }).lost, 1200);
  assert.equal(rowOf({ event: "lost", data: '{"lost": null}' }).lost, 1);
  assert.match(rowOf({ event: "lost", data: '{"lost": 1200}' }).data, /1200 events/);
});
