/** No page violates its content security policy, and the policy blocks what it should. */
import type { Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, press, test } from "./shop";

/** Returns what the policy has blocked on the open page. */
const violations = (page: Page) => page.evaluate(() => (window as { refused?: string[] }).refused ?? []);

/** Makes every page record from the start what its policy blocks. */
async function recordViolations(page: Page) {
  await page.addInitScript(() => {
    const notes: string[] = ((window as { refused?: string[] }).refused = []);
    document.addEventListener("securitypolicyviolation", (event) => {
      notes.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sourceFile ?? ""}`);
    });
  });
}

/** Signs an admin in and adds a product, a supply, an order and an erasure. */
async function setUpShop(page: Page, server: Server) {
  const admin = await shop.signInAs(page, server, "admin");
  const name = shop.unique("Чай");
  const product = await shop.addProduct(page, { name, price: "100", quantity: 5, min: 9 });
  await shop.receiveSupply(page, { product: name, qty: 1, price: "1", supplier: "Teekanne" });
  const order = await shop.bookOrder(page, { product: name });
  await shop.issueButton(page).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/выдан$/);
  const erasure = await shop.eraseCustomerByApi(page, product);
  return { admin, product, order, erasure };
}

test("no page violates its policy, whatever the role of the user", async ({ page, server, expectProblem }) => {
  test.slow();
  expectProblem(/status of (403|404)/);
  await recordViolations(page);
  const { admin, product, order, erasure } = await setUpShop(page, server);
  const paths = [...shop.pages(product, order), ...shop.plainPages, ...shop.adminPages(admin, erasure), "/nowhere"];
  const walk = async (who: string) => {
    for (const path of paths) {
      await shop.open(page, path);
      // The stream of changes never ends, so the network is never idle.
      await page.waitForTimeout(500);
      expect(await violations(page), `${who} at ${path}`).toEqual([]);
    }
  };
  await walk("the admin");
  await page.goto("/docs/");
  await expect(page.locator("#swagger-ui .info")).toBeVisible();
  expect(await violations(page), "the documentation").toEqual([]);
  for (const role of ["manager", "user"] as const) {
    await shop.open(page, "/");
    await shop.signOut(page);
    await shop.signInAs(page, server, role);
    await walk(role);
  }
  await shop.signOut(page);
  await walk("a visitor");
});

test("an injected script, style, image or frame is blocked", async ({ page, server, expectProblem }) => {
  expectProblem(/Content Security Policy|Content-Security-Policy|violates|ERR_BLOCKED_BY_RESPONSE/i);
  await recordViolations(page);
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
    await expect.poll(async () => (await violations(page)).join("\n")).toContain(directive);
  }
  expect(await page.evaluate(() => "smuggled" in window)).toBe(false);
  const answer = await page.context().request.get("/login");
  expect(answer.headers()["content-security-policy"]).not.toContain("unsafe-inline");
});

test("an error of a script request shows the request id on the page", async ({ page, server, expectProblem }) => {
  expectProblem(/503/);
  await shop.signInAs(page, server, "user");
  await shop.open(page, "/orders");
  // The response of a server that cannot reach its database
  const answer = { status: 503, headers: { "x-request-id": "a1b2c3d4e5f60718" }, contentType: "application/json", body: '"Unavailable"' };
  await page.route("**/fn/list_orders*", (route) => route.fulfill(answer));
  await page.getByRole("link", { name: "Телефон" }).first().click();
  await expect(page.getByText("Номер запроса: a1b2c3d4e5f60718")).toBeVisible();
});

test("password guessing is throttled, but the owner of the account can still sign in", async ({
  page, browser, watch, baseURL, server, expectProblem,
}) => {
  expectProblem(/status of 429/);
  const name = await shop.signInAs(page, server, "user");
  await shop.signOut(page);
  const elsewhere = await browser.newContext({ baseURL, locale: "ru-RU" });
  watch(elsewhere);
  const stranger = await elsewhere.newPage();
  await shop.open(stranger, "/login");
  for (let tries = 0; tries < 6; tries++) {
    await shop.fill(stranger, { "Имя пользователя": name, "Пароль": "не-тот-пароль" });
    await Promise.all([stranger.waitForEvent("load"), press(stranger, "Войти")]);
    await shop.waitForScript(stranger);
  }
  await expect(stranger.getByText(/Слишком много попыток\. Повторите через \d сек\./)).toBeVisible();
  await expect(shop.field(stranger, "Имя пользователя")).toHaveValue(name);
  await shop.signIn(page, name);
  await elsewhere.close();
});
