/** No page wants anything that its policy forbids, and the policy forbids what it should. */
import type { Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, press, test } from "./shop";

/** What the browser refused on the open page. */
const refused = (page: Page) => page.evaluate(() => (window as { refused?: string[] }).refused ?? []);

/** Lets every page note what its policy refuses, from its first moment on. */
async function listen(page: Page) {
  await page.addInitScript(() => {
    const notes: string[] = ((window as { refused?: string[] }).refused = []);
    document.addEventListener("securitypolicyviolation", (event) => {
      notes.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sourceFile ?? ""}`);
    });
  });
}

/** A product, an order and an account to look at, and the admin before the page. */
async function furnished(page: Page, server: Server) {
  const admin = await shop.arrive(page, server, "admin");
  const name = shop.unique("Чай");
  const product = await shop.addProduct(page, { name, price: "100", quantity: 5, min: 9 });
  await shop.receiveSupply(page, { product: name, qty: 1, price: "1", supplier: "Teekanne" });
  const order = await shop.bookOrder(page, { product: name });
  await shop.issueButton(page).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/выдан$/);
  return { admin, product, order };
}

test("no page breaks its policy, whoever looks at it", async ({ page, server, expectProblem }) => {
  test.slow();
  expectProblem(/status of (403|404)/);
  await listen(page);
  const { admin, product, order } = await furnished(page, server);
  const paths = [...shop.pages(product, order), ...shop.adminPages(admin), "/nowhere"];
  const walk = async (who: string) => {
    for (const path of paths) {
      await shop.open(page, path);
      await page.waitForLoadState("networkidle");
      expect(await refused(page), `${who} at ${path}`).toEqual([]);
    }
  };
  await walk("the admin");
  await page.goto("/docs/");
  await expect(page.locator("#swagger-ui .info")).toBeVisible();
  expect(await refused(page), "the documentation").toEqual([]);
  for (const role of ["manager", "user"] as const) {
    await shop.open(page, "/");
    await shop.signOut(page);
    await shop.arrive(page, server, role);
    await walk(role);
  }
  await shop.signOut(page);
  await walk("a stranger");
});

test("a script, a style and a frame that somebody smuggled in are refused", async ({ page, server, expectProblem }) => {
  expectProblem(/Content Security Policy|Content-Security-Policy|violates|ERR_BLOCKED_BY_RESPONSE/i);
  await listen(page);
  await shop.open(page, "/login");
  await page.evaluate(() => {
    document.body.insertAdjacentHTML("beforeend", `<div style="color: red" onclick="alert(1)"></div><img src="http://127.0.0.1:1/x.png">`);
    const script = document.createElement("script");
    script.textContent = "window.smuggled = true";
    document.body.append(script);
    const file = document.createElement("script");
    file.src = "/pkg/no-such.js";
    document.body.append(file);
    const frame = document.createElement("iframe");
    frame.src = "/login";
    document.body.append(frame);
  });
  for (const directive of ["script-src-elem", "script-src-attr", "style-src-attr", "img-src", "frame-src"]) {
    await expect.poll(async () => (await refused(page)).join("\n")).toContain(directive);
  }
  expect(await page.evaluate(() => "smuggled" in window)).toBe(false);
  const answer = await page.context().request.get("/login");
  expect(answer.headers()["content-security-policy"]).not.toContain("unsafe-inline");
});

test("a fault that a script was told of has its number on the page", async ({ page, server, expectProblem }) => {
  expectProblem(/503/);
  await shop.arrive(page, server, "user");
  await shop.open(page, "/orders");
  // As a server without its database answers
  const answer = { status: 503, headers: { "x-request-id": "a1b2c3d4e5f60718" }, contentType: "application/json", body: '"Unavailable"' };
  await page.route("**/fn/list_orders*", (route) => route.fulfill(answer));
  await page.getByRole("link", { name: "Телефон" }).first().click();
  await expect(page.getByText("Номер запроса: a1b2c3d4e5f60718")).toBeVisible();
});

test("whoever tries passwords is told to wait, and the owner of the account is not shut out", async ({ page, browser, watch, baseURL, server, expectProblem }) => {
  expectProblem(/status of 429/);
  const name = await shop.arrive(page, server, "user");
  await shop.signOut(page);
  const elsewhere = await browser.newContext({ baseURL, locale: "ru-RU" });
  watch(elsewhere);
  const stranger = await elsewhere.newPage();
  await shop.open(stranger, "/login");
  for (let tries = 0; tries < 6; tries++) {
    await shop.fill(stranger, { "Имя пользователя": name, "Пароль": "не-тот-пароль" });
    await Promise.all([stranger.waitForEvent("load"), press(stranger, "Войти")]);
    await shop.alive(stranger);
  }
  await expect(stranger.getByText(/Слишком много попыток\. Повторите через \d сек\./)).toBeVisible();
  await expect(shop.field(stranger, "Имя пользователя")).toHaveValue(name);
  await shop.signIn(page, name);
  await elsewhere.close();
});
