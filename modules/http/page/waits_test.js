import assert from "node:assert/strict";
import test from "node:test";

import { mostKeys, mostWaiters, waitGraph } from "./waits.js";

const lock = (key, holders, waiters) => ({ key, context: "default",
  holders: holders.map((owner) => ({ owner })), waiters: waiters.map((owner) => ({ owner })) });

test("an owner points to the lock that it waits for, and that to its holder", () => {
  const { nodes, arrows } = waitGraph([lock("a", ["ann"], ["bob"]), lock("b", ["bob"], [])], []);
  assert.deepEqual(nodes.map(({ text }) => text), ["a", "bob", "ann"]);
  assert.deepEqual(arrows.map(({ from, to }) => [from.split("\n").at(-1), to.split("\n").at(-1)]),
    [["bob", "a"], ["a", "ann"]]);
});

test("a session is called by its name", () => {
  const { nodes } = waitGraph([lock("a", ["session 'client 1 'ann''"], ["main.cpp:7"])], []);
  assert.deepEqual(nodes.map(({ text }) => text), ["a", "main.cpp:7", "client 1 'ann'"]);
});

test("a deadlock is marked, and who only waits behind it is not", () => {
  const members = [["ann", "b"], ["bob", "a"]]
    .map(([owner, key]) => ({ owner, key, context: "default" }));
  const { nodes, arrows } = waitGraph(
    [lock("a", ["ann"], ["bob", "cid"]), lock("b", ["bob"], ["ann"])], [{ members }]);
  assert.deepEqual(nodes.filter(({ tone }) => tone === "bad").map(({ text }) => text).sort(),
    ["a", "ann", "b", "bob"]);
  assert.equal(arrows.filter(({ tone }) => tone === "bad").length, 4);
  assert.equal(arrows.length, 5);
});

test("keys of different contexts are different", () => {
  const other = { ...lock("a", ["cid"], ["dan"]), context: "other" };
  assert.equal(waitGraph([lock("a", ["ann"], ["bob"]), other], []).nodes.length, 6);
});

test("of many locks the most waited for are in the picture, and the rest is counted", () => {
  const owners = (count) => Array.from({ length: count }, (_, index) => `w${index}`);
  const locks = Array.from({ length: 1000 }, (_, index) => lock(`k${index}`, ["ann"], ["bob"]));
  locks.push(lock("busy", ["ann"], owners(500)));
  const { nodes, left } = waitGraph(locks, []);
  assert.ok(nodes.length < mostKeys + mostWaiters + 10);
  assert.ok(nodes.some(({ text }) => text === "busy"));
  assert.deepEqual(left, { keys: 1001 - mostKeys, waiters: 500 - mostWaiters });
});
