// SPDX-License-Identifier: Apache-2.0
// A panel shows one thing: its figures, a grey outline of them while they are on their way, or why they are not there.

import { h } from "./dom.js";
import { downloadTable } from "./export.js";

/** A section with a heading. `resource` is what it waits for; `body` makes the content of its data. */
export function panel(app, { id, title, why, actions, resource, body, kind = "", lines = 5 }) {
  const data = resource?.data;
  const isReady = !resource || data !== undefined;
  const section = h("section", { class: "panel " + kind, key: id, "aria-labelledby": id + "-title", "aria-busy": resource?.loading ? "true" : "false" },
    h("header", { class: "panel-head" },
      h("h2", { id: id + "-title" }, title),
      why && definition(id, why),
      actions && h("div", { class: "panel-actions" }, actions)),
    resource?.error && failure(app, resource),
    isReady ? body(data) : !resource.error && skeleton(lines));
  return isReady ? withFile(section, id) : section;
}

/** Lets a panel's table be taken along, unless the panel has a button for that itself. */
function withFile(section, id) {
  if (!section.querySelector("table.table") || section.querySelector(".take, .figure-tools") || section.classList.contains("bare")) return section;
  const button = h("button", { type: "button", class: "quiet take", "aria-label": "The table as CSV", onclick: (event) => downloadTable(id, event.currentTarget.closest(".panel").querySelector("table.table")) }, "CSV");
  (section.querySelector(".panel-actions") ?? section.querySelector(".panel-head")).append(button);
  return section;
}

/** A small question mark that says how a figure is counted. */
export function definition(id, text) {
  return h("span", { class: "why" },
    h("button", { type: "button", class: "why-button", "aria-label": "How this is counted", "aria-describedby": id + "-why" }, "?"),
    h("span", { class: "why-text", id: id + "-why", role: "tooltip" }, text));
}

function failure(app, resource) {
  return h("div", { class: "failure", role: "alert" },
    h("span", { class: "failure-text" }, resource.error.message),
    h("button", { type: "button", class: "button", onclick: () => app.load(resource) }, "Try again"));
}

/** The outline of what will stand here. */
export const skeleton = (lines) =>
  h("div", { class: "skeleton", "aria-hidden": "true" }, Array.from({ length: lines }, () => h("span", { class: "bone" })));

/** A sentence where there is nothing to show. */
export const blank = (...text) => h("p", { class: "blank" }, text);

/** A chart in words, as a picture, and on request as a table and as a file. */
export function figure(app, { id, paint, height, table }) {
  const asTable = app.ui["table-" + id];
  return h("div", { class: "figure", key: "figure-" + id },
    asTable ? h("div", { class: "scroller figure-table", tabindex: "0", role: "region", "aria-label": "The chart as a table", key: "t" }, table())
      : h("div", { class: "chart", style: { height: height + "px" }, paint, key: "c" }),
    h("div", { class: "figure-tools" },
      h("button", { type: "button", class: "quiet as-table", "aria-pressed": asTable ? "true" : "false", onclick: () => app.set({ ["table-" + id]: !asTable }) },
        asTable ? "Show as chart" : "Show as table"),
      h("button", { type: "button", class: "quiet as-table", "aria-label": "The chart as CSV", onclick: () => downloadTable(id, table()) }, "CSV")));
}

/** A cell that shows a figure in short and has its exact value in a file. */
export const exact = (shown, value) => ({ shown, value });

/** A plain table of texts; the first column names the rows. */
export function plainTable(caption, titles, rows) {
  return h("table", { class: "table" },
    h("caption", { class: "unseen" }, caption),
    h("thead", null, h("tr", null, titles.map((title, index) => h("th", { scope: "col", class: index ? "number" : "" }, title)))),
    h("tbody", null, rows.map(([name, ...cells]) => h("tr", null, h("th", { scope: "row" }, name), cells.map((cell) => h("td", { class: "number", "data-value": cell?.shown === undefined ? null : cell.value ?? "" }, cell?.shown ?? cell))))));
}

/** A dot in the colour of a name. */
export const dot = (color) => h("span", { class: "dot " + color, "aria-hidden": "true" });

/** Choices of which one holds, as links. */
export const choices = (label, items) =>
  h("div", { class: "choices", role: "group", "aria-label": label },
    items.map(({ title, href, isChosen }) => h("a", { href, class: "choice", "aria-current": isChosen ? "true" : null }, title)));
