// SPDX-License-Identifier: Apache-2.0
// Cost and tokens over time.

import { buckets as cut } from "./calendar.js";
import { bucketName, legend, stackedBars } from "./charts.js";
import { kinds, palette } from "./colors.js";
import { h } from "./dom.js";
import { changed } from "./filters.js";
import { money, plural, short, shortMoney, shownName, tokens } from "./format.js";
import { blank, choices, figure, panel, plainTable } from "./panel.js";

/** What the parts of a bar can be. */
export const seriesDimensions = ["model", "agent", "project", "user", "team", "branch", "agent_kind", "machine", "hour", "kind"];

const most = 7;
const allTokens = (entry) => kinds.reduce((sum, { key }) => sum + (entry[key] ?? 0), 0);
const measures = {
  cost: { of: (entry) => entry.cost ?? 0, format: money, axis: shortMoney, noun: "Cost" },
  tokens: { of: allTokens, format: tokens, axis: short, noun: "Tokens" },
};

/** Bars of cost or tokens per day, stacked by what the reader chose. */
export function costOverTime(app, { resource, measure, dimension, onPick, onZoom }) {
  const shown = dimension === "kind" ? "tokens" : measure;
  const { route } = app;
  const unit = resource.data ? cut(resource.data.from, resource.data.to).unit : "day";
  return panel(app, {
    id: "over-time", title: measures[shown].noun + " per " + unit, resource, lines: 8,
    why: "Each bar is one " + unit + " in the chosen time zone; a call belongs to the " + unit + " of its own time. Draw over bars to zoom, choose a part to filter.",
    actions: [
      choices("Measure", [
        { title: "Cost", href: changed(route, { measure: null, split: dimension === "kind" ? null : dimension }), isChosen: shown === "cost" },
        { title: "Tokens", href: changed(route, { measure: "tokens" }), isChosen: shown === "tokens" }]),
      h("label", { class: "by" }, h("span", { class: "by-word" }, "by"), h("select", { class: "select", "aria-label": "Stacked by", value: dimension, onchange: (event) => app.replace(changed(app.route, { split: event.target.value === "model" ? null : event.target.value })) },
        seriesDimensions.map((name) => h("option", { value: name, selected: name === dimension }, name === "kind" ? "token kind" : name.replace("_", " "))))),
    ],
    body: (summary) => {
      const { buckets } = cut(summary.from, summary.to);
      const series = dimension === "kind" ? kindSeries(summary, buckets) : namedSeries(summary, buckets, dimension, measures[shown].of);
      return chart(app, { id: "over-time", summary, buckets, unit, series, measure: measures[shown], height: 276, onPick: dimension === "kind" ? null : onPick, onZoom, isChosen: (name) => route.query.getAll(dimension).includes(name) });
    },
  });
}

/** Bars of tokens per day by kind. */
export const tokensOverTime = (app, resource, onZoom, height) => panel(app, {
  id: "kinds", title: "Tokens by kind", resource, lines: 6,
  why: "Cache reads cost about a tenth of input, cache writes a little more than it. Reasoning is part of output.",
  body: (summary) => {
    const { unit, buckets } = cut(summary.from, summary.to);
    return chart(app, { id: "kinds", summary, buckets, unit, series: kindSeries(summary, buckets), measure: measures.tokens, height, onZoom });
  },
});

function chart(app, { id, summary, buckets, unit, series, measure, height, onPick, onZoom, isChosen }) {
  if (!series.some(({ values }) => values.some((value) => value > 0))) return blank("Nothing in this period.");
  const total = series.reduce((sum, { values }) => sum + values.reduce((part, value) => part + value, 0), 0);
  const largest = buckets.map((bucket, index) => ({ bucket, sum: series.reduce((sum, { values }) => sum + values[index], 0) })).sort((a, b) => b.sum - a.sum)[0];
  const label = `${measure.noun} from ${summary.from} to ${summary.to}: ${measure.format(total)} in all, most on ${bucketName(largest.bucket, unit)} with ${measure.format(largest.sum)}; ${plural(series.length, "part")}: ${series.map(({ title }) => title).join(", ")}.`;
  const pick = onPick && ((name) => name !== "" && onPick(name));
  return [
    legend(series, { onPick: pick, isChosen }),
    figure(app, {
      id, height,
      paint: stackedBars({ label, buckets, unit, series, format: measure.format, axis: measure.axis, height, onPick: pick, onZoom: buckets.length > 1 ? onZoom : null }),
      table: () => plainTable(label, [unit[0].toUpperCase() + unit.slice(1), ...series.map(({ title }) => title)],
        buckets.map((bucket, index) => [bucketName(bucket, unit), ...series.map(({ values }) => measure.format(values[index]))])),
    }),
  ];
}

/** Days summed into buckets; `of` gives a day's entry, or nothing. */
function summed(buckets, days, of) {
  const byDate = new Map(days.map((day) => [day.date, day]));
  return buckets.map(({ from, to }) => {
    if (from === to) return byDate.has(from) ? of(byDate.get(from)) : 0;
    return days.reduce((sum, day) => (day.date >= from && day.date <= to ? sum + of(day) : sum), 0);
  });
}

const kindSeries = (summary, buckets) =>
  kinds.map(({ key, title, color }) => ({ name: key, title, color, values: summed(buckets, summary.byDay ?? [], (day) => day[key] ?? 0) }));

/** The largest names of a dimension, and all others as one; without a series of its own the days as they are. */
function namedSeries(summary, buckets, dimension, of) {
  const { series } = summary;
  if (series?.dimension !== dimension) {
    return [{ name: "", title: "All", color: "accent", values: summed(buckets, summary.byDay ?? [], of) }];
  }
  const totals = new Map();
  for (const { values } of series.days) for (const [name, entry] of Object.entries(values)) totals.set(name, (totals.get(name) ?? 0) + of(entry));
  const ordered = [...totals].filter(([, total]) => total > 0).sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const named = ordered.length > most + 1 ? ordered.slice(0, most) : ordered;
  const color = palette(dimension, ordered.slice(0, 8));
  const result = named.map((name) => ({ name, title: shownName(dimension, name), color: color(name), values: summed(buckets, series.days, ({ values }) => (values[name] ? of(values[name]) : 0)) }));
  if (named.length === ordered.length) return result;
  const rest = (values) => Object.entries(values).reduce((sum, [name, entry]) => (named.includes(name) ? sum : sum + of(entry)), 0);
  return [...result, { name: "", title: plural(ordered.length - named.length, "other"), color: "other", values: summed(buckets, series.days, ({ values }) => rest(values)) }];
}
