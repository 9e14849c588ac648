// SPDX-License-Identifier: Apache-2.0
// Calendar days as `YYYY-MM-DD`; no clock and no time zone in here.

const dayLength = 86_400_000;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const number = (day) => Date.parse(day + "T00:00:00Z") / dayLength;
const text = (number) => new Date(number * dayLength).toISOString().slice(0, 10);

/** The days from the first to the last, both included. */
export function days(from, to) {
  const [first, last] = [number(from), number(to)];
  if (!(last >= first) || last - first > 4000) return [];
  return Array.from({ length: last - first + 1 }, (_, index) => text(first + index));
}

/** Nov 22. */
export const shortDay = (day) => months[Number(day.slice(5, 7)) - 1] + " " + Number(day.slice(8, 10));

/** Nov 2026. */
export const monthName = (day) => months[Number(day.slice(5, 7)) - 1] + " " + day.slice(0, 4);

/** Whether Saturday or Sunday. */
export const isWeekend = (day) => [0, 6].includes(new Date(day + "T00:00:00Z").getUTCDay());

const formats = new Map();

/** The day on which it is now in a zone; in the browser's without one. */
export function today(zone) {
  if (!formats.has(zone)) {
    try { formats.set(zone, new Intl.DateTimeFormat("en-CA", { timeZone: zone })); }
    catch { formats.set(zone, new Intl.DateTimeFormat("en-CA")); }
  }
  return formats.get(zone).format(new Date());
}

/** The month before the one of a day, `YYYY-MM`. */
export function monthBefore(day) {
  const [year, month] = day.split("-").map(Number);
  return month === 1 ? year - 1 + "-12" : year + "-" + String(month - 1).padStart(2, "0");
}

/** The day so many days after another one; before it with a negative number. */
export const dayAfter = (day, count) => text(number(day) + count);

/** The same day a month earlier; the last of that month where it has no such day. */
export function monthEarlier(day) {
  const month = monthBefore(day);
  const last = new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0)).getUTCDate();
  return month + "-" + String(Math.min(last, Number(day.slice(8)))).padStart(2, "0");
}

/** The last day of the month of a day. */
export const monthEnd = (day) => day.slice(0, 8) + String(Number(day.slice(8)) + daysLeft(day)).padStart(2, "0");

/** How many days of the month come after a day. */
export function daysLeft(day) {
  const [year, month, date] = day.split("-").map(Number);
  return new Date(Date.UTC(year, month, 0)).getUTCDate() - date;
}

/** Days in buckets that can still be told apart: days, weeks or months; each with its first day and its last. */
export function buckets(from, to) {
  const all = days(from, to);
  const unit = all.length <= 100 ? "day" : all.length <= 560 ? "week" : "month";
  const result = [];
  for (const day of all) {
    const key = unit === "day" ? day : unit === "week" ? Math.floor((number(day) + 3) / 7) : day.slice(0, 7);
    if (result.at(-1)?.key === key) result.at(-1).to = day;
    else result.push({ key, from: day, to: day });
  }
  return { unit, buckets: result };
}
