// SPDX-License-Identifier: Apache-2.0
// People and teams: what each of them costs, the course of it, and how much of it came from caches.

import { shareBar, sparkline } from "./charts.js";
import { kinds } from "./colors.js";
import { h } from "./dom.js";
import { address, changed, dimensionNamed, parameters, toggled } from "./filters.js";
import { count, money, nothing, percent, plural, shownName, tokens } from "./format.js";
import { tableButton } from "./export.js";
import { blank, choices, panel } from "./panel.js";
import { sessionName } from "./recent.js";
import { table } from "./table.js";

const tabs = [["user", "People"], ["team", "Teams"]];
const chosenTab = ({ query }) => (query.get("tab") === "team" ? "team" : "user");
const mostRows = 200;
const mostPoints = 42;

function questions(app) {
  const query = parameters(app.route.query, { zone: app.zone });
  query.set("series", chosenTab(app.route));
  return query;
}

export const people = {
  name: "people",
  title: "People",
  filters: "all",

  sources: (app) => [["summary", "/api/telemetry/summary?" + questions(app)]],
  stream: (app) => "/api/telemetry/stream?topics=summary&" + questions(app),

  told(app, topic, data) {
    const resource = app.resources.get("summary");
    // An event leaves the sessions out: those that are known stay.
    if (topic === "summary" && resource) resource.data = { ...resource.data, ...data, sessions: resource.data?.sessions ?? [] };
  },

  view(app) {
    const resource = app.data("summary");
    const tab = chosenTab(app.route);
    return [
      h("div", { class: "page-head" }, h("h1", null, tab === "team" ? "Teams" : "People"),
        choices("Whose cost", tabs.map(([name, title]) => ({ title, href: changed(app.route, { tab: name === "user" ? null : name }), isChosen: name === tab }))),
        resource.data && h("span", { class: "page-count", id: "people-count" }, summaryLine(resource.data, tab))),
      panel(app, {
        id: "people", title: "Cost by " + tab, kind: "bare", resource, lines: 10,
        body: (summary) => content(app, summary, tab),
      }),
    ];
  },
};

const named = (entries) => entries.filter(({ name }) => name !== "unknown" && name !== "other");

function summaryLine(summary, tab) {
  const known = named(entries(summary, tab));
  const sum = known.reduce((total, { cost }) => total + cost, 0);
  return plural(known.length, tab === "team" ? "team" : "person").replace("persons", "people") + (known.length ? ", " + money(sum / known.length) + " each on average" : "");
}

/** What each name has in the period; a name whose calls have no price has no cost. */
function entries(summary, tab) {
  return Object.entries(summary[dimensionNamed(tab).share] ?? {}).map(([name, share]) => {
    const read = share.inputTokens + share.cacheReadTokens + share.cacheWriteTokens;
    return {
      ...share, name, tokens: kinds.reduce((sum, { key }) => sum + share[key], 0),
      cacheRate: read > 0 ? share.cacheReadTokens / read : null,
      isUnpriced: share.calls > 0 && share.unpricedCalls >= share.calls,
    };
  });
}

/** The cost of each day of a name, in sums of several days where there are too many for the line. */
function course(summary, name) {
  const days = (summary.series?.days ?? []).map(({ values }) => values[name]?.cost ?? 0);
  const size = Math.ceil(days.length / mostPoints) || 1;
  return Array.from({ length: Math.ceil(days.length / size) }, (_, part) => days.slice(part * size, (part + 1) * size).reduce((sum, cost) => sum + cost, 0));
}

/** The dearest session of each name; a summary lists sessions in this order. */
function dearest(summary, tab) {
  const found = new Map();
  for (const session of summary.sessions ?? []) {
    const name = session[tab] ?? "unknown";
    if (!found.has(name)) found.set(name, session);
  }
  return found;
}

function content(app, summary, tab) {
  const { sort = "cost", order = "desc" } = app.ui.people ?? {};
  const way = order === "asc" ? 1 : -1;
  const rows = entries(summary, tab).sort((a, b) => {
    const [left, right] = [a[sort] ?? -1, b[sort] ?? -1];
    return (left < right ? -1 : left > right ? 1 : 0) * way || (a.name < b.name ? -1 : 1);
  });
  if (!rows.length) return blank("Nothing in this period.");
  const sessions = dearest(summary, tab);
  const columns = columnsOf(app, summary, tab, sessions);
  return [
    tab === "team" && named(rows).length === 0 && h("p", { class: "fine note-line" }, "No session has a team. In config.yaml: ", h("code", null, "extensions.hub.teams")),
    h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Table of " + (tab === "team" ? "teams" : "people") }, table({
      caption: tab === "team" ? "Teams" : "People", rows: rows.slice(0, mostRows), key: ({ name }) => name, sort, order, kind: "people-table", columns,
      onSort: (next, direction) => { app.say("Sorted by " + next); app.set({ people: { sort: next, order: direction } }); },
      act: ({ name }) => app.replace(toggled(app.route, tab, name)), isChosen: ({ name }) => app.route.query.getAll(tab).includes(name),
    })),
    h("div", { class: "more" }, h("span", { class: "fine" }, "Choose a row to filter by it; choose it again to take the filter away."), tableButton(tab === "team" ? "teams" : "people", columns, rows)),
  ];
}

const columnsOf = (app, summary, tab, sessions) => [
  { key: "name", title: dimensionNamed(tab).title, sort: "name", value: ({ name }) => name, cell: ({ name }) => shownName(tab, name), hint: ({ name }) => name },
  { key: "cost", title: "Cost", sort: "cost", number: true, value: ({ cost }) => cost, cell: ({ cost, isUnpriced }) => (isUnpriced ? nothing : money(cost)), hint: ({ unpricedCalls }) => (unpricedCalls > 0 ? plural(unpricedCalls, "call") + " without a price" : undefined) },
  { key: "trend", title: "Trend", kind: "trend-cell", cell: ({ name }) => { const points = course(summary, name); return points.length > 1 ? sparkline(points) : nothing; } },
  { key: "share", title: "Share", kind: "share-cell", value: ({ cost }) => (summary.totalCost > 0 ? cost / summary.totalCost : 0), cell: ({ cost }) => [shareBar(summary.totalCost > 0 ? cost / summary.totalCost : 0), h("span", { class: "share-text" }, percent(summary.totalCost > 0 ? cost / summary.totalCost : 0))] },
  { key: "cacheRate", title: "From cache", sort: "cacheRate", number: true, value: ({ cacheRate }) => cacheRate, cell: ({ cacheRate }) => percent(cacheRate), hint: ({ cacheReadTokens }) => count(cacheReadTokens) + " tokens read from caches" },
  { key: "sessions", title: "Sessions", sort: "sessions", number: true, value: (row) => row.sessions, cell: (row) => count(row.sessions) },
  { key: "calls", title: "Calls", sort: "calls", number: true, value: ({ calls }) => calls, cell: ({ calls }) => count(calls) },
  { key: "tokens", title: "Tokens", sort: "tokens", number: true, value: (row) => row.tokens, cell: (row) => tokens(row.tokens), hint: (row) => count(row.tokens) },
  { key: "each", title: "A session", number: true, value: ({ cost, sessions: number }) => (number ? cost / number : null), cell: ({ cost, sessions: number, isUnpriced }) => (isUnpriced || !number ? nothing : money(cost / number)) },
  { key: "dearest", title: "Dearest session", kind: "dearest-cell", value: ({ name }) => sessions.get(name)?.sessionId, cell: ({ name }) => dearestLink(app, sessions.get(name)) },
];

const dearestLink = (app, session) => (session
  ? [h("a", { href: address("session", app.route.query, {}, session.sessionId), title: session.name }, sessionName(session)), " ", h("span", { class: "muted" }, money(session.cost))]
  : nothing);
