// Tables whose rows stay where they are while their figures change, sorted by the buttons in their heads.

import {badge, element, meter, setAttribute, setText} from "/assets/dom.js";

/**
 * A column: `key`, `title`, `of(row)` the value that sorts and is put in `data-value`, `show(value, row)` its text,
 * `tone(row)` of the text, `number`: to the right; or `draw(cell, row)` instead of `show` for what is more than text.
 */
export class Table {
  #columns;
  #key;
  #rows = new Map();
  #data = [];
  #sorted = null;  // {key, down}
  #heads = new Map();

  constructor(host, {caption, columns, key, empty}) {
    this.#columns = columns;
    this.#key = key;
    // Roles are said, because on a phone the rows are drawn as blocks, which takes the meaning of table elements away.
    this.body = element("tbody", {role: "rowgroup"});
    const heads = columns.map((column) => this.#head(column));
    this.table = element("table", {role: "table"}, element("caption", {class: "unseen"}, caption),
                         element("thead", {role: "rowgroup"}, element("tr", {role: "row"}, ...heads)), this.body);
    this.empty = element("p", {class: "empty"}, empty);
    host.append(this.table, this.empty);
    this.update([]);
  }

  #head(column) {
    const button = element("button", {type: "button"}, column.title);
    const head = element("th", {role: "columnheader", scope: "col", class: column.number ? "number" : null}, button);
    button.addEventListener("click", () => this.#sort(column));
    this.#heads.set(column.key, head);
    return head;
  }

  /** Numbers largest first, names from A; again: the other way; a third time: as the server gives them. */
  #sort(column) {
    const first = typeof column.of(this.#data[0]) === "number";
    const same = this.#sorted?.key === column.key;
    if (!same) this.#sorted = {key: column.key, down: first, of: column.of};
    else if (this.#sorted.down === first) this.#sorted.down = !first;
    else this.#sorted = null;
    for (const [key, head] of this.#heads)
      setAttribute(head, "aria-sort", this.#sorted?.key === key ? (this.#sorted.down ? "descending" : "ascending") : null);
    this.update(this.#data);
  }

  update(data) {
    this.#data = data;
    this.table.hidden = data.length === 0;
    this.empty.hidden = data.length !== 0;
    const seen = new Set();
    let before = null;
    for (const row of this.#ordered(data)) {
      const key = this.#key(row);
      seen.add(key);
      const line = this.#rows.get(key) ?? this.#line(key);
      for (const cell of line.cells) cell.set(row);
      const place = before ? before.nextSibling : this.body.firstChild;
      if (place !== line.node) this.body.insertBefore(line.node, place);
      before = line.node;
    }
    for (const [key, line] of this.#rows) {
      if (seen.has(key)) continue;
      line.node.remove();
      this.#rows.delete(key);
    }
  }

  #ordered(data) {
    if (!this.#sorted) return data;
    const {of, down} = this.#sorted;
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);
    return [...data].sort((a, b) => (down ? -1 : 1) * compare(of(a), of(b)));
  }

  #line(key) {
    const cells = this.#columns.map((column, at) => new Cell(column, at === 0));
    const node = element("tr", {role: "row", "data-name": key}, ...cells.map((cell) => cell.node));
    const line = {node, cells};
    this.#rows.set(key, line);
    return line;
  }
}

class Cell {
  constructor(column, isHead) {
    this.column = column;
    this.node = element(isHead ? "th" : "td", {role: isHead ? "rowheader" : "cell", class: column.number ? "number" : null, "data-key": column.key,
                                               "data-label": column.title, scope: isHead ? "row" : null});
    this.drawn = column.draw?.(this.node);
  }

  set(row) {
    const {column, node} = this;
    const value = column.of(row);
    setAttribute(node, "data-value", value);
    if (column.tone) setAttribute(node, "data-tone", column.tone(row));
    if (this.drawn) this.drawn(row);
    else setText(node, column.show ? column.show(value, row) : String(value));
  }
}

/** For `draw`: a name and small words below it. */
export const titled = (name, about) => (cell) => {
  const first = element("span", {class: "name"}), second = element("span", {class: "about"});
  cell.append(first, second);
  return (row) => {
    setText(first, name(row));
    setText(second, about(row));
  };
};

/** For `draw`: a word on a ground, and small words behind it. `of(row)` gives [tone, word, words]. */
export const stated = (of) => (cell) => {
  const word = badge("good", ""), about = element("span", {class: "about"});
  cell.append(word, about);
  return (row) => {
    const [tone, text, words] = of(row);
    setAttribute(word, "data-tone", tone);
    setText(word, text);
    setText(about, words ?? "");
  };
};

/** For `draw`: a bar. `of(row)` gives [share, tone, words]. */
export const metered = (label, of) => (cell) => {
  const bar = meter(label);
  cell.append(bar.node);
  return (row) => bar.set(...of(row));
};
