// SPDX-License-Identifier: Apache-2.0
// Drawings in CSS pixels: stacked bars over days, and bars beside names.

import { h, s } from "./dom.js";
import { isWeekend, monthName, shortDay } from "./calendar.js";
import { hideTip, showTip } from "./tip.js";

const margin = { top: 8, right: 4, bottom: 22, left: 46 };

/** Few round values from zero to a little above the largest: at most `most` and two more. */
export function ticks(largest, most = 4) {
  if (!(largest > 0)) return [0];
  const raw = largest / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= raw * 0.999);
  const result = [];
  for (let index = 0; (index - 1) * step < largest * 0.999; index++) result.push(index * step);
  return result;
}

/** What a bucket of days is called. */
export const bucketName = ({ from, to, name }, unit) =>
  unit === "hour" ? name : unit === "month" ? monthName(from) : from === to ? shortDay(from) : shortDay(from) + " – " + shortDay(to);

/**
 * Bars over days, one part per series. Series: `{ name, title, color, values }`.
 * A click on a part picks its series; drawing over days zooms to them. Behind the bars are those of the period before (`ghost`, a value per
 * bucket) and the range that is usual (`band`, per bucket `{ low, high, median }` or nothing); `marked` buckets are out of the ordinary.
 */
export function stackedBars({ label, buckets, unit, series, format, axis, height, onPick, onZoom, ghost = null, band = null, marked = [] }) {
  const sums = buckets.map((_, index) => series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0));
  // A band that is far above all bars would make them small: it is cut off.
  const tallest = Math.max(0, ...sums, ...(ghost ?? []));
  const usualTop = Math.max(0, ...(band ?? []).map((usual) => usual?.high ?? 0));
  const marks = ticks(Math.max(tallest, Math.min(tallest * 1.25, usualTop)), 5);
  const top = marks.at(-1) || 1;
  return (width) => {
    const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
    const step = inner.width / Math.max(1, buckets.length);
    const bar = Math.max(1, Math.min(44, step * 0.74));
    const y = (value) => margin.top + inner.height * (1 - value / top);
    const x = (index) => margin.left + step * index + (step - bar) / 2;
    const at = (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      return Math.max(0, Math.min(buckets.length - 1, Math.floor((event.clientX - box.left - margin.left) / step)));
    };
    return s("svg", {
      width, height, role: "img", "aria-label": label, class: "bars" + (onPick ? " pickable" : ""),
      onpointermove: (event) => hover(event, at(event)),
      onpointerleave: (event) => { hideTip(); unmark(event.currentTarget); },
      onpointerdown: (event) => begin(event, at(event)),
      onpointerup: (event) => end(event, at(event)),
    },
      marks.map((value) => s("g", { class: "tick" },
        s("line", { x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }),
        s("text", { x: margin.left - 8, y: y(value) + 4, "text-anchor": "end" }, axis(value)))),
      s("rect", { class: "column", x: 0, y: margin.top, width: step, height: inner.height }),
      ghost && buckets.map((_, index) => ghost[index] > 0 && s("rect", { class: "ghost", x: margin.left + step * index + (step - bar) / 2 - Math.min(3, step * 0.13), y: y(ghost[index]), width: bar, height: y(0) - y(ghost[index]), rx: Math.min(2, bar / 4) })),
      buckets.map((bucket, index) => column(bucket, index, { x: x(index), y, bar })),
      band && usualRange(band, (index) => margin.left + step * index, step, (value) => y(Math.min(value, top))),
      marked.map((index) => s("path", { class: "out-mark", d: `M${margin.left + step * (index + 0.5) - 4} ${Math.max(1, y(sums[index]) - 9)}h8l-4 6z` })),
      labels(step).map(({ index, text }) => s("text", { class: "day", x: Math.min(margin.left + step * (index + 0.5), width - 20), y: height - 6, "text-anchor": "middle" }, text)));

    function labels(step) {
      const every = Math.max(1, Math.ceil(64 / step));
      return buckets.map((bucket, index) => ({ index, text: unit === "hour" ? bucket.label : unit === "month" ? monthName(bucket.from) : shortDay(bucket.from) }))
        .filter(({ index }) => (buckets.length - 1 - index) % every === 0 && margin.left + step * (index + 0.5) > 20);
    }
  };

  function column(bucket, index, { x, y, bar }) {
    let sum = 0;
    return s("g", { class: unit === "day" && isWeekend(bucket.from) ? "weekend" : "" }, series.map(({ name, color, values }) => {
      const value = values[index] ?? 0;
      if (!(value > 0)) return null;
      const [upper, lower] = [y(sum + value), y(sum)];
      sum += value;
      return s("rect", { class: "part " + color, "data-name": name, x, y: upper, width: bar, height: Math.max(0.75, lower - upper - (lower - upper > 3 ? 1 : 0)), rx: Math.min(2, bar / 4) });
    }));
  }

  function hover(event, index) {
    const svg = event.currentTarget;
    const from = svg.drag ?? index;
    mark(svg, Math.min(from, index), Math.max(from, index));
    const rows = series.map(({ title, color, values }) => ({ title, color, value: values[index] ?? 0 })).filter(({ value }) => value > 0);
    showTip(event, h("div", null,
      h("strong", null, bucketName(buckets[index], unit)), h("span", { class: "tip-sum" }, format(sums[index])),
      rows.reverse().map(({ title, color, value }) => tipRow(color, title, format(value))),
      band?.[index] && tipRow("usual-dot", "usual", format(band[index].low) + " – " + format(band[index].high)),
      ghost?.[index] > 0 && tipRow("ghost-dot", "before", format(ghost[index]))));
  }

  function mark(svg, first, last) {
    const column = svg.querySelector(".column");
    const step = (svg.clientWidth - margin.left - margin.right) / Math.max(1, buckets.length);
    column.setAttribute("x", margin.left + step * first);
    column.setAttribute("width", step * (last - first + 1));
    column.classList.add("shown");
  }

  function unmark(svg) {
    svg.drag = undefined;
    svg.querySelector(".column").classList.remove("shown");
  }

  function begin(event, index) {
    if (event.button === 0 && event.pointerType === "mouse" && onZoom) event.currentTarget.drag = index;
  }

  function end(event, index) {
    const from = event.currentTarget.drag ?? index;
    unmark(event.currentTarget);
    const name = event.target.dataset?.name;
    if (from !== index && onZoom) onZoom(buckets[Math.min(from, index)].from, buckets[Math.max(from, index)].to);
    else if (name !== undefined && onPick) onPick(name);
    hideTip();
  }
}

const tipRow = (color, title, value) => h("div", { class: "tip-row" }, h("span", { class: "dot " + color }), h("span", null, title), h("span", { class: "tip-value" }, value));

/** The range that is usual as an area with its middle as a line; buckets without one interrupt both. */
function usualRange(band, x, step, y) {
  const runs = [];
  band.forEach((usual, index) => {
    if (!usual) return;
    if (runs.at(-1)?.at(-1)?.index === index - 1) runs.at(-1).push({ index, ...usual });
    else runs.push([{ index, ...usual }]);
  });
  const steps = (run, key) => run.map((usual) => `${x(usual.index)} ${y(usual[key])}H${x(usual.index) + step}`);
  return runs.map((run) => s("g", { class: "usual" },
    s("path", { class: "usual-area", d: "M" + steps(run, "high").join("L") + [...run].reverse().map((usual) => `L${x(usual.index) + step} ${y(usual.low)}H${x(usual.index)}`).join("") + "z" }),
    s("path", { class: "usual-line", d: "M" + steps(run, "median").join("L") })));
}

/**
 * How a month goes: what was spent up to each day, and from today on the range in which it will probably end; the limit and its even pace.
 * `spent` are sums up to and with each day so far; a month has `days` days.
 */
export function burnDown({ label, spent, days, forecast, limit, axis, height, dayName }) {
  const marks = ticks(Math.max(forecast.high, limit ?? 0, spent.at(-1) ?? 0), 3);
  const top = marks.at(-1) || 1;
  return (width) => {
    const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
    const x = (day) => margin.left + inner.width * Math.min(1, day / Math.max(1, days));
    const y = (value) => margin.top + inner.height * (1 - Math.min(value, top) / top);
    const now = spent.length;
    const line = "M" + [[0, 0], ...spent.map((sum, index) => [index + 1, sum])].map(([day, sum]) => x(day) + " " + y(sum)).join("L");
    const from = x(now) + " " + y(spent.at(-1) ?? 0);
    const every = Math.max(1, Math.ceil(days * 64 / inner.width));
    return s("svg", { width, height, role: "img", "aria-label": label, class: "burn" },
      marks.map((value) => s("g", { class: "tick" },
        s("line", { x1: margin.left, x2: width - margin.right, y1: y(value), y2: y(value) }),
        s("text", { x: margin.left - 8, y: y(value) + 4, "text-anchor": "end" }, axis(value)))),
      limit !== null && s("path", { class: "burn-pace", d: `M${x(0)} ${y(0)}L${x(days)} ${y(limit)}` }),
      limit !== null && s("path", { class: "burn-limit", d: `M${x(0)} ${y(limit)}H${x(days)}` }),
      now < days && s("path", { class: "burn-cone", d: `M${from}L${x(days)} ${y(forecast.high)}L${x(days)} ${y(forecast.low)}z` }),
      now < days && s("path", { class: "burn-expected", d: `M${from}L${x(days)} ${y(forecast.expected)}` }),
      s("path", { class: "burn-area", d: line + `L${x(now)} ${y(0)}z` }),
      s("path", { class: "burn-line", d: line }),
      s("circle", { class: "burn-now", cx: x(now), cy: y(spent.at(-1) ?? 0), r: 3.5 }),
      Array.from({ length: days }, (_, index) => index + 1).filter((day) => (day - 1) % every === 0).map((day) => s("text", { class: "day", x: Math.max(margin.left + 8, x(day - 0.5)), y: height - 6, "text-anchor": "middle" }, dayName(day))));
  };
}

/** The course of some values as a small line; the figures stand beside it. */
export function sparkline(values, color = "accent") {
  const [width, height] = [56, 22];
  const largest = Math.max(...values, 0) || 1;
  const points = values.map((value, index) => (values.length > 1 ? index * width / (values.length - 1) : width / 2).toFixed(1) + " " + (height - 2 - (height - 4) * value / largest).toFixed(1));
  return s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "spark", "aria-hidden": "true" },
    s("path", { class: "spark-area " + color, d: `M0 ${height}L` + points.join("L") + `L${width} ${height}z` }),
    s("path", { class: "spark-line s-" + color, d: "M" + points.join("L") }));
}

/** The legend of a stacked chart; with `onPick` each name is a button. */
export function legend(series, { onPick, isChosen = () => false, more = [] } = {}) {
  return h("ul", { class: "legend" }, [...series, ...more].map(({ name, title, color }) => h("li", { key: name || title },
    onPick && name !== ""
      ? h("button", { type: "button", class: "quiet legend-item", "aria-pressed": String(isChosen(name)), onclick: () => onPick(name), title: name }, h("span", { class: "dot " + color, "aria-hidden": "true" }), title)
      : h("span", { class: "legend-item" }, h("span", { class: "dot " + color, "aria-hidden": "true" }), title))));
}

/** A share of the whole as a bar; the figure stands beside it as text. */
export const shareBar = (fraction, color = "accent") =>
  h("span", { class: "share", "aria-hidden": "true" },
    h("span", { class: "share-fill " + color, style: { width: Math.max(0, Math.min(100, fraction * 100)).toFixed(2) + "%" } }));

/** How far a limit is used: the part used, marks at 80 and 95 percent, and where it is likely to end. */
export function meter({ label, fraction, projected, text }) {
  const clamp = (value) => Math.max(0, Math.min(100, value * 100)).toFixed(2) + "%";
  const level = fraction >= 0.95 ? "bad" : fraction >= 0.8 ? "warn" : "good";
  return h("div", { class: "meter " + level, role: "meter", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": String(Math.round(Math.min(1, fraction) * 100)), "aria-valuetext": text },
    projected !== undefined && h("span", { class: "meter-projected", style: { width: clamp(projected) } }),
    h("span", { class: "meter-fill", style: { width: clamp(fraction) } }),
    h("span", { class: "meter-tick at-80" }), h("span", { class: "meter-tick at-95" }));
}
