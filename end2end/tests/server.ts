/**
 * The fixtures of the browser tests: `import { test, expect } from "./server"`.
 *
 * - Each worker has its own `sirius serve` with a new database, so tests of different workers are independent;
 *   `page.goto("/orders")` opens a page of this server.
 * - A test fails on any error in the browser's console, any exception in a page and any response with a status of 500 or
 *   above. Chromium reports every 4xx as a console error, so a test that expects one must call
 *   `expectProblem(/status of 409/)`.
 * - The run of a worker fails if its server logged a secret: a value of a password or phone field, or a cookie.
 */
import { test as base, type BrowserContext, type Request } from "@playwright/test";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export { expect } from "@playwright/test";

export type ServerOptions = {
  /** The kind of database; `postgres` needs TEST_DATABASE_URL. */
  database: "sqlite" | "postgres";
  /** The number of demo orders in the database; 0 leaves it empty. */
  demoOrders: number;
  /** More settings of the server, such as `{ REGISTRATION: "closed" }`. */
  settings: Record<string, string>;
};

/** A running server: its address, and its command line on the same database. */
export type Server = {
  url: string;
  databaseUrl: string;
  /** Runs `sirius ARGS` and returns its output; throws if it fails. */
  run: (...args: string[]) => string;
  /** Returns the server's log so far. */
  log: () => string;
  /** Stops the server, so that no request reaches it. */
  stop: () => Promise<void>;
  /** Starts it again at the same address. */
  start: () => Promise<void>;
  /** Texts that must not appear in the log. */
  secrets: Set<string>;
};

type TestFixtures = {
  /** Allows problems whose message matches, because the test causes them on purpose. */
  expectProblem: (pattern: RegExp) => void;
  /** Watches a context that the test opened itself (`browser.newContext()`). */
  watch: (context: BrowserContext) => void;
};

const program = resolve(import.meta.dirname, "../../target/local/sirius");

export const test = base.extend<TestFixtures & { problems: Problems }, ServerOptions & { server: Server }>({
  database: ["sqlite", { option: true, scope: "worker" }],
  demoOrders: [0, { option: true, scope: "worker" }],
  settings: [{}, { option: true, scope: "worker" }],

  server: [
    async ({ database, demoOrders, settings }, use) => {
      if (!existsSync(program)) throw new Error(`${program} is missing: run 'make server' first`);
      const folder = mkdtempSync(join(tmpdir(), "sirius-e2e-"));
      const data = database === "sqlite" ? sqlite(folder) : postgres();
      try {
        const started = await start(folder, data.url, demoOrders, settings);
        await use(started);
        await started.stop();
        assertLogHasNoSecrets(started);
      } finally {
        data.drop();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    { scope: "worker", timeout: 120_000 },
  ],

  baseURL: async ({ server }, use) => use(server.url),

  problems: [
    async ({ server }, use, testInfo) => {
      const problems = new Problems(server.secrets);
      await use(problems);
      if (testInfo.status !== testInfo.expectedStatus || problems.unexpected().length > 0) {
        await testInfo.attach("server.log", { body: server.log(), contentType: "text/plain" });
      }
      if (problems.unexpected().length > 0) throw new Error(problems.unexpected().join("\n"));
    },
    { auto: true },
  ],
  context: async ({ context, problems }, use) => {
    problems.watch(context);
    await use(context);
  },
  expectProblem: async ({ problems }, use) => use((pattern) => problems.allow(pattern)),
  watch: async ({ problems }, use) => use((context) => problems.watch(context)),
});

/** The problems in the pages of one test. */
class Problems {
  private found: string[] = [];
  private allowed: RegExp[] = [];

  constructor(private secrets: Set<string>) {}

  watch(context: BrowserContext) {
    context.on("request", (request) => this.note(request));
    context.on("console", (message) => {
      if (message.type() === "error") this.found.push(`console: ${message.text()} (${message.location().url})`);
    });
    context.on("weberror", (error) => {
      this.found.push(`exception: ${error.error().stack ?? error.error().message}`);
    });
    context.on("response", (response) => {
      if (response.status() >= 500) this.found.push(`response: ${response.status()} ${response.url()}`);
    });
  }

  /** Collects the secrets in a request, which must not appear in the log. */
  private note(request: Request) {
    const fields = new URLSearchParams(request.postData() ?? "");
    for (const [name, value] of fields) if (/password|phone|setup_code/.test(name)) this.secrets.add(value);
    for (const [name, value] of new URL(request.url()).searchParams) if (/phone|invitation/.test(name)) this.secrets.add(value);
    void request
      .allHeaders()
      .then(({ cookie }) => cookie?.split("; ").forEach((pair) => this.secrets.add(pair.slice(pair.indexOf("=") + 1))))
      // The page may have been closed
      .catch(() => {});
  }

  allow(pattern: RegExp) {
    this.allowed.push(pattern);
  }

  unexpected() {
    return this.found.filter((problem) => !this.allowed.some((pattern) => pattern.test(problem)));
  }
}

/** Throws if the log contains a secret, whatever the format of a phone number. */
function assertLogHasNoSecrets({ log, secrets }: Server) {
  const bare = (text: string) => text.replace(/[ ()+-]/g, "");
  // Short texts such as "ru" or half a number may be part of other words
  const known = [...secrets]
    .map((secret) => (/^[\d\s()+-]+$/.test(secret) ? bare(secret).slice(-10) : secret))
    .filter((secret) => secret.length >= 7);
  for (const line of log().split("\n")) {
    const told = known.find((secret) => line.includes(secret) || (/^\d+$/.test(secret) && bare(line).includes(secret)));
    if (told !== undefined) throw new Error(`the server's log contains the secret ${told}: ${line}`);
  }
}

function sqlite(folder: string) {
  return { url: `sqlite://${join(folder, "sirius.db")}`, drop: () => {} };
}

/** Creates a database on the server in TEST_DATABASE_URL. */
function postgres() {
  const admin = process.env.TEST_DATABASE_URL;
  if (!admin) throw new Error("TEST_DATABASE_URL is not set: run the tests with scripts/with-postgres");
  const name = `sirius_e2e_${randomBytes(6).toString("hex")}`;
  const sql = (statement: string) =>
    execFileSync("psql", ["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", `--command=${statement}`, admin]);
  sql(`CREATE DATABASE ${name}`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => sql(`DROP DATABASE ${name} WITH (FORCE)`) };
}

async function start(folder: string, databaseUrl: string, demoOrders: number, settings: Record<string, string>): Promise<Server> {
  const address = `127.0.0.1:${await freePort()}`;
  // Without the developer's own settings: neither those in the environment nor those in .env (`cwd`)
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    RUST_BACKTRACE: "1",
    RUST_LOG: "debug",
    DATABASE_URL: databaseUrl,
    LEPTOS_SITE_ADDR: address,
    SECRET_KEY: randomBytes(64).toString("hex"),
    BCRYPT_COST: "4",
    // So that the people of a test can register themselves
    REGISTRATION: "open",
    ...settings,
  };
  const run = (...args: string[]) => execFileSync(program, args, { cwd: folder, env, encoding: "utf8" });
  if (demoOrders > 0) run("demo", "--orders", String(demoOrders));

  let log = "";
  let stop = async () => {};
  const url = `http://${address}`;
  const serve = async () => {
    const child = spawn(program, ["serve"], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (text) => (log += text));
    child.stderr.on("data", (text) => (log += text));
    // If the test run is killed, no server must be left running
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    stop = async () => {
      await stopProcess(child);
      process.off("exit", kill);
    };
    try {
      await waitUntilReady(url, child);
    } catch (error) {
      await stop();
      throw new Error(`${(error as Error).message}\n${log}`);
    }
  };
  await serve();
  return { url, databaseUrl, run, log: () => log, stop: () => stop(), start: serve, secrets: new Set<string>() };
}

/** Waits until the server answers a request. */
async function waitUntilReady(url: string, child: ChildProcess) {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode} before it answered`);
    if (await fetch(url, { redirect: "manual" }).then(() => true, () => false)) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`the server did not answer at ${url}`);
}

/** Stops the server, and kills it if it is still running after ten seconds. */
async function stopProcess(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((done) => child.once("exit", done));
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await over;
  clearTimeout(late);
}

/** Returns a port that is free at the moment. */
function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => done(port));
    });
  });
}
