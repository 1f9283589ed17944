// A table that stays quick with any number of rows: in the document are only those that can be seen.

import { h, setText } from "./dom.js";

const rowHeight = 26; // as in style.css
const spare = 4; // rows above and below those that can be seen

// Returns the rows in the order of a column; texts in that of numbers within them.
export function sorted(rows, value, downwards) {
  const compare = (a, b) => typeof a === "number" && typeof b === "number"
    ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
  const result = rows.map((row) => [value(row), row])
    .sort(([a], [b]) => (downwards ? compare(b, a) : compare(a, b)));
  return result.map(([, row]) => row);
}

// Returns a column of numbers; a value that is missing is shown as nothing.
export function number(title, value, format = String, more = {}) {
  const text = (row) => {
    const found = value(row) ?? null;
    return found === null ? "" : format(found);
  };
  return { title, number: true, value: (row) => value(row) ?? -1, text, ...more };
}

export class Table {
  // Columns: {title, value(row) to sort by, text(row) to show (default: the value), number, width
  // (a share of the whole, or a length of CSS), draw(cell, row) instead of text, tone(row): a class}.
  // `key(row)` identifies a row from one answer of the server to the next; `chosen(row or null)` is
  // called when a person moves to a row, `opened(row)` at a click or the Enter key; `least`: pixels
  // that the columns need.
  constructor(label, columns, { key, chosen = null, opened = null, sort = null,
    empty = "None.", least = 560 }) {
    this.columns = columns;
    this.key = key;
    this.chosen = chosen;
    this.opened = opened;
    this.empty = empty;
    this.sort = sort; // {column, downwards}; null: the server's order
    this.rows = [];
    this.selected = null;
    this.pool = [];
    this.id = `table-${label.toLowerCase().replace(/\W+/g, "-")}`;
    this.titles = columns.map((column, index) =>
      h("button", { type: "button", click: () => this.sortBy(index) }, column.title));
    this.head = h("div", { class: "row head", role: "row" }, ...this.titles.map((title, index) =>
      h("div", { role: "columnheader", class: columns[index].number ? "number" : null }, title)));
    this.space = h("div", { class: "space", role: "rowgroup" });
    this.note = h("p", { class: "quiet empty", hidden: true }, empty);
    this.element = h("div", {
      class: "table", role: "grid", "aria-label": label, tabindex: 0,
      scroll: () => this.draw(), keydown: (event) => this.pressed(event),
    }, this.head, this.space, this.note);
    this.element.style.setProperty("--least", `${least}px`);
    this.element.style.setProperty("--columns",
      columns.map(({ width = 1 }) =>
        typeof width === "number" ? `minmax(0, ${width}fr)` : width).join(" "));
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  show(rows) {
    this.given = rows;
    this.rows = this.sort === null ? rows
      : sorted(rows, this.columns[this.sort.column].value, this.sort.downwards);
    this.note.hidden = rows.length !== 0;
    this.element.setAttribute("aria-rowcount", rows.length + 1);
    this.titles.forEach((title, index) => {
      const is = this.sort?.column === index;
      const cell = title.parentElement;
      cell.setAttribute("aria-sort",
        is ? (this.sort.downwards ? "descending" : "ascending") : "none");
    });
    this.draw();
  }

  sortBy(column) {
    const first = this.columns[column].number === true;
    this.sort = this.sort?.column === column
      ? { column, downwards: !this.sort.downwards } : { column, downwards: first };
    this.show(this.given ?? []);
  }

  select(row) {
    this.selected = row === null ? null : this.key(row);
    this.draw();
    this.chosen?.(row);
  }

  pressed(event) {
    if (event.target !== this.element) {
      return;
    }
    const page = Math.max(1, Math.floor(this.element.clientHeight / rowHeight) - 2);
    const at = this.rows.findIndex((row) => this.key(row) === this.selected);
    if (event.key === "Enter" && at >= 0) {
      this.opened?.(this.rows[at]);
    }
    const goal = {
      ArrowDown: at + 1, ArrowUp: Math.max(at, 1) - 1, PageDown: at + page, PageUp: at - page,
      Home: 0, End: this.rows.length - 1,
    }[event.key];
    if (goal === undefined || this.rows.length === 0) {
      return;
    }
    event.preventDefault();
    const index = Math.min(Math.max(goal, 0), this.rows.length - 1);
    const top = index * rowHeight;
    const room = this.element.clientHeight - 2 * rowHeight;
    if (top < this.element.scrollTop) {
      this.element.scrollTop = top;
    } else if (top > this.element.scrollTop + room) {
      this.element.scrollTop = top - room;
    }
    this.select(this.rows[index]);
  }

  draw() {
    this.space.style.height = `${this.rows.length * rowHeight}px`;
    const seen = Math.ceil(this.element.clientHeight / rowHeight);
    const first = Math.max(0, Math.floor(this.element.scrollTop / rowHeight) - spare);
    const last = Math.min(this.rows.length, first + seen + 2 * spare);
    while (this.pool.length < last - first) {
      this.pool.push(this.makeRow());
    }
    this.pool.forEach((row, index) => this.fillRow(row, first + index, first + index < last));
    const active = this.pool.find((row) => row.classList.contains("selected") && !row.hidden);
    if (active === undefined) {
      this.element.removeAttribute("aria-activedescendant");
    } else {
      this.element.setAttribute("aria-activedescendant", active.id);
    }
  }

  makeRow() {
    const row = h("div", {
      class: "row", role: "row", id: `${this.id}-${this.pool.length}`,
      click: () => {
        this.select(row.content);
        this.opened?.(row.content);
      },
    }, ...this.columns.map(({ number }) =>
      h("div", { role: "gridcell", class: number ? "number" : null })));
    this.space.append(row);
    return row;
  }

  fillRow(row, index, isThere) {
    row.hidden = !isThere;
    if (!isThere) {
      return;
    }
    const content = this.rows[index];
    row.content = content;
    row.style.transform = `translateY(${index * rowHeight}px)`;
    row.setAttribute("aria-rowindex", index + 2);
    const isSelected = (this.chosen ?? this.opened) !== null && this.key(content) === this.selected;
    row.classList.toggle("selected", isSelected);
    row.setAttribute("aria-selected", isSelected);
    this.columns.forEach((column, at) => {
      const cell = row.children[at];
      if (column.draw) {
        column.draw(cell, content);
        return;
      }
      const text = String((column.text ?? column.value)(content));
      setText(cell, text);
      cell.title = text;
      if (column.tone) {
        cell.className = [column.number ? "number" : "", column.tone(content)].join(" ").trim();
      }
    });
  }
}
