// SPDX-License-Identifier: Apache-2.0
// What needs a look: alerts that are open, days out of the ordinary, and what makes the figures uncertain. Each with the way to it.

import { shortDay } from "./calendar.js";
import { h } from "./dom.js";
import { address } from "./filters.js";
import { ago, plural, utc } from "./format.js";
import { panel } from "./panel.js";

/** The list; `insights` and `summary` add what is not an alert any more. */
export function attentionPanel(app, { alerts, insights, summary }) {
  const list = alerts.data ? items(app, alerts.data, insights.data, summary.data) : [];
  return panel(app, {
    id: "attention", kind: "attention", title: "Needs attention", resource: alerts, lines: 4, actions: list.length > 0 && h("span", { class: "attention-count", "aria-hidden": "true" }, String(list.length)),
    why: "Open alerts by the rules of the configuration: budgets, limits, unusual days, models without a price, silent machines, components that fail; and the unusual days of the period.",
    body: () => list.length ? h("ul", { class: "attention-list", "aria-label": "What needs attention" }, list.map(({ key, rule, level, title, detail, since, link }) =>
      h("li", { class: "attention-item " + rule + (isBad(rule, level) ? " bad" : ""), key }, h("span", { class: "attention-mark", "aria-hidden": "true" }),
        h("div", { class: "attention-text" }, h("strong", null, title.replace(/^\d{4}-\d\d-\d\d/, shortDay)), since && h("time", { class: "fine", datetime: since, title: "since " + utc(since) }, " " + ago(since)), h("p", { class: "fine" }, detail)),
        link && h("a", { href: link[0], "aria-label": link[1] + ": " + title }, link[1]))))
      : h("p", { class: "blank" }, h("span", { class: "state-dot ok", "aria-hidden": "true" }), " Nothing: budgets, limits, prices, machines and components are as they should be."),
  });
}

/** Work that is not done, and money or a limit that is used up; the rest is a warning. */
const isBad = (rule, level) => rule === "component" || ((rule === "budget" || rule === "limit") && level >= 100);

function items(app, { alerts }, insights, summary) {
  const list = alerts.map((alert) => ({ ...alert, link: link(app, alert.rule, alert.for ?? {}, alert.key.split("/").at(-1)) }));
  const known = new Set(alerts.map(({ key }) => key));
  for (const day of insights?.unusualDays ?? []) {
    if (known.has("anomaly/" + day.date)) continue;
    list.push({ key: "anomaly/" + day.date, rule: "anomaly", title: day.title, detail: day.detail, link: link(app, "anomaly", day.for, day.date) });
  }
  const models = (summary?.unpricedModels ?? []).filter((name) => !known.has("unpriced/" + name));
  if (models.length) {
    list.push({ key: "unpriced", rule: "unpriced", title: plural(models.length, "model") + " without a price (" + plural(summary.unpricedCalls, "call") + ")", detail: some(models) + ": the cost of these calls is not known and is in no sum.", link: link(app, "unpriced", {}) });
  }
  if (summary?.saturated) {
    list.push({ key: "saturated", rule: "component", title: "A sum is too large", detail: "It is larger than can be counted (2^63 - 1 tokens or billionths of a dollar) and is shown as that." });
  }
  for (const { code, message } of app.ui.notices ?? []) {
    if (code === "degraded" && !alerts.some(({ rule }) => rule === "component")) list.push({ key: message, rule: "component", title: "A component is degraded", detail: message, link: link(app, "component", {}) });
  }
  return list;
}

/** Where an item is explained. */
function link(app, rule, names, day) {
  const { query } = app.route;
  const zone = query.get("timezone");
  const narrowed = (page, own) => {
    const next = new URLSearchParams(zone ? { timezone: zone } : {});
    for (const [name, value] of Object.entries(own)) next.set(name, value);
    for (const [dimension, values] of Object.entries(names)) for (const value of values) next.append(dimension, value);
    return "#/" + page + "?" + next;
  };
  switch (rule) {
    case "anomaly": return [narrowed("overview", { from: day, to: day }), "Show this day"];
    case "unpriced": return [address("prices", query), "See prices"];
    case "silent_machine": return [narrowed("sessions", {}), "See its sessions"];
    case "budget": return [address("budgets", query), "See budgets"];
    case "limit": return [address("budgets", query), "See limits"];
    case "component": return [address("pipelines", query), "See pipelines"];
    default: return null;
  }
}

const some = (names) => (names.length > 3 ? names.slice(0, 3).join(", ") + " and " + (names.length - 3) + " more" : names.join(", "));
