// Recognises a scanner that types what it reads like a keyboard, and opens what the code is.
//
// A burst of keys that ends with Enter or Tab is a scan, wherever the focus is. Keys are told apart by their place, so
// that the Russian layout does not garble them. Until the end of a burst, the keys do what they always do; if the
// server knows the code, the field gets its old value back, so that no code ends up in a quantity. A page may handle the
// `scan` event of the window and prevent that the thing is opened.

import { isChanged } from "./connection.js";

/** The fewest keys of a scan. */
const SHORTEST = 6;
/** The fewest keys of a scan that begins with a letter, outside of fields. Nobody presses so many shortcuts so fast. */
const SHORTEST_OUTSIDE = 4;
/** The longest pause between two keys, and the longest on average, in milliseconds. A busy browser is late. */
const PAUSE = 90;
const AVERAGE = 56;
/** How long to wait for the server before the keys count as typed text. */
const ANSWER = 3_000;

/** What keys other than letters and digits type in the layout that scanners use, without and with Shift. */
const SIGNS = {
  Minus: "-_", Equal: "=+", BracketLeft: "[{", BracketRight: "]}", Backslash: "\\|", Semicolon: ";:", Quote: "'\"",
  Comma: ",<", Period: ".>", Slash: "/?", Backquote: "`~", NumpadSubtract: "--", NumpadAdd: "++", NumpadDecimal: "..",
  NumpadDivide: "//", NumpadMultiply: "**",
};

/** Returns what a key types in the layout of scanners, or nothing. */
const sign = ({ code, shiftKey, ctrlKey, altKey, metaKey }) => {
  // What separates fields of GS1 is not needed to find a product.
  if (ctrlKey && code === "BracketRight") return "";
  if (ctrlKey || altKey || metaKey) return undefined;
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(code)?.[1];
  if (digit) return shiftKey && code.startsWith("Digit") ? ")!@#$%^&*("[digit] : digit;
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (letter) return shiftKey ? letter : letter.toLowerCase();
  return SIGNS[code]?.[Number(shiftKey)];
};

/** Returns whether a text may be a code: all digits, our own address, or what begins like a code of GS1. */
const mayBeCode = (text) =>
  /^\d+$/.test(text) || /^https?:\/\/\S+\/(?:o|01)\/\d+/i.test(text) || /^(?:\](?:d2|C1|Q3|e0))?(?:01\d{14}|\(01\)\d{14})/i.test(text);

const isField = (element) => element?.matches?.("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select");

/** Remembers the value of a field before a scanner types into it. */
const remember = (field) => {
  const { value } = field;
  let selection;
  try {
    selection = [field.selectionStart, field.selectionEnd];
  } catch {
    // Fields of some kinds have none.
  }
  return () => {
    if (field.value !== value || field.type === "date") {
      // A date that was typed in part has no value, and stays otherwise.
      if (field.type === "date") field.value = "2000-01-01";
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      if (field.matches("select")) field.dispatchEvent(new Event("change", { bubbles: true }));
    }
    if (selection?.[0] != null) field.setSelectionRange(...selection);
  };
};

/** The keys that may be a scan. */
let burst = { text: "", first: 0, last: -Infinity, restore: undefined };
/** Keys that came while the server was asked. */
let held;
/** The scans of which the server is asked, one after the other. */
let asked = Promise.resolve();
let askedCount = 0;
/** Keys outside of fields that may be shortcuts, or the begin of a scan. */
let waiting = [];
let timer;

const begin = () => {
  const field = document.activeElement;
  burst = { text: "", first: 0, last: -Infinity, restore: isField(field) ? remember(field) : undefined };
};

/** Programs that know who calls type the number like a scanner. */
const isPhone = (text) => /^[78]\d{10}$/.test(text) && document.activeElement?.matches("[type=tel]");

const isBurst = (now, shortest) =>
  burst.text.length >= shortest &&
  now - burst.last <= PAUSE &&
  (now - burst.first) / burst.text.length <= AVERAGE;

const isScan = (now) => isBurst(now, SHORTEST) && mayBeCode(burst.text) && !isPhone(burst.text);

/** Returns whether the keys that wait are a scan of a code with letters. The key `/` begins a search. */
const isScanOutside = (now) => waiting.length > 0 && isBurst(now, SHORTEST_OUTSIDE) && !burst.text.startsWith("/");

/** Presses a key as if the user did. */
const replay = ({ key, code, shiftKey }) => {
  const target = document.activeElement ?? document.body;
  const event = new KeyboardEvent("keydown", { key, code, shiftKey, bubbles: true, cancelable: true });
  event.isReplayed = true;
  if (!target.dispatchEvent(event)) return;
  if (key.length === 1 && isField(target)) document.execCommand("insertText", false, key);
  else if (key === "Enter" && target.matches("textarea")) document.execCommand("insertText", false, "\n");
  else if (key === "Enter" && target.matches("input")) target.form?.requestSubmit(target.form.querySelector("[type=submit]"));
  else if (key === "Enter" && target.matches("a[href], button, summary")) target.click();
  else if (key === "Tab") focusNext(target, shiftKey);
};

const focusNext = (from, isBack) => {
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")];
  const reachable = all.filter((element) => !element.disabled && element.tabIndex >= 0 && element.checkVisibility());
  reachable[reachable.indexOf(from) + (isBack ? -1 : 1)]?.focus();
};

/** Presses the keys that waited because they may have been the begin of a scan. */
const release = () => {
  clearTimeout(timer);
  waiting.splice(0).forEach(replay);
};

/** Takes a key. Returns whether it must not do anything now. */
const receive = (event) => {
  const isEnd = event.key === "Enter" || event.key === "Tab";
  if (held) {
    // Commands, such as Backspace or Ctrl+V, cannot be replayed.
    const isHeld = isEnd || sign(event) !== undefined;
    if (isHeld) held.push(event);
    return isHeld;
  }
  if (isEnd && (isScan(event.timeStamp) || isScanOutside(event.timeStamp))) {
    waiting = [];
    clearTimeout(timer);
    // Outside of a field, Enter would press the button that has the focus.
    scanned(burst.text, burst.restore, isField(document.activeElement) ? event : undefined);
    begin();
    return true;
  }
  const typed = event.repeat ? undefined : sign(event);
  if (typed === undefined) {
    if (/^(?:Shift|Control|Alt|CapsLock)/.test(event.key)) return false;
    const isNext = waiting.length > 0 && isEnd;
    if (isNext) waiting.push(event);
    release();
    begin();
    return isNext;
  }
  if (event.timeStamp - burst.last > PAUSE) {
    release();
    begin();
  }
  if (burst.text === "") burst.first = event.timeStamp;
  burst.text += typed;
  burst.last = event.timeStamp;
  const mayBeShortcut = !isField(document.activeElement) && !/\d/.test(typed) && event.key.length === 1;
  if (!mayBeShortcut && waiting.length === 0) return false;
  // What follows waits, too: after a slash, it is typed into the search.
  waiting.push(event);
  clearTimeout(timer);
  timer = setTimeout(release, PAUSE);
  return true;
};

addEventListener(
  "keydown",
  (event) => {
    if (event.isReplayed || event.isComposing || !document.body.dataset.me) return;
    if (!receive(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);
addEventListener("pointerdown", begin, true);

/** Asks the server what a code is, and does what it means; otherwise its keys were typed text. */
const scanned = (code, restore, end) => {
  held ??= [];
  askedCount += 1;
  asked = asked.then(() => answerScan(code, restore, end));
};

const answerScan = async (code, restore, end) => {
  const thing = await resolve(code);
  askedCount -= 1;
  const later = askedCount === 0 ? held : [];
  if (askedCount === 0) held = undefined;
  if (thing) {
    restore?.();
    open(thing, code);
  } else {
    tell(false, code);
    if (end) replay(end);
  }
  // What was typed meanwhile may be another scan.
  for (const event of later) if (!receive(event)) replay(event);
};

/** Returns the order, basket or product of a code; nothing if the code is unknown or the server cannot be reached. */
const resolve = async (code) => {
  try {
    const answer = await fetch("/api/scan", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code }),
      signal: AbortSignal.timeout(ANSWER),
    });
    const thing = answer.ok ? await answer.json() : undefined;
    return thing?.path && thing;
  } catch {
    return undefined;
  }
};

/** Returns whether something was typed into a form of the page, which leaving it would lose. */
const isTypedIn = () =>
  [...document.querySelectorAll("main form[method=post] :is(input:not([type=hidden], [type=checkbox], [type=radio]), textarea)")].some(
    isChanged,
  );

const open = (thing, code) => {
  const event = new CustomEvent("scan", { detail: JSON.stringify(thing), cancelable: true });
  const isHandled = !dispatchEvent(event);
  tell(true, code, !isHandled && isTypedIn() ? thing.path : undefined);
  if (isHandled || isTypedIn()) return;
  // The router follows links.
  const link = Object.assign(document.createElement("a"), { href: thing.path, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
};

/** Says yes or no by a sound and a flash, and by words if the page does not change. */
const tell = (isKnown, code, path) => {
  beep(isKnown);
  const { body } = document;
  const flash = isKnown ? "scan-yes" : "scan-no";
  body.classList.add(flash);
  setTimeout(() => body.classList.remove(flash), 400);
  const note = document.getElementById("scan-note");
  clearTimeout(tell.timer);
  note?.replaceChildren();
  if (!note || (isKnown && !path)) return;
  if (path) note.append(Object.assign(document.createElement("a"), { href: path, className: "link", textContent: note.dataset.open }));
  else note.append(note.dataset.unknown.replace("{}", code));
  tell.timer = setTimeout(() => note.replaceChildren(), path ? 20_000 : 6_000);
};

const beep = (isKnown) => {
  if (typeof AudioContext === "undefined") return;
  const context = (beep.context ??= new AudioContext());
  const [pitch, length] = isKnown ? [1_320, 0.08] : [220, 0.25];
  const tone = new OscillatorNode(context, { frequency: pitch });
  const volume = new GainNode(context, { gain: 0.08 });
  tone.connect(volume).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + length);
};

// A phone that is paired with this page reads for it (`live.js`).
addEventListener("scanned", ({ detail }) => scanned(detail));
