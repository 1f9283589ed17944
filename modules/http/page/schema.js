// Forms from JSON Schema: which fields a function's parameters need, and what a person has written
// in them.

// Returns one field for each parameter: {name, kind, required, mayBeEmpty, default, hint,
// description, choices}.
// Kinds: boolean, integer, number, text, choice, and json for all that has no simple field.
export function fieldsOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    kind: kindOf(property),
    choices: property.enum ?? null,
    required: required.has(name),
    mayBeEmpty: !property.minLength,
    default: property.default,
    hint: hintOf(property),
    description: property.description ?? "",
  }));
}

function kindOf({ type, enum: choices }) {
  if (choices) {
    return "choice";
  }
  if (Array.isArray(type)) {
    // A duration is a number or a text: "10s". As a text it is clear to people.
    const kinds = type.filter((one) => one !== "null");
    if (kinds.length === 1) {
      return kindOf({ type: kinds[0] });
    }
    return kinds.every((one) => ["number", "integer", "string"].includes(one)) ? "scalar" : "json";
  }
  return { string: "text", boolean: "boolean", integer: "integer", number: "number" }[type] ??
    "json";
}

function hintOf(property) {
  const { minimum, maximum, minLength, maxLength, type, items, pattern } = property;
  const parts = [];
  if (type === "array") {
    parts.push(`list of ${items?.type ?? "value"}s, in JSON`);
  } else if (kindOf(property) === "json") {
    parts.push("in JSON");
  } else if (pattern?.includes("ms|s|m|h")) {
    parts.push("as 500ms, 10s, 5m");
  }
  if (kindOf(property) !== "scalar") {
    if (minimum !== undefined && maximum !== undefined) {
      parts.push(`${minimum} to ${maximum}`);
    } else if (minimum !== undefined) {
      parts.push(`at least ${minimum}`);
    } else if (maximum !== undefined) {
      parts.push(`at most ${maximum}`);
    }
  }
  if (minLength) {
    parts.push("not empty");
  }
  if (maxLength !== undefined) {
    parts.push(`at most ${maxLength} characters`);
  }
  if (Array.isArray(type) && type.includes("null")) {
    parts.push("or null");
  }
  return parts.join("; ");
}

// Returns the value of what is written in a field; undefined: nothing, so that the default holds.
// Nothing in a field that is `nullable` is null.
// Throws Error with what is wrong, for what cannot be sent at all. The server checks the rest.
export function valueOf(field, written) {
  if (field.kind === "boolean") {
    return written;
  }
  // An empty text is a value if there is no default in its place.
  if (written === "") {
    if (field.nullable) {
      return null;
    }
    return field.kind === "text" && field.required && field.mayBeEmpty ? "" : undefined;
  }
  switch (field.kind) {
    case "integer":
    case "number":
    case "scalar":
      if (written.trim() === "null") {
        return null;
      }
      if (/^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(written.trim())) {
        return Number(written);
      }
      if (field.kind === "scalar") {
        return written;
      }
      throw new Error("is no number");
    case "json":
      try {
        return JSON.parse(written);
      } catch (error) {
        throw new Error(`is no JSON: ${error.message}`);
      }
    case "choice":
      return field.choices.find((choice) => String(choice) === written);
    default:
      return written;
  }
}

// Splits "key: is missing; size: expected an integer" by the fields that it names. What names none
// is `rest`.
export function mistakesByField(detail, names) {
  const fields = {};
  const rest = [];
  for (const part of detail.split(/; |\n/)) {
    const name = names.find((one) =>
      new RegExp(`(^|[.: ])${one.replace(/\W/g, "\\$&")}([.[][^:]*)?: `).test(part));
    if (name === undefined) {
      rest.push(part);
    } else {
      const text = part.slice(part.indexOf(": ", part.search(new RegExp(`(^|[.: ])${name}`))) + 2);
      fields[name] = fields[name] ? `${fields[name]}; ${text}` : text;
    }
  }
  return { fields, rest: rest.join("; ") };
}

// Returns the kind of field for a setting, by the name that the server gives to its type.
export function kindOfType(type) {
  const base = type.replace(/ or null$/, "");
  const isOptional = base !== type;
  if (["boolean", "integer", "number"].includes(base)) {
    return isOptional ? (base === "boolean" ? "json" : "scalar") : base;
  }
  if (base === "string") {
    return "text";
  }
  return /^(list|map|object|any)\b|\bobjects?\b/.test(base) ? "json" : "scalar";
}
