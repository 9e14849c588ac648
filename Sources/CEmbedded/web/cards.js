// SPDX-License-Identifier: Apache-2.0
// The four figures on top.

import { h } from "./dom.js";
import { daysLeft, shortDay, today } from "./calendar.js";
import { meter, shareBar } from "./charts.js";
import { count, money, percent, plural, short, tokens } from "./format.js";
import { panel } from "./panel.js";

const card = (app, options) => panel(app, { kind: "card", lines: 2, ...options });

/** What the period cost, how much of the budget that is, and whether it is more than before. */
export const costCard = (app, resource, label) => card(app, {
  id: "cost", title: "Cost Summary", resource,
  why: "The sum of all calls of the period that have a price. Prices come from the price table unless the configuration prefers reported costs. A call counts once, however often it was reported.",
  body: (summary) => [
    h("p", { class: "headline" }, h("span", { class: "figure-big", id: "total-cost" }, amount(summary)), h("span", { class: "figure-unit" }, " / " + label)),
    summary.budget && h("div", { class: "bar-line" }, budgetMeter(summary.budget), h("span", { class: "bar-text" }, percent(summary.budget.fraction))),
    h("p", { class: "fine" }, trend(summary), summary.unpricedCalls > 0 && h("span", null, plural(summary.unpricedCalls, "call") + " without a price")),
  ],
});

const amount = (summary) => (summary.unpricedCalls > 0 && summary.unpricedCalls >= summary.callCount ? "–" : money(summary.totalCost));

const budgetMeter = (budget) => meter({
  label: "Part of the monthly budget that is used", fraction: budget.fraction ?? budget.used / budget.limit,
  projected: budget.projected === undefined ? undefined : budget.projected / budget.limit,
  text: money(budget.used) + " of " + money(budget.limit) + " this month",
});

function trend({ previous, totalCost }) {
  if (!previous) return null;
  const title = previous.from ? money(previous.totalCost) + " from " + previous.from + " to " + previous.to : null;
  if (!(previous.totalCost > 0)) return h("span", { title }, "nothing in the period before");
  const change = (totalCost - previous.totalCost) / previous.totalCost;
  const word = Math.abs(change) < 0.005 ? "as much as" : change >= 9 ? short(change + 1) + "× as much as" : percent(Math.abs(change)) + (change > 0 ? " more than" : " less than");
  return h("span", { class: "trend", title }, h("span", { "aria-hidden": "true", class: change > 0 ? "up" : "down" }, Math.abs(change) < 0.005 ? "= " : change > 0 ? "▲ " : "▼ "), word + " before");
}

/** How the current month stands, and where it is likely to end. */
export const budgetCard = (app, resource) => card(app, {
  id: "budget", title: "Budget", resource,
  why: "The limit of the current calendar month. The forecast adds what each weekday to come usually costs; without a week of history the month goes on as it began. Filters and period do not change this card.",
  body: ({ budget }) => budget ? withBudget(app, budget) : [
    h("p", { class: "headline" }, h("span", { class: "figure-big muted" }, "–")),
    h("p", { class: "fine" }, "No limit is set. In config.yaml: ", h("code", null, "extensions.hub.budget.monthly")),
  ],
});

function withBudget(app, budget) {
  const day = today(app.zone);
  const left = daysLeft(day);
  const over = budget.projected - budget.limit;
  return [
    h("p", { class: "headline" }, h("span", { class: "figure-big" }, money(budget.used)), h("span", { class: "figure-unit" }, " of " + money(budget.limit).replace(/\.00$/, ""))),
    h("div", { class: "bar-line" }, budgetMeter(budget), h("span", { class: "bar-text" }, left > 0 ? plural(left, "day") + " left" : "last day")),
    budget.projected !== undefined && h("p", { class: "fine" },
      h("span", null, "≈ " + money(budget.projected) + " by " + shortDay(day.slice(0, 8) + String(Number(day.slice(8)) + left).padStart(2, "0"))),
      h("span", { class: over > 0 ? "bad-text" : "good-text" }, over > 0 ? money(over) + " over" : money(-over) + " below")),
  ];
}

/** How many sessions there were, and how many are at work now. */
export const sessionsCard = (app, resource) => card(app, {
  id: "sessions", title: "Sessions", resource,
  why: "Sessions with a call in the period. A session is active when telemetry of it arrived in the last 60 seconds.",
  body: (summary) => [
    h("p", { class: "headline" }, h("span", { class: "figure-big", id: "total-sessions" }, count(summary.sessionCount)), h("span", { class: "figure-unit" }, " total")),
    h("p", { class: "middle" }, h("span", { class: "state-dot " + (summary.activeSessions > 0 ? "active" : "stale"), "aria-hidden": "true" }), h("span", { id: "active-sessions" }, count(summary.activeSessions) + " active")),
    h("p", { class: "fine" }, h("span", null, plural(summary.callCount, "call")), summary.sessionCount > 0 && h("span", null, "" + money(summary.totalCost / summary.sessionCount) + " a session")),
  ],
});

/** How many tokens went through, and how much of the input came from the cache. */
export const tokensCard = (app, resource) => card(app, {
  id: "tokens", title: "Tokens", resource,
  why: "Input, output, cache reads and cache writes together; no token is in two of them. The cache-hit share is cache reads as a part of all that was read: input, cache reads and cache writes. Saved is what the reads would have cost more as input, at list prices.",
  body: (summary) => {
    const read = summary.totalInputTokens + summary.totalCacheReadTokens + summary.totalCacheWriteTokens;
    const hits = read > 0 ? summary.totalCacheReadTokens / read : null;
    return [
      h("p", { class: "headline" }, h("span", { class: "figure-big", id: "total-tokens", title: count(summary.totalTokens) }, tokens(summary.totalTokens)), h("span", { class: "figure-unit" }, " tokens")),
      h("div", { class: "bar-line" }, shareBar(hits ?? 0, "k-read"), h("span", { class: "bar-text" }, percent(hits) + " from cache")),
      h("p", { class: "fine" }, h("span", null, short(summary.totalInputTokens) + " in"), h("span", null, short(summary.totalOutputTokens) + " out"), summary.totalReasoningTokens > 0 && h("span", null, short(summary.totalReasoningTokens) + " reasoning"),
        summary.cacheSavings > 0 && h("span", { id: "cache-savings" }, money(summary.cacheSavings) + " saved")),
    ];
  },
});
