// SPDX-License-Identifier: Apache-2.0
// Holds the page together: which page is shown, what it has been told, and when it is drawn again.

import { ask, APIError, useKeyDialog } from "./api.js";
import { askForKey, showHelp } from "./dialogs.js";
import { h, paintAll, patch } from "./dom.js";
import { filterBar } from "./filterbar.js";
import { parameters, parse } from "./filters.js";
import { header } from "./frame.js";
import { isOn, listen, turn } from "./keyboard.js";
import { Live } from "./live.js";
import { hideTip } from "./tip.js";
import { openPalette } from "./palette.js";
import { overview } from "./overview.js";
import { compare } from "./compare.js";
import { missing } from "./missing.js";
import { sessions } from "./sessions.js";
import { session } from "./session.js";
import { people } from "./people.js";
import { budgets } from "./budgets.js";
import { report } from "./report.js";
import { pipelines } from "./pipelines.js";
import { prices } from "./prices.js";
import { quality } from "./quality.js";

const pages = [overview, sessions, session, people, compare, budgets, report, pipelines, prices, quality];
/** Other addresses of pages: `#/sessions/ID` is what the API calls a session. */
const aliases = { sessions: ({ id }) => (id === null ? null : "session") };
const themes = ["auto", "light", "dark"];
const element = (id) => document.getElementById(id);

/** What pages see. A resource is `{ path, data, error, loading }`; `data` stays while newer data is on its way. */
const app = {
  route: parse(location.hash),
  page: overview,
  ui: {},
  resources: new Map(),
  zone: undefined,
  version: undefined,
  theme: document.documentElement.dataset.theme ?? "auto",

  /** What is known under a name. */
  data: (name) => app.resources.get(name) ?? { loading: true },
  /** Changes what only the page itself knows, and draws. */
  set(changes) { Object.assign(app.ui, changes); draw(); },
  /** Goes to an address, or changes the present one. */
  go(address) { location.hash = address; },
  replace(address) { history.replaceState(null, "", address); arrive(); },
  /** Asks again for a resource. */
  load,
  draw: () => draw(),
  say,
  help: () => showHelp({ isOn, turn }),
  palette: () => openPalette(app, pages),
  turnTheme,
};

app.live = new Live({ told, changed: (state) => { say("Updates: " + state); draw(); }, poll: () => reload() });

// Data

/** Asks for what a page needs and has not got; what it no longer needs is forgotten. */
function prepare() {
  const wanted = new Map(app.page.sources(app));
  if (app.page.filters) wanted.set("facets", "/api/telemetry/summary?sessions=false&" + parameters(app.route.query, { zone: app.zone, periodOnly: true }));
  for (const [name, resource] of app.resources) {
    if (!wanted.has(name)) { resource.abort?.abort(); app.resources.delete(name); }
  }
  for (const [name, path] of wanted) {
    const known = app.resources.get(name);
    if (known?.path === path) continue;
    known?.abort?.abort();
    // The same thing under other filters is shown until the answer is there; another thing is not.
    const keeps = known && app.page.keeps !== false;
    const resource = { name, path, data: keeps ? known.data : undefined, error: null, loading: true };
    app.resources.set(name, resource);
    load(resource);
  }
  app.live.follow(app.page.stream?.(app) ?? null);
}

async function load(resource) {
  resource.abort?.abort();
  const abort = new AbortController();
  Object.assign(resource, { abort, loading: true, error: null });
  draw();
  try {
    const data = await ask(resource.path, { signal: abort.signal });
    if (abort.signal.aborted) return;
    Object.assign(resource, { data, loading: false });
    app.page.arrived?.(app, resource.name, data);
    if (typeof data.timezone === "string" && !app.route.query.has("timezone")) app.zone = data.timezone;
  } catch (error) {
    if (abort.signal.aborted) return;
    if (!(error instanceof APIError)) console.error(error);
    Object.assign(resource, { error, loading: false });
  }
  drawArrived();
}

const reload = () => Promise.all([...app.resources.values()].map(load));

function told(topic, data) {
  app.page.told?.(app, topic, data);
  draw();
}

// Drawing

let isDrawing = false;

/** Draws soon, once, however often it is asked. */
function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => { isDrawing = false; drawNow(); });
}

/** How long in milliseconds an answer waits for others that are on their way: a draw takes longer than the answers are apart. */
const together = 40;
let arriving = null;

/** Draws what has arrived: at once when nothing else is on its way, else with what comes meanwhile. */
function drawArrived() {
  if ([...app.resources.values()].some(({ loading }) => loading)) {
    arriving ??= setTimeout(() => { arriving = null; draw(); }, together);
    return;
  }
  clearTimeout(arriving);
  arriving = null;
  draw();
}

function drawNow() {
  const { page } = app;
  patch(element("header"), header(app, pages));
  patch(element("bar"), page.filters ? [filterBar(app, { facets: app.data("facets").data, periodOnly: page.filters === "period" })] : []);
  patch(element("main"), [h("div", { class: "page page-" + page.name, key: page.name + (app.route.id ?? "") }, page.view(app))]);
  patch(element("footer"), [h("span", null, "Telemetry Hub", app.version ? " " + app.version : ""),
    h("a", { href: "/docs/components" }, "Documentation of the components")]);
  paintAll(document);
  document.title = (page.heading?.(app) ?? page.title) + " · Telemetry Hub";
  page.drawn?.(app);
}

// Places

function arrive() {
  const before = app.page;
  // The skip link is not a place.
  if (location.hash === "#main") return;
  app.route = parse(location.hash);
  app.route.page = aliases[app.route.page]?.(app.route) ?? app.route.page;
  app.page = pages.find(({ name }) => name === app.route.page) ?? missing;
  if (app.page !== before) {
    app.ui = { wantsSearch: app.ui.wantsSearch };
    for (const resource of app.resources.values()) resource.abort?.abort();
    app.resources.clear();
    scrollTo(0, 0);
    say(app.page.title ?? app.page.name);
    if (!app.ui.wantsSearch) element("main").focus({ preventScroll: true });
  }
  hideTip();
  prepare();
  draw();
}

addEventListener("hashchange", arrive);
element("skip").onclick = (event) => { event.preventDefault(); element("main").focus(); };
document.addEventListener("pointerdown", (event) => {
  if (app.ui.open && !event.target.closest(".drop")) app.set({ open: null });
});

// Speaking

let spoken = { text: "", at: 0, timer: null };

/** Says something to those who listen, at most every three seconds, the newest only. */
function say(text) {
  spoken.text = text;
  spoken.timer ??= setTimeout(() => {
    element("spoken").textContent = spoken.text;
    spoken = { text: "", at: performance.now(), timer: null };
  }, Math.max(150, spoken.at + 3000 - performance.now()));
}

// Theme

function turnTheme() {
  app.theme = themes[(themes.indexOf(app.theme) + 1) % themes.length];
  if (app.theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = app.theme;
  try { app.theme === "auto" ? localStorage.removeItem("hammurabi.theme") : localStorage.setItem("hammurabi.theme", app.theme); }
  catch { /* It holds until the page is closed. */ }
  say("Theme: " + app.theme);
  draw();
}

useKeyDialog(askForKey);
listen(app);
arrive();
ask("/api/health").then(({ version }) => { app.version = version; draw(); }, () => {});
// Times that say how long ago something was go on by themselves.
setInterval(() => { if (!document.hidden && !app.live.isPaused) draw(); }, 15_000);
