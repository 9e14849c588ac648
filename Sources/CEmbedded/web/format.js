// SPDX-License-Identifier: Apache-2.0
// Numbers and times as people read them.

const grouped = new Intl.NumberFormat("en-US");
const cents = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** What is not known. */
export const nothing = "–";

/** Dollars with two decimals; – for an unknown price. The command line has the same rule. */
export function money(dollars) {
  if (dollars === null || dollars === undefined) return nothing;
  if (dollars === 0) return "$0.00";
  if (dollars < 0) return "−" + money(-dollars);
  return dollars < 0.005 ? "<$0.01" : "$" + cents.format(dollars);
}

/** What a single call cost: four decimals below a dollar, because most calls cost less than a cent. */
export function callMoney(dollars) {
  if (dollars === null || dollars === undefined) return nothing;
  if (dollars === 0) return "$0.00";
  if (dollars < 0.0001) return "<$0.0001";
  return "$" + (dollars >= 0.99995 ? cents.format(dollars) : dollars.toFixed(4));
}

/** The cost of calls of which some have no price: unknown if none has one, else what it is at least. */
export function cost({ cost: dollars, calls = 0, unpricedCalls = 0 }) {
  if (unpricedCalls > 0 && unpricedCalls >= calls) return nothing;
  if (unpricedCalls > 0) return dollars > 0 ? "≥ " + money(dollars) : nothing;
  return money(dollars);
}

/** An amount on an axis. */
export const shortMoney = (dollars) =>
  dollars === 0 ? "$0" : dollars >= 1000 ? "$" + short(dollars) : "$" + String(Number(dollars.toPrecision(3)));

/** A whole number with separators. */
export const count = (number) => (number === null || number === undefined ? nothing : grouped.format(number));

/** A number in three digits: 1.24M. */
export function short(number) {
  for (const [size, unit] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]]) {
    if (number >= size * 0.9995) return String(Number((number / size).toPrecision(3))) + unit;
  }
  return String(Number(number.toPrecision(3)));
}

/** Tokens: exact below a million, then 1.24M. */
export function tokens(number) {
  if (number === null || number === undefined) return nothing;
  if (number < 1_000_000) return grouped.format(number);
  const [size, unit] = number >= 999_500_000_000 ? [1e12, "T"] : number >= 999_500_000 ? [1e9, "B"] : [1e6, "M"];
  return (number / size).toPrecision(3).replace(/e.*/, "") + unit;
}

/** A fraction in percent. */
export function percent(fraction) {
  if (fraction === null || fraction === undefined || !Number.isFinite(fraction)) return nothing;
  const value = fraction * 100;
  return (value > 0 && value < 1 ? "<1" : String(Math.round(value))) + "%";
}

/** Milliseconds, cut as a clock shows them: 420ms, 4.2s, 12s, 12m, 1h 05m, 2d 3h. The command line has the same rule. */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return nothing;
  if (milliseconds <= 0) return "0s";
  if (milliseconds < 1000) return Math.floor(milliseconds) + "ms";
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 10) return (Math.floor(milliseconds / 100) / 10).toFixed(1) + "s";
  if (seconds < 60) return seconds + "s";
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes + "m";
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return hours + "h " + String(minutes % 60).padStart(2, "0") + "m";
  return Math.floor(hours / 24) + "d " + (hours % 24) + "h";
}

/** How long ago: just now, 12s ago, 3h ago. */
export function ago(instant, now = Date.now()) {
  const seconds = Math.floor((now - Date.parse(instant)) / 1000);
  if (!Number.isFinite(seconds)) return nothing;
  if (seconds < 5) return "just now";
  if (seconds < 60) return seconds + "s ago";
  if (seconds < 3600) return Math.floor(seconds / 60) + "m ago";
  if (seconds < 86_400) return Math.floor(seconds / 3600) + "h ago";
  return Math.floor(seconds / 86_400) + "d ago";
}

/** Bytes: 12.4 MiB. */
export function bytes(number) {
  if (number === null || number === undefined) return nothing;
  for (const [size, unit] of [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
    if (number >= size) return String(Number((number / size).toPrecision(3))) + " " + unit;
  }
  return number + " B";
}

/** How many a second. */
export function rate(perSecond) {
  if (perSecond === null || perSecond === undefined || !Number.isFinite(perSecond)) return nothing;
  return (perSecond === 0 ? "0" : perSecond < 0.1 ? "<0.1" : perSecond < 10 ? perSecond.toFixed(1) : short(perSecond)) + "/s";
}

/** An instant with its day, as the clocks of the zone show it; of the browser's zone without one. */
export const instant = (text, zone) => show(text, zone, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

/** The time of an instant, with seconds. */
export const time = (text, zone) => show(text, zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" });

function show(text, zone, options) {
  const date = new Date(text);
  if (!text || Number.isNaN(date.getTime())) return nothing;
  return formatter(zone, options).format(date);
}

const formatters = new Map();
function formatter(zone, options) {
  const key = (zone ?? "") + Object.keys(options).join();
  if (!formatters.has(key)) {
    let made;
    try { made = new Intl.DateTimeFormat("en-US", { ...options, hourCycle: "h23", timeZone: zone }); }
    catch { made = new Intl.DateTimeFormat("en-US", { ...options, hourCycle: "h23" }); }
    formatters.set(key, made);
  }
  return formatters.get(key);
}

/** An instant in UTC, for tooltips. */
export const utc = (text) => (text ? String(text).replace("T", " ").replace(/(\.\d+)?Z$/, "") + " UTC" : "");

/** A noun with its number: 1 call, 2 calls. */
export const plural = (number, noun) => count(number) + " " + noun + (number === 1 ? "" : "s");

/** A model's name without the date of its release. */
export const modelName = (name) => (name ?? "unknown").replace(/-20\d{6}$/, "").replace(/-20\d\d-\d\d-\d\d$/, "");

/** A name of a dimension as tables show it: models without their date, and of users and machines that nobody named the first part of the id. */
export const shownName = (dimension, name) => (dimension === "model" ? modelName(name) : dimension === "user" || dimension === "machine" ? (/^[0-9a-f-]{32,}$/i.test(name) ? shortID(name) : name) : name);

/** The first part of an id that is too long to be read; of one that begins with a time (UUID version 7) as much as differs within a minute. */
export const shortID = (id) => (/^[0-9a-f-]{20,}$/i.test(id ?? "") ? id.slice(0, /^.{8}-.{4}-7/.test(id) ? 13 : 8) : id ?? "");
