// SPDX-License-Identifier: Apache-2.0
// What is on the page, to take along: tables and charts as CSV, and the address with its filters.

import { download } from "./csv.js";
import { h } from "./dom.js";
import { copy } from "./empty.js";

/** The rows of a table as it is drawn: the exact value of a cell where it names one. */
function drawn(table) {
  // A figure that is shown in short has all its digits in its hint.
  const whole = (cell) => (/^[\d,]+$/.test(cell.title) ? cell.title.replaceAll(",", "") : null);
  const text = (cell) => cell.dataset.value ?? whole(cell) ?? cell.textContent.trim();
  return [...table.rows].map((row) => [...row.cells].map(text));
}

/** Gives a table of the page to the reader as a file; what a cell shows in short is written in full where it is known. */
export function downloadTable(name, element) {
  const [titles, ...rows] = drawn(element);
  download(name + ".csv", titles, rows);
}

/** A button for all rows of a table by the values of its columns, also of those that are not drawn. */
export const tableButton = (name, columns, rows) => {
  const written = columns.filter(({ value }) => value);
  return h("button", { type: "button", class: "quiet take", onclick: () => download(name + ".csv", written.map(({ field, title }) => field ?? title), rows.map((row) => written.map(({ value }) => value(row)))) }, "CSV");
};

/** A button that copies the address of the page with its period, filters and order. */
export const linkButton = (app, kind = "quiet take") =>
  h("button", { type: "button", class: kind, title: "Copy the address of this page with its period and filters", onclick: (event) => copy(app, event.currentTarget, location.href) }, "Copy link");
