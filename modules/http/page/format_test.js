import assert from "node:assert/strict";
import test from "node:test";

import { clock, count, duration, figure, percent, place, shortened, size } from "./format.js";

test("a duration has two units at most", () => {
  assert.deepEqual([0, 0.00048, 0.0021, 0.25, 17.34, 307, 93780, 1054800, NaN].map(duration),
    ["0 s", "480 µs", "2.1 ms", "0.25 s", "17.3 s", "5 min 7 s", "26 h 3 min", "12 d 5 h", ""]);
});

test("a size has a unit of 1024", () => {
  assert.deepEqual([0, 512, 1536, 307200, 2.1 * 2 ** 20, 3 * 2 ** 40].map(size),
    ["0 B", "512 B", "1.5 KiB", "300 KiB", "2.1 MiB", "3070 GiB"]);
});

test("a figure has three digits, or all of a small number", () => {
  assert.deepEqual([0, 0.5, 12, 1234, 56789, 1234567, undefined].map(figure),
    ["0", "0.5", "12", "1234", "56.8k", "1.23M", "–"]);
});

test("what is counted is plural, but for one", () => {
  assert.deepEqual([count(1, "event"), count(2, "event")], ["1 event", "2 events"]);
});

test("shares, places, times and long texts are short", () => {
  assert.equal(percent(0.1234), "12 %");
  assert.equal(percent(1.5), "150 %");
  assert.equal(place("/home/ann/weir/modules/lock/plugin/module.cpp:392"),
    "lock/plugin/module.cpp:392");
  assert.equal(clock(new Date(2026, 1, 3, 4, 5, 6)), "04:05:06");
  assert.equal(shortened("abcdef", 4), "abc…");
});
