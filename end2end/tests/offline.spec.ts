/** Without a connection, the last pages are shown with the time at which they were read, and nothing can be booked. */
import type { BrowserContext, Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, issueButton, orderRow, ownServer, test } from "./shop";

test.use({ ...ownServer(), serviceWorkers: "allow" });
// Chromium reports each request that fails
test.beforeEach(({ expectProblem }) => expectProblem(/net::ERR_(INTERNET_DISCONNECTED|CONNECTION_REFUSED|FAILED)/));

const bar = (page: Page) => page.locator("#offline");
const readToday = /^Нет связи\. Страница прочитана сегодня в \d\d:\d\d\. Оформить и изменить пока ничего нельзя\.$/;
const offlineTitle = (page: Page) => page.getByRole("heading", { name: "Нет связи", exact: true });

/** Signs a manager in, waits for the service worker and books an order. */
async function setUpShop(page: Page, server: Server) {
  const name = await shop.signInAs(page, server, "manager");
  const product = await shop.addProductByApi(page, shop.unique("Чай"), 5);
  const order = await shop.bookOrderByApi(page, product);
  await waitForWorker(page);
  return { name, product, order };
}

async function waitForWorker(page: Page) {
  await page.waitForFunction(() => navigator.serviceWorker.controller?.state === "activated");
}

/** The paths of the pages that the worker has copies of. */
const copies = (page: Page) =>
  page.evaluate(async () => {
    if (!(await caches.has("pages"))) return [];
    const kept = await (await caches.open("pages")).keys();
    return kept.map(({ url }) => new URL(url).pathname + new URL(url).search);
  });

/** Opens a page and waits until the worker has copied it. */
async function read(page: Page, path: string) {
  await shop.open(page, path);
  await expect.poll(() => copies(page)).toContain(path);
}

/** The ways to lose the connection and to have it back. */
const connections = {
  "the network": {
    lose: (context: BrowserContext) => context.setOffline(true),
    restore: (context: BrowserContext) => context.setOffline(false),
  },
  "the server": {
    lose: (_: BrowserContext, server: Server) => server.stop(),
    restore: (_: BrowserContext, server: Server) => server.start(),
  },
};

for (const [what, { lose, restore }] of Object.entries(connections)) {
  test(`without ${what}, the last list is shown, and nothing can be sent`, async ({ page, context, server }) => {
    const { order, product } = await setUpShop(page, server);
    await read(page, "/orders");
    await lose(context, server);
    await page.goto("/orders");
    await expect(bar(page)).toHaveText(readToday);
    await expect(orderRow(page, order)).toContainText("123-45-67");
    await expect(issueButton(orderRow(page, order))).toBeDisabled();
    await expect(page.locator(":is(button, input, select, textarea):enabled")).toHaveCount(0);
    // A page that was not read before
    await page.getByRole("link", { name: "Новый заказ" }).click();
    await expect(offlineTitle(page)).toBeVisible();
    await expect(page).toHaveURL(/\/orders\/new$/);
    await page.getByRole("link", { name: "Повторить" }).click();
    await expect(offlineTitle(page)).toBeVisible();
    await restore(context, server);
    await expect(page.getByRole("button", { name: "Оформить заказ" })).toBeEnabled();
    await expect(bar(page)).toBeHidden();
    await shop.open(page, `/products/${product}`);
    await expect(shop.fact(page, "В резерве")).toHaveText("1");
  });

  test(`an open page says that ${what} is gone, and recovers by itself`, async ({ page, context, server }) => {
    const { order, product } = await setUpShop(page, server);
    await read(page, `/products/${product}`);
    await read(page, "/orders");
    await lose(context, server);
    // A change that cannot be sent is reported, and not repeated
    await issueButton(orderRow(page, order)).click();
    await expect(page.getByRole("alert").filter({ hasText: "Сервер не отвечает" })).toBeVisible();
    await expect(bar(page)).toHaveText(readToday);
    // Links lead to the copies
    await orderRow(page, order).getByRole("link", { name: "Чай" }).or(page.getByRole("link", { name: "Склад" })).first().click();
    await expect(offlineTitle(page).or(bar(page))).toBeVisible();
    await page.goto("/orders");
    await expect(bar(page)).toBeVisible();
    await restore(context, server);
    await expect(bar(page)).toBeHidden();
    await expect(issueButton(orderRow(page, order))).toBeEnabled();
    await expect(orderRow(page, order)).toContainText("ждёт");
  });
}

test("data that could not be read is read again", async ({ page, server }) => {
  await setUpShop(page, server);
  await shop.open(page, "/orders");
  // The code of the page is loaded, its data is not
  await page.getByRole("link", { name: "Склад" }).click();
  await expect(page.getByRole("heading", { name: "Склад" })).toBeVisible();
  await page.getByRole("link", { name: "Заказы" }).click();
  await expect(page.getByRole("heading", { name: "Заказы" })).toBeVisible();
  const unreachable = /\/fn\/|\/favicon\.svg$/;
  await page.route(unreachable, (route) => route.abort("failed"));
  await page.getByRole("link", { name: "Склад" }).click();
  await expect(page.getByRole("main")).toContainText("Сервер не отвечает");
  await expect(bar(page)).toBeVisible();
  await page.unroute(unreachable);
  await expect(page.getByRole("main")).toContainText("Чай");
  await expect(bar(page)).toBeHidden();
});

test("pages that the client drew are copied, too", async ({ page, context, server }) => {
  await setUpShop(page, server);
  await read(page, "/orders");
  await page.getByRole("link", { name: "Склад" }).click();
  await expect(page.getByRole("heading", { name: "Склад" })).toBeVisible();
  await expect.poll(() => copies(page), { timeout: 30_000 }).toContain("/products");
  await context.setOffline(true);
  await page.reload();
  await expect(bar(page)).toHaveText(readToday);
  await expect(page.getByRole("main")).toContainText("Чай");
});

test.describe("the copies are deleted", () => {
  /** Asserts that nothing of the shop is shown without a connection. */
  async function expectNothing(page: Page, context: BrowserContext) {
    await expect.poll(() => copies(page)).toEqual([]);
    await waitForWorker(page);
    await context.setOffline(true);
    for (const path of ["/orders", "/"]) {
      await page.goto(path);
      await expect(offlineTitle(page)).toBeVisible();
      expect(await page.content()).not.toContain("123-45-67");
    }
  }

  test("after signing out", async ({ page, context, server }) => {
    await setUpShop(page, server);
    await read(page, "/orders");
    await shop.signOut(page);
    await expectNothing(page, context);
  });

  test("when somebody signs out without a connection", async ({ page, context, server }) => {
    await setUpShop(page, server);
    await read(page, "/orders");
    await context.setOffline(true);
    await page.getByRole("button", { name: "Выход" }).click();
    await page.waitForURL("chrome-error://chromewebdata/").catch(() => {});
    await page.goto("/orders");
    await expect(offlineTitle(page)).toBeVisible();
  });

  test("when the user was blocked, with the next answer", async ({ page, context, server, expectProblem }) => {
    expectProblem(/status of 401/);
    const { name, order } = await setUpShop(page, server);
    await read(page, "/orders");
    server.run("user", "block", name);
    await issueButton(orderRow(page, order)).click();
    await expect(page.getByRole("dialog")).toContainText("Сеанс завершён");
    await expectNothing(page, context);
  });

  test("when the session has ended, with the next page", async ({ page, context, server, expectProblem }) => {
    expectProblem(/status of 401/);
    await setUpShop(page, server);
    await read(page, "/orders");
    await context.clearCookies();
    await page.goto("/orders");
    await expectNothing(page, context);
  });

  test("when another user signs in", async ({ page, context, server }) => {
    const clerk = await shop.signInAs(page, server, "user");
    await shop.signOut(page);
    await setUpShop(page, server);
    await read(page, "/orders");
    // The worker sees no page without a user in between
    await context.clearCookies();
    expect((await page.request.post("/api/auth/login", { data: { username: clerk, password: shop.password } })).ok()).toBe(true);
    await page.goto("/products");
    await expect(page.getByRole("link", { name: clerk })).toBeVisible();
    await expect.poll(() => copies(page)).not.toContain("/orders");
  });

  test("after twelve hours", async ({ page, context, server }) => {
    await setUpShop(page, server);
    await read(page, "/orders");
    await page.evaluate(async () => {
      const pages = await caches.open("pages");
      const kept = await pages.match("/orders");
      const headers = new Headers(kept!.headers);
      headers.set("read-at", String(Date.now() - 12 * 60 * 60 * 1000 - 1000));
      await pages.put("/orders", new Response(await kept!.text(), { headers }));
    });
    await context.setOffline(true);
    await page.goto("/orders");
    await expect(offlineTitle(page)).toBeVisible();
    expect(await copies(page)).not.toContain("/orders");
  });
});

test("the page without a connection follows the language", async ({ page, context, server }) => {
  await setUpShop(page, server);
  await shop.open(page, "/orders");
  await page.getByRole("button", { name: "English" }).click();
  await expect(page.locator("html")).toHaveAttribute("lang", "en");
  await expect.poll(() => page.evaluate(async () => (await (await caches.match("/offline"))!.text()).includes('lang="en"'))).toBe(true);
  await context.setOffline(true);
  await page.goto("/orders");
  await expect(bar(page)).toHaveText(/^No connection\. The page was read today at \d\d:\d\d\./);
  await page.goto("/admin/logs");
  await expect(page.getByRole("heading", { name: "No connection" })).toBeVisible();
});

test("downloads, the documentation and the API go past the worker", async ({ page, server }) => {
  await setUpShop(page, server);
  await read(page, "/orders");
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Скачать CSV" }).click()]);
  expect(file.suggestedFilename()).toMatch(/\.csv$/);
  const documents = await page.goto("/docs/");
  expect(documents?.fromServiceWorker()).toBe(false);
  await expect(page.locator("#swagger-ui .info")).toBeVisible();
  await page.goto("/orders");
  expect(await copies(page)).not.toContain("/docs/");
});

test("Chromium can install the shop", async ({ page, server, context }) => {
  await setUpShop(page, server);
  const browser = await context.newCDPSession(page);
  const { errors, url } = await browser.send("Page.getAppManifest");
  expect(url).toMatch(/\/manifest\.webmanifest$/);
  expect(errors).toEqual([]);
  const { installabilityErrors } = await browser.send("Page.getInstallabilityErrors");
  // Tests run in a window that keeps nothing
  expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== "in-incognito")).toEqual([]);
  for (const path of ["/sw.js", "/icons/192.png", "/icons/512.png", "/icons/maskable-512.png", "/icons/apple-touch-180.png"]) {
    expect((await page.request.get(path)).ok(), path).toBe(true);
  }
  const worker = (await page.request.get("/sw.js")).headers();
  expect(worker["cache-control"]).toBe("no-cache");
  expect(worker["content-security-policy"]).toContain("connect-src 'self'");
});
