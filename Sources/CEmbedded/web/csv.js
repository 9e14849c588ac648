// SPDX-License-Identifier: Apache-2.0
// Tables as files (RFC 4180).

import { h } from "./dom.js";

// A spreadsheet would take a text that begins like this for a formula.
const guarded = (text) => (/^[=+\-@\t\r]/.test(text) ? "'" + text : text);

function field(value) {
  const text = typeof value === "number" ? String(value) : guarded(String(value ?? ""));
  return /[",\r\n]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
}

/** The text of a table. */
export const csv = (titles, rows) => [titles, ...rows].map((row) => row.map(field).join(",") + "\r\n").join("");

/** Gives a table to the reader as a file. */
export function download(name, titles, rows) {
  const url = URL.createObjectURL(new Blob([csv(titles, rows)], { type: "text/csv" }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
