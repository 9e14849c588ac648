// SPDX-License-Identifier: Apache-2.0
// Goes to anything by typing a part of its name: pages, periods, people, projects, models, sessions.

import { ask } from "./api.js";
import { h, patch } from "./dom.js";
import { address, changed, dimensionNamed, parameters, toggled } from "./filters.js";
import { ago, cost, money, shownName } from "./format.js";
import { shortcuts } from "./keyboard.js";
import { sessionName, stateDot } from "./recent.js";

/** What can be filtered by from here, in this order. */
const named = ["user", "team", "project", "model", "agent", "branch", "machine"];
const mostOfGroup = 6;
const pause = 120;

/** Opens it, or closes it when it is open. */
export function openPalette(app, pages) {
  const place = document.getElementById("dialogs");
  const open = place.querySelector(".palette");
  if (open) return open.close();
  const state = { text: "", chosen: 0, names: app.data("facets").data ?? null, sessions: [], isSearching: false };
  let timer = null;
  let abort = null;

  const input = h("input", { type: "text", class: "palette-input", id: "palette-input", role: "combobox", placeholder: "Page, person, project, model, session…", "aria-label": "Go to", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false" });
  const list = h("div", { class: "palette-list", id: "palette-list", role: "listbox", "aria-label": "Results", tabindex: "-1" });
  const said = h("p", { class: "unseen", role: "status" });
  const dialog = h("dialog", { class: "dialog palette", "aria-label": "Go to anything", onclick: (event) => { if (event.target === dialog) dialog.close(); } }, input, list, said);
  dialog.onclose = () => { clearTimeout(timer); abort?.abort(); dialog.remove(); };

  input.oninput = () => { state.text = input.value.trim(); state.chosen = 0; search(); draw(); };
  input.onkeydown = (event) => {
    const all = flat();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) { state.chosen = (state.chosen + step + all.length) % all.length; draw(); event.preventDefault(); }
    else if (event.key === "Enter") { event.preventDefault(); if (all[state.chosen]) choose(all[state.chosen]); }
  };

  const flat = () => groups().flatMap(({ items }) => items);

  function groups() {
    const { text } = state;
    const route = { ...app.route, page: "overview", id: null };
    const result = [
      { title: "Pages", items: found(pages.filter(({ title }) => title).map((page) => ({ key: "page " + page.name, title: page.title, note: keysOf(page.title), act: () => app.go(address(page.name, app.route.query)) })), text) },
    ];
    if (text) {
      for (const dimension of named) {
        const { title, share } = dimensionNamed(dimension);
        const items = Object.entries(state.names?.[share] ?? {}).filter(([name]) => name !== "unknown" && name !== "other").map(([name, { cost: dollars }]) => ({
          key: dimension + " " + name, title: shownName(dimension, name), alias: name, note: money(dollars),
          act: () => app.go(app.route.query.getAll(dimension).includes(name) ? changed(route, {}) : toggled(route, dimension, name)),
        }));
        result.push({ title: title === "User" ? "People" : title + "s", items: found(items, text) });
      }
      // They come last, because they come later: what is chosen stays where it is.
      result.push({ title: "Sessions", items: state.sessions.map((session) => ({ key: "session " + session.sessionId, title: sessionName(session), mark: stateDot(session.status), note: [session.user && shownName("user", session.user), session.project, ago(session.lastSeenAt), cost(session)].filter(Boolean).join(" · "), act: () => app.go(address("session", app.route.query, {}, session.sessionId)) })) });
    }
    result.push({ title: "Period", items: found([["today", "Today"], ["7d", "Last 7 days"], ["30d", "Last 30 days"], ["90d", "Last 90 days"], ["this-month", "This month"], ["last-month", "Last month"]].map(([name, title]) => ({
      key: "period " + name, title, act: () => app.go(changed(app.page.filters ? app.route : route, { period: name, from: null, to: null })),
    })), text, text ? mostOfGroup : 0) });
    result.push({ title: "Actions", items: found([
      { title: "Copy the link of this view", act: copyLink }, { title: "Turn the theme: system, light, dark", note: "t", act: () => app.turnTheme() },
      { title: app.live.isPaused ? "Go on with updates" : "Pause updates", act: () => app.live.pause(!app.live.isPaused) },
      { title: "Keyboard shortcuts", note: "?", act: () => app.help() }, { title: "Documentation", act: () => { location.href = "/docs/components"; } },
    ].map((item) => ({ key: "action " + item.title, ...item })), text) });
    return result.filter(({ items }) => items.length);
  }

  async function copyLink() {
    try { await navigator.clipboard.writeText(location.href); app.say("Copied"); }
    catch { app.say("The browser does not allow copying"); }
  }

  function search() {
    clearTimeout(timer);
    abort?.abort();
    if (!state.text) { state.sessions = []; state.isSearching = false; return; }
    state.isSearching = true;
    timer = setTimeout(async () => {
      abort = new AbortController();
      const { signal } = abort;
      try {
        const { sessions } = await ask("/api/telemetry/sessions?" + new URLSearchParams({ q: state.text, limit: String(mostOfGroup) }), { signal });
        if (signal.aborted) return;
        Object.assign(state, { sessions, isSearching: false });
      } catch { if (signal.aborted) return; Object.assign(state, { sessions: [], isSearching: false }); }
      draw();
    }, pause);
  }

  function choose(item) { dialog.close(); item.act(); }

  function draw() {
    const shown = groups();
    const all = shown.flatMap(({ items }) => items);
    state.chosen = Math.min(state.chosen, Math.max(0, all.length - 1));
    patch(list, all.length ? shown.map(({ title, items }, group) => h("div", { role: "group", "aria-labelledby": "palette-group-" + group, key: title },
      h("div", { class: "palette-title", id: "palette-group-" + group, role: "presentation" }, title),
      items.map((item) => option(item, all.indexOf(item))))) : [h("p", { class: "blank", role: "presentation" }, state.isSearching ? "Searching…" : "Nothing has this in its name.")]);
    input.setAttribute("aria-activedescendant", all.length ? "palette-option-" + state.chosen : "");
    said.textContent = all.length + (all.length === 1 ? " result" : " results");
    list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  const option = (item, index) => h("div", {
    class: "palette-option", role: "option", id: "palette-option-" + index, key: item.key, "aria-selected": String(index === state.chosen),
    onclick: () => choose(item), onpointermove: () => { if (state.chosen !== index) { state.chosen = index; draw(); } },
  }, item.mark, h("span", { class: "palette-name", title: item.alias ?? null }, item.title), item.note && h("span", { class: "palette-note" }, item.note));

  place.append(dialog);
  dialog.showModal();
  input.focus();
  draw();
  // Pages without filters know no names yet.
  if (!state.names) {
    const period = parameters(app.route.query, { zone: app.zone, periodOnly: true });
    ask("/api/telemetry/summary?sessions=false&" + period).then((names) => { state.names = names; if (dialog.open) draw(); }, () => {});
  }
}

const keysOf = (title) => shortcuts.find((shortcut) => shortcut.title === title)?.keys.join(" ") ?? "";

/** Those with all words of a text in their names, the best first: beginnings of names, then of words, then anything. */
function found(items, text, most = mostOfGroup + 4) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rank = ({ title, alias = "" }) => {
    const name = (title + " " + alias).toLowerCase();
    if (!words.every((word) => name.includes(word))) return -1;
    return words.length === 0 ? 0 : name.startsWith(words[0]) ? 3 : new RegExp("[^a-z0-9]" + words[0].replace(/[^\p{L}\p{N}]/gu, "\\$&"), "u").test(name) ? 2 : 1;
  };
  return items.map((item, index) => ({ item, index, rank: rank(item) })).filter(({ rank }) => rank >= 0)
    .sort((a, b) => b.rank - a.rank || a.index - b.index).slice(0, most).map(({ item }) => item);
}
