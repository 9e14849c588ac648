// SPDX-License-Identifier: Apache-2.0
// The month: what it has cost, what it may cost, and where it will probably end.

import { shortDay } from "./calendar.js";
import { burnDown } from "./charts.js";
import { h } from "./dom.js";
import { address, isFiltered } from "./filters.js";
import { money, nothing, percent, plural, shortMoney } from "./format.js";
import { exact, figure, panel, plainTable } from "./panel.js";

const monthNames = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** The month's panel. */
export const monthPanel = (app, resource) => panel(app, {
  id: "month", kind: "hero", title: resource.data ? monthNames[Number(resource.data.month.month.slice(5)) - 1] + " so far" : "This month", resource, lines: 6,
  why: "The current calendar month; filters hold, the period does not. Days to come take what their weekday took in the eight weeks before; four of five months end in the shaded range. The even pace is what would have been spent by now if each day took the same part of the budget.",
  actions: [h("a", { class: "quiet", href: address("budgets", app.route.query) }, "Budgets and limits")],
  body: ({ month }) => {
    const { spent, limit, evenPace, forecast, daysLeft } = month;
    const hasRange = forecast.high > forecast.low;
    const end = shortDay(month.to);
    return [
      h("div", { class: "hero-figures" },
        h("p", { class: "headline" }, h("span", { class: "hero-figure", id: "month-spent" }, month.unpricedCalls > 0 && spent === 0 ? nothing : money(spent)),
          limit !== null && h("span", { class: "figure-unit" }, " of " + money(limit).replace(/\.00$/, "") + " · ", h("strong", { class: spent > limit ? "bad-text" : "" }, percent(spent / limit)))),
        h("dl", { class: "hero-facts" },
          fact("Forecast by " + end, "≈ " + money(forecast.expected), hasRange ? money(forecast.low) + " – " + money(forecast.high) : null, "month-forecast"),
          limit !== null && fact("Budget at its end", money(Math.abs(limit - forecast.expected)) + (forecast.expected > limit ? " over" : " left"), daysLeft > 0 ? plural(daysLeft, "day") + " to go" : "last day", "month-left", forecast.expected > limit ? "bad-text" : "good-text"),
          limit !== null && fact("Even pace today", money(evenPace), spent > evenPace ? money(spent - evenPace) + " ahead of it" : money(evenPace - spent) + " below it", "month-pace"),
          limit === null && fact("Budget", nothing, isFiltered(app.route.query) ? "it is that of all calls" : h("span", null, "none is set: ", h("code", null, "extensions.hub.budget.monthly")), "month-left"))),
      chart(app, month),
    ];
  },
});

const fact = (title, value, note, id, kind = "") => h("div", { key: id }, h("dt", null, title), h("dd", null, h("span", { id, class: kind }, value), note && h("span", { class: "fine" }, note)));

function chart(app, month) {
  const { limit, forecast, from, to } = month;
  const spent = month.days.reduce((sums, cost) => [...sums, (sums.at(-1) ?? 0) + cost], []);
  const length = Number(to.slice(8));
  const day = (index) => shortDay(from.slice(0, 8) + String(index).padStart(2, "0"));
  const label = `Spent since ${day(1)}: ${money(month.spent)}` + (limit === null ? "" : ` of ${money(limit)}`) + `; probably ${money(forecast.expected)} by ${day(length)}, between ${money(forecast.low)} and ${money(forecast.high)}.`;
  return figure(app, {
    id: "month", height: 150,
    paint: burnDown({ label, spent, days: length, forecast, limit, axis: shortMoney, height: 150, dayName: (index) => day(index) }),
    table: () => plainTable(label, ["Day", "Cost", "Sum"], month.days.map((cost, index) => [day(index + 1), exact(money(cost), cost), exact(money(spent[index]), spent[index])])),
  });
}
