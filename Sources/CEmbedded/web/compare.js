// SPDX-License-Identifier: Apache-2.0
// Two periods beside each other, and the same calls at another model's prices.

import { dayAfter, days, monthEarlier, shortDay } from "./calendar.js";
import { stackedBars } from "./charts.js";
import { kinds } from "./colors.js";
import { h } from "./dom.js";
import { changed, dimensionNamed, dimensions, parameters, range } from "./filters.js";
import { count, money, nothing, percent, shortMoney, shownName, tokens } from "./format.js";
import { blank, choices, exact, figure, panel, plainTable } from "./panel.js";
import { table } from "./table.js";
import { whatIf } from "./whatif.js";

const ways = { before: "The time before", month: "The same days a month earlier", custom: "Other days" };
const wayOf = ({ query }) => (query.has("than-from") && query.has("than-to") ? "custom" : query.get("than") === "month" ? "month" : "before");
const tabOf = ({ query }) => (dimensions.includes(query.get("tab")) ? query.get("tab") : "model");

const interval = 5_000;
let asked = 0;

/** The days with which the period is compared. */
function otherRange(app) {
  const { query } = app.route;
  const { from, to } = range(query, app.zone);
  const way = wayOf(app.route);
  if (way === "custom") return { from: query.get("than-from"), to: query.get("than-to") };
  if (way === "month") return { from: monthEarlier(from), to: monthEarlier(to) };
  const length = days(from, to).length;
  return { from: dayAfter(from, -length), to: dayAfter(from, -1) };
}

function otherParameters(app) {
  const query = parameters(app.route.query, { zone: app.zone });
  query.delete("period");
  const { from, to } = otherRange(app);
  query.set("from", from);
  query.set("to", to);
  query.set("sessions", "false");
  return query;
}

export const compare = {
  name: "compare",
  title: "Compare",
  filters: "all",

  sources(app) {
    const query = parameters(app.route.query, { zone: app.zone });
    const model = app.route.query.get("with");
    return [
      ["now", "/api/telemetry/summary?sessions=false&" + query], ["than", "/api/telemetry/summary?" + otherParameters(app)],
      ["prices", "/api/telemetry/prices"], ...(model ? [["whatif", "/api/telemetry/compare?" + query + "&with=" + encodeURIComponent(model)]] : []),
    ];
  },

  stream: (app) => "/api/telemetry/stream?topics=summary&sessions=false&" + parameters(app.route.query, { zone: app.zone }),

  told(app, topic, { callCount }) {
    const resource = app.resources.get("now");
    if (topic !== "summary" || !resource?.data || resource.loading || resource.data.callCount === callCount || Date.now() - asked < interval) return;
    asked = Date.now();
    app.load(resource);
  },

  view(app) {
    const [now, than] = [app.data("now"), app.data("than")];
    const both = now.data && than.data ? now : { ...now, data: undefined, error: now.error ?? than.error };
    const loaded = { ...both, loading: now.loading || than.loading };
    return [
      h("div", { class: "page-head" }, h("h1", null, "Compare"), now.data && than.data && h("span", { class: "page-count" }, span(now.data) + " with " + span(than.data)), picker(app)),
      panel(app, { id: "totals", title: "Totals", kind: "bare", resource: loaded, lines: 3, body: (data) => totals(data, than.data) }),
      panel(app, { id: "courses", title: "Cost per day", resource: loaded, lines: 6, why: "Bars are the period, pale bars behind them the days with which it is compared, each beginning with its first day.", body: (data) => courses(app, data, than.data) }),
      panel(app, {
        id: "changes", title: "What changed", resource: loaded, lines: 6, why: "The cost of each name in both periods, the largest change first.",
        actions: choices("Compare by", dimensions.filter((name) => name !== "hour" && hasNames(name, now.data, than.data)).map((name) => ({ title: dimensionNamed(name).title, href: changed(app.route, { tab: name === "model" ? null : name }), isChosen: name === tabOf(app.route) }))),
        body: (data) => changes(data, than.data, tabOf(app.route)),
      }),
      whatIf(app, app.data("whatif"), app.data("prices").data),
    ];
  },
};

const span = ({ from, to }) => (from === to ? shortDay(from) : shortDay(from) + " – " + shortDay(to));
const hasNames = (name, ...summaries) => !dimensionNamed(name).isRare || summaries.some((summary) => Object.keys(summary?.[dimensionNamed(name).share] ?? {}).length > 1);

function picker(app) {
  const way = wayOf(app.route);
  const other = otherRange(app);
  const field = (name, title, value) => h("label", { class: "date" }, h("span", { class: "unseen" }, title),
    h("input", { type: "date", value, onchange: (event) => event.target.value && app.replace(changed(app.route, { than: null, "than-from": other.from, "than-to": other.to, [name]: event.target.value })) }));
  return h("div", { class: "than" },
    h("label", { class: "by" }, h("span", { class: "by-word" }, "with"), h("select", { class: "select", "aria-label": "Compare with", value: way, onchange: (event) => app.replace(changed(app.route, chosen(event.target.value, other))) },
      Object.entries(ways).map(([name, title]) => h("option", { value: name, selected: name === way, key: name }, title)))),
    way === "custom" && h("div", { class: "range" }, field("than-from", "First day of the other period", other.from), h("span", { "aria-hidden": "true" }, "–"), field("than-to", "Last day of the other period", other.to)));
}

const chosen = (way, { from, to }) => ({ than: way === "month" ? "month" : null, "than-from": way === "custom" ? from : null, "than-to": way === "custom" ? to : null });

/** A change in words: +12%, −$3.40, new. */
const share = (now, than) => (than > 0 ? (now >= than ? "+" : "−") + percent(Math.abs(now - than) / than) : now > 0 ? "new" : nothing);
const difference = (now, than) => (Math.abs(now - than) < 0.005 ? "±$0.00" : (now > than ? "+" : "−") + money(Math.abs(now - than)));

function totals(now, than) {
  const hits = ({ totalInputTokens: input, totalCacheReadTokens: read, totalCacheWriteTokens: write }) => (input + read + write > 0 ? read / (input + read + write) : null);
  const each = ({ totalCost, sessionCount }) => (sessionCount > 0 ? totalCost / sessionCount : null);
  const rows = [
    ["Cost", (summary) => summary.totalCost, money, "cost"], ["Calls", (summary) => summary.callCount, count, "calls"], ["Tokens", (summary) => summary.totalTokens, tokens, "tokens"],
    ["Sessions", (summary) => summary.sessionCount, count, "sessions"], ["Cost a session", each, money, "each"], ["From cache", hits, percent, "hits"],
  ];
  return h("dl", { class: "facts wide-facts" }, rows.map(([title, of, text, id]) => h("div", { key: id }, h("dt", null, title),
    h("dd", null, h("span", { id: "now-" + id }, text(of(now))), h("span", { class: "fine" }, " before ", h("span", { id: "than-" + id }, text(of(than))), id !== "hits" && of(than) > 0 && ", " + share(of(now), of(than)))))));
}

function courses(app, now, than) {
  const all = now.byDay.length >= than.byDay.length ? now.byDay : than.byDay;
  if (!now.byDay.some(({ cost }) => cost > 0) && !than.byDay.some(({ cost }) => cost > 0)) return blank("Nothing in either period.");
  const buckets = all.map((_, index) => ({ from: now.byDay[index]?.date ?? than.byDay[index].date, to: now.byDay[index]?.date ?? than.byDay[index].date }));
  const label = `Cost per day from ${now.from} to ${now.to}, ${money(now.totalCost)} in all, beside ${than.from} to ${than.to}, ${money(than.totalCost)} in all.`;
  const values = all.map((_, index) => now.byDay[index]?.cost ?? 0);
  const ghost = all.map((_, index) => than.byDay[index]?.cost ?? 0);
  return figure(app, {
    id: "courses", height: 200,
    paint: stackedBars({ label, buckets, unit: "day", series: [{ name: "", title: "This period", color: "accent", values }], ghost, format: money, axis: shortMoney, height: 200 }),
    table: () => plainTable(label, ["Day", "Cost", "Compared with", "Cost then"], all.map((_, index) => [now.byDay[index] ? shortDay(now.byDay[index].date) : nothing, exact(money(values[index]), values[index]), than.byDay[index] ? shortDay(than.byDay[index].date) : nothing, exact(money(ghost[index]), ghost[index])])),
  });
}

function changes(now, than, dimension) {
  const { share: member, title } = dimensionNamed(dimension);
  const names = [...new Set([...Object.keys(now[member] ?? {}), ...Object.keys(than[member] ?? {})])];
  const all = (part) => kinds.reduce((sum, { key }) => sum + (part?.[key] ?? 0), 0);
  const rows = names.map((name) => ({ name, now: now[member]?.[name], than: than[member]?.[name] }))
    .map((row) => ({ ...row, cost: row.now?.cost ?? 0, before: row.than?.cost ?? 0 }))
    .map((row) => ({ ...row, isUnpriced: isUnpriced(row.now) || isUnpriced(row.than) }))
    .sort((a, b) => Math.abs(b.cost - b.before) - Math.abs(a.cost - a.before) || (a.name < b.name ? -1 : 1)).slice(0, 100);
  if (!rows.length) return blank("Nothing in either period.");
  const largest = Math.max(...rows.map((row) => Math.abs(row.cost - row.before))) || 1;
  return h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Changes by " + title.toLowerCase() }, table({
    caption: "Cost in both periods by " + title.toLowerCase(), rows, key: ({ name }) => name, kind: "changes-table",
    columns: [
      { key: "name", title, cell: ({ name }) => shownName(dimension, name), hint: ({ name }) => name },
      { key: "cost", title: "Cost", number: true, cell: (row) => (isUnpriced(row.now) ? nothing : money(row.cost)) },
      { key: "before", title: "Before", number: true, cell: (row) => (isUnpriced(row.than) ? nothing : money(row.before)) },
      { key: "change", title: "Change", number: true, cell: (row) => (row.isUnpriced ? nothing : difference(row.cost, row.before)) },
      { key: "bar", title: "In percent", kind: "change-cell", cell: (row) => [bar((row.cost - row.before) / largest), h("span", { class: "share-text" }, row.isUnpriced ? nothing : share(row.cost, row.before))] },
      { key: "calls", title: "Calls", number: true, cell: (row) => count(row.now?.calls ?? 0), hint: (row) => count(row.than?.calls ?? 0) + " before" },
      { key: "tokens", title: "Tokens", number: true, cell: (row) => tokens(all(row.now)), hint: (row) => tokens(all(row.than)) + " before" },
    ],
  }));
}

/** Whether calls of a name have no price, and none has one. */
const isUnpriced = (part) => part?.cost === 0 && part.unpricedCalls > 0;

/** A change as a bar to the right of the middle when it rose, else to the left. */
const bar = (fraction) => h("span", { class: "change-bar", "aria-hidden": "true" },
  h("span", { class: fraction > 0 ? "rose" : "fell", style: { width: (Math.abs(fraction) * 50).toFixed(2) + "%", left: (fraction > 0 ? 50 : 50 - Math.abs(fraction) * 50).toFixed(2) + "%" } }));
