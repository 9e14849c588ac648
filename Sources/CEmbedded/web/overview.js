// SPDX-License-Identifier: Apache-2.0
// The first page: what it costs, whether that is too much, who spends it, and who is at work.

import { h } from "./dom.js";
import { changed, parameters, periodLabel, toggled } from "./filters.js";
import { budgetCard, costCard, sessionsCard, tokensCard } from "./cards.js";
import { breakdown, tabs, topModels, topModelsHeight } from "./breakdown.js";
import { emptyState } from "./empty.js";
import { activeBlock, blockCard, currentLimits, limitsCard } from "./limits.js";
import { notices } from "./notices.js";
import { recentSessions } from "./recent.js";
import { costOverTime, seriesDimensions, tokensOverTime } from "./series.js";

const options = ({ route }) => ({
  measure: route.query.get("measure") === "tokens" ? "tokens" : "cost",
  dimension: seriesDimensions.includes(route.query.get("split")) ? route.query.get("split") : "model",
  tab: tabs.includes(route.query.get("tab")) ? route.query.get("tab") : "agent",
});

function summaryParameters(app) {
  const query = parameters(app.route.query, { zone: app.zone });
  const { dimension } = options(app);
  query.set("previous", "true");
  query.set("sessions", "false");
  if (dimension !== "kind") query.set("series", dimension);
  return query;
}

export const overview = {
  name: "overview",
  title: "Overview",
  filters: "all",

  sources(app) {
    const recent = parameters(app.route.query, { zone: app.zone });
    recent.set("sort", "lastSeenAt");
    recent.set("limit", "12");
    const block = parameters(app.route.query, { zone: app.zone });
    for (const name of ["period", "from", "to"]) block.delete(name);
    block.set("active", "true");
    return [
      ["summary", "/api/telemetry/summary?" + summaryParameters(app)], ["recent", "/api/telemetry/sessions?" + recent],
      ["block", "/api/telemetry/blocks?" + block], ["limits", "/api/telemetry/limits?current=true"],
    ];
  },

  stream: (app) => "/api/telemetry/stream?topics=summary,session,notice&" + summaryParameters(app),

  told(app, topic, data) {
    if (topic === "summary") {
      const resource = app.resources.get("summary");
      if (resource) resource.data = { ...resource.data, ...data, sessions: resource.data?.sessions ?? [] };
      refresh(app);
    } else if (topic === "session") {
      const resource = app.resources.get("recent");
      if (resource?.data) resource.data = { ...resource.data, sessions: merged(resource.data.sessions, data.sessions ?? []) };
    } else if (topic === "notice") {
      const known = (app.ui.notices ?? []).filter(({ code, message }) => code !== data.code || message !== data.message);
      app.ui.notices = data.message ? [...known, data].slice(-5) : known;
    }
  },

  view(app) {
    const summary = app.data("summary");
    const recent = app.data("recent");
    if (isEmpty(summary.data, recent.data, app)) return emptyState(app);
    const chosen = options(app);
    const pick = (dimension) => (name) => app.replace(toggled(app.route, dimension, name));
    const label = periodLabel(app.route.query, summary.data);
    return [
      h("h1", { class: "unseen" }, "Overview"),
      notices(app, summary.data),
      h("div", { class: "cards" }, costCard(app, summary, label), budgetCard(app, summary), sessionsCard(app, summary, recent), tokensCard(app, summary)),
      subscription(app),
      h("div", { class: "columns wide-left" },
        costOverTime(app, { resource: summary, ...chosen, onPick: pick(chosen.dimension), onZoom: (from, to) => app.replace(changed(app.route, { period: null, from, to })) }),
        recentSessions(app, recent)),
      h("div", { class: "columns" },
        tokensOverTime(app, summary, (from, to) => app.replace(changed(app.route, { period: null, from, to })), topModelsHeight(summary.data) - 52),
        topModels(app, summary, pick("model"))),
      breakdown(app, summary, chosen.tab, pick(chosen.tab)),
    ];
  },
};

/** The block under way and the limits of subscriptions, as far as there are any. */
function subscription(app) {
  const [block, limits] = [app.data("block"), app.data("limits")];
  const cards = [activeBlock(block) && blockCard(app, block), currentLimits(limits).length > 0 && limitsCard(app, limits)].filter(Boolean);
  return cards.length > 0 && h("div", { class: "cards pair", key: "subscription" }, cards);
}

const refreshInterval = 5_000;
let refreshed = 0;

/** Asks again for what no event tells. */
function refresh(app) {
  const resources = ["block", "limits"].map((name) => app.resources.get(name)).filter((resource) => resource && !resource.loading);
  if (!resources.length || Date.now() - refreshed < refreshInterval) return;
  refreshed = Date.now();
  for (const resource of resources) app.load(resource);
}

/** Nothing was ever counted, and nobody looks for something special. */
const isEmpty = (summary, recent, { route }) =>
  summary && recent && summary.callCount === 0 && recent.total === 0 && route.query.toString() === "";

/** Sessions with newer ones in their place; those not seen before come in front. */
function merged(known, news) {
  const byID = new Map([...known, ...news].map((session) => [session.sessionId, session]));
  return [...byID.values()].sort((a, b) => (a.lastSeenAt < b.lastSeenAt ? 1 : a.lastSeenAt > b.lastSeenAt ? -1 : 0)).slice(0, 12);
}
