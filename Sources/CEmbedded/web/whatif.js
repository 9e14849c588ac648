// SPDX-License-Identifier: Apache-2.0
// What the same calls would have cost at another model's prices.

import { h } from "./dom.js";
import { changed } from "./filters.js";
import { count, modelName, money, plural } from "./format.js";
import { blank, panel, plainTable } from "./panel.js";

/** The panel; the model is in the address as `with`, and `prices` has the models to choose from. */
export const whatIf = (app, resource, prices) => panel(app, {
  id: "compare", title: "What if", lines: 3, resource: app.route.query.get("with") ? resource : { data: null }, actions: [field(app, prices)],
  why: "The calls of the period at another model's list prices, with the tokens they had: another model would use others, so this compares prices and forecasts nothing. Calls without a price or without tokens are left out.",
  body: (data) => (data ? comparison(data) : blank("Choose a model to see what the calls of the period would have cost at its prices.")),
});

const field = (app, prices) => h("span", { class: "what-if-field" },
  h("input", { type: "text", class: "input", list: "what-if-models", placeholder: "Name of a model", "aria-label": "Model to compare with", value: app.route.query.get("with") ?? "", autocomplete: "off", spellcheck: "false", onchange: (event) => app.replace(changed(app.route, { with: event.target.value.trim() || null })) }),
  h("datalist", { id: "what-if-models" }, [...new Set((prices?.models ?? []).filter(({ inputPerMillion }) => inputPerMillion !== null).map(({ model }) => model))].sort().map((model) => h("option", { value: model, key: model }))));

function comparison({ model, cost, comparedCost, calls, leftOutCalls, byModel }) {
  if (!calls) return blank("No call of the period can be compared.");
  const change = comparedCost - cost;
  const difference = (from, to) => (to < from ? "−" : to > from ? "+" : "") + money(Math.abs(to - from));
  return [
    h("p", { class: "headline" }, h("span", { class: "figure-big", id: "compared-cost" }, money(comparedCost)), h("span", { class: "figure-unit" }, " in place of " + money(cost)),
      h("span", { class: change > 0 ? "bad-text" : "good-text" }, " " + difference(cost, comparedCost))),
    h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Table of the comparison" },
      plainTable("Cost at the prices of " + model, ["Model", "Calls", "Cost", "At " + model, "Difference"],
        Object.entries(byModel).map(([name, share]) => [modelName(name), count(share.calls), money(share.cost), money(share.comparedCost), difference(share.cost, share.comparedCost)]))),
    leftOutCalls > 0 && h("p", { class: "fine more" }, plural(leftOutCalls, "call") + " without a price or without tokens left out."),
  ];
}
