// SPDX-License-Identifier: Apache-2.0
// The bar of filters. It shows what the address says, and changing it changes the address.

import { h } from "./dom.js";
import { linkButton } from "./export.js";
import { today } from "./calendar.js";
import { changed, dimensionNamed, dimensions, isFiltered, period, toggled } from "./filters.js";
import { count, money, nothing, shownName } from "./format.js";

const periods = [["today", "Today"], ["7d", "7 d"], ["30d", "30 d"], ["90d", "90 d"], ["this-month", "This month"], ["last-month", "Last month"], ["custom", "Custom"]];

/** The bar; `facets` is the period's summary without filters, from which the choices come. */
export function filterBar(app, { facets, periodOnly = false }) {
  const { route } = app;
  const chosen = period(route.query);
  return h("div", { class: "filters", role: "search", "aria-label": "Filters" },
    h("div", { class: "segments", role: "group", "aria-label": "Period" },
      periods.map(([name, title]) => h("a", {
        class: "segment", href: name === "custom" ? custom(app, facets) : changed(route, { period: name, from: null, to: null }),
        "aria-current": chosen === name ? "true" : null,
      }, title)),
      !periods.some(([name]) => name === chosen) && h("a", { class: "segment", href: changed(route, {}), "aria-current": "true" }, chosen.replace(/^(\d+)d$/, "$1 d"))),
    chosen === "custom" && range(app),
    !periodOnly && dimensions.map((dimension) => dropdown(app, dimension, facets)),
    !periodOnly && isFiltered(route.query) && h("a", { class: "quiet", href: changed(route, Object.fromEntries(dimensions.map((name) => [name, null]))) }, "Clear filters"),
    h("span", { class: "filter-end" }, linkButton(app), zones(app, facets)));
}

/** A period of one's own begins as the one that is shown. */
function custom({ route, zone }, facets) {
  const day = today(route.query.get("timezone") ?? zone);
  return changed(route, { period: null, from: route.query.get("from") ?? facets?.from ?? day, to: route.query.get("to") ?? facets?.to ?? day });
}

function range(app) {
  const { route } = app;
  const field = (name, title) => h("label", { class: "date" }, h("span", { class: "unseen" }, title),
    h("input", { type: "date", value: route.query.get(name) ?? "", min: name === "to" ? route.query.get("from") : null, max: name === "from" ? route.query.get("to") : null, onchange: (event) => event.target.value && app.replace(changed(app.route, { [name]: event.target.value })) }));
  return h("div", { class: "range" }, field("from", "First day"), h("span", { "aria-hidden": "true" }, "–"), field("to", "Last day"));
}

function dropdown(app, dimension, facets) {
  const { route } = app;
  const { title, share, isRare } = dimensionNamed(dimension);
  const values = facets?.[share];
  const chosen = route.query.getAll(dimension);
  const isOpen = app.ui.open === dimension;
  const label = chosen.length === 0 ? title : chosen.length === 1 ? shownName(dimension, chosen[0]) : title + ": " + chosen.length;
  // A dimension without at least two values filters nothing.
  if (!isOpen && chosen.length === 0 && Object.keys(values ?? {}).length < 2 && isRare) return null;
  return h("div", { class: "drop", key: dimension },
    h("button", {
      type: "button", class: "button drop-button" + (chosen.length ? " chosen" : ""), "aria-expanded": String(isOpen), "aria-controls": "drop-" + dimension,
      "aria-label": title + (chosen.length ? ": " + chosen.join(", ") : ": all"), onclick: () => app.set({ open: isOpen ? null : dimension }),
    }, h("span", { class: "drop-label" }, label), h("span", { class: "chevron", "aria-hidden": "true" })),
    isOpen && h("div", { class: "drop-panel", id: "drop-" + dimension, role: "group", "aria-label": title },
      options(app, { dimension, values, chosen, unpriced: facets?.unpricedCalls > 0 })));
}

function options(app, { dimension, values, chosen, unpriced }) {
  const names = [...new Set([...chosen, ...Object.keys(values ?? {})])];
  if (dimensionNamed(dimension).isOrdered) names.sort();
  if (!names.length) return h("p", { class: "blank" }, "Nothing in this period.");
  return names.slice(0, 200).map((name) => h("label", { class: "option", key: name },
    h("input", { type: "checkbox", checked: chosen.includes(name), onchange: () => app.replace(toggled(app.route, dimension, name)) }),
    h("span", { class: "option-name", title: name }, shownName(dimension, name)),
    h("span", { class: "option-count" }, values?.[name] ? count(values[name].calls) + " · " + (values[name].cost === 0 && unpriced ? nothing : money(values[name].cost)) : nothing)));
}

function zones(app, facets) {
  const { route } = app;
  const chosen = route.query.get("timezone") ?? "";
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const hub = app.zone ?? facets?.timezone ?? "UTC";
  const names = [...new Set(["UTC", own, chosen].filter((name) => name && name !== hub))];
  return h("label", { class: "zone" }, h("span", { class: "unseen" }, "Time zone of the days"),
    h("select", { class: "select", value: chosen, onchange: (event) => app.replace(changed(app.route, { timezone: event.target.value || null })) },
      h("option", { value: "", selected: chosen === "" }, hub),
      names.map((name) => h("option", { value: name, selected: chosen === name, key: name }, name))));
}
