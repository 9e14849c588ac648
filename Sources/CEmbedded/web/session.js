// SPDX-License-Identifier: Apache-2.0
// One session: what it is, what happened when, and each of its calls.

import { h } from "./dom.js";
import { openCall, sourceName } from "./calls.js";
import { shareBar } from "./charts.js";
import { palette } from "./colors.js";
import { copy } from "./empty.js";
import { linkButton, tableButton } from "./export.js";
import { address, changed } from "./filters.js";
import { ago, callMoney, cost, count, duration, instant, modelName, money, nothing, percent, plural, shortID, shownName, time, tokens, utc } from "./format.js";
import { blank, dot, exact, figure, panel, plainTable } from "./panel.js";
import { sessionName, stateName } from "./recent.js";
import { table } from "./table.js";
import { timeline } from "./timeline.js";

const knowledge = { measured: "measured by the agent", transcript: "read from its session file", both: "measured, and read from its session file" };
const callsShown = 200;

export const session = {
  name: "session",
  parent: "sessions",

  sources: ({ route }) => [["session", "/api/telemetry/sessions/" + encodeURIComponent(route.id ?? "")]],
  keeps: false,
  stream: () => "/api/telemetry/stream?topics=session&period=today",
  heading: (app) => (app.data("session").data ? sessionName(app.data("session").data.session) : "Session"),

  told(app, topic, { sessions = [] }) {
    const resource = app.resources.get("session");
    const known = resource?.data?.session;
    const news = sessions.find(({ sessionId }) => sessionId === app.route.id);
    if (news && known && (news.calls !== known.calls || news.status !== known.status)) app.load(resource);
  },

  view(app) {
    const resource = app.data("session");
    const detail = resource.data;
    const zone = app.route.query.get("timezone") ?? undefined;
    return [
      h("p", { class: "crumbs" }, h("a", { href: address("sessions", app.route.query) }, "Sessions"), h("span", { "aria-hidden": "true" }, " / "), h("span", null, shortID(app.route.id))),
      detail ? heading(app, detail.session) : h("h1", null, "Session"),
      panel(app, { id: "facts", title: "Facts", kind: "bare", resource, lines: 3, body: () => facts(app, detail, zone) }),
      detail && timelinePanel(app, detail, zone),
      detail && h("div", { class: "columns session-columns" }, callsPanel(app, detail, zone), h("div", { class: "stack" }, partsPanel(app, detail), modelsPanel(app, detail), eventsPanel(app, detail, zone))),
    ];
  },

  // The call that is looked at is in the address, so that a link leads to it.
  drawn(app) {
    const call = app.route.query.get("call");
    const shown = document.querySelector(".call-drawer")?.dataset.call ?? null;
    if (call === shown) return;
    if (call === null) document.querySelector(".call-drawer")?.close();
    else if (app.data("session").data) openCall(app, app.route.query.get("of") ?? app.route.id, call, () => app.replace(changed(app.route, { call: null, of: null })));
  },
};

const heading = (app, { sessionId, status, taskStatus, ...rest }) =>
  h("div", { class: "page-head" }, h("h1", null, sessionName({ sessionId, ...rest })),
    h("span", { class: "state " + stateName(status) }, stateName(status)), taskStatus && h("span", { class: "task" }, taskStatus),
    h("span", { class: "id" }, h("code", { id: "session-id" }, sessionId), h("button", { type: "button", class: "button small", "aria-label": "Copy the id", onclick: (event) => copy(app, event.currentTarget, sessionId) }, "Copy"), linkButton(app, "button small")));

/** The sum of a session and of the sessions that it started. */
function whole({ session, subagents = [] }) {
  const all = [session, ...subagents.map(({ session: sub }) => sub)];
  const sum = (key) => all.reduce((total, row) => total + row[key], 0);
  return { cost: sum("cost"), calls: sum("calls"), unpricedCalls: sum("unpricedCalls") };
}

function facts(app, detail, zone) {
  const { session, subagents = [], reported } = detail;
  const fact = (title, value, hint) => h("div", null, h("dt", null, title), h("dd", { title: hint }, value ?? nothing));
  return h("dl", { class: "facts" },
    fact("Cost", cost(session), session.unpricedCalls > 0 ? count(session.unpricedCalls) + " calls without a price" : null),
    subagents.length > 0 && fact("With sub-agents", cost(whole(detail)), plural(subagents.length, "sub-agent")), fact("Tokens", tokens(session.totalTokens), count(session.totalTokens)), fact("Calls", count(session.calls)), fact("Duration", duration(session.durationMs)),
    fact("Started", instant(session.startedAt, zone), utc(session.startedAt)), fact("Last seen", ago(session.lastSeenAt), utc(session.lastSeenAt)),
    fact("Agent", session.agent && session.agent + (session.agentVersion ? " " + session.agentVersion : "")),
    fact("Project", session.project, session.project), session.branch && fact("Branch", session.branch), fact("User", session.user && shownName("user", session.user), session.user), session.team && fact("Team", session.team), fact("Machine", session.machine, session.machine),
    session.parentSessionId && fact("Started by", h("a", { href: address("session", app.route.query, {}, session.parentSessionId) }, shortID(session.parentSessionId))),
    reported && fact("Agent says", agentSays(reported), "At " + utc(reported.reportedAt) + ", in its status line. It is not counted; the cost above is that of the calls."),
    knowledge[session.knowledge] && fact("Source", knowledge[session.knowledge]));
}

const agentSays = ({ cost: own, contextUsedPercent: used, contextWindow: room }) =>
  [own !== null && money(own), used !== null && Math.round(used) + "% of the context" + (room ? " (" + tokens(room) + ")" : "")].filter(Boolean).join(" · ");

function timelinePanel(app, detail, zone) {
  const lanes = [{ title: sessionName(detail.session), session: detail.session.sessionId, calls: detail.calls ?? [] }, ...(detail.subagents ?? []).map(({ session: sub, calls }) => ({ title: sessionName(sub), session: sub.sessionId, calls: calls ?? [] }))].filter(({ calls }) => calls.length);
  return panel(app, {
    id: "timeline", title: "Timeline", why: "Each bar is one call, as long as it took, coloured by model. The line is the cost so far. Pauses of more than five minutes are shortened. Sub-agents have lanes of their own, and their cost is in the line.",
    body: () => {
      if (!lanes.length) return blank("No call yet.");
      const models = [...new Set(lanes.flatMap(({ calls }) => calls.map(({ model }) => model ?? "unknown")))];
      const { paint, height, label } = timeline({ lanes, color: palette("model", models.slice(0, 8)), zone, onPick: (call, lane) => call.callId && app.replace(changed(app.route, { call: call.callId, of: lane.session === app.route.id ? null : lane.session })) });
      return [
        h("ul", { class: "legend" }, models.slice(0, 8).map((model) => h("li", { key: model }, h("span", { class: "legend-item" }, dot(palette("model", models.slice(0, 8))(model)), modelName(model))))),
        figure(app, { id: "timeline", height, paint, table: () => plainTable(label, ["Time", "Lane", "Model", "Took", "Cost"], lanes.flatMap(({ title, calls }) => calls.map((call) => [exact(time(call.timestamp, zone), call.timestamp), title, exact(modelName(call.model), call.model), exact(duration(call.durationMs), call.durationMs), exact(callCost(call), call.priced === false ? null : call.cost)]))) }),
      ];
    },
  });
}

const callCost = (call) => (call.priced === false ? nothing : callMoney(call.cost));

const callColumns = (zone) => [
  { key: "time", title: "Time", value: ({ timestamp }) => timestamp, cell: ({ timestamp, error }) => [time(timestamp, zone), error && h("span", { class: "call-error", title: error }, "error")], hint: ({ timestamp }) => utc(timestamp) },
  { key: "cost", title: "Cost", number: true, value: (call) => (call.priced === false ? null : call.cost), cell: callCost, hint: ({ reportedCost }) => (reportedCost === null || reportedCost === undefined ? undefined : "the agent itself reported " + callMoney(reportedCost)) },
  { key: "model", title: "Model", kind: "text-cell", value: ({ model }) => model, cell: ({ model }) => modelName(model), hint: ({ model, provider }) => [model, provider].filter(Boolean).join(" · ") },
  ...[["inputTokens", "Input"], ["cacheReadTokens", "Cache read"], ["cacheWriteTokens", "Cache write"], ["outputTokens", "Output"]].map(([key, title]) => ({ key, title, number: true, value: (call) => call[key], cell: (call) => tokens(call[key]), hint: (call) => count(call[key]) })),
  { key: "duration", title: "Took", number: true, field: "Took (ms)", value: ({ durationMs }) => durationMs, cell: ({ durationMs }) => duration(durationMs) },
  { key: "sources", title: "Sources", kind: "text-cell", value: ({ sources }) => (sources ?? []).join(" "), cell: ({ sources }) => (sources ?? []).map(sourceName).join(", "), hint: ({ sources }) => (sources ?? []).map(sourceName).join(", ") },
];

const callsPanel = (app, { session: { sessionId }, calls = [] }, zone) => panel(app, {
  id: "calls", title: "Calls", why: "Choose a call to see where its figures are from and what was kept of it. Input is what was not in the cache. A call without a price shows –. Several sources of one call are counted once.",
  actions: calls.length > 0 && [tableButton("calls-" + sessionId, callColumns(zone), calls)],
  body: () => {
    if (!calls.length) return blank("No call yet.");
    const isAll = app.ui.allCalls || calls.length <= callsShown;
    const rows = (isAll ? calls : calls.slice(-callsShown)).map((call, index) => ({ ...call, index }));
    return [h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Table of calls" }, table({
      caption: "Calls of this session", rows, key: ({ callId, index }) => (callId ?? "") + index, kind: "calls-table", columns: callColumns(zone),
      open: ({ callId }) => changed(app.route, { call: callId, of: null }),
    })), !isAll && h("div", { class: "more" }, h("span", { class: "fine" }, "The last " + count(callsShown) + " of " + count(calls.length)), h("button", { type: "button", class: "button", onclick: () => app.set({ allCalls: true }) }, "Show all"))];
  },
});

/** Names of events that report what a tool returned. */
const isTool = (name) => /tool|exec_command|function_call_output|mcp/i.test(name);

/** What the session itself, its sub-agents and its tools cost. */
function partsPanel(app, detail) {
  const { session, subagents = [], events = [] } = detail;
  const total = whole(detail);
  const tools = events.filter(({ name }) => isTool(name)).length;
  const row = (key, title, part, hint) => h("li", { key, class: "part-row" }, h("span", { class: "part-name", title: hint }, title),
    h("span", { class: "number" }, cost(part)), h("span", { class: "bar-part" }, total.cost > 0 ? percent(part.cost / total.cost) : nothing), shareBar(total.cost > 0 ? part.cost / total.cost : 0));
  return panel(app, {
    id: "parts", title: "Cost by part", why: "Main is what this session called itself; each sub-agent has its own session. Tools have no price of their own: what they return is read as input by the calls that follow.",
    body: () => [h("ul", { class: "parts-list" },
      row("main", "Main", session),
      subagents.map(({ session: sub }) => row(sub.sessionId, h("a", { href: address("session", app.route.query, {}, sub.sessionId) }, sessionName(sub)), sub, sub.name)),
      subagents.length > 0 && h("li", { key: "sum", class: "part-row part-sum" }, h("span", null, "Together"), h("span", { class: "number", id: "parts-total" }, cost(total)))),
    tools > 0 && h("p", { class: "fine", id: "tool-count" }, plural(tools, "tool result") + " in the events; their cost is in the calls that read them.")],
  });
}

const modelsPanel = (app, { calls = [], costByModel = {} }) => panel(app, {
  id: "session-models", title: "Cost by model",
  body: () => {
    const rows = Object.entries(costByModel);
    const priced = new Set(calls.filter((call) => call.priced !== false).map(({ model }) => model ?? "unknown"));
    if (!rows.length) return blank("No call yet.");
    return h("ul", { class: "plain-list" }, rows.map(([model, dollars]) => h("li", { key: model }, h("span", { title: model }, modelName(model)), h("span", { class: "number" }, dollars === 0 && !priced.has(model) ? nothing : money(dollars)))));
  },
});

const eventsPanel = (app, { events = [] }, zone) => panel(app, {
  id: "events", title: "Events", why: "What else the session reported: prompts, tool results, errors. Their texts are not kept by default.",
  body: () => events.length === 0 ? blank("No event.")
    : h("div", { class: "scroller tall", tabindex: "0", role: "region", "aria-label": "List of events" }, h("ul", { class: "plain-list" }, events.slice(-300).reverse().map(({ timestamp, name }, index) => h("li", { key: timestamp + name + index }, h("span", { class: "event-name" }, name), h("time", { class: "number", datetime: timestamp, title: utc(timestamp) }, time(timestamp, zone)))))),
});
