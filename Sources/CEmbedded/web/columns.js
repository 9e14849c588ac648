// SPDX-License-Identifier: Apache-2.0
// The columns of the table of sessions, and which of them the reader wants to see.

import { h } from "./dom.js";
import { ago, cost, count, duration, instant, modelName, nothing, shownName, tokens, utc } from "./format.js";
import { sessionName, stateDot, stateName } from "./recent.js";

const storageName = "hammurabi.hidden-columns";
const text = (key, title, more = {}) => ({ key, title, sort: key, value: (row) => row[key], cell: (row) => row[key] ?? nothing, hint: (row) => row[key], kind: "text-cell", ...more });
const number = (key, title, more = {}) => ({ key, title, sort: key, number: true, value: (row) => row[key], cell: (row) => tokens(row[key]), hint: (row) => count(row[key]), ...more });
const when = (key, title, cell) => ({ key, title, sort: key, number: true, value: (row) => row[key], cell, hint: (row) => utc(row[key]) });

/** All columns, what a team asks first in front; `field` is the name in a CSV where the title is none. */
export const columns = [
  { ...text("name", "Session"), kind: "name-cell", cell: (row) => [stateDot(row.status), h("span", { class: "name" }, sessionName(row))] },
  text("user", "User", { cell: ({ user }) => (user ? shownName("user", user) : nothing) }),
  number("cost", "Cost", { cell: cost, hint: ({ unpricedCalls }) => (unpricedCalls > 0 ? count(unpricedCalls) + " calls without a price" : undefined) }),
  text("project", "Project"),
  text("model", "Model", { cell: ({ model }) => (model ? modelName(model) : nothing) }),
  when("lastSeenAt", "Last seen", ({ lastSeenAt }) => ago(lastSeenAt)),
  number("durationMs", "Duration", { cell: ({ durationMs }) => duration(durationMs), hint: () => undefined }),
  number("calls", "Calls", { cell: ({ calls }) => count(calls) }),
  number("totalTokens", "Tokens"),
  text("agent", "Agent"),
  text("team", "Team", { isExtra: true }),
  text("branch", "Branch", { isExtra: true }),
  text("status", "State", { cell: ({ status }) => stateText(status), hint: ({ taskStatus }) => taskStatus }),
  when("startedAt", "Started", ({ startedAt }) => instant(startedAt, zone)),
  number("inputTokens", "Input", { isExtra: true }),
  number("outputTokens", "Output", { isExtra: true }),
  number("cacheTokens", "Cache", { isExtra: true, value: (row) => row.cacheReadTokens + row.cacheWriteTokens, cell: (row) => tokens(row.cacheReadTokens + row.cacheWriteTokens), hint: (row) => count(row.cacheReadTokens) + " read, " + count(row.cacheWriteTokens) + " written" }),
  text("machine", "Machine", { isExtra: true }),
  text("agentKind", "Agent kind", { isExtra: true }),
  text("sessionId", "Id", { isExtra: true }),
];

/** A state as a pill while the session goes on, and as a plain word after. */
const stateText = (status) => (status === "active" || status === "idle" ? h("span", { class: "state " + status }, status) : h("span", { class: "muted" }, stateName(status)));

let zone;
// It begins with what fits beside each other.
const onPhone = ["name", "user", "cost"];
const onTablet = [...onPhone, "project", "model"];
const onDesk = columns.filter(({ isExtra }) => !isExtra).map(({ key }) => key);
const fitting = innerWidth < 640 ? onPhone : innerWidth < 1000 ? onTablet : innerWidth < 1440 ? onDesk.filter((key) => key !== "startedAt" && key !== "status") : onDesk;
const hiddenAtFirst = columns.filter(({ key }) => !fitting.includes(key)).map(({ key }) => key);
let hidden = read();

function read() {
  try { return JSON.parse(localStorage.getItem(storageName)) ?? hiddenAtFirst; }
  catch { return hiddenAtFirst; }
}

/** The columns to show; the name always. */
export function shownColumns(app) {
  zone = app.route.query.get("timezone") ?? undefined;
  return columns.filter(({ key }) => key === "name" || !hidden.includes(key));
}

/** The button that lets the reader choose columns. */
export function columnChoice(app) {
  const isOpen = app.ui.open === "columns";
  return h("div", { class: "drop right", key: "columns" },
    h("button", { type: "button", class: "button drop-button", "aria-expanded": String(isOpen), "aria-controls": "drop-columns", onclick: () => app.set({ open: isOpen ? null : "columns" }) },
      h("span", { class: "drop-label" }, "Columns"), h("span", { class: "chevron", "aria-hidden": "true" })),
    isOpen && h("div", { class: "drop-panel", id: "drop-columns", role: "group", "aria-label": "Columns" }, columns.slice(1).map(({ key, title }) =>
      h("label", { class: "option", key }, h("input", { type: "checkbox", checked: !hidden.includes(key), onchange: () => toggle(app, key) }), h("span", { class: "option-name" }, title)))));
}

function toggle(app, key) {
  hidden = hidden.includes(key) ? hidden.filter((item) => item !== key) : [...hidden, key];
  try { localStorage.setItem(storageName, JSON.stringify(hidden)); }
  catch { /* It holds until the page is closed. */ }
  app.draw();
}
