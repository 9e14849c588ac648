// SPDX-License-Identifier: Apache-2.0
// Cost and tokens over time.

import { buckets as cut, days, shortDay } from "./calendar.js";
import { bucketName, legend, stackedBars } from "./charts.js";
import { kinds, palette } from "./colors.js";
import { h } from "./dom.js";
import { changed } from "./filters.js";
import { instant, money, percent, plural, short, shortMoney, shownName, time, tokens } from "./format.js";
import { blank, choices, exact, figure, panel, plainTable } from "./panel.js";

/** What the parts of a bar can be. */
export const seriesDimensions = ["model", "agent", "project", "user", "team", "branch", "agent_kind", "machine", "hour", "kind"];

const most = 7;
/** The longest period that is shown by hour, in days. */
const mostDaysByHour = 3;
const allTokens = (entry) => kinds.reduce((sum, { key }) => sum + (entry[key] ?? 0), 0);
const measures = {
  cost: { of: (entry) => entry.cost ?? 0, ofKind: (entry, kind) => entry[kind.cost] ?? 0, before: ({ cost }) => cost, format: money, axis: shortMoney, noun: "Cost" },
  tokens: { of: allTokens, ofKind: (entry, kind) => entry[kind.key] ?? 0, before: ({ totalTokens }) => totalTokens, format: tokens, axis: short, noun: "Tokens" },
};

/** Whether a period is short enough to be shown by hour. */
export const isByHour = (query) => {
  if (query.has("from") && query.has("to")) return days(query.get("from"), query.get("to")).length <= mostDaysByHour;
  return query.get("period") === "today";
};

/** The parts of time that bars are about. */
function parts(summary, insights) {
  if (!insights?.hours) return cut(summary.from, summary.to);
  const zone = summary.timezone;
  const date = new Intl.DateTimeFormat("en-CA", { timeZone: zone });
  return { unit: "hour", buckets: insights.hours.map(({ time: at }) => {
    const day = date.format(new Date(at));
    const clock = time(at, zone).slice(0, 5);
    return { from: day, to: day, name: instant(at, zone), label: clock === "00:00" ? shortDay(day) : clock };
  }) };
}

/** Bars of cost or tokens per day, stacked by what the reader chose; per hour where the period is short. */
export function costOverTime(app, { resource, insights, measure, dimension, onPick, onZoom }) {
  const { route } = app;
  const wantsHours = isByHour(route.query);
  const hasHours = insights.data?.hours !== undefined && (dimension === "kind" || insights.data.dimension === dimension) && insights.data.from === resource.data?.from && insights.data.to === resource.data?.to;
  const unit = wantsHours ? "hour" : resource.data ? cut(resource.data.from, resource.data.to).unit : "day";
  // What is shown by hour waits for its hours; everything else is there at once.
  const shown = wantsHours && !hasHours && resource.data && !insights.error ? { ...insights, data: undefined } : resource;
  return panel(app, {
    id: "over-time", title: measures[measure].noun + " per " + unit, resource: shown, lines: 8,
    why: "Each bar is one " + unit + " in the chosen time zone; a call belongs to the " + unit + " of its own time. Pale bars are the equally long time before. The shaded range is what the weekday usually costs: two standard deviations around the median of its last eight weeks; a mark is on days that cost far more. Draw over bars to zoom, choose a part to filter.",
    actions: [
      choices("Measure", [
        { title: "Cost", href: changed(route, { measure: null }), isChosen: measure === "cost" },
        { title: "Tokens", href: changed(route, { measure: "tokens" }), isChosen: measure === "tokens" }]),
      h("label", { class: "by" }, h("span", { class: "by-word" }, "by"), h("select", { class: "select", "aria-label": "Stacked by", value: dimension, onchange: (event) => app.replace(changed(app.route, { split: event.target.value === "model" ? null : event.target.value })) },
        seriesDimensions.map((name) => h("option", { value: name, selected: name === dimension }, name === "kind" ? "token kind" : name.replace("_", " "))))),
    ],
    body: (summary) => {
      const context = hasHours ? { ...insights.data, hours: wantsHours ? insights.data.hours : undefined } : insights.data && { ...insights.data, hours: undefined };
      const span = parts(summary, context);
      const series = dimension === "kind" ? kindSeries(summary, context, span, measure) : namedSeries(summary, context, span, dimension, measures[measure].of);
      const more = span.unit === "hour" ? {} : surroundings(summary, context, span, measure);
      return chart(app, { id: "over-time", summary, ...span, series, ...more, measure: measures[measure], height: 276, onPick: dimension === "kind" ? null : onPick, onZoom, isChosen: (name) => route.query.getAll(dimension).includes(name) });
    },
  });
}

/** What is behind the bars: the time before, what is usual, and the marks of unusual days; only of the period that is shown. */
function surroundings(summary, insights, { unit, buckets }, measure) {
  if (!insights || insights.from !== summary.from || insights.to !== summary.to) return {};
  const all = days(summary.from, summary.to);
  const place = new Map(all.map((day, index) => [day, index]));
  const before = insights.previous?.days ?? [];
  const ghost = before.some((day) => measures[measure].before(day) > 0)
    ? buckets.map(({ from, to }) => before.slice(place.get(from), place.get(to) + 1).reduce((sum, day) => sum + measures[measure].before(day), 0)) : null;
  if (unit !== "day" || measure !== "cost") return { ghost };
  const usual = new Map(insights.usual.map((day) => [day.date, day]));
  const unusual = new Set(insights.unusualDays.map(({ date }) => date));
  return {
    ghost, band: usual.size ? buckets.map(({ from }) => usual.get(from) ?? null) : null,
    marked: buckets.flatMap(({ from }, index) => (unusual.has(from) ? [index] : [])),
  };
}

/** What the kinds of tokens cost, per day, and what reading from caches saved. */
export const costByKind = (app, resource, onZoom, height) => panel(app, {
  id: "kinds", title: "Cost by kind of token", resource, lines: 6,
  why: "The cost of each model and day, divided among input, output, cache writes and cache reads in the proportion of their list prices. Reasoning is part of output. The cache saved what its reads would have cost more as input.",
  body: (insights) => {
    const { costByKind: sums, cacheSavings, totalCost } = insights;
    if (!sums) return blank("Without a price table the cost of a kind is not known.");
    const span = cut(insights.from, insights.to);
    return [
      h("p", { class: "kind-sums" }, [...kinds].reverse().map((kind) => h("span", { class: "kind-sum", key: kind.key },
        h("span", { class: "dot " + kind.color, "aria-hidden": "true" }), h("span", { class: "fine" }, kind.title), h("strong", { id: "cost-of-" + kind.cost }, money(sums[kind.cost])), h("span", { class: "fine" }, percent(totalCost > 0 ? sums[kind.cost] / totalCost : 0)))),
        sums.other > 0 && h("span", { class: "kind-sum" }, h("span", { class: "dot other", "aria-hidden": "true" }), h("span", { class: "fine" }, "Without list price"), h("strong", null, money(sums.other)))),
      cacheSavings > 0 && h("p", { class: "saved" }, "The cache saved ", h("strong", { id: "cache-savings" }, money(cacheSavings)), totalCost > 0 && cacheSavings > totalCost && h("span", { class: "fine" }, " without it the period would have cost " + money(totalCost + cacheSavings))),
      chart(app, { id: "kinds", summary: insights, ...span, series: kindSeries(insights, insights, span, "cost"), measure: measures.cost, height, onZoom, hasLegend: false }),
    ];
  },
});

function chart(app, { id, summary, buckets, unit, series, measure, height, onPick, onZoom, isChosen, ghost = null, band = null, marked = [], hasLegend = true }) {
  if (!series.some(({ values }) => values.some((value) => value > 0))) return blank("Nothing in this period.");
  const total = series.reduce((sum, { values }) => sum + values.reduce((part, value) => part + value, 0), 0);
  const largest = buckets.map((bucket, index) => ({ bucket, sum: series.reduce((sum, { values }) => sum + values[index], 0) })).sort((a, b) => b.sum - a.sum)[0];
  const label = `${measure.noun} from ${summary.from} to ${summary.to}: ${measure.format(total)} in all, most ${unit === "hour" ? "at" : "on"} ${bucketName(largest.bucket, unit)} with ${measure.format(largest.sum)}; ${plural(series.length, "part")}: ${series.map(({ title }) => title).join(", ")}.`
    + (marked.length ? ` Far more than usual on ${marked.map((index) => bucketName(buckets[index], unit)).join(", ")}.` : "");
  const pick = onPick && ((name) => name !== "" && onPick(name));
  const more = [band && { name: "", title: "Usual range", color: "usual-dot" }, ghost && { name: "", title: "Before", color: "ghost-dot" }].filter(Boolean);
  const behind = [...(band ? [["Usual from", (index) => band[index] && exact(measure.format(band[index].low), band[index].low)], ["Usual to", (index) => band[index] && exact(measure.format(band[index].high), band[index].high)]] : []), ...(ghost ? [["Before", (index) => exact(measure.format(ghost[index]), ghost[index])]] : [])];
  return [
    hasLegend && legend(series, { onPick: pick, isChosen, more }),
    figure(app, {
      id, height,
      paint: stackedBars({ label, buckets, unit, series, ghost, band, marked, format: measure.format, axis: measure.axis, height, onPick: pick, onZoom: buckets.length > 1 && (unit !== "hour" || summary.from !== summary.to) ? onZoom : null }),
      table: () => plainTable(label, [unit[0].toUpperCase() + unit.slice(1), ...series.map(({ title }) => title), ...behind.map(([title]) => title)],
        buckets.map((bucket, index) => [bucketName(bucket, unit), ...series.map(({ values }) => exact(measure.format(values[index]), values[index])), ...behind.map(([, text]) => text(index))])),
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

/** The values of each bucket: hours as they are, days summed. */
const valuesIn = ({ unit, buckets }, insights, days, of) => (unit === "hour" ? insights.hours.map(of) : summed(buckets, days, of));

function kindSeries(summary, insights, span, measure) {
  // Of hours and of days whose prices are on their way the tokens are known, not what each kind cost.
  const isCost = measure === "cost" && span.unit !== "hour" && insights?.costByKind && insights.from === summary.from && insights.to === summary.to;
  if (measure === "cost" && !isCost) return [{ name: "", title: "All", color: "accent", values: valuesIn(span, insights, summary.byDay ?? [], measures.cost.of) }];
  const source = isCost ? insights.costByKind.days : summary.byDay ?? [];
  const series = kinds.map((kind) => ({ name: kind.key, title: kind.title, color: kind.color, values: valuesIn(span, insights, source, (day) => measures[measure].ofKind(day, kind)) }));
  const other = isCost && insights.costByKind.other > 0 ? [{ name: "other", title: "Without list price", color: "other", values: valuesIn(span, insights, source, (day) => day.other) }] : [];
  return [...series, ...other];
}

/** The largest names of a dimension, and all others as one; without a series of its own the days as they are. */
function namedSeries(summary, insights, span, dimension, of) {
  const isHours = span.unit === "hour";
  const { series } = summary;
  if (!isHours && series?.dimension !== dimension) {
    return [{ name: "", title: "All", color: "accent", values: summed(span.buckets, summary.byDay ?? [], of) }];
  }
  const days = isHours ? insights.hours : series.days;
  const totals = new Map();
  for (const { values } of days) for (const [name, entry] of Object.entries(values)) totals.set(name, (totals.get(name) ?? 0) + of(entry));
  const ordered = [...totals].filter(([, total]) => total > 0).sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const named = ordered.length > most + 1 ? ordered.slice(0, most) : ordered;
  const color = palette(dimension, ordered.slice(0, 8));
  const result = named.map((name) => ({ name, title: shownName(dimension, name), color: color(name), values: valuesIn(span, insights, days, ({ values }) => (values[name] ? of(values[name]) : 0)) }));
  if (named.length === ordered.length) return result;
  const rest = (values) => Object.entries(values).reduce((sum, [name, entry]) => (named.includes(name) ? sum : sum + of(entry)), 0);
  return [...result, { name: "", title: plural(ordered.length - named.length, "other"), color: "other", values: valuesIn(span, insights, days, ({ values }) => rest(values)) }];
}
