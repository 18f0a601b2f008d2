import { defineConfig, devices } from "@playwright/test";
import type { ServerOptions } from "./tests/server";

/**
 * Browser tests of the real program: every worker starts its own server with its own database (tests/server.ts). They
 * use the installed browser, or the one in `CHROMIUM`, and never download one.
 */
export default defineConfig<object, ServerOptions>({
  testDir: "tests",
  outputDir: "test-results",
  workers: 2,
  fullyParallel: false,
  forbidOnly: !!process.env.CI,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  // A test run that hangs is ended, and reports where
  globalTimeout: 40 * 60_000,
  reporter: [["list"]],
  use: {
    ...devices["Desktop Chrome"],
    viewport: { width: 1280, height: 800 },
    locale: "ru-RU",
    timezoneId: "Europe/Moscow",
    screenshot: "only-on-failure",
    // Recording takes a third of the time. To find out why a test fails: make e2e ARGS='--trace retain-on-failure -g NAME'
    trace: "off",
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
    // Tests that depend on the database are tagged @postgres and run on both
    { name: "postgres", use: { database: "postgres" }, grep: /@postgres/ },
    // No tests, but the work of `make screenshots`
    { name: "screenshots", testMatch: "**/*.shots.ts", use: { demoOrders: 200 } },
  ],
});
