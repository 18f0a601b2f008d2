// Assembles the folder that the server embeds from what scripts/client built.
//
//   node scripts/site.mjs BUILT PUBLIC FONTS ZXING SITE release|local|dev
//
// The built files get names with a hash of their content (pkg/sirius.<hash>.js), so that browsers may cache them for
// ever. Compressible files also get a brotli and a gzip version, so that the server need not compress them for each
// request. Unchanged files are not written, because every change in this folder relinks the server.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [built, publicDir, fonts, zxing, site, kind] = process.argv.slice(2);
const shrinks = new Set([".js", ".wasm", ".css", ".svg", ".txt", ".json", ".ico", ".html", ".webmanifest"]);

/** The main part of the client, as wasm-bindgen names it. */
const MAIN = "sirius_bg.wasm";
/** Maps each path in the site folder to its content. */
const files = new Map();

const hashed = (extension, content, stem = "sirius") => {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const name = `${stem}.${hash}.${extension}`;
  files.set(`pkg/${name}`, content);
  return name;
};

const list = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)));

for (const path of list(publicDir)) files.set(path, readFileSync(join(publicDir, path)));

// The JavaScript contains the names of the wasm files, so its own hash covers all of them
let js = readFileSync(join(built, "sirius.js"), "utf8");
const wasms = {};
for (const name of list(built).filter((name) => name.endsWith(".wasm"))) {
  const part = name === MAIN ? "sirius" : name.replace(/\.wasm$/, "");
  wasms[name] = hashed("wasm", readFileSync(join(built, name)), part);
  if (!js.includes(name)) throw new Error(`sirius.js does not contain ${name}; did wasm-bindgen change?`);
  js = js.replaceAll(name, wasms[name]);
}
const script = `/pkg/${hashed("js", Buffer.from(js))}`;
for (const name of ["live", "camera", "camera-worker"]) hashed("js", readFileSync(join(built, `${name}.js`)), name);
hashed("wasm", readFileSync(zxing), "zxing");
// Which files the pages of each part need, besides the main one
const parts = JSON.parse(readFileSync(join(built, "parts.json"), "utf8"));
const urls = Object.entries(parts).map(([part, names]) => [part, names.map((name) => `/pkg/${wasms[name]}`)]);
files.set("parts.json", Buffer.from(JSON.stringify(Object.fromEntries(urls))));
// The stylesheet names the files of its typeface
let css = readFileSync(join(built, "sirius.css"), "utf8");
for (const name of new Set(css.match(/[\w-]+\.woff2/g))) {
  css = css.replaceAll(name, hashed("woff2", readFileSync(join(fonts, name)), name.replace(/\.woff2$/, "")));
}
hashed("css", Buffer.from(css));
// The service worker names the files that its copies of pages need; no page of the camera is copied
const isShell = (path) => /^pkg\/(?!camera).*\.(css|js|woff2)$/.test(path);
const shell = ["/favicon.svg", ...[...files.keys()].filter(isShell).map((path) => `/${path}`)];
const version = createHash("sha256").update(shell.join()).digest("hex").slice(0, 12);
const worker = readFileSync(join(built, "worker.js"), "utf8");
if (!worker.includes("SITE")) throw new Error("worker.js does not contain SITE");
files.set("sw.js", Buffer.from(worker.replace("SITE", () => JSON.stringify({ version, script, files: shell }))));

mkdirSync(site, { recursive: true });
const old = new Set(list(site));
const same = (path, content) => old.has(path) && readFileSync(join(site, path)).equals(content);
const write = (path, content) => {
  if (same(path, content)) return;
  mkdirSync(dirname(join(site, path)), { recursive: true });
  writeFileSync(join(site, path), content);
};

const wanted = new Set();
for (const [path, content] of files) {
  const compressed = kind !== "dev" && content.length > 1000 && shrinks.has(extname(path)) ? [`${path}.br`, `${path}.gz`] : [];
  // Compressing takes seconds, so the compressed versions of an unchanged file are kept
  const fresh = !same(path, content) || compressed.some((name) => !old.has(name));
  wanted.add(path);
  compressed.forEach((name) => wanted.add(name));
  if (!fresh) continue;
  write(path, content);
  if (compressed.length === 0) continue;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: kind === "release" ? constants.BROTLI_MAX_QUALITY : 5,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
  };
  write(`${path}.br`, brotliCompressSync(content, { params }));
  write(`${path}.gz`, gzipSync(content, { level: constants.Z_BEST_COMPRESSION }));
}
for (const path of old) if (!wanted.has(path)) rmSync(join(site, path));

if (kind !== "dev") {
  const size = (name) => `${Math.ceil(readFileSync(join(site, name)).length / 1024)} KB`;
  const sizes = [...wanted].filter((path) => /^pkg\/.*\.br$/.test(path)).map((path) => `${path.slice(4, -3).replace(/\.[0-9a-f]{12}/, "")} ${size(path)}`);
  console.error(`client: ${site} is ready; brotli sizes: ${sizes.join(", ")}`);
}
