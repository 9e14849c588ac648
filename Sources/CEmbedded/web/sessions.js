// SPDX-License-Identifier: Apache-2.0
// All sessions as a table.

import { ask } from "./api.js";
import { h } from "./dom.js";
import { columnChoice, columns, shownColumns } from "./columns.js";
import { address, changed, dimensionTable, isFiltered, parameters } from "./filters.js";
import { count, plural } from "./format.js";
import { download } from "./csv.js";
import { blank, choices, definition, panel } from "./panel.js";
import { table } from "./table.js";

const pageSize = 50;
const states = [["active", "Active"], ["idle", "Idle"], ["stale", "Ended"], ["completed", "Completed"]];
/** What the collector sorts by itself; by anything else the page sorts what it has. */
const sortable = new Set(["lastSeenAt", "startedAt", "cost", "totalTokens", "calls", "durationMs", "name", "inputTokens", "outputTokens"]);

const sorting = ({ route }) => ({ sort: route.query.get("sort") ?? "lastSeenAt", order: route.query.get("order") === "asc" ? "asc" : "desc" });

function listParameters(app) {
  const query = parameters(app.route.query, { zone: app.zone });
  const { sort, order } = sorting(app);
  for (const name of ["q", "status"]) if (app.route.query.get(name)) query.set(name, app.route.query.get(name));
  query.set("sort", sortable.has(sort) ? sort : "lastSeenAt");
  query.set("order", sortable.has(sort) ? order : "desc");
  return query;
}

const path = (app, limit, cursor) => {
  const query = listParameters(app);
  query.set("limit", String(limit));
  if (cursor) query.set("cursor", cursor);
  return "/api/telemetry/sessions?" + query;
};

export const sessions = {
  name: "sessions",
  title: "Sessions",
  filters: "all",

  // What the page sorts by itself needs all that there is, within reason.
  sources: (app) => [["list", path(app, sortable.has(sorting(app).sort) ? pageSize : 1000)]],

  stream: (app) => "/api/telemetry/stream?topics=session&" + parameters(app.route.query, { zone: app.zone }),

  arrived(app, name) {
    if (name === "list") Object.assign(app.ui, { more: [], cursor: undefined, fresh: new Map() });
  },

  told(app, topic, data) {
    const list = app.resources.get("list");
    if (topic !== "session" || !list?.data) return;
    const known = new Set(loaded(app).map(({ sessionId }) => sessionId));
    const news = new Map((data.sessions ?? []).map((session) => [session.sessionId, session]));
    const replace = (rows) => rows.map((row) => news.get(row.sessionId) ?? row);
    list.data = { ...list.data, sessions: replace(list.data.sessions) };
    app.ui.more = replace(app.ui.more ?? []);
    const newest = loaded(app).reduce((last, { startedAt }) => (startedAt > last ? startedAt : last), "");
    app.ui.fresh ??= new Map();
    for (const [id, session] of news) if (!known.has(id) && session.startedAt > newest && matches(app, session)) app.ui.fresh.set(id, session);
    if (app.ui.fresh.size) app.say(plural(app.ui.fresh.size, "new session"));
  },

  view(app) {
    const list = app.data("list");
    return [
      h("div", { class: "page-head" }, h("h1", null, "Sessions"),
        list.data && h("span", { class: "page-count", id: "session-count" }, count(list.data.total) + (isNarrowed(app) ? " found" : " in this period"))),
      toolbar(app, list),
      app.ui.fresh?.size > 0 && h("button", { type: "button", class: "fresh", onclick: () => app.load(app.resources.get("list")) }, plural(app.ui.fresh.size, "new session") + " – show"),
      panel(app, { id: "session-list", title: "All sessions", kind: "bare", resource: list, lines: 14, body: () => content(app, list.data) }),
    ];
  },

  drawn(app) {
    if (!app.ui.wantsSearch) return;
    app.ui.wantsSearch = false;
    document.getElementById("search")?.focus();
  },
};

const isNarrowed = ({ route }) => isFiltered(route.query) || route.query.has("q") || route.query.has("status");
const loaded = (app) => [...(app.data("list").data?.sessions ?? []), ...(app.ui.more ?? [])];

/** Whether a session that is told of belongs into the list as it is filtered. */
function matches({ route: { query } }, session) {
  const text = (query.get("q") ?? "").toLowerCase();
  const words = [session.sessionId, session.name, session.project, session.user, session.branch, session.team].map((word) => (word ?? "").toLowerCase());
  return (!query.has("status") || query.get("status") === session.status) && words.some((word) => word.includes(text))
    && dimensionTable.every(({ name, field }) => name === "hour" || !query.has(name) || query.getAll(name).includes(session[field ?? name] ?? "unknown"));
}

function toolbar(app, list) {
  const { route } = app;
  const status = route.query.get("status");
  return h("div", { class: "toolbar" },
    h("input", { type: "search", id: "search", class: "input search", placeholder: "Search name, id, project, user, branch, team", "aria-label": "Search sessions", value: route.query.get("q") ?? "", autocomplete: "off", spellcheck: "false", oninput: (event) => searchSoon(app, event.target.value) }),
    choices("State", [{ title: "All", href: changed(route, { status: null }), isChosen: !status }, ...states.map(([name, title]) => ({ title, href: changed(route, { status: name }), isChosen: status === name }))]),
    definition("states", "Active: telemetry in the last 60 seconds. Idle: in the last 5 minutes. Completed: the agent reported the end. Ended: all others."),
    h("div", { class: "toolbar-end" }, columnChoice(app),
      h("button", { type: "button", class: "button", disabled: !list.data?.total || app.ui.isExporting, onclick: () => exportAll(app) }, app.ui.isExporting ? "Exporting…" : "CSV")));
}

let searchTimer;
function searchSoon(app, text) {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(() => app.replace(changed(app.route, { q: text.trim() || null })), 200);
}

function content(app, data) {
  const { sort, order } = sorting(app);
  const rows = sortable.has(sort) ? loaded(app) : sorted(loaded(app), sort, order);
  if (!rows.length) return blank(isNarrowed(app) ? "No session fits these filters." : "No session in this period.");
  const cursor = app.ui.cursor === undefined ? data.nextCursor : app.ui.cursor;
  return [
    h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Table of sessions" }, table({
      caption: "Sessions", columns: shownColumns(app), rows, key: ({ sessionId }) => sessionId, sort, order, kind: "sessions-table",
      open: ({ sessionId }) => address("session", app.route.query, {}, sessionId),
      onSort: (next, way) => { app.say("Sorted by " + next); app.replace(changed(app.route, { sort: next === "lastSeenAt" ? null : next, order: way === "asc" ? "asc" : null })); },
    })),
    h("div", { class: "more" }, h("span", { class: "fine" }, count(rows.length) + " of " + count(data.total)),
      cursor && h("button", { type: "button", class: "button", disabled: app.ui.isLoadingMore, onclick: () => loadMore(app, cursor) }, app.ui.isLoadingMore ? "Loading…" : "Show more"),
      app.ui.moreError && h("span", { class: "failure-text", role: "alert" }, app.ui.moreError)),
  ];
}

function sorted(rows, sort, order) {
  const value = columns.find((column) => column.sort === sort)?.value ?? ((row) => row[sort]);
  const way = order === "asc" ? 1 : -1;
  return [...rows].sort((a, b) => {
    const [left, right] = [value(a) ?? "", value(b) ?? ""];
    return (left < right ? -1 : left > right ? 1 : 0) * way || (a.sessionId < b.sessionId ? -1 : 1);
  });
}

async function loadMore(app, cursor) {
  app.set({ isLoadingMore: true, moreError: null });
  try {
    const page = await ask(path(app, pageSize, cursor));
    const known = new Set(loaded(app).map(({ sessionId }) => sessionId));
    app.set({ more: [...(app.ui.more ?? []), ...page.sessions.filter(({ sessionId }) => !known.has(sessionId))], cursor: page.nextCursor, isLoadingMore: false });
  } catch (error) {
    app.set({ isLoadingMore: false, moreError: error.message });
  }
}

/** All sessions under the filters, not only those that are shown. */
async function exportAll(app) {
  app.set({ isExporting: true, moreError: null });
  try {
    const rows = [];
    let cursor = null;
    do {
      const page = await ask(path(app, 1000, cursor));
      rows.push(...page.sessions);
      cursor = page.nextCursor;
    } while (cursor && rows.length < 100_000);
    download("sessions.csv", columns.map(({ field, title }) => field ?? title), rows.map((row) => columns.map(({ value }) => value(row))));
    app.set({ isExporting: false });
  } catch (error) {
    app.set({ isExporting: false, moreError: error.message });
  }
}
