// SPDX-License-Identifier: Apache-2.0
// What the reader should know before believing the figures.

import { h } from "./dom.js";
import { address } from "./filters.js";
import { plural } from "./format.js";

/** Where a notice is explained. */
const links = { unpriced: ["prices", "See prices"], budget: ["budgets", "See budgets"], limit: ["budgets", "See limits"], anomaly: ["budgets", "See alerts"], silent_machine: ["budgets", "See alerts"] };

/** The notices of the summary and of the stream; none are shown as nothing. */
export function notices(app, summary) {
  const list = [];
  if (summary?.saturated) {
    list.push({ code: "saturated", level: "warning", text: "A sum is larger than can be counted (2^63 - 1 tokens or billionths of a dollar) and is shown as that." });
  }
  if (summary?.unpricedModels?.length) {
    list.push({ code: "unpriced", level: "warning", text: plural(summary.unpricedModels.length, "model") + " without a price (" + plural(summary.unpricedCalls, "call") + "): " + some(summary.unpricedModels) + ".", link: [address("prices", app.route.query), "See prices"] });
  }
  for (const { code, level, message } of app.ui.notices ?? []) {
    if (code === "unpriced" && list.some((notice) => notice.code === "unpriced")) continue;
    list.push({ code: code + message, level, text: message, link: links[code] ? [address(links[code][0], app.route.query), links[code][1]] : null });
  }
  if (!list.length) return null;
  return h("ul", { class: "notices", "aria-label": "Notices", key: "notices" }, list.map(({ code, level, text, link }) =>
    h("li", { class: "notice " + (level === "warning" ? "warning" : "info"), key: code }, h("span", { class: "notice-text" }, text), link && h("a", { href: link[0] }, link[1]))));
}

const some = (names) => (names.length > 3 ? names.slice(0, 3).join(", ") + " and " + (names.length - 3) + " more" : names.join(", "));
