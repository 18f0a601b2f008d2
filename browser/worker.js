/**
 * The service worker: shows the last copies of pages while the server cannot be reached.
 *
 * - It answers nothing else than navigations to pages, and the files that pages need. All other requests go past it:
 *   changes, the API, downloads, streams. So nothing can be booked, and no request is repeated.
 * - A page comes from the server whenever the server answers, whatever the answer.
 * - Copies have no scripts, and their controls are disabled. They belong to the account that read them: they are deleted
 *   when the user signs out, when a page shows that nobody or another account is signed in, and after `MAX_AGE`.
 */

import { readAtWords } from "./read-at.js";

/** The files that every page needs, and the page to show for pages without a copy; scripts/site.mjs inserts them. */
const { version: VERSION, script: SCRIPT, files: FILES } = SITE;
const OFFLINE = "/offline";
const SHELL = `shell-${VERSION}`;
const PAGES = "pages";
const MAX_PAGES = 20;
/** How long a copy is shown, in ms: 12 hours. */
const MAX_AGE = 12 * 60 * 60 * 1000;

/** The pages that are copied: home, the lists, and the pages of one thing in them. */
const COPIED = /^\/(?:(?:orders|products|supplies|baskets)(?:\/\d+)?)?$/;
/** What is not a page, or has its own. */
const NOT_A_PAGE = /^\/(?:api|docs|fn|uploads|pkg|live|healthz|readyz|metrics)(?:\/|$)|\.\w+$/;

const SIGN_OUT = /^\/(?:fn\/sign_out|logout|api\/auth\/logout)$/;

/** Counts the deletions of all copies. A page that was requested before one is not copied after it. */
let generation = 0;

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open(SHELL).then((shell) => shell.addAll([...FILES, OFFLINE])));
});

addEventListener("activate", (event) => event.waitUntil(activate()));

async function activate() {
  await forget();
  const shells = (await caches.keys()).filter((name) => name.startsWith("shell-") && name !== SHELL);
  // Pages of the previous version may still be open.
  await Promise.all(shells.slice(0, -1).map((name) => caches.delete(name)));
  await clients.claim();
}

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin) return;
  // Even if the request does not reach the server.
  if (request.method === "POST" && SIGN_OUT.test(pathname)) event.waitUntil(forget());
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    if (!NOT_A_PAGE.test(pathname)) event.respondWith(page(event));
  } else if (/^\/pkg\/.*\.(?:css|js|woff2)$/.test(pathname)) {
    // Their names have a hash of their content.
    event.respondWith(caches.match(request).then((file) => file ?? fetch(request)));
  } else if (FILES.includes(pathname)) {
    event.respondWith(fetch(request).catch(async () => (await caches.match(request)) ?? Response.error()));
  }
});

// From a page: an answer said that the session has ended, or the page at an address may have changed.
addEventListener("message", (event) => event.waitUntil(event.data === "forget" ? forget() : copyAgain(event.data)));

/** Returns the answer of the server, or what there is without it. */
async function page(event) {
  const { url } = event.request;
  const began = generation;
  let answer;
  try {
    // Not preloaded: what the worker does not answer, such as a download, would be requested twice.
    answer = await fetch(event.request);
  } catch {
    return (await shownCopy(url)) ?? shown(await (await caches.match(OFFLINE)).text());
  }
  event.waitUntil(copy(url, answer.clone(), began));
  return answer;
}

async function copyAgain(url) {
  if (!isCopied(url)) return;
  const began = generation;
  const answer = await fetch(url, { headers: { accept: "text/html" } }).catch(() => undefined);
  if (answer) await copy(url, answer, began);
}

/** Copies a page that its account may see again later, and deletes the copies of every other account. */
async function copy(url, answer, began) {
  if (!answer.headers.get("content-type")?.startsWith("text/html")) return;
  const html = await answer.text();
  const [body = ""] = html.match(/<body[^>]*>/) ?? [];
  // Other documents do not say whose they are, and a page cannot while the database does not answer.
  if (began !== generation || !body.includes(" data-request=") || body.includes(" data-unknown")) return;
  const [, account] = body.match(/ data-me="([^"]*)"/) ?? [];
  if (!account) return forget();
  const pages = await caches.open(PAGES);
  for (const kept of await pages.keys()) {
    const { headers } = await pages.match(kept);
    if (headers.get("account") !== encodeURIComponent(account)) return forget();
    if (isOld(headers)) await pages.delete(kept);
  }
  if (!answer.ok || answer.redirected || !isCopied(url) || body.includes(" data-draft=")) return;
  await followChoices(html);
  const headers = { account: encodeURIComponent(account), "read-at": String(Date.now()) };
  if (began !== generation) return;
  await pages.delete(url);
  await pages.put(url, new Response(withoutActions(html), { headers }));
  const kept = await pages.keys();
  await Promise.all(kept.slice(0, -MAX_PAGES).map((oldest) => pages.delete(oldest)));
}

/** Returns the copy of a page with the time at which it was read, if there is one. */
async function shownCopy(url) {
  const pages = await caches.open(PAGES);
  const kept = await pages.match(url);
  if (!kept) return undefined;
  if (isOld(kept.headers)) {
    await pages.delete(url);
    return undefined;
  }
  const html = await kept.text();
  const [, language] = html.match(/<html[^>]* lang="(\w+)"/);
  const [, zone] = html.match(/ data-zone="([^"]+)"/);
  const words = readAtWords(Number(kept.headers.get("read-at")), language, zone);
  return shown(html.replace("<time></time>", `<time>${words}</time>`));
}

/** Deletes all copies of pages. */
function forget() {
  generation += 1;
  return caches.delete(PAGES);
}

const isCopied = (url) => COPIED.test(new URL(url).pathname);

const isOld = (headers) => Date.now() - Number(headers.get("read-at")) > MAX_AGE;

/** Reads the page that says that there is no connection again, if the user has chosen another language or theme. */
async function followChoices(html) {
  const shell = await caches.open(SHELL);
  const choices = (page) => page.match(/<html[^>]*>/)?.[0];
  const offline = await shell.match(OFFLINE);
  if (!offline || choices(await offline.text()) !== choices(html)) await shell.add(OFFLINE);
}

/** Removes the scripts of a page, disables its controls and shows its bar. All other text of the page is escaped. */
const withoutActions = (html) =>
  html
    .replace(/<script\b[^>]*>[^]*?<\/script>|<link [^>]*rel="(?:module)?preload"[^>]*>/g, "")
    .replace(/<(?:button|input|select|textarea)\b/g, "$& disabled")
    .replace(' id="offline" hidden', ' id="offline"');

/** Returns a page without a connection. Its only script waits for the connection, and its forms cannot be sent. */
function shown(html) {
  const nonce = crypto.randomUUID();
  const script = `import { reloadOnceReachable } from "${SCRIPT}"; reloadOnceReachable();`;
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy":
      `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self'; ` +
      "connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
  };
  return new Response(html.replace("</head>", `<script type="module" nonce="${nonce}">${script}</script></head>`), { headers });
}
