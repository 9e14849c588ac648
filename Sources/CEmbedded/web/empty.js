// SPDX-License-Identifier: Apache-2.0
// What stands here before anything was ever counted: how to begin.

import { h } from "./dom.js";

const steps = (origin) => [
  ["Connect your agents", "hammurabi onboard", "Finds Claude Code, Codex, Gemini CLI and others on this machine, shows what it would change, and asks."],
  ["Bring in what is there already", "hammurabi scan", "Reads what your agents keep of their sessions. Safe to repeat: a call counts once."],
  ["Or send an event yourself", `curl ${origin}/api/telemetry/ingest -H 'Content-Type: application/json' \\\n  -d '{"sessionId":"hello","model":"claude-sonnet-4-5","inputTokens":1200,"outputTokens":300}'`, "It appears here a moment later."],
];

const since = Date.now();

/** The first page of a collector without data. */
export function emptyState(app) {
  return h("section", { class: "empty", "aria-labelledby": "empty-title" },
    h("h1", { id: "empty-title" }, "Nothing counted yet"),
    h("p", { class: "lead" }, "This collector listens at ", h("code", null, location.origin), ". Run one of these in a terminal:"),
    h("ol", { class: "steps" }, steps(location.origin).map(([title, command, note]) => h("li", { key: title },
      h("h2", null, title),
      h("div", { class: "command" }, h("code", null, command),
        h("button", { type: "button", class: "button", "aria-label": "Copy the command: " + title, onclick: (event) => copy(app, event.currentTarget, command) }, "Copy")),
      h("p", { class: "note" }, note)))),
    h("p", { class: "waiting", id: "waiting" }, h("span", { class: "pulse", "aria-hidden": "true" }), "Waiting for the first event", h("span", { class: "waiting-time" }, elapsed())));
}

const elapsed = () => {
  const minutes = Math.floor((Date.now() - since) / 60_000);
  return minutes < 1 ? " …" : ` … ${minutes} min`;
};

/** Puts a text into the clipboard and says so on the button. */
export async function copy(app, button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.dataset.done = "true";
    app.say("Copied");
    setTimeout(() => delete button.dataset.done, 1500);
  } catch {
    app.say("The browser does not allow copying");
  }
}
