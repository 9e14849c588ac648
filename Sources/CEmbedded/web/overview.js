// SPDX-License-Identifier: Apache-2.0
// The first page: how the month goes, what needs a look, what it costs and why, who spends it, and who is at work.

import { h } from "./dom.js";
import { changed, parameters, periodLabel, toggled } from "./filters.js";
import { attentionPanel } from "./attention.js";
import { breakdown, tabs, topLists } from "./breakdown.js";
import { costCard, sessionsCard, tokensCard } from "./cards.js";
import { emptyState } from "./empty.js";
import { activeBlock, blockCard, currentLimits, limitsCard } from "./limits.js";
import { monthPanel } from "./month.js";
import { ordered, orderOf, orders, sessionList } from "./recent.js";
import { costByKind, costOverTime, isByHour, seriesDimensions } from "./series.js";

const options = ({ route }) => ({
  measure: route.query.get("measure") === "tokens" ? "tokens" : "cost",
  dimension: seriesDimensions.includes(route.query.get("split")) ? route.query.get("split") : "model",
  tab: tabs.includes(route.query.get("tab")) ? route.query.get("tab") : "agent",
});

/** How many sessions are kept for the panel, so that changes of the order are seen at once. */
const keptSessions = 12;

function summaryParameters(app) {
  const query = parameters(app.route.query, { zone: app.zone });
  const { dimension } = options(app);
  query.set("previous", "true");
  query.set("sessions", "false");
  if (dimension !== "kind") query.set("series", dimension);
  return query;
}

function insightParameters(app) {
  const query = parameters(app.route.query, { zone: app.zone });
  if (isByHour(app.route.query)) {
    query.set("hours", "true");
    const { dimension } = options(app);
    if (dimension !== "kind") query.set("series", dimension);
  }
  return query;
}

export const overview = {
  name: "overview",
  title: "Overview",
  filters: "all",

  sources(app) {
    const recent = parameters(app.route.query, { zone: app.zone });
    recent.set("sort", orders[orderOf(app.route)][1]);
    recent.set("limit", String(keptSessions));
    const block = parameters(app.route.query, { zone: app.zone });
    for (const name of ["period", "from", "to"]) block.delete(name);
    block.set("active", "true");
    return [
      ["summary", "/api/telemetry/summary?" + summaryParameters(app)], ["recent", "/api/telemetry/sessions?" + recent],
      ["insights", "/api/telemetry/insights?" + insightParameters(app)], ["alerts", "/api/telemetry/alerts"],
      ["block", "/api/telemetry/blocks?" + block], ["limits", "/api/telemetry/limits?current=true"],
    ];
  },

  stream: (app) => "/api/telemetry/stream?topics=summary,session,notice&" + summaryParameters(app),

  arrived(app, name, data) {
    // By what the hours are split up is only in the question.
    if (name === "insights") data.dimension = options(app).dimension;
  },

  told(app, topic, data) {
    if (topic === "summary") {
      const resource = app.resources.get("summary");
      const isNews = resource?.data?.callCount !== data.callCount;
      if (resource) resource.data = { ...resource.data, ...data, sessions: resource.data?.sessions ?? [] };
      if (isNews) refresh(app);
    } else if (topic === "session") {
      const resource = app.resources.get("recent");
      if (resource?.data) resource.data = { ...resource.data, sessions: merged(resource.data.sessions, data.sessions ?? [], app) };
    } else if (topic === "notice") {
      const known = (app.ui.notices ?? []).filter(({ code, message }) => code !== data.code || message !== data.message);
      app.ui.notices = data.message ? [...known, data].slice(-5) : known;
      refresh(app);
    }
  },

  view(app) {
    const [summary, recent, insights] = ["summary", "recent", "insights"].map((name) => app.data(name));
    if (isEmpty(summary.data, recent.data, app)) return emptyState(app);
    const chosen = options(app);
    const pick = (dimension) => (name) => app.replace(toggled(app.route, dimension, name));
    const zoom = (from, to) => app.replace(changed(app.route, { period: null, from, to }));
    const label = periodLabel(app.route.query, summary.data);
    return [
      h("h1", { class: "unseen" }, "Overview"),
      h("div", { class: "columns wide-left first-row" }, monthPanel(app, insights), attentionPanel(app, { alerts: app.data("alerts"), insights, summary })),
      h("div", { class: "cards" }, costCard(app, summary, label), sessionsCard(app, summary), tokensCard(app, summary), subscription(app)),
      h("div", { class: "columns wide-left" },
        costOverTime(app, { resource: summary, insights, ...chosen, onPick: pick(chosen.dimension), onZoom: zoom }),
        sessionList(app, recent)),
      topLists(app, insights, chosen.dimension),
      h("div", { class: "columns" }, costByKind(app, insights, zoom, 178), breakdown(app, summary, chosen.tab, chosen.dimension, pick(chosen.tab))),
    ];
  },
};

/** The block under way and the limits of subscriptions, as far as there are any. */
function subscription(app) {
  const [block, limits] = [app.data("block"), app.data("limits")];
  return [activeBlock(block) && blockCard(app, block), currentLimits(limits).length > 0 && limitsCard(app, limits)];
}

const refreshInterval = 5_000;
let refreshed = 0;
let later = null;

/** Asks again for what no event tells, from time to time: at once, and once more after the interval for what came meanwhile. */
function refresh(app) {
  const wait = refreshed + refreshInterval - Date.now();
  if (wait > 0) {
    later ??= setTimeout(() => { later = null; refresh(app); }, wait);
    return;
  }
  if (app.page !== overview || document.hidden) return;
  refreshed = Date.now();
  for (const name of ["insights", "alerts", "block", "limits"]) {
    const resource = app.resources.get(name);
    if (resource && !resource.loading) app.load(resource);
  }
}

/** Nothing was ever counted, and the reader looks for nothing special. */
const isEmpty = (summary, recent, { route }) =>
  summary && recent && summary.callCount === 0 && recent.total === 0 && route.query.toString() === "";

/** Sessions with newer ones in their place, in the order of the panel. */
function merged(known, news, { route }) {
  const byID = new Map([...known, ...news].map((session) => [session.sessionId, session]));
  return ordered([...byID.values()], orderOf(route)).slice(0, keptSessions);
}
