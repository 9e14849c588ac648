// SPDX-License-Identifier: Apache-2.0
// The sessions that cost most, or the newest ones with those at work on top.

import { h } from "./dom.js";
import { address, changed } from "./filters.js";
import { ago, cost, count, duration, shortID, shownName, tokens, utc } from "./format.js";
import { blank, choices, panel } from "./panel.js";
import { table } from "./table.js";

const ranks = { active: 0, idle: 1 };
const rank = ({ status }) => ranks[status] ?? 2;
const most = 9;

/** What a state is called: a session without recent telemetry, and one that its agent completed, have ended. */
export const stateName = (status) => (status === "active" || status === "idle" ? status : "ended");

/** A state in words and as a dot. */
export const stateDot = (status) => h("span", { class: "state-dot " + stateName(status), role: "img", "aria-label": stateName(status), title: status === "completed" ? "ended, reported by the agent" : stateName(status) });

/** What a session is called. */
export const sessionName = ({ name, sessionId }) => (name && name !== sessionId ? name : shortID(sessionId));

/** The orders of the panel: the name in the address, the word, and what the collector sorts by. */
export const orders = { dearest: ["Dearest", "cost"], newest: ["Newest", "lastSeenAt"] };

/** The chosen order. */
export const orderOf = ({ query }) => (query.get("sessions") === "newest" ? "newest" : "dearest");

/** Sessions in the order of the panel. */
export function ordered(sessions, order) {
  const way = order === "newest" ? (a, b) => (a.lastSeenAt < b.lastSeenAt ? 1 : a.lastSeenAt > b.lastSeenAt ? -1 : 0) : (a, b) => b.cost - a.cost;
  return [...sessions].sort(way);
}

/** The panel of sessions. */
export const sessionList = (app, resource) => {
  const order = orderOf(app.route);
  return panel(app, {
    id: "session-details", title: "Session Details", resource, lines: 8,
    actions: [
      choices("Order of sessions", Object.entries(orders).map(([name, [title]]) => ({ title, href: changed(app.route, { sessions: name === "dearest" ? null : name }), isChosen: name === order }))),
      h("a", { class: "quiet all-link", href: address("sessions", app.route.query, order === "dearest" ? { sort: "cost" } : {}) }, resource.data?.total > 0 ? "All " + count(resource.data.total) : "All")],
    body: ({ sessions }) => {
      if (!sessions.length) return blank("No session in this period.");
      const rows = order === "newest" ? ordered(sessions, order).sort((a, b) => rank(a) - rank(b)).slice(0, most) : ordered(sessions, order).slice(0, most);
      return h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": orders[order][0] + " sessions" }, table({
        caption: "The " + orders[order][0].toLowerCase() + " sessions", rows, key: ({ sessionId }) => sessionId, kind: "compact",
        open: ({ sessionId }) => address("session", app.route.query, {}, sessionId),
        columns: [
          { key: "name", title: "Session", kind: "name-cell", cell: (session) => [stateDot(session.status), h("span", { class: "name" }, sessionName(session)), session.user && h("span", { class: "fine name-user" }, shownName("user", session.user))], hint: (session) => [session.name, session.user, session.project, session.agent ?? "unknown agent", ago(session.lastSeenAt)].filter(Boolean).join(" · ") },
          { key: "tokens", title: "Tokens", number: true, cell: ({ totalTokens }) => tokens(totalTokens), hint: ({ totalTokens }) => count(totalTokens) },
          { key: "cost", title: "Cost", number: true, cell: cost },
          { key: "duration", title: "Duration", number: true, cell: ({ durationMs }) => duration(durationMs), hint: ({ startedAt }) => "since " + utc(startedAt) },
        ],
      }));
    },
  });
};
