// SPDX-License-Identifier: Apache-2.0
// Trees of elements as values, and making the document equal to such a tree with as few changes as possible:
// what has the focus keeps it, what is selected stays selected. Text is only ever set as text.

const svgNamespace = "http://www.w3.org/2000/svg";

/** An HTML element. Properties: attributes, on… functions, `style` (an object), `key`, `paint`; false and null mean none. */
export const h = (tag, properties, ...children) => fill(document.createElement(tag), properties, children);

/** An SVG element. */
export const s = (tag, properties, ...children) => fill(document.createElementNS(svgNamespace, tag), properties, children);

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) { node[name] = value; (node.handlers ??= []).push(name); }
    else if (name === "style") for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
    else if (name === "key" || name === "paint") node[name] = value;
    else if (name === "value" || name === "checked") { node[name] = value; (node.kept ??= []).push(name); }
    else node.setAttribute(name, value === true ? "" : value);
  }
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
  for (const { name } of [...old.attributes]) {
    if (name !== "style" && name !== "open" && !node.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of node.attributes) {
    if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.style.cssText !== node.style.cssText) old.style.cssText = node.style.cssText;
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

/** Lets every element with `paint` below `root` draw itself into the width that it has. */
export function paintAll(root) {
  for (const node of root.querySelectorAll(".chart")) {
    watcher.observe(node);
    paintOne(node);
  }
}

function paintOne(node) {
  if (node.paint && node.clientWidth > 0) patch(node, [node.paint(node.clientWidth)]);
}

const widths = new WeakMap();
const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (!target.isConnected) watcher.unobserve(target);
    else if (widths.get(target) !== target.clientWidth) {
      widths.set(target, target.clientWidth);
      paintOne(target);
    }
  }
});
