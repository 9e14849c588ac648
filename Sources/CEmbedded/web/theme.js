// SPDX-License-Identifier: Apache-2.0
// Runs before the page is drawn, so that a chosen theme does not flash in the other one.

try {
  const theme = localStorage.getItem("hammurabi.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's theme holds.
}
