// SPDX-License-Identifier: Apache-2.0
// Trees of elements as values, and making the document equal to such a tree with as few changes as possible:
// what has the focus keeps it, what is selected stays selected. Text is only ever set as text.

const svgNamespace = "http://www.w3.org/2000/svg";

/** An HTML element. Properties: attributes, on… functions, `style` (an object), `key`, `paint`; false and null mean none. */
export const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);

/** An SVG element. */
export const s = (tag, properties, ...children) => fill(document.createElementNS(svgNamespace, tag), properties, children);

/** What an element was given is kept beside it: to read attributes back from the document takes longer than all else of a draw. */
function fill(node, properties, children) {
  const given = {};
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) { node[name] = value; (node.handlers ??= []).push(name); }
    else if (name === "style") {
      for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
      node.styled = JSON.stringify(value);
    }
    else if (name === "key" || name === "paint") node[name] = value;
    else if (name === "value" || name === "checked") { node[name] = value; (node.kept ??= []).push(name); }
    else {
      given[name] = value === true ? "" : String(value);
      node.setAttribute(name, given[name]);
    }
  }
  node.given = given;
  node.append(...nodes(children));
  return node;
}

/** The nodes of nested lists of nodes and texts; null, false and undefined are left out. */
const nodes = (list) => list.flat(Infinity).filter((item) => item !== null && item !== undefined && item !== false && item !== "");

/** Makes the children of `parent` equal to `wanted`; children with a `key` are found again wherever they stand. */
export function patch(parent, wanted) {
  const keyed = new Map();
  for (const child of parent.childNodes) if (child.key !== undefined) keyed.set(child.key, child);
  let at = parent.firstChild;
  for (const next of nodes([wanted])) {
    const node = typeof next === "string" || typeof next === "number" ? document.createTextNode(next) : next;
    const old = node.key !== undefined ? keyed.get(node.key) : at?.key === undefined ? at : null;
    if (!old || old.nodeName !== node.nodeName) { parent.insertBefore(node, at); continue; }
    if (old === at) at = at.nextSibling;
    else parent.insertBefore(old, at);
    update(old, node);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function update(old, node) {
  if (node.nodeType === Node.TEXT_NODE) {
    if (old.data !== node.data) old.data = node.data;
    return;
  }
  const [before, after] = [given(old), given(node)];
  // The reader opens and closes details.
  for (const name in before) if (name !== "open" && !(name in after)) old.removeAttribute(name);
  for (const name in after) if (before[name] !== after[name]) old.setAttribute(name, after[name]);
  if (old.styled !== node.styled) old.style.cssText = node.style.cssText;
  [old.given, old.styled] = [after, node.styled];
  for (const name of old.handlers ?? []) old[name] = null;
  for (const name of node.handlers ?? []) old[name] = node[name];
  old.handlers = node.handlers;
  for (const name of node.kept ?? []) {
    if (old[name] !== node[name] && document.activeElement !== old) old[name] = node[name];
    else if (name === "checked") old.checked = node.checked;
  }
  // What paints itself has children of its own.
  if (node.paint) old.paint = node.paint;
  else patch(old, [...node.childNodes]);
}

/** The attributes of an element; of one that the page came with, those that it has. */
const given = (node) => node.given ?? Object.fromEntries([...node.attributes].filter(({ name }) => name !== "style").map(({ name, value }) => [name, value]));

/** Lets every element with `paint` below `root` draw itself into the width that it has. */
export function paintAll(root) {
  // All widths are read before the first is painted, so that the page is laid out once.
  const charts = [...root.querySelectorAll(".chart")].map((node) => [node, node.clientWidth]);
  for (const [node, width] of charts) {
    watcher.observe(node);
    paintOne(node, width);
  }
}

function paintOne(node, width) {
  if (node.paint && width > 0) patch(node, [node.paint(width)]);
}

const widths = new WeakMap();
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (!target.isConnected) watcher.unobserve(target);
    else if (widths.get(target) !== target.clientWidth) {
      widths.set(target, target.clientWidth);
      paintOne(target, target.clientWidth);
    }
  }
});
