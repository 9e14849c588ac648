// SPDX-License-Identifier: Apache-2.0
// Eight colours for names. A name keeps its colour wherever it stands and whenever the page is opened.

const slots = 8;
const taken = new Map();

function hash(text) {
  let value = 168_791;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 16777619);
  return (value ^ (value >>> 15)) >>> 0;
}

/** Gives each of some names a colour: the one that it has elsewhere, else that of its hash, or the next that no other of them has. */
export function palette(dimension, names) {
  const result = new Map();
  const used = new Set();
  const isNew = (name) => (taken.has(dimension + " " + name) ? 0 : 1);
  for (const name of [...names].sort((a, b) => isNew(a) - isNew(b) || (a < b ? -1 : 1))) {
    const key = dimension + " " + name;
    let slot = taken.get(key) ?? hash(name) % slots;
    for (let tries = 0; used.has(slot) && tries < slots; tries++) slot = (slot + 1) % slots;
    used.add(slot);
    taken.set(key, slot);
    result.set(name, "c" + slot);
  }
  return (name) => result.get(name) ?? (taken.has(dimension + " " + name) ? "c" + taken.get(dimension + " " + name) : "other");
}

/** The kinds of tokens, in the order in which they are stacked, in four tints of one hue; `cost` is what the kind took of a cost. */
export const kinds = [
  { key: "cacheReadTokens", cost: "cacheRead", title: "Cache read", color: "k-read" },
  { key: "cacheWriteTokens", cost: "cacheWrite", title: "Cache write", color: "k-write" },
  { key: "inputTokens", cost: "input", title: "Input", color: "k-input" },
  { key: "outputTokens", cost: "output", title: "Output", color: "k-output" },
];
