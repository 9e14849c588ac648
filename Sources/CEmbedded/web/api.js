// SPDX-License-Identifier: Apache-2.0
// Questions to the hub that served this page. A key, where one is asked for, lives as long as the tab.

const storageName = "hammurabi.key";
let key = read();
let asking = null;
let askForKey = () => Promise.resolve(null);

function read() {
  try { return sessionStorage.getItem(storageName); }
  catch { return null; }
}

/** Why a question got no answer. */
export class APIError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Says who asks the reader for a key: a function that is told why and promises the key, or null. */
export function useKeyDialog(dialog) { askForKey = dialog; }

/** The header fields that show the key. */
export const keyFields = () => (key ? { "X-Hammurabi-Api-Key": key } : {});

/** Asks for a path; again with a key if one is needed. */
export async function request(path, { signal, method = "GET", fields = {} } = {}) {
  const sent = key;
  let response;
  try {
    response = await fetch(path, { method, signal, headers: { Accept: "application/json", ...fields, ...keyFields() }, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new APIError(0, "The collector does not answer. Is hammurabi run still running?");
  }
  if (response.ok) return response;
  if (response.status === 401 && (await renewed(sent))) return request(path, { signal, method, fields });
  throw new APIError(response.status, await reason(response));
}

/** The document at a path. */
export async function ask(path, options) {
  const response = await request(path, options);
  return response.json();
}

async function reason(response) {
  if (response.status === 403) return "This key may not do that: it lacks the scope. Create one with hammurabi keys create.";
  try {
    const { error } = await response.json();
    if (typeof error === "string") return error;
  } catch {
    // The status says it, then.
  }
  return "The collector answered " + response.status + ".";
}

/** Whether there is now another key than the one that was refused; several refused questions ask the reader once. */
async function renewed(refused) {
  if (key !== refused) return true;
  asking ??= askForKey(refused === null ? "missing" : "refused").finally(() => { asking = null; });
  const given = await asking;
  if (!given) return false;
  key = given;
  try { sessionStorage.setItem(storageName, given); }
  catch { /* It is kept until the page is closed. */ }
  return true;
}
