// Receives the stream of changes (/live) and passes it to the page as `live` events of the window.
//
// The same file runs in a shared worker, so that all tabs of a browser share one stream: a browser opens only six
// connections to a host. Where there are no shared workers, each visible page has a stream of its own.
//
// A page that a phone is paired with counts as visible: whoever reads with the phone does not look at the computer.

/** Time until the stream is opened again after the server refused it, in milliseconds; doubled each time. */
const RETRY = [5_000, 300_000];

/** How long a page may take to be left, in milliseconds. */
const LEAVING = 5_000;

/** Keeps a stream open while it is wanted, and passes on its lines. */
const openStream = (tell) => {
  let source;
  let last = "";
  let isWanted = false;
  let retry = RETRY[0];
  let timer;
  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const open = () => {
    close();
    if (typeof EventSource === "undefined") return;
    source = new EventSource(`/live?after=${encodeURIComponent(last)}`);
    const keep = (event) => {
      last = event.lastEventId;
      retry = RETRY[0];
    };
    source.addEventListener("ready", keep);
    source.onmessage = (event) => {
      keep(event);
      tell(event.data);
    };
    source.onerror = () => {
      // Otherwise the browser connects again by itself. The server refuses visitors who have signed out, and all while it is busy.
      if (source?.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, retry);
      retry = Math.min(retry * 2, RETRY[1]);
    };
  };
  return (wanted) => {
    if (wanted === isWanted) return;
    isWanted = wanted;
    if (wanted) open();
    else close();
  };
};

/** The worker: the stream is wanted while a page of this browser is visible. */
const serve = () => {
  const visible = new Map();
  const want = openStream((lines) => visible.forEach((_, port) => port.postMessage(lines)));
  addEventListener("connect", ({ ports: [port] }) => {
    port.onmessage = ({ data }) => {
      if (data === "closed") visible.delete(port);
      else visible.set(port, data === "visible");
      want([...visible.values()].includes(true));
    };
  });
};

/** The page: says whether it is visible, and tells its client what changed. */
const listen = () => {
  const isVisible = () => document.visibilityState === "visible";
  const screen = () => sessionStorage.getItem("screen");
  let hasMissed = false;
  let isLeaving = false;
  const { page } = document.documentElement.dataset;
  const tell = (all) => {
    const [scans, changes] = [true, false].map((wanted) => all.split("\n").filter((line) => line.startsWith("scan ") === wanted));
    for (const [, code, , wanted] of scans.map((line) => line.split(" "))) {
      if (wanted !== screen()) continue;
      dispatchEvent(new CustomEvent("scanned", { detail: decodeURIComponent(code.replaceAll("+", " ")) }));
    }
    // The page knows what it changed itself.
    const lines = changes.filter((line) => !line.endsWith(` ${page}`));
    if (lines.length === 0) return;
    if (isVisible() && !isLeaving) dispatchEvent(new CustomEvent("live", { detail: lines.join("\n") }));
    else hasMissed = true;
  };
  let report;
  try {
    const { port } = new SharedWorker(import.meta.url, { type: "module", name: "live" });
    port.onmessage = ({ data }) => tell(data);
    report = (state) => port.postMessage(state);
  } catch {
    const want = openStream(tell);
    report = (state) => want(state === "visible");
  }
  // A page that is being left must not ask the server any more: its session may be another one already. The page also
  // stays if the link leads to a download.
  addEventListener("beforeunload", () => {
    isLeaving = true;
    setTimeout(() => {
      isLeaving = false;
      if (hasMissed) update();
    }, LEAVING);
  });
  const update = () => {
    report(isVisible() || screen() ? "visible" : "hidden");
    if (isVisible() && hasMissed) {
      hasMissed = false;
      tell("all");
    }
  };
  addEventListener("visibilitychange", update);
  addEventListener("pagehide", () => report("closed"));
  addEventListener("pageshow", ({ persisted }) => {
    // A page that the browser kept as it was is older than the stream knows.
    hasMissed ||= persisted;
    update();
  });
  update();
};

if (typeof document === "undefined") serve();
else listen();
