/**
 * The script of the page that scans codes (src/server/scan.rs): sends a photo as soon as it is taken, and reads codes
 * from the camera where the browser lets a script use it, which needs HTTPS or localhost.
 *
 * Browsers with a `BarcodeDetector` read the pictures themselves. For all others, a worker with ZXing is loaded when the
 * camera is started for the first time (camera-worker.js).
 */

import "./pair.js";

const FORMATS = ["qr_code", "data_matrix", "ean_13", "ean_8", "upc_a", "upc_e", "code_128"];
/** Time between two pictures that are read, in ms. */
const READ_EVERY = 120;
/** How long the same code is not taken again, in ms. */
const REPEAT_AFTER = 3_000;

const form = document.querySelector("form[enctype]");
const { photo, screen } = form.elements;
const section = document.getElementById("camera");
const words = section.dataset;
const video = section.querySelector("video");
const status = section.querySelector("[role=status]");
const [start, stop, torch] = ["start", "stop", "torch"].map((name) => section.querySelector(`[name=${name}]`));

const say = (sentence, code = "") => (status.textContent = sentence.replace("{}", code));

/** Opens what a code stands for, or sends the code to the screen of another device. Returns whether the page stays. */
async function found(code) {
  const relayed = screen.value !== "";
  const [path, body] = relayed ? ["/api/scan/relay", { screen: screen.value, code }] : ["/api/scan", { code }];
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
  });
  // The page leads to the sign-in page.
  if (answer.status === 401) return location.reload();
  if (!answer.ok) throw new Error(String(answer.status));
  if (relayed) return say(words.sent, code);
  const { path: page } = await answer.json();
  if (!page) return say(words.unknown, code);
  close();
  location.assign(page);
}

// ---- Readers -----------------------------------------------------------------

let reader;

/** Returns a function that returns the codes in the present picture of the video. */
const openReader = async () => (await openDetector()) ?? openWorker();

async function openDetector() {
  if (!("BarcodeDetector" in window)) return undefined;
  const supported = await BarcodeDetector.getSupportedFormats().catch(() => []);
  if (!FORMATS.every((format) => supported.includes(format))) return undefined;
  const detector = new BarcodeDetector({ formats: FORMATS });
  return async () => (await detector.detect(video)).map(({ rawValue }) => rawValue);
}

function openWorker() {
  const worker = new Worker(words.worker);
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const ask = (question, moved) =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
      worker.onerror = reject;
      worker.postMessage(question, moved);
    });
  const loaded = ask(words.wasm, []);
  return async () => {
    await loaded;
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    if (canvas.width === 0) return [];
    context.drawImage(video, 0, 0);
    const picture = context.getImageData(0, 0, canvas.width, canvas.height);
    return ask(picture, [picture.data.buffer]);
  };
}

// ---- The camera --------------------------------------------------------------

let stream;

async function open() {
  say(words.loading);
  start.disabled = true;
  let opened;
  try {
    const camera = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } };
    opened = await navigator.mediaDevices.getUserMedia({ video: camera });
    stream = opened;
    video.srcObject = opened;
    show(true);
    await video.play();
    reader ??= await openReader();
    say(words.aim);
    await readWhileOpen(opened);
  } catch {
    // Closed in the meantime.
    if (opened && stream !== opened) return;
    close();
    // If it could not be loaded, the next tap tries again.
    reader = undefined;
    say(opened ? words.failed : words.refused);
  } finally {
    start.disabled = false;
  }
}

/** Reads one picture after the other. */
async function readWhileOpen(opened) {
  let last;
  let until = 0;
  while (stream === opened) {
    for (const code of await reader()) {
      if (stream !== opened || (code === last && Date.now() < until)) continue;
      [last, until] = [code, Date.now() + REPEAT_AFTER];
      navigator.vibrate?.(50);
      await found(code).catch(() => say(words.failed));
    }
    await new Promise((next) => setTimeout(next, READ_EVERY));
  }
}

function show(isOpen) {
  start.hidden = isOpen;
  stop.hidden = video.hidden = !isOpen;
  const [track] = stream?.getVideoTracks() ?? [];
  torch.hidden = !track?.getCapabilities?.().torch;
  torch.setAttribute("aria-pressed", "false");
}

function close() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = video.srcObject = undefined;
  show(false);
}

torch.addEventListener("click", async () => {
  const isOn = torch.getAttribute("aria-pressed") !== "true";
  const [track] = stream?.getVideoTracks() ?? [];
  await track?.applyConstraints({ advanced: [{ torch: isOn }] }).then(() => torch.setAttribute("aria-pressed", String(isOn)), () => {});
});
start.addEventListener("click", open);
stop.addEventListener("click", () => {
  close();
  say("");
});
document.addEventListener("visibilitychange", () => document.hidden && close());
addEventListener("pagehide", close);

if (window.isSecureContext && navigator.mediaDevices) section.hidden = false;

// ---- The photo ---------------------------------------------------------------

const send = form.querySelector("[type=submit]");
send.hidden = true;
photo.addEventListener("change", () => {
  if (photo.files.length > 0) form.requestSubmit(send);
});
