// SPDX-License-Identifier: Apache-2.0
// What may be used and what is: the limits of subscriptions, budgets, and what is wrong now.

import { burnDown, meter } from "./charts.js";
import { shortDay } from "./calendar.js";
import { h } from "./dom.js";
import { linkButton, tableButton } from "./export.js";
import { ago, duration, instant, money, plural, short, shortMoney, tokens, utc } from "./format.js";
import { limitShare, limitTitle } from "./limits.js";
import { blank, exact, figure, panel, plainTable } from "./panel.js";

const refreshInterval = 10_000;
let refreshed = 0;

export const budgets = {
  name: "budgets",
  title: "Budgets",
  heading: () => "Limits and budgets",

  sources: () => [["limits", "/api/telemetry/limits"], ["budgets", "/api/telemetry/budgets"], ["alerts", "/api/telemetry/alerts"]],
  stream: () => "/api/telemetry/stream?topics=summary&period=today",
  told: (app) => refresh(app),
  arrived() { refreshed = Date.now(); },
  // The page is drawn every 15 seconds also without an event: limits change without a call.
  drawn: (app) => refresh(app),

  view: (app) => [
    h("div", { class: "page-head" }, h("h1", null, "Limits and budgets"), h("span", { class: "page-tools" }, linkButton(app, "button small"))),
    panel(app, { id: "limits", title: "Limits", resource: app.data("limits"), lines: 3,
      why: "What the agents reported of their subscriptions: Codex in its session files, Claude Code to its status line (hammurabi statusline). A share is as old as its report; after its reset it holds no more. The light part of a bar is where the share ends at the pace of its window.",
      body: ({ limits }) => (limits.length ? h("ul", { class: "gauges" }, limits.map((limit) => limitRow(app, limit))) : blank("No agent has reported a limit. Codex reports its own with each call; for Claude Code run hammurabi onboard, which offers its status line.")) }),
    panel(app, { id: "budget-list", title: "Budgets", resource: app.data("budgets"), lines: 3,
      why: "What some calls may cost, or how many tokens they may use, in each day, week, month or block of five hours. The even pace is what would have been used by now if each instant used the same. Days to come take what their weekday took in the eight weeks before; four of five periods end in the band. In the drawing the solid line is what was spent, the dashed one the even pace, the cone the forecast, the red line the limit.",
      actions: app.data("budgets").data?.budgets.length > 0 && [tableButton("budgets", budgetColumns, app.data("budgets").data.budgets)],
      body: ({ budgets: list }) => (list.length ? h("ul", { class: "gauges budgets" }, list.map((budget) => budgetRow(app, budget))) : blank("No budget is set. In config.yaml: ", h("code", null, "extensions.hub.budgets"))) }),
    panel(app, { id: "alerts", title: "Alerts", resource: app.data("alerts"), lines: 3,
      why: "What is wrong now, by the rules of the configuration. Each target gets a notice once when something begins, again when it gets worse, and once when it is over.",
      body: (document) => [alertList(document), targetList(document)] }),
  ],
};

/** Asks again for everything, from time to time. */
function refresh(app) {
  if (document.hidden || app.live.isPaused || Date.now() - refreshed < refreshInterval) return;
  const resources = ["limits", "budgets", "alerts"].map((name) => app.resources.get(name)).filter((resource) => resource && !resource.loading);
  if (resources.length < 3) return;
  refreshed = Date.now();
  for (const resource of resources) app.load(resource);
}

function limitRow(app, limit) {
  const title = limit.agent + " " + limitTitle(limit);
  const facts = [limit.plan && "plan " + limit.plan, limit.account && "account " + limit.account, limit.machine, "from " + limit.source];
  const left = Date.parse(limit.resetsAt) - Date.now();
  return h("li", { class: "gauge", key: [limit.agent, limit.account, limit.machine, limit.name].join("|") },
    h("p", { class: "gauge-head" }, h("strong", null, title), h("span", { class: "gauge-figure" }, limit.isCurrent ? limitShare(limit.usedPercent) : "over")),
    limit.isCurrent && meter({ label: "Part of " + title + " that is used", fraction: limit.usedPercent / 100, projected: limit.projectedPercent === null ? undefined : limit.projectedPercent / 100, text: limitShare(limit.usedPercent) + " used" }),
    h("p", { class: "fine facts-line" },
      limit.isCurrent && limit.resetsAt && h("span", { title: utc(limit.resetsAt) }, "resets in " + duration(left)),
      !limit.isCurrent && h("span", null, limitShare(limit.usedPercent) + " before its reset" + (limit.resetsAt ? " at " + instant(limit.resetsAt, app.zone) : "")),
      limit.projectedPercent !== null && h("span", null, "≈ " + limitShare(limit.projectedPercent) + " at its reset"),
      limit.fullAt && h("span", { class: "bad-text", title: utc(limit.fullAt) }, "used up at " + instant(limit.fullAt, app.zone) + " at this pace"),
      h("span", { title: utc(limit.reportedAt) }, "reported " + ago(limit.reportedAt)), facts.map((fact) => fact && h("span", null, fact))));
}

/** An amount of a budget's unit. */
const amount = ({ unit }, number) => (unit === "usd" ? money(number) : tokens(number) + " tokens");

function budgetRow(app, budget) {
  const { forecast } = budget;
  const isBlock = budget.period === "block";
  const span = isBlock ? instant(budget.from, app.zone) + " – " + instant(budget.to, app.zone) : budget.from === budget.to ? budget.from : budget.from + " to " + budget.to;
  const whose = Object.entries(budget.for).map(([dimension, names]) => dimension + " " + names.join(", "));
  const used = amount(budget, budget.spent) + " of " + amount(budget, budget.limit);
  const end = "≈ " + amount(budget, forecast.expected) + (forecast.low === forecast.high ? "" : " (" + amount(budget, forecast.low) + " – " + amount(budget, forecast.high) + ")") + " at its end";
  return h("li", { class: "gauge", key: budget.name },
    h("p", { class: "gauge-head" }, h("strong", null, budget.name), h("span", { class: "gauge-figure" }, limitShare(budget.fraction * 100) + (budget.exceeded ? ", over budget" : ""))),
    meter({ label: "Part of the budget " + budget.name + " that is used", fraction: budget.fraction, projected: budget.limit > 0 ? forecast.expected / budget.limit : undefined, text: used }),
    h("p", { class: "fine facts-line" },
      h("span", null, used), h("span", null, amount(budget, budget.evenPace) + " at an even pace"),
      h("span", { class: !budget.exceeded && forecast.expected > budget.limit ? "bad-text" : null }, end),
      h("span", null, isBlock ? duration(Date.parse(budget.to) - Date.now()) + " left" : budget.daysLeft > 0 ? plural(budget.daysLeft, "day") + " left" : "last day"),
      h("span", null, "each " + budget.period + ": " + span), whose.map((text) => h("span", null, text))),
    burnDownFigure(app, budget));
}

const budgetColumns = [
  ...["name", "period", "from", "to", "unit", "limit", "spent", "evenPace"].map((key) => ({ title: key, value: (row) => row[key] })),
  ...["low", "expected", "high"].map((key) => ({ title: key, value: ({ forecast }) => forecast[key] })),
];

/** What was spent day by day, the even pace, the forecast as a cone and the limit; a day and a block are too short for it. */
function burnDownFigure(app, budget) {
  const days = budget.days ?? [];
  if (days.length < 2) return null;
  const so = Math.max(1, days.length - budget.daysLeft);
  const sums = days.slice(0, so).reduce((list, { spent }) => [...list, (list.at(-1) ?? 0) + spent], []);
  const { low, expected, high } = budget.forecast;
  const label = `Budget ${budget.name}: ${amount(budget, budget.spent)} spent of ${amount(budget, budget.limit)} since ${shortDay(budget.from)}; an even pace would be ${amount(budget, budget.evenPace)} by now; probably ${amount(budget, expected)} by ${shortDay(budget.to)}, between ${amount(budget, low)} and ${amount(budget, high)}.`;
  return figure(app, {
    id: "budget-" + budget.name, height: 150,
    paint: burnDown({ label, spent: sums, days: days.length, forecast: budget.forecast, limit: budget.limit, axis: budget.unit === "usd" ? shortMoney : short, height: 150, dayName: (day) => shortDay(days[day - 1].date) }),
    table: () => plainTable(label, ["Day", "Spent", "Sum"], days.slice(0, so).map(({ date, spent }, index) => [shortDay(date), exact(amount(budget, spent), spent), exact(amount(budget, sums[index]), sums[index])])),
  });
}

const alertList = ({ alerts }) => alerts.length
  ? h("ul", { class: "gauges" }, alerts.map(({ key, title, detail, since }) => h("li", { class: "gauge", key },
    h("p", { class: "gauge-head" }, h("strong", null, title), h("time", { class: "fine", datetime: since, title: utc(since) }, ago(since))),
    h("p", { class: "fine facts-line" }, h("span", null, detail)))))
  : blank("Nothing is wrong.");

function targetList({ targets, isQuiet }) {
  if (!targets.length) return h("p", { class: "fine more" }, h("span", null, "No notices are sent. In config.yaml: ", h("code", null, "extensions.hub.alerts.targets")));
  return h("ul", { class: "plain-list more-list", "aria-label": "Targets of notices" }, targets.map(({ name, kind, waiting, lastError }) =>
    h("li", { key: name }, h("span", null, name + ", by " + kind), h("span", { class: lastError ? "bad-text" : "muted" },
      lastError ? "last delivery failed: " + lastError : waiting > 0 ? plural(waiting, "notice") + " waiting" + (isQuiet ? " for the end of the quiet time" : "") : "all notices delivered"))));
}
