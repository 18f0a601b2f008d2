/**
 * Watches the connection to the server. Part of the script of every page; on pages that the service worker (worker.js)
 * shows without a connection it is all that runs.
 *
 * While the server cannot be reached, the page shows the bar that the server drew hidden (src/shell.rs), and links load
 * whole pages, so that the worker shows its copies. The page recovers by itself.
 */

import { readAtWords } from "./read-at.js";

/** How often to try to reach the server, in ms. */
const RETRY_EVERY = 3_000;
/** How long after an answer the worker reads the page again, in ms. This bounds what the copies cost the server. */
const COPY_AFTER = 10_000;

const ask = window.fetch;
const worker = navigator.serviceWorker;
let readAt = Date.now();
let isOffline = false;
let isKept = false;
let copying;
let retry = () => {};

// The name of this page, which is not told of its own changes (live.js).
const page = Math.random().toString(36).slice(2, 12);
document.documentElement.dataset.page = page;

window.fetch = async (...what) => {
  if (what[0] instanceof Request) what[0].headers.set("x-page", page);
  let answer;
  try {
    answer = await ask(...what);
  } catch (error) {
    if (error.name !== "AbortError") checkConnection();
    throw error;
  }
  // `ui::request_id` finds it there.
  if (answer.status >= 500) document.body.dataset.request = answer.headers.get("x-request-id") ?? "";
  if (answer.status === 401) worker?.controller?.postMessage("forget");
  if (answer.ok) {
    readAt = Date.now();
    copySoon();
  }
  return answer;
};

/** Makes the worker copy the page that is open in a while: pages that the client draws are not loaded as a whole. */
function copySoon() {
  copying ??= setTimeout(() => {
    copying = undefined;
    if (!isOffline) worker?.controller?.postMessage(location.href);
  }, COPY_AFTER);
}

/** Reloads the page as soon as the server can be reached. For the pages that the worker shows. */
export function reloadOnceReachable() {
  isKept = true;
  checkConnection();
}

/** Shows the bar if the server cannot be reached, until it can. */
async function checkConnection() {
  if (isOffline) return;
  isOffline = true;
  const bar = document.getElementById("offline");
  while (!(await isReachable())) {
    if (bar?.hidden) {
      bar.querySelector("time").textContent = readAtWords(readAt, document.documentElement.lang, bar.dataset.zone);
      bar.hidden = false;
    }
    await new Promise((done) => {
      retry = done;
      setTimeout(done, RETRY_EVERY);
    });
  }
  isOffline = false;
  if (isKept || (document.querySelector("main [data-unread]") && !hasInput())) return location.reload();
  if (bar) bar.hidden = true;
}

/** Returns whether the server answers anything at all. */
const isReachable = () =>
  ask("/favicon.svg", { method: "HEAD", cache: "no-store" }).then(
    () => true,
    () => false,
  );

/** Returns whether a field has another value than the page gave it. */
export const isChanged = (field) =>
  // The value of a checkbox is not what was chosen.
  ["checkbox", "radio"].includes(field.type) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;

/** Returns whether something was typed that a reload would lose. */
const hasInput = () => [...document.querySelectorAll("input:not([type=hidden]), textarea")].some(isChanged);

addEventListener("offline", checkConnection);
addEventListener("online", () => retry());
// The router of the client must not see the click: it would fail to load the data of the page.
addEventListener(
  "click",
  (event) => {
    if (isOffline && worker?.controller && event.target.closest?.("a[href]")) event.stopPropagation();
  },
  { capture: true },
);

// Browsers have it in secure contexts only: HTTPS or localhost.
if (worker) {
  worker.register("/sw.js").catch(() => {});
  // The first page was loaded before there was a worker.
  worker.addEventListener("controllerchange", copySoon);
}
