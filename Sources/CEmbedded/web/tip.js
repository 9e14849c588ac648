// SPDX-License-Identifier: Apache-2.0
// What stands beside the pointer while it is over a drawing. For eyes only: charts say the same in words and as a table.

import { h, patch } from "./dom.js";

let box = null;

/** Shows some content beside the pointer. */
export function showTip(event, content) {
  box ??= document.body.appendChild(h("div", { class: "tip", "aria-hidden": "true" }));
  patch(box, [content]);
  box.classList.add("shown");
  const [width, height] = [box.offsetWidth, box.offsetHeight];
  const x = event.clientX + 16 + width > innerWidth ? event.clientX - 16 - width : event.clientX + 16;
  const y = Math.min(event.clientY + 12, innerHeight - height - 8);
  box.style.transform = `translate(${Math.max(4, x)}px, ${Math.max(4, y)}px)`;
}

/** Takes it away. */
export const hideTip = () => box?.classList.remove("shown");
