// SPDX-License-Identifier: Apache-2.0
// What a million tokens cost, and which models nobody knows the price of.

import { ask } from "./api.js";
import { h } from "./dom.js";
import { address, changed } from "./filters.js";
import { ago, count, modelName, money, nothing, plural, utc } from "./format.js";
import { blank, choices, panel, plainTable } from "./panel.js";
import { table } from "./table.js";

const rates = [["inputPerMillion", "Input"], ["outputPerMillion", "Output"], ["cacheReadPerMillion", "Cache read"], ["cacheWrite5mPerMillion", "Cache write 5m"], ["cacheWrite1hPerMillion", "Cache write 1h"]];
const most = 200;

export const prices = {
  name: "prices",
  title: "Prices",

  sources: () => [
    ["prices", "/api/telemetry/prices"], ["used", "/api/telemetry/summary?period=90d&sessions=false"],
  ],
  stream: () => "/api/telemetry/stream?topics=notice",

  told(app, topic, { code }) {
    const resource = app.resources.get("prices");
    if (code === "unpriced" && resource?.data && !resource.loading) app.load(resource);
  },

  view(app) {
    const resource = app.data("prices");
    const used = app.data("used");
    const names = usedNames(used.data, resource.data);
    return [
      h("div", { class: "page-head" }, h("h1", null, "Prices"), resource.data && h("span", { class: "page-count" }, count(resource.data.models?.length ?? 0) + " models in the table"),
        h("a", { class: "quiet all-link", href: address("compare", app.route.query) }, "What if another model had answered?")),
      panel(app, { id: "unpriced", title: "Models without a price", resource, lines: 3, why: "Models that were called and are not in the price table. Their tokens are counted, their cost is not known: it is shown as – and never as zero.", body: (data) => unpriced(app, data) }),
      panel(app, { id: "rates", title: "Price table", resource: used.data || used.error ? resource : { loading: true }, lines: 10, why: "US dollars per million tokens, as the pricing processor uses them: the built-in table or the one that the configuration names, with its overrides.", actions: [scope(app, names), search(app)], body: (data) => list(app, data, names) }),
    ];
  },
};

function unpriced(app, { unpriced: models = [] }) {
  if (!models.length) return blank("None: every model that was called has a price.");
  return [
    h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Table of models without a price" }, table({
      caption: "Models without a price", rows: models, key: ({ model }) => model,
      columns: [
        { key: "model", title: "Model", cell: ({ model }) => model },
        { key: "calls", title: "Calls", number: true, cell: ({ calls }) => count(calls) },
        { key: "seen", title: "Last seen", number: true, cell: ({ lastSeenAt }) => (lastSeenAt ? ago(lastSeenAt) : nothing), hint: ({ lastSeenAt }) => utc(lastSeenAt) },
      ],
    })),
    h("div", { class: "hint" }, h("p", null, "Give them a price in the configuration, in dollars per million tokens; then reload and recompute:"),
      h("pre", { tabindex: "0", "aria-label": "Configuration to add" }, "processors:\n  pricing:\n    overrides:\n" + models.slice(0, 5).map(({ model }) => `      - { model: ${JSON.stringify(model)}, input: …, output: …, cache_read: … }`).join("\n")),
      h("div", { class: "more" }, h("button", { type: "button", class: "button", disabled: app.ui.isRepricing, onclick: () => reprice(app) }, app.ui.isRepricing ? "Recomputing…" : "Recompute stored costs"),
        app.ui.repriced && h("span", { class: "fine", role: "status" }, app.ui.repriced))),
  ];
}

async function reprice(app) {
  app.set({ isRepricing: true, repriced: null });
  try {
    const { repriced } = await ask("/api/telemetry/reprice", { method: "POST", fields: { "Content-Type": "application/json" } });
    app.set({ isRepricing: false, repriced: plural(repriced ?? 0, "call") + " changed" });
    app.load(app.resources.get("prices"));
  } catch (error) {
    app.set({ isRepricing: false, repriced: error.message });
  }
}

const search = (app) => h("input", { type: "search", class: "input", id: "search", placeholder: "Search models", "aria-label": "Search models", value: app.route.query.get("q") ?? "", autocomplete: "off", spellcheck: "false", oninput: (event) => app.replace(changed(app.route, { q: event.target.value.trim() || null })) });

/** The names in the table of models that were called in the last 90 days, with the date of their release or without. */
function usedNames(summary, prices) {
  const called = new Set(Object.keys(summary?.byModel ?? {}).flatMap((name) => [name, modelName(name)]));
  return new Set((prices?.models ?? []).map(({ model }) => model).filter((model) => called.has(model)));
}

const showsAll = ({ route }, names) => names.size === 0 || route.query.get("show") === "all";

const scope = (app, names) => names.size > 0 && choices("Models", [
  { title: "Called here", href: changed(app.route, { show: null, q: null }), isChosen: !showsAll(app, names) && !app.route.query.has("q") },
  { title: "All", href: changed(app.route, { show: "all" }), isChosen: showsAll(app, names) || app.route.query.has("q") }]);

function list(app, { models = [] }, names) {
  const text = (app.route.query.get("q") ?? "").toLowerCase();
  const shown = showsAll(app, names) || text ? models : models.filter(({ model }) => names.has(model));
  const { sort = "model", order = "asc" } = app.ui.prices ?? {};
  const found = shown.filter(({ model, provider }) => (model + " " + (provider ?? "")).toLowerCase().includes(text)).sort((a, b) => {
    const [left, right] = [a[sort] ?? (sort === "model" || sort === "provider" ? "" : -1), b[sort] ?? (sort === "model" || sort === "provider" ? "" : -1)];
    return (left < right ? -1 : left > right ? 1 : 0) * (order === "asc" ? 1 : -1) || (a.model < b.model ? -1 : 1);
  });
  if (!found.length) return blank(text ? "No model in the table has this in its name." : "The table is empty.");
  return [
    h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Table of prices" }, table({
      caption: "Prices in dollars per million tokens", rows: found.slice(0, most), key: ({ model, provider, from }) => model + "|" + (provider ?? "") + "|" + (from ?? ""), sort, order,
      onSort: (next, way) => app.set({ prices: { sort: next, order: way } }),
      columns: [
        { key: "model", title: "Model", sort: "model", cell: ({ model }) => model },
        { key: "provider", title: "Provider", sort: "provider", cell: ({ provider }) => provider ?? "" },
        ...rates.map(([key, title]) => ({ key, title, sort: key, number: true, cell: (row) => perMillion(row[key]) })),
        { key: "from", title: "Valid from", number: true, cell: ({ from }) => from ?? "" },
      ],
    })),
    found.length > most && h("p", { class: "fine more" }, "The first " + count(most) + " of " + count(found.length) + "; search for others."),
  ];
}

/** Two decimals, or as many as it has. */
function perMillion(dollars) {
  if (dollars === null || dollars === undefined) return h("span", { class: "zero" }, nothing);
  const text = dollars.toFixed(2);
  return "$" + (Number(text) === dollars ? text : String(Number(dollars.toPrecision(4))));
}
