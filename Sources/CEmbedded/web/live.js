// SPDX-License-Identifier: Apache-2.0
// What changes, as it changes: server-sent events over fetch, because an EventSource cannot show a key. Without them the page asks again
// every few seconds.

import { APIError, request } from "./api.js";

const silence = 40_000;
const pollInterval = 10_000;

/** One stream at a time; `told(topic, data)` per event, `changed(state)` for live, polling, reconnecting or paused. */
export class Live {
  #told;
  #changed;
  #poll;
  #path = null;
  #run = null;
  #lastID = null;
  #paused = false;
  state = "connecting";

  constructor({ told, changed, poll }) {
    this.#told = told;
    this.#changed = changed;
    this.#poll = poll;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#stop() : this.#start()));
    globalThis.addEventListener("online", () => this.#restart());
  }

  /** Listens to another path; null for none. */
  follow(path) {
    if (path === this.#path) return;
    this.#path = path;
    this.#lastID = null;
    this.#restart();
  }

  get isPaused() { return this.#paused; }

  /** Holds the page still, or lets it go on. */
  pause(paused) {
    this.#paused = paused;
    if (paused) { this.#stop(); this.#set("paused"); }
    else this.#start();
  }

  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.#changed(state);
  }

  #stop() {
    this.#run?.abort();
    this.#run = null;
  }

  #restart() {
    this.#stop();
    this.#start();
  }

  #start() {
    if (this.#run || this.#paused || !this.#path || document.hidden) return;
    this.#run = new AbortController();
    this.#loop(this.#run.signal, this.#path);
  }

  async #loop(signal, path) {
    let delay = 1000;
    while (!signal.aborted) {
      try {
        await this.#listen(path, signal, () => { delay = 1000; });
        this.#set("reconnecting");
      } catch (error) {
        if (signal.aborted) return;
        const isAbsent = error instanceof APIError && [400, 404, 405, 501].includes(error.status);
        if (isAbsent) { await this.#polling(signal); return; }
        this.#set("reconnecting");
      }
      await pause(delay, signal);
      delay = Math.min(delay * 2, 15_000);
    }
  }

  async #listen(path, signal, began) {
    const quiet = new AbortController();
    const stop = () => quiet.abort();
    signal.addEventListener("abort", stop);
    let timer = setTimeout(stop, silence);
    try {
      const resume = this.#lastID ? { "Last-Event-ID": this.#lastID } : {};
      const fields = { Accept: "text/event-stream", ...resume };
      const response = await request(path, { signal: quiet.signal, fields });
      if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) throw new APIError(404, "no stream");
      this.#set("live");
      began();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser((event) => this.#take(event));
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(stop, silence);
        parser.feed(value);
      }
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      quiet.abort();
    }
  }

  #take({ id, event, data }) {
    if (id) this.#lastID = id;
    try { this.#told(event, JSON.parse(data)); }
    catch (error) { console.warn("an event of the stream could not be used", error.message); }
  }

  async #polling(signal) {
    this.#set("polling");
    while (!signal.aborted) {
      await pause(pollInterval, signal);
      if (!signal.aborted) await this.#poll();
    }
  }
}

/** Cuts the text of an event stream into events (HTML standard, section 9.2.6). */
export class EventParser {
  #rest = "";
  #event = { id: null, event: "message", data: [] };
  #done;

  constructor(done) { this.#done = done; }

  feed(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line);
  }

  #line(line) {
    if (line === "") {
      const { id, event, data } = this.#event;
      if (data.length) this.#done({ id, event, data: data.join("\n") });
      this.#event = { id: null, event: "message", data: [] };
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#event.data.push(value);
    else if (field === "event") this.#event.event = value;
    else if (field === "id") this.#event.id = value;
  }
}

const pause = (milliseconds, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
