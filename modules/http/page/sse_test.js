import assert from "node:assert/strict";
import test from "node:test";

import { EventReader } from "./sse.js";

const text = ": watching\n\nid: 7\nevent: shop.Order\ndata: {\"a\":\n" +
  "data: 1}\n\nevent: lost\ndata: {\"lost\": 3}\r\n\r\n";
const items = [
  { event: "shop.Order", data: '{"a":\n1}', id: "7" },
  { event: "lost", data: '{"lost": 3}', id: null },
];

test("events are read, and comments are not", () => {
  assert.deepEqual(new EventReader().take(text), items);
});

test("events may come in pieces", () => {
  const reader = new EventReader();
  assert.deepEqual([...text].flatMap((piece) => reader.take(piece)), items);
});
