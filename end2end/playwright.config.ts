import { defineConfig, devices } from "@playwright/test";
import type { ServerOptions } from "./tests/server";

/**
 * Browser tests against the real program: every worker starts its own server with its
 * own database (tests/server.ts). The browser is the system's, never a download;
 * `CHROMIUM` names another one.
 */
export default defineConfig<object, ServerOptions>({
  testDir: "tests",
  outputDir: "test-results",
  workers: 2,
  fullyParallel: false,
  forbidOnly: !!process.env.CI,
  // On a machine under load a browser may stumble: it may try once more, and says so
  retries: process.env.CI ? 1 : 0,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  // Whatever hangs ends the run, and says where
  globalTimeout: 40 * 60_000,
  reporter: [["list"]],
  use: {
    ...devices["Desktop Chrome"],
    viewport: { width: 1280, height: 800 },
    locale: "ru-RU",
    timezoneId: "Europe/Moscow",
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "sqlite", use: { database: "sqlite" } },
    // What depends on the database runs on both: tag it @postgres
    { name: "postgres", use: { database: "postgres" }, grep: /@postgres/ },
    // Not tests: `make screenshots`
    { name: "screenshots", testMatch: "**/*.shots.ts", use: { demoOrders: 200 } },
  ],
});
