// SPDX-License-Identifier: Apache-2.0
// What stands around every page: the name, the ways to the pages, the state of the connection, the theme.

import { h, s } from "./dom.js";
import { address } from "./filters.js";

const states = {
  connecting: ["Connecting", "Waiting for the collector"],
  live: ["Live", "Every change is shown as it comes"],
  polling: ["Polling", "This collector has no stream; it is asked every 10 seconds"],
  reconnecting: ["Reconnecting", "The connection is lost; trying again"],
  paused: ["Paused", "Nothing changes until you go on"],
};

/** The header. */
export function header(app, pages) {
  const { route } = app;
  return [
    h("a", { class: "brand", href: address("overview", route.query), "aria-label": "Telemetry Hub, overview" }, stele(), h("span", { class: "brand-name" }, "Telemetry Hub")),
    h("nav", { class: "nav", "aria-label": "Pages" }, h("ul", null, pages.filter(({ title }) => title).map((page) =>
      h("li", { key: page.name }, h("a", { href: address(page.name, route.query), "aria-current": (app.page.parent ?? app.page.name) === page.name ? "page" : null }, page.title))))),
    h("div", { class: "tools" }, h("button", { type: "button", class: "button find-button", "aria-haspopup": "dialog", "aria-label": "Go to a page, session, person or model", title: "Go to anything (Ctrl+K, ⌘K)", onclick: () => app.palette() }, s("svg", { width: 15, height: 15, viewBox: "0 0 15 15", "aria-hidden": "true", class: "find-glass" }, s("circle", { cx: 6.2, cy: 6.2, r: 4.4 }), s("path", { d: "M9.6 9.6l3.6 3.6" })), h("span", { class: "find-text" }, "Go to…"), h("kbd", { "aria-hidden": "true" }, /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘K" : "Ctrl K")), pill(app), themeButton(app),
      h("button", { type: "button", class: "tool", "aria-label": "Keyboard shortcuts", title: "Keyboard shortcuts (?)", onclick: () => app.help() }, "?")),
  ];
}

function pill(app) {
  const [title, hint] = states[app.live.state] ?? states.connecting;
  const isPaused = app.live.isPaused;
  return h("button", { type: "button", class: "pill " + app.live.state, title: hint + (isPaused ? "; press to go on" : "; press to pause"), "aria-pressed": String(isPaused), "aria-label": "Updates: " + title, onclick: () => app.live.pause(!isPaused) },
    h("span", { class: "pill-dot", "aria-hidden": "true" }), h("span", { class: "pill-text" }, title));
}

function themeButton(app) {
  const names = { auto: "as the system", light: "light", dark: "dark" };
  return h("button", { type: "button", class: "tool", "aria-label": "Theme: " + names[app.theme], title: "Theme: " + names[app.theme] + " (t)", onclick: () => app.turnTheme() },
    s("svg", { width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": "true", class: "theme-" + app.theme },
      s("circle", { cx: 8, cy: 8, r: 6.25, class: "theme-ring" }), s("path", { d: app.theme === "light" ? "M8 4.5a3.5 3.5 0 1 1 0 7a3.5 3.5 0 0 1 0-7z" : app.theme === "dark" ? "M8 1.75a6.25 6.25 0 1 1 0 12.5a6.25 6.25 0 0 1 0-12.5z" : "M8 1.75a6.25 6.25 0 0 1 0 12.5z", class: "theme-fill" })));
}

/** The stone of the laws, with four lines on it. */
const stele = () =>
  s("svg", { width: 20, height: 22, viewBox: "0 0 20 22", "aria-hidden": "true", class: "stele" },
    s("path", { d: "M4 21V7a6 6 0 0 1 12 0v14z" }),
    s("path", { class: "stele-lines", d: "M7.5 8.5h5M7.5 11.5h5M7.5 14.5h5M7.5 17.5h3" }));
