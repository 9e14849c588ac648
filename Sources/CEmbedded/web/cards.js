// SPDX-License-Identifier: Apache-2.0
// The figures of the period.

import { h } from "./dom.js";
import { days } from "./calendar.js";
import { meter, shareBar, sparkline } from "./charts.js";
import { isFiltered } from "./filters.js";
import { count, money, percent, plural, short, tokens } from "./format.js";
import { panel } from "./panel.js";

const card = (app, options) => panel(app, { kind: "card", lines: 2, ...options });

/** What the period cost, which part of the budget of so many days that is, and whether it is more than before. */
export const costCard = (app, resource, label) => card(app, {
  id: "cost", title: "Cost Summary", resource,
  why: "The sum of all calls of the period that have a price. Prices come from the price table unless the configuration prefers reported costs. A call counts once, however often it was reported. The bar is the part of the monthly budget that belongs to this many days.",
  body: (summary) => [
    h("p", { class: "headline" }, h("span", { class: "figure-big", id: "total-cost" }, amount(summary)), h("span", { class: "figure-unit" }, " / " + label)),
    budgetBar(app, summary) ?? h("div", { class: "bar-line" }, sparkline((summary.byDay ?? []).map(({ cost }) => cost))),
    h("p", { class: "fine" }, trend(summary), summary.unpricedCalls > 0 && h("span", null, plural(summary.unpricedCalls, "call") + " without a price")),
  ],
});

const amount = (summary) => (summary.unpricedCalls > 0 && summary.unpricedCalls >= summary.callCount ? "–" : money(summary.totalCost));

/** The period's cost beside the budget for as many days; a budget is that of all calls. */
function budgetBar(app, { budget, totalCost, from, to }) {
  if (!budget || isFiltered(app.route.query)) return null;
  const [year, month] = to.split("-").map(Number);
  const length = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const limit = budget.limit * days(from, to).length / length;
  if (!(limit > 0)) return null;
  const text = percent(totalCost / limit) + " of " + money(limit);
  return h("div", { class: "bar-line" },
    meter({ label: "Part of the budget of the period that is used", fraction: totalCost / limit, text }),
    h("span", { class: "bar-text", id: "budget-share", title: text + ", the budget of " + plural(days(from, to).length, "day") }, percent(totalCost / limit) + " of budget"));
}

function trend({ previous, totalCost }) {
  if (!previous) return null;
  const title = previous.from ? money(previous.totalCost) + " from " + previous.from + " to " + previous.to : null;
  if (!(previous.totalCost > 0)) return h("span", { title }, "nothing in the period before");
  const change = (totalCost - previous.totalCost) / previous.totalCost;
  const word = Math.abs(change) < 0.005 ? "as much as" : change >= 9 ? short(change + 1) + "× as much as" : percent(Math.abs(change)) + (change > 0 ? " more than" : " less than");
  return h("span", { class: "trend", title }, h("span", { "aria-hidden": "true", class: change > 0 ? "up" : "down" }, Math.abs(change) < 0.005 ? "= " : change > 0 ? "▲ " : "▼ "), word + " before");
}

/** How many sessions there were, and how many are at work now. */
export const sessionsCard = (app, resource) => card(app, {
  id: "sessions", title: "Sessions", resource,
  why: "Sessions with a call in the period. A session is active when telemetry of it arrived in the last 60 seconds.",
  body: (summary) => [
    h("p", { class: "headline" }, h("span", { class: "figure-big", id: "total-sessions" }, count(summary.sessionCount)), h("span", { class: "figure-unit" }, " total")),
    h("p", { class: "middle" }, h("span", { class: "state-dot " + (summary.activeSessions > 0 ? "active" : "ended"), "aria-hidden": "true" }), h("span", { id: "active-sessions" }, count(summary.activeSessions) + " active")),
    h("p", { class: "fine" }, h("span", null, plural(summary.callCount, "call")), summary.sessionCount > 0 && h("span", null, "" + money(summary.totalCost / summary.sessionCount) + " a session")),
  ],
});

/** How many tokens went through, and how much of the input came from the cache. */
export const tokensCard = (app, resource) => card(app, {
  id: "tokens", title: "Tokens", resource,
  why: "Input, output, cache reads and cache writes together; no token is in two of them. Reasoning is part of output. The cache-hit share is cache reads as a part of all that was read: input, cache reads and cache writes.",
  body: (summary) => {
    const read = summary.totalInputTokens + summary.totalCacheReadTokens + summary.totalCacheWriteTokens;
    const hits = read > 0 ? summary.totalCacheReadTokens / read : null;
    return [
      h("p", { class: "headline" }, h("span", { class: "figure-big", id: "total-tokens", title: count(summary.totalTokens) }, tokens(summary.totalTokens)), h("span", { class: "figure-unit" }, " tokens")),
      h("div", { class: "bar-line" }, shareBar(hits ?? 0, "k-read"), h("span", { class: "bar-text" }, percent(hits) + " from cache")),
      h("p", { class: "fine" }, h("span", null, short(summary.totalInputTokens) + " in"), h("span", { title: summary.totalReasoningTokens > 0 ? short(summary.totalReasoningTokens) + " of it reasoning" : null }, short(summary.totalOutputTokens) + " out")),
    ];
  },
});
