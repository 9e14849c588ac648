// SPDX-License-Identifier: Apache-2.0
// The page of an address that leads nowhere.

import { h } from "./dom.js";
import { address } from "./filters.js";

export const missing = {
  name: "missing",
  heading: () => "No such page",
  sources: () => [],
  stream: () => "/api/telemetry/stream?topics=notice",

  view: (app) => h("section", { class: "empty", "aria-labelledby": "missing-title" },
    h("h1", { id: "missing-title" }, "There is no such page"),
    h("p", { class: "lead" }, "The address ", h("code", null, location.hash), " leads nowhere."),
    h("p", { class: "missing-ways" }, h("a", { class: "button", href: address("overview", app.route.query) }, "Overview"), h("a", { class: "button", href: address("sessions", app.route.query) }, "Sessions"),
      h("button", { type: "button", class: "button", onclick: () => app.palette() }, "Go to…"))),
};
