// Makes elements. Text is only ever set as text, so that nothing that a server or its clients have
// named can become markup.

const svgNames = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) {
      continue;
    }
    if (typeof value === "function") {
      element.addEventListener(name, value);
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

// Returns an element. Attributes that are functions listen to the event of their name; those that
// are null, undefined or false are left out.
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

// The same for SVG.
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(svgNames, tag), attributes, children);
}

// Replaces what is in an element; what is null or undefined is left out.
export function put(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== undefined && child !== null));
}

// Sets the text of an element if it is another: what a person has selected in it stays selected.
export function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

// Returns a list of names and texts, in which empty texts are left out.
export function facts(pairs) {
  return h("dl", { class: "facts" }, ...pairs.filter(([, text]) => text !== "" && text !== null)
    .flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]));
}

// Returns what stands where a view cannot be shown, and why.
export function notice(text, ...more) {
  return h("p", { class: "notice" }, text, ...more);
}
