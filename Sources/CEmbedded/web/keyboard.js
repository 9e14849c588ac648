// SPDX-License-Identifier: Apache-2.0
// Shortcuts. Single letters can be in the way of those who speak to their machine, so they can be switched off.

import { address } from "./filters.js";
import { moveRow } from "./table.js";

const storageName = "hammurabi.shortcuts";

/** What there is to press. */
export const shortcuts = [
  { keys: ["Ctrl", "K"], title: "Go to anything (⌘K on a Mac)" },
  { keys: ["/"], title: "Search sessions" },
  { keys: ["g", "o"], title: "Overview" },
  { keys: ["g", "s"], title: "Sessions" },
  { keys: ["g", "m"], title: "Compare" },
  { keys: ["g", "u"], title: "People" },
  { keys: ["g", "b"], title: "Limits and budgets" },
  { keys: ["g", "r"], title: "Report of the month" },
  { keys: ["g", "p"], title: "Pipelines" },
  { keys: ["g", "c"], title: "Prices" },
  { keys: ["g", "q"], title: "Data quality" },
  { keys: ["j", "k"], title: "Next and previous row" },
  { keys: ["Enter"], title: "Open the row" },
  { keys: ["Esc"], title: "Back, or close what is open" },
  { keys: ["t"], title: "Theme: system, light, dark" },
  { keys: ["?"], title: "This list" },
];

const destinations = { o: "overview", s: "sessions", u: "people", r: "report", m: "compare", b: "budgets", p: "pipelines", c: "prices", q: "quality" };

/** Whether shortcuts are on. */
export function isOn() {
  try { return localStorage.getItem(storageName) !== "off"; }
  catch { return true; }
}

/** Switches them on or off. */
export function turn(on) {
  try { on ? localStorage.removeItem(storageName) : localStorage.setItem(storageName, "off"); }
  catch { /* They stay as they are. */ }
}

/** Listens to the keys of the document. */
export function listen(app) {
  let isGoing = false;
  let timer;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return escape(app, event);
    // With a modifier it is in no one's way, so that it works without shortcuts, too.
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      return app.palette();
    }
    if (!isOn() || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (isGoing && destinations[event.key]) app.go(address(destinations[event.key], app.route.query));
    else if (event.key === "g") {
      clearTimeout(timer);
      timer = setTimeout(() => { isGoing = false; }, 1500);
      isGoing = true;
      return;
    } else if (event.key === "/") search(app);
    else if (event.key === "j" || event.key === "k") moveRow(event.key === "j" ? 1 : -1);
    else if (event.key === "t") app.turnTheme();
    else if (event.key === "?") app.help();
    else { isGoing = false; return; }
    isGoing = false;
    event.preventDefault();
  });
}

const isTyping = (target) => target instanceof Element && target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");

function search(app) {
  const field = document.getElementById("search");
  if (field) return field.select();
  app.ui.wantsSearch = true;
  app.go(address("sessions", app.route.query));
}

function escape(app, event) {
  if (document.querySelector("dialog[open]")) return;
  if (app.ui.open) {
    const button = document.querySelector(".drop-button[aria-expanded=true]");
    app.set({ open: null });
    button?.focus();
  } else if (isTyping(event.target)) event.target.blur();
  else if (app.page.parent) app.go(address(app.page.parent, app.route.query));
}
