import assert from "node:assert/strict";
import test from "node:test";

import { fieldsOf, kindOfType, mistakesByField, valueOf } from "./schema.js";

const duration = { type: ["number", "string", "null"], default: null,
  pattern: "^[0-9]+(\\.[0-9]+)?(ns|us|ms|s|m|h|d)$", minimum: 0 };
const schema = { type: "object", required: ["key"], properties: {
  key: { type: "string", minLength: 1, description: "Key of the lock" },
  size: { type: "integer", minimum: 1, maximum: 9, default: 1 },
  shared: { type: "boolean", default: false },
  timeout: duration,
  order: { type: "string", enum: ["fifo", "auto"] },
  modules: { type: "array", items: { type: "string" } },
} };
const fields = Object.fromEntries(fieldsOf(schema).map((field) => [field.name, field]));

test("a parameter has a field of its kind, with what it may be", () => {
  assert.deepEqual(Object.values(fields).map(({ name, kind, hint }) => [name, kind, hint]), [
    ["key", "text", "not empty"], ["size", "integer", "1 to 9"], ["shared", "boolean", ""],
    ["timeout", "scalar", "as 500ms, 10s, 5m; or null"], ["order", "choice", ""],
    ["modules", "json", "list of strings, in JSON"],
  ]);
  assert.equal(fields.key.required, true);
  assert.equal(fields.size.required, false);
});

test("what is written becomes a value of the kind", () => {
  assert.equal(valueOf(fields.size, "7"), 7);
  assert.equal(valueOf(fields.timeout, "10s"), "10s");
  assert.equal(valueOf(fields.timeout, "2.5"), 2.5);
  assert.equal(valueOf(fields.timeout, "null"), null);
  assert.equal(valueOf(fields.key, "7"), "7");
  assert.equal(valueOf(fields.shared, true), true);
  assert.equal(valueOf(fields.order, "auto"), "auto");
  assert.deepEqual(valueOf(fields.modules, '["lock"]'), ["lock"]);
});

test("what is not written is not sent", () => {
  for (const name of ["key", "size", "timeout", "order", "modules"]) {
    assert.equal(valueOf(fields[name], ""), undefined);
  }
  assert.equal(valueOf({ ...fields.key, mayBeEmpty: true }, ""), "");
});

test("nothing in a field that may be null is null", () => {
  assert.equal(valueOf({ kind: "text", nullable: true }, ""), null);
  assert.equal(valueOf({ kind: "scalar", nullable: true }, ""), null);
  assert.equal(valueOf({ kind: "text", nullable: true }, "null"), "null");
});

test("what cannot be sent is refused at the field", () => {
  assert.throws(() => valueOf(fields.size, "many"), /is no number/);
  assert.throws(() => valueOf(fields.modules, "[lock]"), /is no JSON/);
});

test("an error of the server goes to the fields that it names", () => {
  assert.deepEqual(mistakesByField(
    "unknown parameter 'kye' (did you mean 'key'?); key: is missing and has no default; " +
    "modules[0]: expected a string, found 7", ["key", "size", "modules"]), {
    fields: { key: "is missing and has no default", modules: "expected a string, found 7" },
    rest: "unknown parameter 'kye' (did you mean 'key'?)",
  });
  assert.deepEqual(mistakesByField(
    "manager.change_settings: module.resp.max_clients: 0 is out of range", ["max_clients"]), {
    fields: { max_clients: "0 is out of range" }, rest: "",
  });
});

test("a setting has a field by the name of its type", () => {
  assert.deepEqual(["boolean", "integer", "integer or null", "string", "string or null", "duration",
    "size", "list of strings", "map of objects", "any", "list of strings or objects"]
    .map(kindOfType), ["boolean", "integer", "scalar", "text", "text", "scalar", "scalar", "json",
    "json", "json", "json"]);
});
