// SPDX-License-Identifier: Apache-2.0
// Where the reader is and what is filtered, all of it in the address: `#/sessions?period=7d&model=…`.

import { dayAfter, monthBefore, monthEnd, today } from "./calendar.js";

/** What a period's usage can be narrowed to and broken down by; `share` is the member of a summary, and several values mean any of them. */
export const dimensionTable = [
  { name: "agent", title: "Agent", share: "byAgent" },
  { name: "project", title: "Project", share: "byProject" },
  { name: "user", title: "User", share: "byUser" },
  { name: "team", title: "Team", share: "byTeam", isRare: true },
  { name: "model", title: "Model", share: "byModel" },
  { name: "machine", title: "Machine", share: "byMachine", isRare: true },
  { name: "branch", title: "Branch", share: "byBranch", isRare: true },
  { name: "agent_kind", title: "Agent kind", share: "byAgentKind", isRare: true, field: "agentKind" },
  { name: "hour", title: "Hour", share: "byHour", isRare: true, isOrdered: true },
];

/** Their names. */
export const dimensions = dimensionTable.map(({ name }) => name);

/** What the table says of a dimension. */
export const dimensionNamed = (name) => dimensionTable.find((row) => row.name === name);

const shared = ["period", "from", "to", "timezone", ...dimensions];
const defaultPeriod = "30d";

/** The place an address names. */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [page, ...rest] = path.split("/");
  return { page: page || "overview", id: rest.length ? decode(rest.join("/")) : null, query: new URLSearchParams(query) };
}

function decode(text) {
  try { return decodeURIComponent(text); }
  catch { return text; }
}

/** The address of a page under the filters of `query`; what belongs to the page alone comes from `own`. */
export function address(page, query, own = {}, id = null) {
  const next = new URLSearchParams();
  for (const [name, value] of query) if (shared.includes(name)) next.append(name, value);
  for (const [name, value] of Object.entries(own)) if (value) next.set(name, value);
  return written(page, id, next);
}

/** The address of the same page with some parameters set anew: a text, a list, or null for none. */
export function changed(route, changes) {
  const next = new URLSearchParams(route.query);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const item of Array.isArray(value) ? value : value ? [value] : []) next.append(name, item);
  }
  if (next.get("period") === defaultPeriod) next.delete("period");
  return written(route.page, route.id, next);
}

function written(page, id, query) {
  const text = query.toString();
  return "#/" + page + (id === null ? "" : "/" + encodeURIComponent(id)) + (text ? "?" + text : "");
}

/** The same address with a value added to a dimension or, if it is there, taken from it. */
export function toggled(route, dimension, value) {
  const values = route.query.getAll(dimension);
  return changed(route, { [dimension]: values.includes(value) ? values.filter((item) => item !== value) : [...values, value] });
}

/** The chosen period: one of the names of the bar, a month, or `custom`. */
export const period = (query) => (query.has("from") ? "custom" : query.get("period") ?? defaultPeriod);

/** Whether anything narrows the period's usage. */
export const isFiltered = (query) => dimensions.some((name) => query.has(name));

/** The parameters that the API understands, for the period and, unless `periodOnly`, the filters. */
export function parameters(query, { zone, periodOnly = false } = {}) {
  const result = new URLSearchParams();
  if (query.has("from") && query.has("to")) {
    result.set("from", query.get("from"));
    result.set("to", query.get("to"));
  } else {
    const day = today(query.get("timezone") ?? zone);
    const names = { "this-month": day.slice(0, 7), "last-month": monthBefore(day) };
    const name = period(query);
    result.set("period", names[name] ?? (name === "custom" ? defaultPeriod : name));
  }
  if (query.has("timezone")) result.set("timezone", query.get("timezone"));
  if (!periodOnly) for (const name of dimensions) for (const value of query.getAll(name)) result.append(name, value);
  return result;
}

/** The first and the last day of the chosen period. */
export function range(query, zone) {
  if (query.has("from") && query.has("to")) return { from: query.get("from"), to: query.get("to") };
  const day = today(query.get("timezone") ?? zone);
  const name = parameters(query, { zone, periodOnly: true }).get("period");
  if (/^\d{4}-\d\d$/.test(name)) return { from: name + "-01", to: monthEnd(name + "-01") };
  const count = name === "today" ? 1 : Number(/^(\d+)d$/.exec(name)?.[1] ?? 30);
  return { from: dayAfter(day, 1 - count), to: day };
}

/** A period in a word, as it stands behind an amount: 30d, today, Nov 2026. */
export function periodLabel(query, summary) {
  const name = period(query);
  if (name === "custom") return query.get("from") === query.get("to") ? query.get("from") : query.get("from") + " – " + query.get("to");
  return { "this-month": "this month", "last-month": "last month" }[name] ?? name ?? summary?.period;
}
