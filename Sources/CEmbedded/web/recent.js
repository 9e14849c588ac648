// SPDX-License-Identifier: Apache-2.0
// The newest sessions, those at work on top.

import { h } from "./dom.js";
import { address } from "./filters.js";
import { ago, cost, count, duration, shortID, tokens, utc } from "./format.js";
import { blank, panel } from "./panel.js";
import { table } from "./table.js";

const ranks = { active: 0, idle: 1 };
const rank = ({ status }) => ranks[status] ?? 2;

/** A state in words and as a dot. */
export const stateDot = (status) => h("span", { class: "state-dot " + status, role: "img", "aria-label": status, title: status });

/** What a session is called. */
export const sessionName = ({ name, sessionId }) => (name && name !== sessionId ? name : shortID(sessionId));

export const recentSessions = (app, resource) => panel(app, {
  id: "session-details", title: "Session Details", resource, lines: 8,
  actions: h("a", { class: "quiet", href: address("sessions", app.route.query) }, resource.data?.total > 0 ? "All " + count(resource.data.total) : "All"),
  body: ({ sessions }) => {
    if (!sessions.length) return blank("No session in this period.");
    const rows = [...sessions].sort((a, b) => rank(a) - rank(b)).slice(0, 9);
    return h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Newest sessions" }, table({
      caption: "The newest sessions", rows, key: ({ sessionId }) => sessionId, kind: "compact",
      open: ({ sessionId }) => address("session", app.route.query, {}, sessionId),
      columns: [
        { key: "name", title: "Session", kind: "name-cell", cell: (session) => [stateDot(session.status), h("span", { class: "name" }, sessionName(session))], hint: (session) => session.name + " · " + (session.agent ?? "unknown agent") + " · " + ago(session.lastSeenAt) },
        { key: "tokens", title: "Tokens", number: true, cell: ({ totalTokens }) => tokens(totalTokens), hint: ({ totalTokens }) => count(totalTokens) },
        { key: "cost", title: "Cost", number: true, cell: cost },
        { key: "duration", title: "Duration", number: true, cell: ({ durationMs }) => duration(durationMs), hint: ({ startedAt }) => "since " + utc(startedAt) },
      ],
    }));
  },
});
