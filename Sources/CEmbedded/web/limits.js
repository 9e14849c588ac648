// SPDX-License-Identifier: Apache-2.0
// How much of a subscription is used: the block of five hours that is under way.

import { h } from "./dom.js";
import { count, duration, money, nothing, short, time, tokens } from "./format.js";
import { panel } from "./panel.js";

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
