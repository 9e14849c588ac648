// SPDX-License-Identifier: Apache-2.0
// Who and what spends it.

import { shareBar } from "./charts.js";
import { kinds, palette } from "./colors.js";
import { h } from "./dom.js";
import { changed, dimensionNamed, dimensions } from "./filters.js";
import { count, modelName, money, nothing, percent, shownName, tokens } from "./format.js";
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

/** How high the list of models will be, so that what stands beside it can be as high. */
export const topModelsHeight = (summary) => Math.max(272, 43 * Math.min(8, Object.keys(summary?.byModel ?? {}).length) + (Object.keys(summary?.byModel ?? {}).length > 8 ? 20 : 0));

/** The dearest models as bars. */
export const topModels = (app, resource, onPick) => panel(app, {
  id: "top-models", title: "Top models", resource, lines: 6,
  why: "The share of each model in the cost of the period. A model without a price shows – and counts its tokens only.",
  body: (summary) => {
    const models = entries(summary, "model").sort((a, b) => b.cost - a.cost || b.tokens - a.tokens);
    if (!models.length) return blank("Nothing in this period.");
    const color = palette("model", models.slice(0, 8).map(({ name }) => name));
    const largest = Math.max(...models.map(({ cost }) => cost)) || 1;
    return h("ol", { class: "bars-list" }, models.slice(0, 8).map((model) => h("li", { key: model.name },
      h("button", { type: "button", class: "bar-row", title: model.name, "aria-pressed": String(app.route.query.getAll("model").includes(model.name)), onclick: () => onPick(model.name) },
        h("span", { class: "bar-name" }, dot(color(model.name)), modelName(model.name)),
        h("span", { class: "bar-value" }, model.isUnpriced ? "no price" : money(model.cost)),
        h("span", { class: "bar-part" }, model.isUnpriced ? nothing : percent(summary.totalCost > 0 ? model.cost / summary.totalCost : 0)),
        shareBar(model.cost / largest, color(model.name))))),
      models.length > 8 && h("li", { class: "fine" }, count(models.length - 8) + " more below"));
  },
});

/** The table behind the figures, by any dimension. */
export const breakdown = (app, resource, dimension, onPick) => panel(app, {
  id: "breakdown", title: "Breakdown", resource, lines: 6,
  why: "Choose a row to filter the whole page by it; choose it again to take the filter away. A session that used two models is counted with both.",
  actions: choices("Break down by", shownTabs(resource?.data, dimension).map((name) => ({ title: dimensionNamed(name).title, href: changed(app.route, { tab: name === "agent" ? null : name }), isChosen: name === dimension }))),
  body: (summary) => {
    const { sort = "cost", order = "desc" } = app.ui.breakdown ?? {};
    const color = palette(dimension, entries(summary, dimension).slice(0, 8).map(({ name }) => name));
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
        columns: columns(dimension, summary.totalCost, color),
      }));
  },
});

const columns = (dimension, total, color) => [
  { key: "name", title: dimensionNamed(dimension).title, sort: "name", cell: ({ name }) => [dot(color(name)), shownName(dimension, name)], hint: ({ name }) => name },
  { key: "cost", title: "Cost", sort: "cost", number: true, cell: ({ cost, isUnpriced }) => (isUnpriced ? nothing : money(cost)) },
  { key: "share", title: "Share", kind: "share-cell", cell: ({ cost, name }) => [shareBar(total > 0 ? cost / total : 0, color(name)), h("span", { class: "share-text" }, percent(total > 0 ? cost / total : 0))] },
  { key: "tokens", title: "Tokens", sort: "tokens", number: true, cell: (row) => tokens(row.tokens), hint: (row) => count(row.tokens) },
  { key: "calls", title: "Calls", sort: "calls", number: true, cell: ({ calls }) => count(calls) },
  { key: "sessions", title: "Sessions", sort: "sessions", number: true, cell: ({ sessions }) => count(sessions) },
  { key: "each", title: "Cost a session", number: true, cell: ({ cost, sessions, isUnpriced }) => (isUnpriced || !sessions ? nothing : money(cost / sessions)) },
];
