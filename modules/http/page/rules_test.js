import assert from "node:assert/strict";
import test from "node:test";

import { withRates } from "./rules.js";

test("a rate needs an answer before, and a rule that was not made anew", () => {
  const rules = [{ name: "a", runs: 30 }, { name: "b", runs: 1 }, { name: "c", runs: 5 }];
  const before = { time: 1000, runs: new Map([["a", 10], ["b", 9]]) };
  assert.deepEqual(withRates(rules, before, 5000).map(({ rate }) => rate),
    [5, undefined, undefined]);
  assert.deepEqual(withRates(rules, null, 5000).map(({ rate }) => rate),
    [undefined, undefined, undefined]);
});
