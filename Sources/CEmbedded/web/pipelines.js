// SPDX-License-Identifier: Apache-2.0
// The collector itself: what flows where, how fast, and what does not get on.

import { h } from "./dom.js";
import { address } from "./filters.js";
import { ago, bytes, count, duration, plural, rate, utc } from "./format.js";
import { blank, panel } from "./panel.js";
import { table } from "./table.js";

const counted = ["accepted", "refused", "sent", "failed", "dropped"];
const columnsOf = { receiver: "receivers", processor: "processors", exporter: "exporters" };

export const pipelines = {
  name: "pipelines",
  title: "Pipelines",

  sources: () => [["status", "/api/telemetry/pipelines"]],
  stream: () => "/api/telemetry/stream?topics=pipeline",
  arrived: (app, name, data) => measure(app, data),

  told(app, topic, data) {
    const resource = app.resources.get("status");
    if (topic !== "pipeline" || !resource) return;
    Object.assign(resource, { data, error: null, loading: false });
    measure(app, data);
  },

  view(app) {
    const status = app.data("status");
    return [
      h("div", { class: "page-head" }, h("h1", null, "Pipelines"), status.data && h("span", { class: "page-count" }, facts(status.data))),
      panel(app, { id: "flow", title: "Flow", resource: status, lines: 8, why: "Records that each component took in this pipeline: how many a second, measured between two updates, and since the start. What a component did in all its pipelines together is in the table below.",
        body: (data) => data.pipelines?.length ? h("div", { class: "flows" }, data.pipelines.map((pipeline) => flow(app, pipeline, data))) : blank("No pipeline runs.") }),
      panel(app, { id: "remarks", title: "Remarks", resource: status, lines: 2, why: "What did not arrive as it should, since the start of the collector: requests that were refused, records that were misplaced or dropped, senders that deviate from OTLP; with the next step.",
        body: (data) => remarks(app, data) }),
      panel(app, { id: "components", title: "Components", resource: status, lines: 8, why: "Counted in records since the start of the collector.",
        body: (data) => data.components?.length ? components(data) : blank("No component runs.") }),
    ];
  },
};

const facts = ({ version, uptimeSeconds, startedAt, memory }) => [
  version && "version " + version,
  uptimeSeconds > 0 && h("span", { title: startedAt ? "since " + utc(startedAt) : null }, "up " + duration(uptimeSeconds * 1000)),
  memory && h("span", null, bytes(memory.usedBytes) + " in flight" + (memory.limitBytes > 0 ? " of " + bytes(memory.limitBytes) : "")),
].filter(Boolean).flatMap((item, index) => (index ? [" · ", item] : [item]));

/** How fast each counter moves since the update before; rates of less than half a second would only be noise. */
function measure(app, data) {
  const now = performance.now();
  const before = app.ui.measured;
  const seconds = before ? (now - before.at) / 1000 : 0;
  if (before && seconds < 0.5) return;
  const counts = new Map((data.pipelines ?? []).flatMap((pipeline) =>
    Object.entries(pipeline.accepted ?? {}).flatMap(([kinds, parts]) => Object.entries(parts).map(([id, accepted]) => [passage(pipeline.name, kinds, id), accepted]))));
  const rates = new Map();
  // A count that went back belongs to a component that was restarted.
  if (before) for (const [id, accepted] of counts) if (before.counts.has(id)) rates.set(id, Math.max(0, accepted - before.counts.get(id)) / seconds);
  app.ui.measured = { at: now, counts, rates };
}

const passage = (pipeline, kinds, id) => [pipeline, kinds, id].join(" ");

const key = ({ kind, id }) => kind + " " + id;

function flow(app, pipeline, data) {
  const box = (kind) => (id) => {
    const component = (data.components ?? []).find((item) => item.kind === kind && item.id === id) ?? { kind, id, state: "ok" };
    return node(component, pipeline.accepted?.[columnsOf[kind]]?.[id], app.ui.measured?.rates.get(passage(pipeline.name, columnsOf[kind], id)));
  };
  const stage = (kind) => h("ul", { class: "stage " + kind, "aria-label": columnsOf[kind] }, (pipeline[columnsOf[kind]] ?? []).map((id) => h("li", { key: id }, box(kind)(id))));
  return h("section", { class: "flow", "aria-label": "Pipeline " + pipeline.name, key: pipeline.name },
    h("h3", { class: "flow-name" }, pipeline.name, pipeline.signal && pipeline.signal !== pipeline.name && h("span", { class: "fine" }, pipeline.signal)),
    h("div", { class: "chain" }, stage("receiver"), h("span", { class: "flow-arrow", "aria-hidden": "true" }),
      pipeline.processors?.length > 0 && [stage("processor"), h("span", { class: "flow-arrow", "aria-hidden": "true" })], stage("exporter")));
}

function node(component, accepted, perSecond) {
  const { id, state, reason, queue } = component;
  const trouble = ["refused", "failed"].filter((name) => component[name] > 0);
  return h("div", { class: "node " + state, title: reason ?? null },
    h("span", { class: "node-name" }, h("span", { class: "state-dot " + state, role: "img", "aria-label": state }), id),
    h("span", { class: "node-rate" }, rate(perSecond), h("span", { class: "node-total" }, count(accepted))),
    trouble.map((name) => h("span", { class: "node-trouble" }, count(component[name]) + " " + name)),
    queue && h("span", { class: "node-queue" }, (queue.batches === 1 ? "1 batch waits" : count(queue.batches) + " batches wait")));
}

/** What was refused, misplaced or dropped, and by whom; and components whose counts say so. Dropping is what some processors are for. */
function remarks(app, { components: list = [], intakeProblems = [] }) {
  const counts = list.flatMap((component) => ["refused", "dropped", "deviations"].filter((name) => component[name] > 0 && !(name === "dropped" && component.kind === "processor")).map((name) => ({ component, name, number: component[name] })));
  if (!intakeProblems.length && !counts.length) return blank("Everything that arrived was taken and read.");
  return h("ul", { class: "plain-list" },
    intakeProblems.map(({ code, subject, client, signal, message, next, firstSeenAt, lastSeenAt }) => h("li", { key: [code, subject, client, signal].join("|") },
      h("span", null, message, h("br"), h("span", { class: "fine" }, "Next: " + next)),
      h("time", { datetime: lastSeenAt, title: "first " + utc(firstSeenAt) + ", last " + utc(lastSeenAt) }, ago(lastSeenAt)))),
    counts.map(({ component, name, number }) => h("li", { key: key(component) + name },
      h("span", null, component.kind + " ", h("strong", null, component.id), ": " + words[name](number)),
      name === "dropped" && h("a", { href: address("quality", app.route.query) }, "See data quality"))));
}

const words = {
  refused: (number) => plural(number, "record") + (number === 1 ? " was" : " were") + " refused",
  dropped: (number) => plural(number, "record") + (number === 1 ? " was" : " were") + " dropped",
  deviations: (number) => plural(number, "deviation") + " from OTLP in what was taken",
};

/** Components in the order in which records pass them. */
const inOrder = (list) => [...list].sort((a, b) => places.indexOf(a.kind) - places.indexOf(b.kind));
const places = ["receiver", "processor", "connector", "exporter", "extension"];

const components = ({ components: list }) => h("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": "Table of components" }, table({
  caption: "Components", rows: inOrder(list), key, kind: "components-table",
  columns: [
    { key: "id", title: "Component", cell: ({ kind, id }) => [h("span", { class: "name" }, id), h("span", { class: "fine" }, " " + kind)], hint: ({ location }) => location },
    { key: "state", title: "State", kind: "state-cell", cell: ({ state, reason }) => [h("span", { class: "state " + state }, state), reason && h("span", { class: "reason" }, reason)] },
    ...counted.map((name) => ({ key: name, title: name[0].toUpperCase() + name.slice(1), number: true, cell: (component) => (component[name] ? h("span", { class: ["refused", "failed"].includes(name) ? "bad-text" : "" }, count(component[name])) : h("span", { class: "zero" }, "0")) })),
    { key: "queue", title: "Queue", kind: "queue-cell", cell: ({ queue }) => (queue ? queueState(queue) : "") },
    { key: "error", title: "Last error", kind: "error-cell", cell: ({ lastError }) => lastError && [h("span", { class: "error-text" }, lastError.message), h("span", { class: "fine", title: utc(lastError.time) }, " " + (lastError.count > 1 ? count(lastError.count) + " times, last " : "") + ago(lastError.time))] },
    { key: "stability", title: "Stability", cell: ({ stability }) => stability ?? "" },
    { key: "place", title: "Declared", kind: "text-cell", cell: ({ location }) => (location ? h("code", null, location.split("/").at(-1)) : ""), hint: ({ location }) => location },
  ],
}));

function queueState({ batches, bytes: size, capacityBytes, oldestAgeSeconds, stuckSeconds }) {
  const parts = [count(batches) + (batches === 1 ? " batch" : " batches"), bytes(size) + (capacityBytes > 0 ? " of " + bytes(capacityBytes) : "")];
  if (oldestAgeSeconds > 0) parts.push("oldest " + duration(oldestAgeSeconds * 1000));
  return [h("span", null, parts.join(" · ")), stuckSeconds > 0 && h("span", { class: "bad-text" }, " stuck for " + duration(stuckSeconds * 1000))];
}
