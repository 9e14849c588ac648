// SPDX-License-Identifier: Apache-2.0
// The report of a month, to read and to print: `#/report/2026-11`. The command `hammurabi report` has the same figures.

import { monthName, shortDay, today } from "./calendar.js";
import { shareBar, stackedBars } from "./charts.js";
import { kinds } from "./colors.js";
import { h } from "./dom.js";
import { download } from "./csv.js";
import { linkButton } from "./export.js";
import { address, dimensionTable, dimensions, isFiltered, parameters } from "./filters.js";
import { cost, count, money, nothing, percent, plural, shortMoney, shownName, tokens } from "./format.js";
import { blank, exact, figure, panel, plainTable } from "./panel.js";
import { sessionName } from "./recent.js";

const refreshInterval = 30_000;
let loaded = 0;
const mostRows = 15;
const mostSessions = 10;
const months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

const isMonth = (text) => /^\d{4}-(0[1-9]|1[0-2])$/.test(text) && text >= "1970-01" && text < "2262";
const zoneOf = (app) => app.route.query.get("timezone") ?? app.zone;
const monthOf = (app) => app.route.id ?? today(zoneOf(app)).slice(0, 7);
const titleOf = (month) => months[Number(month.slice(5)) - 1] + " " + month.slice(0, 4);

/** The month so many months later, or earlier with a negative number. */
function later(month, number) {
  const [year, place] = month.split("-").map(Number);
  const index = year * 12 + place - 1 + number;
  return Math.floor(index / 12) + "-" + String((index % 12) + 1).padStart(2, "0");
}

function questions(app) {
  const zone = app.route.query.has("timezone") ? "&timezone=" + encodeURIComponent(app.route.query.get("timezone")) : "";
  const month = monthOf(app);
  const summary = parameters(app.route.query, { zone: app.zone });
  for (const name of ["from", "to"]) summary.delete(name);
  summary.set("period", month);
  summary.set("previous", "true");
  return [
    ["summary", "/api/telemetry/summary?" + summary], ["budgets", "/api/telemetry/budgets?month=" + month + zone], ["quality", "/api/telemetry/quality?period=" + month + zone], ["insights", "/api/telemetry/insights?" + narrowed(summary)],
  ];
}

/** The same question without what only a summary has. */
function narrowed(query) {
  const result = new URLSearchParams(query);
  result.delete("previous");
  return result;
}

export const report = {
  name: "report",
  title: "Report",
  keeps: false,
  heading: (app) => "Report of " + (isMonth(monthOf(app)) ? titleOf(monthOf(app)) : monthOf(app)),

  sources: (app) => (isMonth(monthOf(app)) ? questions(app) : []),
  stream: () => "/api/telemetry/stream?topics=summary&period=today",

  // Only a month that goes on changes, and a report need not follow each call.
  told(app) {
    if (monthOf(app) !== today(zoneOf(app)).slice(0, 7) || Date.now() - loaded < refreshInterval) return;
    loaded = Date.now();
    for (const resource of app.resources.values()) if (!resource.loading) app.load(resource);
  },
  arrived() { loaded = Date.now(); },

  view(app) {
    const month = monthOf(app);
    if (!isMonth(month)) {
      return [h("h1", null, "Report"), h("p", { class: "failure", role: "alert" }, h("span", { class: "failure-text" }, "There is no month “" + month.slice(0, 40) + "”: an address ends with YYYY-MM, such as #/report/2026-11."),
        h("a", { class: "button", href: address("report", app.route.query) }, "This month"))];
    }
    const [summary, budgets, quality, insights] = ["summary", "budgets", "quality", "insights"].map((name) => app.data(name));
    return [
      head(app, month, summary.data, budgets.data, insights.data),
      panel(app, { id: "report-totals", title: "Totals", kind: "bare", resource: summary, lines: 4, body: (data) => totals(app, data) }),
      summary.data?.callCount > 0 && [
        panel(app, { id: "report-days", title: "Days", body: () => days(app, summary.data) }),
        h("div", { class: "report-columns" }, kindsPanel(app, insights, summary.data), parts.map((part) => sharePanel(app, summary.data, part)), sessionsPanel(app, summary.data)),
        insights.data?.unusualDays.length > 0 && panel(app, { id: "report-unusual", title: "Unusual days", body: () => h("ul", { class: "report-lines" }, insights.data.unusualDays.map(({ date, title, detail }) => h("li", { key: date }, title + ": " + detail))) }),
      ],
      panel(app, { id: "report-budgets", title: "Budgets", resource: budgets, lines: 2, body: budgetTable }),
      panel(app, { id: "report-accuracy", title: "Accuracy", resource: quality, lines: 3, body: (data) => accuracy(data, summary.data) }),
    ];
  },
};

function head(app, month, summary, budgets, insights) {
  const { query } = app.route;
  const isLast = month >= today(zoneOf(app)).slice(0, 7);
  return h("div", { class: "page-head report-head" }, h("h1", null, "Report of " + titleOf(month)),
    summary && h("span", { class: "page-count", id: "report-scope" }, summary.from + " to " + summary.to + ", days of " + summary.timezone + (isLast ? ", not over yet" : "")),
    isFiltered(query) && h("span", { class: "page-count" }, "only " + dimensions.flatMap((name) => query.getAll(name)).join(", ") + "; budgets and accuracy are those of all calls"),
    h("span", { class: "page-tools" },
      h("a", { class: "button small", href: address("report", query, {}, later(month, -1)), "aria-label": "Report of " + titleOf(later(month, -1)) }, "‹ " + monthName(later(month, -1))),
      !isLast && h("a", { class: "button small", href: address("report", query, {}, later(month, 1)), "aria-label": "Report of " + titleOf(later(month, 1)) }, monthName(later(month, 1)) + " ›"),
      h("button", { type: "button", class: "button small", disabled: !summary, onclick: () => save(month, summary, budgets, insights) }, "CSV"),
      linkButton(app, "button small"),
      h("button", { type: "button", class: "button small", disabled: !summary, onclick: () => print() }, "Print")));
}

const sum = (row) => kinds.reduce((total, { key }) => total + (row[key] ?? 0), 0);
const cacheRate = ({ inputTokens: input, cacheReadTokens: read, cacheWriteTokens: written }) => (input + read + written > 0 ? read / (input + read + written) : null);

/** The sums of the whole month, in the members of a share. */
const whole = (summary) => ({
  cost: summary.totalCost, calls: summary.callCount, unpricedCalls: summary.unpricedCalls, sessions: summary.sessionCount,
  inputTokens: summary.totalInputTokens, cacheReadTokens: summary.totalCacheReadTokens, cacheWriteTokens: summary.totalCacheWriteTokens, outputTokens: summary.totalOutputTokens,
});

function totals(app, summary) {
  if (summary.callCount === 0) return blank("No calls in this month.");
  const { previous } = summary;
  const change = previous?.totalCost > 0 ? summary.totalCost / previous.totalCost - 1 : null;
  const fact = (title, value, note, id) => h("div", null, h("dt", null, title), h("dd", null, h("span", { class: "report-figure", id }, value), note && h("span", { class: "fine" }, note)));
  return h("dl", { class: "facts report-facts" },
    fact("Cost", cost(whole(summary)), change === null ? null : Math.abs(change) < 0.005 ? "as much as before" : percent(Math.abs(change)) + (change > 0 ? " more" : " less") + " than " + shortDay(previous.from) + " – " + shortDay(previous.to), "report-cost"),
    fact("Calls", count(summary.callCount), plural(summary.sessionCount, "session")),
    fact("Tokens", tokens(summary.totalTokens), percent(cacheRate(whole(summary))) + " of prompts from caches"),
    summary.cacheSavings > 0 && fact("Saved by caches", money(summary.cacheSavings), "at list prices", "report-saved"));
}

function days(app, summary) {
  const values = summary.byDay.map(({ cost: dollars }) => dollars);
  const buckets = summary.byDay.map(({ date }) => ({ from: date, to: date }));
  const label = "Cost per day of " + titleOf(summary.from.slice(0, 7)) + ": " + money(summary.totalCost) + " in all.";
  return figure(app, {
    id: "report-days", height: 170,
    paint: stackedBars({ label, buckets, unit: "day", series: [{ name: "", title: "Cost", color: "accent", values }], format: money, axis: shortMoney, height: 170 }),
    table: () => plainTable(label, ["Day", "Cost", "Calls", "Tokens"], summary.byDay.map((day) => [shortDay(day.date), exact(cost(day), day.cost), exact(count(day.calls), day.calls), exact(tokens(sum(day)), sum(day))])),
  });
}

const parts = [["user", "People", "people"], ["team", "Teams", "teams"], ["project", "Projects", "projects"], ["model", "Models", "models"], ["agent", "Agents", "agents"]];
const shares = (summary, dimension) => Object.entries(summary[dimensionTable.find(({ name }) => name === dimension).share] ?? {}).sort(([a, left], [b, right]) => right.cost - left.cost || (a < b ? -1 : 1));

function sharePanel(app, summary, [dimension, title]) {
  const all = shares(summary, dimension);
  if (!all.some(([name]) => name !== "unknown")) return null;
  const shown = all.slice(0, mostRows);
  const rest = all.slice(mostRows).reduce((total, [, share]) => total + share.cost, 0);
  return panel(app, {
    id: "report-" + dimension, title,
    body: () => reportTable(title, [dimensionTable.find(({ name }) => name === dimension).title, "Cost", "Share", "From cache"], [
      ...shown.map(([name, share]) => [shownName(dimension, name), cost(share), partCell(share.cost, summary.totalCost), percent(cacheRate(share))]),
      ...(rest > 0 ? [[plural(all.length - mostRows, "other"), money(rest), partCell(rest, summary.totalCost), ""]] : []),
    ]),
  });
}

const costKinds = [["input", "Input"], ["output", "Output"], ["cacheWrite", "Cache write"], ["cacheRead", "Cache read"], ["other", "Without list price"]];

/** What the kinds of tokens cost; nothing without prices. */
const kindsPanel = (app, insights, { totalCost }) => (insights.data && !insights.data.costByKind ? null : panel(app, {
  id: "report-kinds", title: "Cost by kind of token", resource: insights, lines: 5,
  body: ({ costByKind: sums }) => reportTable("Cost by kind of token", ["Kind", "Cost", "Share"], costKinds.filter(([key]) => sums[key] > 0).map(([key, title]) => [title, money(sums[key]), partCell(sums[key], totalCost)])),
}));

const sessionsPanel = (app, { sessions = [], totalCost }) => (sessions.length === 0 ? null : panel(app, {
  id: "report-sessions", title: "Dearest sessions", kind: "report-wide",
  body: () => reportTable("Dearest sessions", ["Session", "Cost", "Share", "User"], sessions.slice(0, mostSessions).map((session) => [
    h("a", { href: address("session", app.route.query, {}, session.sessionId), title: session.name }, sessionName(session)), cost(session), partCell(session.cost, totalCost), session.user ? shownName("user", session.user) : nothing])),
}));

const partCell = (part, total) => [shareBar(total > 0 ? part / total : 0), h("span", { class: "share-text" }, percent(total > 0 ? part / total : 0))];

/** A table whose third column is a bar. */
const reportTable = (caption, titles, rows) => h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": caption + ", table" }, h("table", { class: "table report-table" },
  h("caption", { class: "unseen" }, caption),
  h("thead", null, h("tr", null, titles.map((title, index) => h("th", { scope: "col", class: index === 1 || index === 3 ? "number" : "" }, title)))),
  h("tbody", null, rows.map(([name, ...cells], row) => h("tr", { key: row }, h("th", { scope: "row" }, name), cells.map((cell, index) => h("td", { class: index === 1 ? "share-cell" : "number" }, cell)))))));

function budgetTable({ budgets }) {
  if (!budgets.length) return blank("No budget of calendar months is set. In config.yaml: ", h("code", null, "extensions.hub.budgets"));
  const amount = ({ unit }, number) => (unit === "usd" ? money(number) : tokens(number) + " tokens");
  return reportTable("Budgets", ["Budget", "Spent", "Share", "Limit"], budgets.map((budget) => [budget.name, amount(budget, budget.spent),
    [shareBar(budget.fraction), h("span", { class: "share-text" + (budget.exceeded ? " bad-text" : "") }, percent(budget.fraction))], amount(budget, budget.limit)]));
}

/** How well the figures are known; the command line has the same sentences. */
function accuracy(quality, summary) {
  const differing = quality.costs.filter(({ reported, computed }) => reported > 0 && reported !== computed);
  const total = (key) => differing.reduce((all, row) => all + row[key], 0);
  const lines = [
    summary?.unpricedCalls > 0 && plural(summary.unpricedCalls, "call") + " without a price, not in the cost: " + summary.unpricedModels.join(", ") + ".",
    quality.severalWitnesses > 0 && plural(quality.severalWitnesses, "call") + " reported by several sources, each counted once.",
    quality.weaklyJoined > 0 && plural(quality.weaklyJoined, "call") + " joined by time and size alone.",
    quality.rollUpsNotCounted > 0 && plural(quality.rollUpsNotCounted, "sum") + " of other calls left out, because the calls are counted.",
    quality.sumsOfUnknownCalls > 0 && plural(quality.sumsOfUnknownCalls, "sum") + " of calls that are not known one by one.",
    differing.length > 0 && plural(total("calls"), "call") + " with another cost from the agent: " + money(total("reported")) + " reported, " + money(total("computed")) + " by the price table.",
  ].filter(Boolean);
  return lines.length ? h("ul", { class: "report-lines" }, lines.map((line) => h("li", { key: line }, line))) : h("p", { class: "fine" }, "Each call has one source and a price.");
}

/** The whole report as one table, with the part in front; as `hammurabi report --csv`. */
function save(month, summary, budgets, insights) {
  const row = (part, name, share) => [part, name, share.cost, "", share.calls, share.unpricedCalls, share.sessions ?? "", share.inputTokens, share.cacheReadTokens, share.cacheWriteTokens, share.outputTokens];
  const amount = (part, name, value, limit = "") => [part, name, value, limit, "", "", "", "", "", "", ""];
  const rows = [
    row("total", month, whole(summary)),
    ...(summary.cacheSavings > 0 ? [amount("cache_savings", month, summary.cacheSavings)] : []),
    ...costKinds.filter(([key]) => insights?.costByKind?.[key] > 0).map(([key]) => amount("kinds", key, insights.costByKind[key])),
    ...(summary.callCount > 0 ? summary.byDay.map((day) => row("days", day.date, day)) : []),
    ...parts.flatMap(([dimension, , part]) => {
      const all = shares(summary, dimension);
      return all.some(([name]) => name !== "unknown") ? all.map(([name, share]) => row(part, name, share)) : [];
    }),
    ...(summary.sessions ?? []).slice(0, mostSessions).map((session) => row("sessions", session.sessionId, { ...session, sessions: "" })),
    ...(budgets?.budgets ?? []).map((budget) => amount(budget.unit === "usd" ? "budgets" : "budgets_tokens", budget.name, budget.spent, budget.limit)),
  ];
  download("report-" + month + ".csv", ["part", "name", "cost", "limit", "calls", "unpriced_calls", "sessions", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"], rows);
}
