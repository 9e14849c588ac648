// SPDX-License-Identifier: Apache-2.0
// One call: its figures, which source each of them is from, and the records that were kept of it.

import { ask } from "./api.js";
import { h, patch } from "./dom.js";
import { copy } from "./empty.js";
import { callMoney, count, duration, instant, modelName, nothing, plural, time, utc } from "./format.js";

/** What a source is called. */
export const sourceNames = {
  otlp_log: "OTLP log", otlp_span: "OTLP span", transcript: "Claude Code transcript", rollout: "Codex session file", event: "event",
  agent_span: "span of an agent's run", agent_store: "session file of an agent",
};
export const sourceName = (name) => sourceNames[name] ?? name.replaceAll("_", " ");

/** Shows a call in a drawer at the side; `closed` is called when the reader leaves it. */
export function openCall(app, session, id, closed) {
  const place = document.getElementById("dialogs");
  place.querySelector(".call-drawer")?.remove();
  const content = h("div", { class: "drawer-content" });
  const dialog = h("dialog", {
    class: "call-drawer", "aria-labelledby": "call-title", "data-call": id,
    onclose: () => { dialog.remove(); closed(); },
    onclick: (event) => { if (event.target === dialog) dialog.close(); },
  }, content);
  const show = (body) => patch(content, [h("div", { class: "drawer-head" }, h("h2", { id: "call-title" }, "Call"), h("code", { class: "drawer-id" }, id),
    h("button", { type: "button", class: "tool", "aria-label": "Close", onclick: () => dialog.close() }, "✕")), body]);
  show(h("p", { class: "blank", "aria-busy": "true" }, "Loading …"));
  place.append(dialog);
  dialog.showModal();
  const zone = app.route.query.get("timezone") ?? undefined;
  ask("/api/telemetry/calls/" + encodeURIComponent(id) + "?session=" + encodeURIComponent(session)).then(
    (detail) => show([facts(detail, zone), figures(detail, zone), sources(detail, zone), records(app, detail, zone)]),
    (error) => show(h("p", { class: "failure", role: "alert" }, h("span", { class: "failure-text" }, error.message))));
}

const fact = (title, value, hint) => h("div", null, h("dt", null, title), h("dd", { title: hint }, value ?? nothing));

function facts({ call, observations }, zone) {
  const isReported = call.priced && call.computedCost !== call.cost && call.reportedCost === call.cost;
  const how = !call.priced ? "no price is known" : isReported ? "reported by the sender" : "by the price table";
  return h("dl", { class: "facts" },
    fact("Cost", [call.priced ? callMoney(call.cost) : nothing, " ", h("span", { class: "fine" }, how)]),
    fact("Model", modelName(call.model), [call.model, call.provider].filter(Boolean).join(" · ")),
    fact("Ended", instant(call.timestamp, zone) + time(call.timestamp, zone).slice(-3), utc(call.timestamp)),
    fact("Took", duration(call.durationMs)),
    fact("Known from", plural(observations.length, "source")),
    call.error && fact("Error", h("span", { class: "bad-text" }, call.error)));
}

/** The figures that observations give; each names its value in an observation. */
const given = [
  ["timestamp", "Ended", ({ timestamp }, zone) => time(timestamp, zone)],
  ["tokens", "Tokens", (row) => tokenText(row)],
  ["cacheLifetimes", "Lifetime of cache writes", () => "known"],
  ["reportedCost", "Cost by the sender", ({ reportedCost }) => callMoney(reportedCost)],
  ["duration", "Took", ({ durationMs }) => duration(durationMs)],
  ["model", "Model", ({ model }) => model], ["provider", "Provider", ({ provider }) => provider],
  ["session", "Session", ({ sessionId }) => sessionId], ["agent", "Agent", ({ agent }) => agent],
  ["user", "User", ({ user }) => user], ["project", "Project", ({ project }) => project], ["machine", "Machine", ({ machine }) => machine],
  ["team", "Team", ({ team }) => team], ["error", "Error", ({ error }) => error],
];

const tokenText = (row) => [[row.inputTokens, "in"], [row.cacheReadTokens, "cache read"], [row.cacheWriteTokens, "cache write"], [row.outputTokens, "out"]]
  .filter(([number]) => number > 0).map(([number, title]) => count(number) + " " + title).join(", ") || "0";

function figures({ call, observations, figures: from }, zone) {
  const rows = given.filter(([key]) => from[key] !== undefined).map(([key, title, value]) => {
    const row = key === "tokens" ? call : observations[from[key]];
    return [title, value(row, zone) ?? nothing, place(observations, from[key])];
  });
  return part("figures", "Where each figure is from", h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Where each figure is from, table" },
    h("table", { class: "table evidence-table" }, h("caption", { class: "unseen" }, "The source of each figure"),
      h("thead", null, h("tr", null, ["Figure", "Value", "Source"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", null, rows.map(([title, value, source]) => h("tr", { key: title }, h("th", { scope: "row" }, title), h("td", { class: "wrapped-cell", title: value }, value), h("td", null, source)))))));
}

/** An observation in words: its kind and, of several, its number. */
const place = (observations, index) => sourceName(observations[index]?.source ?? "") + (observations.length > 1 ? " (" + (index + 1) + ")" : "");

const sources = ({ observations }, zone) => part("sources", "Sources", [
  h("p", { class: "fine" }, observations.length > 1 ? "The call is counted once. Of each figure the source with the highest priority that knows it counts." : "One source reported this call."),
  h("ol", { class: "plain-list" }, observations.map((row, index) => h("li", { key: index, class: "source-row" },
    h("span", null, h("strong", null, place(observations, index)), h("span", { class: "fine" }, " · " + time(row.timestamp, zone) + " · priority " + row.priority)),
    h("span", { class: "fine" }, tokenText(row) + (row.reportedCost === null ? "" : ", cost " + callMoney(row.reportedCost))))))]);

function records(app, { records: list, keepsRecords, observations }, zone) {
  const absent = keepsRecords ? "No record of this call is in the store: it was removed by the retention, or records were not kept then."
    : "This store does not keep records (records: usage), so there is none of this call.";
  const isSpan = ({ observations: places }) => places.every((index) => observations[index]?.source.endsWith("span"));
  const how = list.every(isSpan) ? "The spans of its sources, found by trace and span id"
    : list.some(isSpan) ? "The spans of its sources, and the log records of this session at the times of the others" : "The log records of this session at the times of its sources";
  return part("records", "Records", list.length === 0 ? h("p", { class: "fine" }, absent) : [
    h("p", { class: "fine" }, how + ", as they were kept: texts that the redaction dropped are not there."),
    list.map((record, index) => h("details", { class: "record", key: index }, h("summary", null, record.name || (isSpan(record) ? "span" : "log record"), h("span", { class: "fine" }, " · " + (observations.length > 1 ? record.observations.map((index) => place(observations, index)).join(", ") + " · " : "") + time(record.timestamp, zone) + " · " + count(record.size) + " bytes")),
      record.otlp === null ? h("p", { class: "fine" }, "It is too long to be shown here.") : [
        h("div", { class: "record-tools" }, h("button", { type: "button", class: "button small", onclick: (event) => copy(app, event.currentTarget, indented(record.otlp)) }, "Copy")),
        h("pre", { tabindex: "0", role: "region", "aria-label": "Record " + (index + 1) }, indented(record.otlp))])),
  ]);
}

function indented(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); }
  catch { return text; }
}

const part = (id, title, content) => h("section", { class: "drawer-part", "aria-labelledby": "call-" + id, key: id }, h("h3", { id: "call-" + id }, title), content);
