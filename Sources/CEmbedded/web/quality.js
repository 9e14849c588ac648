// SPDX-License-Identifier: Apache-2.0
// How well the figures are known.

import { h } from "./dom.js";
import { parameters } from "./filters.js";
import { ago, count, modelName, money, nothing, percent, plural, utc } from "./format.js";
import { blank, panel } from "./panel.js";
import { table } from "./table.js";

export const quality = {
  name: "quality",
  title: "Data quality",
  filters: "period",

  sources: (app) => [["quality", "/api/telemetry/quality?" + parameters(app.route.query, { zone: app.zone, periodOnly: true })]],
  stream: (app) => "/api/telemetry/stream?topics=summary,pipeline&" + parameters(app.route.query, { zone: app.zone, periodOnly: true }),

  // The stream says that something is new, not what became of the quality.
  told(app, topic, { callCount, intakeProblems }) {
    const resource = app.resources.get("quality");
    if (!resource?.data) return;
    if (topic === "summary" && !resource.loading && callCount !== resource.data.calls) app.load(resource);
    if (topic === "pipeline" && intakeProblems) resource.data = { ...resource.data, intakeProblems, problems: [...files(resource.data), ...intakeProblems.map(({ message }) => message)] };
  },

  view(app) {
    const resource = app.data("quality");
    return [
      h("div", { class: "page-head" }, h("h1", null, "Data quality"), resource.data && h("span", { class: "page-count" }, plural(resource.data.calls, "call") + " in this period")),
      panel(app, { id: "known", title: "How calls are known", kind: "bare", resource, lines: 3, body: facts }),
      h("div", { class: "columns quality-columns" },
        panel(app, { id: "sources", title: "Sources", resource, lines: 6, why: "What reported the calls of each agent and machine. Two sources of one call are joined and counted once.", body: sources }),
        panel(app, { id: "costs", title: "Reported and computed cost", resource, lines: 6, why: "Some agents say themselves what a call cost. Agreement says how their figure compares with the price table.", body: costs })),
      panel(app, { id: "intake", title: "What was not collected", resource, lines: 3, why: "Telemetry that reached this collector since it started and was refused, or whose token figures it could not read.", body: intake }),
      resource.data?.droppedTexts?.length > 0 && panel(app, { id: "dropped", title: "Texts dropped by redaction", resource, lines: 3, why: "What the redaction processor dropped since this collector started, by key: prompts, answers, arguments, and every text that is not known to be safe. redaction.keep_attributes in the configuration keeps a key.", body: dropped }),
      resource.data?.sessionCosts?.compared > 0 && panel(app, { id: "session-costs", title: "Cost of whole sessions", resource, lines: 3, why: "Claude Code writes what a session has cost into its session file. Sessions whose calls sum up to something else are listed; forks are left out.", body: sessionCosts }),
      panel(app, { id: "problems", title: "What could not be read", resource, lines: 3, why: "Files and lines of agents' session files that had to be left out, as long as they are there.", body: problems }),
    ];
  },
};

function facts(data) {
  const part = (value) => (data.calls > 0 ? percent(value / data.calls) : nothing);
  const fact = (title, value, note) => h("div", null, h("dt", null, title), h("dd", null, count(value ?? 0), note && h("span", { class: "fine" }, " " + note)));
  return h("dl", { class: "facts" },
    fact("One source", data.oneWitness, part(data.oneWitness)),
    fact("Several sources", data.severalWitnesses, part(data.severalWitnesses)),
    fact("Joined by resemblance", data.weaklyJoined, part(data.weaklyJoined)),
    fact("Without a price", data.unpriced, part(data.unpriced)),
    fact("Sums not counted again", data.rollUpsNotCounted),
    fact("Sums of unknown calls", data.sumsOfUnknownCalls),
    fact("Unexplained tokens", data.unexplainedTokens));
}

const sources = ({ sources: list = [] }) => list.length === 0 ? blank("No call in this period.") : h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Table of sources" }, table({
  caption: "Sources of calls", rows: list, key: ({ agent, machine, sources: names }) => [agent, machine, ...(names ?? [])].join("|"),
  columns: [
    { key: "agent", title: "Agent", cell: ({ agent }) => agent },
    { key: "machine", title: "Machine", cell: ({ machine }) => machine },
    { key: "sources", title: "Source", kind: "wrapped-cell", cell: ({ sources: names }) => (names ?? []).join(" + ").replaceAll("_", " ") },
    { key: "calls", title: "Calls", number: true, cell: ({ calls }) => count(calls) },
    { key: "seen", title: "Last seen", number: true, cell: ({ lastSeenAt }) => ago(lastSeenAt), hint: ({ lastSeenAt }) => utc(lastSeenAt) },
  ],
}));

const costs = ({ costs: list = [] }) => list.length === 0 ? blank("No agent reported a cost in this period.") : h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Table of costs" }, table({
  caption: "Reported and computed cost", rows: list, key: ({ model, agreement }) => model + "|" + agreement,
  columns: [
    { key: "model", title: "Model", cell: ({ model }) => modelName(model), hint: ({ model }) => model },
    { key: "agreement", title: "Agreement", cell: ({ agreement }) => agreement.replaceAll("_", " ") },
    { key: "calls", title: "Calls", number: true, cell: ({ calls }) => count(calls) },
    { key: "reported", title: "Reported", number: true, cell: ({ reported }) => money(reported) },
    { key: "computed", title: "Computed", number: true, cell: ({ computed }) => money(computed) },
  ],
}));

const intake = ({ intakeProblems: list = [] }) => list.length === 0 ? blank("Everything that arrived was taken and read.") : h("ul", { class: "plain-list" }, list.map(({ code, subject, client, signal, message, next, firstSeenAt, lastSeenAt }) =>
  h("li", { key: [code, subject, client, signal].join("|") },
    h("span", null, message, h("br"), h("span", { class: "fine" }, "Next: " + next)),
    h("time", { datetime: lastSeenAt, title: "first " + utc(firstSeenAt) + ", last " + utc(lastSeenAt) }, ago(lastSeenAt)))));

const dropped = ({ droppedTexts: list = [] }) => h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Table of dropped texts" }, table({
  caption: "Texts dropped by redaction", rows: list, key: ({ key }) => key,
  columns: [
    { key: "key", title: "Key", kind: "wrapped-cell", cell: ({ key }) => key },
    { key: "count", title: "Texts", number: true, cell: ({ count: texts }) => count(texts) },
    { key: "seen", title: "Last", number: true, cell: ({ lastSeenAt }) => ago(lastSeenAt), hint: ({ lastSeenAt }) => utc(lastSeenAt) },
  ],
}));

/** The messages about files; those about what was not collected follow them. */
const files = ({ problems: all = [], intakeProblems: lost = [] }) => all.slice(0, Math.max(0, all.length - lost.length));

function sessionCosts({ sessionCosts: { compared, differing, sessions: list } }) {
  const sum = h("p", { class: "fine" }, count(differing) + " of " + plural(compared, "session") + " differ by more than 1%.");
  if (list.length === 0) return sum;
  return [sum, h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Table of sessions" }, table({
    caption: "Sessions whose cost differs", rows: list, key: ({ sessionId }) => sessionId,
    columns: [
      { key: "session", title: "Session", cell: ({ sessionId }) => h("a", { href: "#/session/" + encodeURIComponent(sessionId) }, sessionId) },
      { key: "reported", title: "Reported", number: true, cell: ({ reported }) => money(reported) },
      { key: "counted", title: "Counted", number: true, cell: ({ counted }) => money(counted) },
    ],
  }))];
}

function problems(data) {
  const { unreadableFiles = 0, skippedLines = 0, unknownLines = {} } = data;
  const list = files(data);
  const types = Object.entries(unknownLines);
  if (!unreadableFiles && !skippedLines && !list.length && !types.length) return blank("Everything was read.");
  const items = (texts) => h("ul", { class: "plain-list" }, texts.map((text, index) => h("li", { key: index + text }, h("code", null, text))));
  return [h("p", { class: "fine" }, plural(unreadableFiles, "file") + " could not be read, " + plural(skippedLines, "line") + " left out."),
    items(list.slice(0, 100)),
    types.length > 0 && [h("p", { class: "fine" }, "Skipped, because this version does not know their type:"),
      items(types.map(([type, { lines, first }]) => type + ": " + plural(lines, "line") + ", first " + first))]];
}
