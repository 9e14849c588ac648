// SPDX-License-Identifier: Apache-2.0
// The two dialogs: which key to show the collector, and which keys to press.

import { h } from "./dom.js";
import { shortcuts } from "./keyboard.js";

const place = () => document.getElementById("dialogs");

/** Asks the reader for an API key; gives null when there is to be none. */
export function askForKey(reason) {
  return new Promise((resolve) => {
    const input = h("input", { type: "password", id: "key", class: "input", autocomplete: "off", spellcheck: "false", required: true, "aria-describedby": "key-note" });
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "key-title" },
      h("form", { onsubmit: (event) => { event.preventDefault(); close(input.value.trim() || null); } },
        h("h2", { id: "key-title" }, "API key"),
        h("p", null, reason === "refused" ? "The collector does not know this key." : "This collector requires a key."),
        h("label", { for: "key" }, "Key with the scope telemetry:read"), input,
        h("p", { id: "key-note", class: "note" }, "Make one with ", h("code", null, "hammurabi keys create --name me --scope read"), ". It is kept in this tab until you close it."),
        h("div", { class: "dialog-buttons" },
          h("button", { type: "button", class: "button", onclick: () => close(null) }, "Not now"),
          h("button", { type: "submit", class: "button main-button" }, "Use this key"))));
    const close = (key) => { dialog.remove(); resolve(key); };
    dialog.oncancel = () => close(null);
    place().append(dialog);
    dialog.showModal();
    input.focus();
  });
}

/** Lists the shortcuts, and lets them be switched off. */
export function showHelp({ isOn, turn }) {
  if (place().querySelector(".help")) return;
  const close = () => dialog.remove();
  const dialog = h("dialog", { class: "dialog help", "aria-labelledby": "help-title", onclose: close, onclick: (event) => { if (event.target === dialog) dialog.close(); } },
    h("h2", { id: "help-title" }, "Keyboard shortcuts"),
    h("dl", { class: "keys" }, shortcuts.map(({ keys, title }) => h("div", null, h("dt", null, keys.map((key) => h("kbd", null, key))), h("dd", null, title)))),
    h("label", { class: "option" }, h("input", { type: "checkbox", checked: isOn(), onchange: (event) => turn(event.target.checked) }), h("span", null, "Shortcuts are on")),
    h("div", { class: "dialog-buttons" }, h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Close")));
  place().append(dialog);
  dialog.showModal();
}
