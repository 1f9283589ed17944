import assert from "node:assert/strict";
import test from "node:test";

import { layersOf, placesOf } from "./graph.js";

test("a node is behind all nodes with an arrow to it", () => {
  const { layers } = layersOf(["a", "b", "c", "d"], [["a", "b"], ["b", "c"], ["a", "c"]]);
  assert.deepEqual([...layers], [["a", 0], ["b", 1], ["c", 2], ["d", 0]]);
});

test("a node that no arrow leads to is beside the first that it leads to", () => {
  const { layers } = layersOf(["a", "b", "c", "d"], [["a", "b"], ["b", "c"], ["d", "c"]]);
  assert.equal(layers.get("d"), 1);
});

test("an arrow that closes a circle goes back, and the others still order the nodes", () => {
  const { layers, isBack } = layersOf(["a", "b", "c"], [["a", "b"], ["b", "c"], ["c", "a"]]);
  assert.deepEqual([...layers.values()], [0, 1, 2]);
  assert.equal(isBack("c", "a"), true);
  assert.equal(isBack("a", "b"), false);
});

test("a long chain has many layers", () => {
  const ids = Array.from({ length: 20_000 }, (_, index) => `n${index}`);
  const { layers } = layersOf(ids, ids.slice(1).map((id, index) => [ids[index], id]));
  assert.equal(layers.get(ids.at(-1)), ids.length - 1);
});

test("arrows to nodes that are not there are ignored", () => {
  assert.deepEqual([...layersOf(["a"], [["a", "x"], ["y", "a"]]).layers], [["a", 0]]);
});

test("no two nodes are at one place", () => {
  const nodes = ["a", "b", "c", "d", "e"].map((id) => ({ id }));
  const { layers } = layersOf(nodes.map(({ id }) => id), [["a", "d"], ["b", "d"], ["d", "e"]]);
  const { places, width, height } = placesOf(nodes, layers);
  assert.equal(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size, nodes.length);
  for (const { x, y } of places.values()) {
    assert.ok(x >= 0 && x < width && y >= 0 && y < height);
  }
});
