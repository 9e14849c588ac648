// SPDX-License-Identifier: Apache-2.0
// Who and what spends it.

import { shareBar, sparkline } from "./charts.js";
import { kinds, palette } from "./colors.js";
import { h } from "./dom.js";
import { changed, dimensionNamed, dimensions, toggled } from "./filters.js";
import { count, money, nothing, percent, shownName, tokens } from "./format.js";
import { blank, choices, dot, panel } from "./panel.js";
import { table } from "./table.js";

/** What usage can be broken down by. */
export const tabs = dimensions;

const sum = (share) => kinds.reduce((total, { key }) => total + (share[key] ?? 0), 0);

/** The tabs that are worth their place: of rare dimensions those with at least two names, and the chosen one. */
const shownTabs = (summary, chosen) => tabs.filter((name) => {
  const { share, isRare } = dimensionNamed(name);
  return !isRare || name === chosen || Object.keys(summary?.[share] ?? {}).length > 1;
});

/** The shares of a dimension. Where calls without a price are about, a cost of zero is an unknown one. */
function entries(summary, dimension) {
  return Object.entries(summary[dimensionNamed(dimension).share] ?? {}).map(([name, share]) => ({
    ...share, name, tokens: sum(share), isUnpriced: share.cost === 0 && (share.unpricedCalls ?? summary.unpricedCalls) > 0,
  }));
}

/** What is listed with its course: the dearest people, projects, models and teams. */
const lists = [["user", "People"], ["project", "Projects"], ["model", "Models"], ["team", "Teams"]];

/** The five dearest names of each, with their share and their course; of teams only if there are any. */
export function topLists(app, resource, split) {
  const shown = lists.filter(([dimension]) => dimension !== "team" || (resource.data?.trends.team ?? []).some(({ name }) => name !== "unknown"));
  return h("div", { class: "top-lists", key: "top-lists" }, shown.map(([dimension, title]) => panel(app, {
    id: "top-" + dimension, title, resource, lines: 5, kind: "top-list",
    why: "The five that cost most in the period: their cost, their share of all cost, and the course of their cost over its days. Choose one to filter the page.",
    actions: [h("a", { class: "quiet", href: changed(app.route, { tab: dimension === "agent" ? null : dimension }), onclick: () => showBreakdown() }, "All", h("span", { class: "unseen" }, " " + title.toLowerCase()))],
    body: ({ trends, totalCost }) => {
      const names = trends[dimension] ?? [];
      if (!names.length) return blank("Nothing with a price in this period.");
      const color = colorOf(dimension, split, names);
      const chosen = app.route.query.getAll(dimension);
      return h("ol", { class: "bars-list" }, names.map(({ name, cost, days }) => h("li", { key: name },
        h("button", { type: "button", class: "bar-row", title: name, "aria-pressed": String(chosen.includes(name)), onclick: () => app.replace(toggled(app.route, dimension, name)) },
          h("span", { class: "bar-name" }, dimension === split && dot(color(name)), h("span", { class: "name" }, shownName(dimension, name))),
          days.length > 1 ? sparkline(inParts(days), color(name)) : h("span", null),
          h("span", { class: "bar-value" }, money(cost)), h("span", { class: "bar-part" }, percent(totalCost > 0 ? cost / totalCost : 0))))));
    },
  })));
}

/** Long courses in at most so many sums as the line has room for. */
function inParts(days, most = 42) {
  if (days.length <= most) return days;
  const size = Math.ceil(days.length / most);
  return Array.from({ length: Math.ceil(days.length / size) }, (_, part) => days.slice(part * size, (part + 1) * size).reduce((sum, cost) => sum + cost, 0));
}

const showBreakdown = () => setTimeout(() => document.getElementById("breakdown-title")?.scrollIntoView({ block: "start" }), 50);

/** A colour means one name of the dimension by which the chart is split up; whatever is shown of others has the accent. */
const colorOf = (dimension, split, names) => (dimension === split ? palette(dimension, names.slice(0, 8).map(({ name }) => name)) : () => "accent");

/** The table behind the figures, by any dimension. */
export const breakdown = (app, resource, dimension, split, onPick) => panel(app, {
  id: "breakdown", title: "Breakdown", resource, lines: 6,
  why: "Choose a row to filter the whole page by it; choose it again to take the filter away. A session that used two models is counted with both.",
  actions: choices("Break down by", shownTabs(resource?.data, dimension).map((name) => ({ title: dimensionNamed(name).title, href: changed(app.route, { tab: name === "agent" ? null : name }), isChosen: name === dimension }))),
  body: (summary) => {
    const { sort = "cost", order = "desc" } = app.ui.breakdown ?? {};
    const color = colorOf(dimension, split, entries(summary, dimension));
    const rows = entries(summary, dimension).sort((a, b) => {
      const way = typeof a[sort] === "string" ? (a[sort] < b[sort] ? -1 : 1) : (a[sort] ?? 0) - (b[sort] ?? 0);
      return (order === "asc" ? way : -way) || (a.name < b.name ? -1 : 1);
    });
    if (!rows.length) return blank("Nothing in this period.");
    return h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Breakdown by " + dimensionNamed(dimension).title.toLowerCase() },
      table({
        caption: "Usage by " + dimensionNamed(dimension).title.toLowerCase(), rows: rows.slice(0, 100), key: ({ name }) => name, sort, order,
        onSort: (next, way) => app.set({ breakdown: { sort: next, order: way } }),
        act: ({ name }) => onPick(name), isChosen: ({ name }) => app.route.query.getAll(dimension).includes(name),
        columns: columns(dimension, summary.totalCost, color, dimension === split),
      }));
  },
});

const columns = (dimension, total, color, hasDots) => [
  { key: "name", title: dimensionNamed(dimension).title, sort: "name", cell: ({ name }) => [hasDots && dot(color(name)), shownName(dimension, name)], hint: ({ name }) => name },
  { key: "cost", title: "Cost", sort: "cost", number: true, cell: ({ cost, isUnpriced }) => (isUnpriced ? nothing : money(cost)) },
  { key: "share", title: "Share", kind: "share-cell", cell: ({ cost, name }) => [shareBar(total > 0 ? cost / total : 0, color(name)), h("span", { class: "share-text" }, percent(total > 0 ? cost / total : 0))] },
  { key: "tokens", title: "Tokens", sort: "tokens", number: true, cell: (row) => tokens(row.tokens), hint: (row) => count(row.tokens) },
  { key: "calls", title: "Calls", sort: "calls", number: true, cell: ({ calls }) => count(calls) },
  { key: "sessions", title: "Sessions", sort: "sessions", number: true, cell: ({ sessions }) => count(sessions) },
  { key: "each", title: "Cost a session", number: true, cell: ({ cost, sessions, isUnpriced }) => (isUnpriced || !sessions ? nothing : money(cost / sessions)) },
];
