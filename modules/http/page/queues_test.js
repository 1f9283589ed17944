import assert from "node:assert/strict";
import test from "node:test";

import { rowsOf } from "./queues.js";

const queue = (name, more = {}) => ({ name, matcher: `${name}()`, priority: 0, size: 0,
  default_size: 0, max_total: null, max_default: null, blocked: 0, popped: 0, senders: [],
  subqueues: [], ...more });

test("the tree is listed from the root on, the largest priority first", () => {
  const root = queue("", { subqueues: [queue("low", { priority: 1 }),
    queue("high", { priority: 9, subqueues: [queue("", { matcher: "Order(7)" })] })] });
  const rows = rowsOf(root, new Map(), 0);
  assert.deepEqual(rows.map(({ path, depth, isLast }) => [path, depth, isLast]),
    [["root", 0, true], ["root/high", 1, false], ["root/high/Order(7)", 2, true],
      ["root/low", 1, true]]);
});

test("a rate needs a queue that was there before", () => {
  const root = queue("", { popped: 50, subqueues: [queue("new", { popped: 9 })] });
  const rows = rowsOf(root, new Map([["root", 10]]), 4);
  assert.deepEqual(rows.map(({ rate }) => rate), [10, undefined]);
});

test("the limit is the one with the least room", () => {
  const [row] = rowsOf(queue("", { size: 50, max_total: 100, default_size: 9, max_default: 10 }),
    new Map(), 0);
  assert.deepEqual(row.limit, { size: 9, most: 10 });
});

test("of many subqueues those are listed that senders wait for, the rest is counted", () => {
  const many = Array.from({ length: 5000 }, (_, index) => queue(`q${index}`));
  many[4321] = queue("full", { senders: ["client 7"] });
  const rows = rowsOf(queue("", { subqueues: many }), new Map(), 0);
  assert.equal(rows.length, 102);
  assert.equal(rows[1].name, "full");
  assert.equal(rows.at(-1).name, "4900 further queues");
});
