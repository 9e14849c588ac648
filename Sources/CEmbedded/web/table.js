// SPDX-License-Identifier: Apache-2.0
// A table whose columns can be sorted and whose rows can be opened, by pointer and by key.

import { h } from "./dom.js";

/**
 * Columns: `{ key, title, number, cell(row), hint(row), sort }`; `sort` is what the heading sorts by, none if it cannot.
 * The first column names the row; `open(row)` is an address, or `act(row)` is done, when the row is chosen.
 */
export function table({ caption, columns, rows, key, sort, order, onSort, open, act, isChosen, kind = "" }) {
  return h("table", { class: "table " + kind },
    h("caption", { class: "unseen" }, caption),
    h("thead", null, h("tr", null, columns.map((column) => heading(column, { sort, order, onSort })))),
    h("tbody", null, rows.map((row) => line(row, { columns, key, open, act, isChosen }))));
}

function heading(column, { sort, order, onSort }) {
  const isSorted = column.sort && column.sort === sort;
  const direction = isSorted ? (order === "asc" ? "ascending" : "descending") : null;
  return h("th", { scope: "col", class: column.number ? "number" : "", "aria-sort": direction, key: "h-" + column.key },
    column.sort && onSort
      ? h("button", { type: "button", class: "sort" + (isSorted ? " sorted" : ""), onclick: () => onSort(column.sort, isSorted && order !== "asc" ? "asc" : "desc") },
        column.title, h("span", { class: "arrow", "aria-hidden": "true" }, isSorted ? (order === "asc" ? "↑" : "↓") : ""))
      : column.title);
}

function line(row, { columns, key, open, act, isChosen }) {
  const [first, ...rest] = columns;
  const address = open?.(row);
  const content = first.cell(row);
  const chosen = isChosen?.(row);
  const main = address ? h("a", { href: address, "data-row": true, title: first.hint?.(row) }, content)
    : act ? h("button", { type: "button", class: "row-button", "data-row": true, "aria-pressed": isChosen ? String(!!chosen) : null, onclick: () => act(row), title: first.hint?.(row) }, content)
      : content;
  return h("tr", { key: key(row), class: (address || act ? "choosable" : "") + (chosen ? " chosen" : ""), onclick: address || act ? choose : null },
    h("th", { scope: "row", class: first.kind ?? "" }, main),
    rest.map((column) => h("td", { class: (column.number ? "number " : "") + (column.kind ?? ""), title: column.hint?.(row), "data-value": column.value?.(row) }, column.cell(row))));
}

/** A click anywhere on a row is one on its name, unless text is being selected or something else was meant. */
function choose(event) {
  if (event.target.closest("a, button, input") || String(getSelection())) return;
  event.currentTarget.querySelector("[data-row]")?.click();
}

/** Moves the focus to another row of the table that has it, or of the first one. */
export function moveRow(step) {
  const current = document.activeElement?.closest("tr")?.querySelector("[data-row]");
  const rows = [...(current?.closest("table") ?? document.querySelector("main table:has([data-row])"))?.querySelectorAll("[data-row]") ?? []];
  if (!rows.length) return;
  const index = current ? rows.indexOf(current) + step : 0;
  rows[Math.max(0, Math.min(rows.length - 1, index))].focus();
}
