// SPDX-License-Identifier: Apache-2.0
// How much of a subscription is used: the block of five hours that is under way, and the limits that agents report.

import { meter } from "./charts.js";
import { h } from "./dom.js";
import { address } from "./filters.js";
import { ago, count, duration, money, nothing, short, time, tokens } from "./format.js";
import { panel } from "./panel.js";

/** A share in percent; one just below the limit is not rounded up to it. The command line has the same rule. */
export const limitShare = (percent) => (percent < 100 ? Math.min(99, Math.round(percent)) : Math.round(percent)) + "%";

/** The window and, where the name says more than it, the rest of the name: 5h, 7d opus. The command line has the same rule. */
export function limitTitle({ name, label, windowMinutes }) {
  if (["five_hour", "seven_day", "primary", "secondary", label].includes(name)) return label;
  const rest = /^(?:five_hour|seven_day)_(.+)$/.exec(name);
  if (rest) return label + " " + rest[1];
  return windowMinutes === null ? name : label + " " + name;
}

/** The limits whose windows have not ended; of an account that several machines use the newest report. */
export function currentLimits({ data }) {
  const newest = new Map();
  for (const limit of data?.limits ?? []) {
    if (!limit.isCurrent) continue;
    const key = [limit.agent, limit.account ?? "", limit.account ? "" : limit.machine, limit.name].join("|");
    if (!newest.has(key) || newest.get(key).reportedAt < limit.reportedAt) newest.set(key, limit);
  }
  return [...newest.values()];
}

/** The limits of subscriptions that are used most. */
export const limitsCard = (app, resource) => panel(app, {
  id: "limits-card", kind: "card", lines: 2, title: "Limits", resource,
  why: "The used shares of the limits of your subscriptions, as the agents reported them; the fullest first. A share is as old as its report.",
  actions: [h("a", { class: "quiet", href: address("budgets", app.route.query) }, "All")],
  body: () => h("ul", { class: "gauges small" }, currentLimits(resource).sort((a, b) => b.usedPercent - a.usedPercent).slice(0, 3).map((limit) => {
    const title = limit.agent + " " + limitTitle(limit);
    const left = Date.parse(limit.resetsAt) - Date.now();
    return h("li", { key: title + limit.machine }, h("div", { class: "bar-line", title: "reported " + ago(limit.reportedAt) },
      h("span", { class: "limit-name" }, title),
      meter({ label: "Part of " + title + " that is used", fraction: limit.usedPercent / 100, projected: limit.projectedPercent === null ? undefined : limit.projectedPercent / 100, text: limitShare(limit.usedPercent) + " used" }),
      h("span", { class: "bar-text" }, limitShare(limit.usedPercent)),
      h("span", { class: "fine" }, left > 0 ? duration(left) + " left" : "")));
  })),
});

/** The block of five hours that is under way; null when there is none. */
export const activeBlock = ({ data }) => data?.blocks?.find(({ isActive }) => isActive) ?? null;

/** How much of the block is over, what it cost, and what it is likely to cost. */
export const blockCard = (app, resource) => panel(app, {
  id: "block", kind: "card", lines: 2, title: "Current block", resource,
  why: "Subscriptions are limited in blocks of five hours. A block begins with the hour of the first call after the block before; the rate is that from its first call to its last, and the forecast goes on at this rate.",
  body: (document) => {
    const block = activeBlock({ data: document });
    if (!block) return h("p", { class: "headline" }, h("span", { class: "figure-big muted" }, nothing));
    const { burnRate, projection } = block;
    const left = Math.max(0, Date.parse(block.endTime) - Date.now());
    return [
      h("p", { class: "headline" },
        h("span", { class: "figure-big", id: "block-cost" }, block.calls > 0 && block.unpricedCalls >= block.calls ? nothing : money(block.cost)),
        h("span", { class: "figure-unit" }, " · " + duration(left) + " left")),
      h("p", { class: "fine" },
        h("span", { title: count(block.totalTokens) + " tokens" }, tokens(block.totalTokens) + " tokens"),
        h("span", null, time(block.startTime, app.zone).slice(0, 5) + "–" + time(block.endTime, app.zone).slice(0, 5)),
        burnRate && h("span", null, short(burnRate.tokensPerMinute) + " tokens/min, " + money(burnRate.costPerHour) + "/h"),
        projection && h("span", null, "≈ " + money(projection.totalCost) + " at its end")),
    ];
  },
});
