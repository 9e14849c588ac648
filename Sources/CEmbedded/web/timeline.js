// SPDX-License-Identifier: Apache-2.0
// Calls on an axis of time, one lane for each agent, and the cost as it adds up.

import { ticks } from "./charts.js";
import { h, s } from "./dom.js";
import { callMoney, duration, modelName, money, nothing, plural, shortMoney, time, tokens } from "./format.js";
import { hideTip, showTip } from "./tip.js";

const margin = { top: 10, right: 46, bottom: 24, left: 4 };
const titleWidth = 116;
const costHeight = 110;
const laneHeight = 26;
const longPause = 5 * 60_000;
const pauseWidth = 30;

/** Stretches of time in which something happened; what lies between them is a long pause. */
export function stretches(spans) {
  const result = [];
  for (const { start, end } of [...spans].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last && start - last.end <= longPause) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}

/** Places instants: stretches share the width by their length, pauses are equally short. */
export function timeScale(parts, from, to) {
  const total = parts.reduce((sum, { start, end }) => sum + Math.max(end - start, 1000), 0) || 1;
  const room = Math.max(1, to - from - pauseWidth * (parts.length - 1));
  let x = from;
  const placed = parts.map((part) => {
    const width = (room * Math.max(part.end - part.start, 1000)) / total;
    const result = { ...part, x, width };
    x += width + pauseWidth;
    return result;
  });
  const at = (instant) => {
    const part = placed.findLast(({ start }) => instant >= start) ?? placed[0];
    return part.x + (Math.min(instant, part.end) - part.start) / Math.max(part.end - part.start, 1000) * part.width;
  };
  return { at, placed };
}

/** The drawing, its height, and the sentence that says the same. Lanes: `{ title, calls }`. */
export function timeline({ lanes, color, zone, onPick }) {
  const calls = lanes.flatMap(({ calls }, lane) => calls.map((call) => {
    const end = Date.parse(call.timestamp);
    return { ...call, lane, end, start: end - (call.durationMs ?? 0) };
  })).filter(({ end }) => Number.isFinite(end)).sort((a, b) => a.end - b.end);
  const sum = calls.reduce((total, { cost }) => total + (cost ?? 0), 0);
  const parts = stretches(calls);
  const height = margin.top + costHeight + 14 + lanes.length * laneHeight + margin.bottom;
  const label = `${plural(calls.length, "call")} in ${plural(lanes.length, "lane")} from ${time(calls[0]?.timestamp, zone)} to ${time(calls.at(-1)?.timestamp, zone)}, ${money(sum)} in all, with ${plural(parts.length - 1, "long pause")}.`;
  return { height, label, paint: (width) => draw({ lanes, calls, parts, sum, width, height, label, color, zone, onPick }) };
}

function draw({ lanes, calls, parts, sum, width, height, label, color, zone, onPick }) {
  const left = lanes.length > 1 ? margin.left + Math.min(titleWidth, width / 4) : margin.left;
  const { at, placed } = timeScale(parts, left, width - margin.right);
  const marks = ticks(sum, 3);
  const top = marks.at(-1) || 1;
  const y = (value) => margin.top + costHeight * (1 - value / top);
  const laneTop = (lane) => margin.top + costHeight + 14 + lane * laneHeight;
  return s("svg", { width, height, role: "img", "aria-label": label, class: "timeline" + (onPick ? " pickable" : ""), onpointerleave: hideTip },
    marks.map((value) => s("g", { class: "tick" }, s("line", { x1: left, x2: width - margin.right, y1: y(value), y2: y(value) }), s("text", { x: width - margin.right + 6, y: y(value) + 4 }, shortMoney(value)))),
    pauses(placed, height),
    costLine(calls, placed, at, y),
    lanes.map(({ title }, lane) => s("g", { class: "lane" },
      s("line", { x1: margin.left, x2: width - margin.right, y1: laneTop(lane) + 20, y2: laneTop(lane) + 20 }),
      lanes.length > 1 && s("text", { x: margin.left, y: laneTop(lane) + 15 }, fitting(title, left)))),
    calls.map((call) => {
      const x = at(call.start);
      return s("rect", {
        class: "part call " + color(call.model ?? "unknown") + (call.error ? " failed" : ""), x, y: laneTop(call.lane) + 3, width: Math.max(2.5, at(call.end) - x), height: 16, rx: 1.5,
        onpointermove: (event) => showTip(event, tip(call, zone)),
        onclick: onPick && (() => { hideTip(); onPick(call, lanes[call.lane]); }),
      });
    }),
    labels(placed, height, width, zone));
}

/** As much of a title as there is room for, at about 6 pixels a letter. */
function fitting(title, width) {
  const most = Math.max(4, Math.floor((width - 12) / 6.4));
  return title.length > most ? title.slice(0, most - 1) + "…" : title;
}

/** Steps, because money is spent when a call ends. */
function costLine(calls, placed, at, y) {
  let spent = 0;
  let path = `M${placed[0]?.x ?? margin.left} ${y(0)}`;
  for (const { end, cost } of calls) {
    path += `H${at(end).toFixed(1)}`;
    spent += cost ?? 0;
    path += `V${y(spent).toFixed(1)}`;
  }
  const last = placed.at(-1);
  path += `H${((last?.x ?? 0) + (last?.width ?? 0)).toFixed(1)}`;
  return [s("path", { class: "cost-area", d: path + `V${y(0)}Z` }), s("path", { class: "cost-line", d: path })];
}

const pauses = (placed, height) => placed.slice(1).map((part, index) => {
  const before = placed[index];
  const x = part.x - pauseWidth;
  return s("g", { class: "pause" },
    s("rect", { x: x + 3, y: margin.top, width: pauseWidth - 6, height: height - margin.top - margin.bottom }),
    s("text", { x: x + pauseWidth / 2, y: margin.top + 12, "text-anchor": "middle" }, duration(part.start - before.end).split(" ")[0]));
});

/** The time at which each stretch begins, where there is room, and at which the last one ends. */
function labels(placed, height, width, zone) {
  let free = 0;
  const last = placed.at(-1);
  const end = width - margin.right;
  const starts = placed.map(({ x, start }) => {
    if (x < free || x > end - 130) return null;
    free = x + 74;
    return s("text", { class: "day", x, y: height - 7 }, time(new Date(start).toISOString(), zone));
  });
  return [starts, last && s("text", { class: "day", x: end, y: height - 7, "text-anchor": "end" }, time(new Date(last.end).toISOString(), zone))];
}

function tip(call, zone) {
  const rows = [["Input", tokens(call.inputTokens)], ["Cache read", tokens(call.cacheReadTokens)], ["Cache write", tokens(call.cacheWriteTokens)], ["Output", tokens(call.outputTokens)], ["Took", duration(call.durationMs)]];
  return h("div", null, h("strong", null, modelName(call.model)), h("span", { class: "tip-sum" }, call.priced === false ? nothing : callMoney(call.cost)),
    h("div", { class: "tip-row" }, h("span", null, time(call.timestamp, zone))),
    rows.map(([title, value]) => h("div", { class: "tip-row" }, h("span", null, title), h("span", { class: "tip-value" }, value))),
    call.error && h("div", { class: "bad-text" }, call.error));
}
