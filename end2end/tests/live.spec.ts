/** What a colleague does appears on open pages, without moving a row under the pointer. */
import type { Page } from "@playwright/test";
import * as shop from "./shop";
import { expect, field, orderRow, press, test } from "./shop";

/** How long a change may take to appear. The stream takes a few milliseconds; the rest is for a busy machine. */
const SOON = 3_000;

/** Waits until the page listens to the stream: what happens before is part of the page already. */
async function listens(page: Page) {
  await page.waitForRequest((request) => new URL(request.url()).pathname === "/live", { timeout: 10_000 }).catch(() => {});
  await page.waitForTimeout(500);
}

/** Books an order and returns its number. */
async function addOrder(page: Page, product: number, qty: number): Promise<number> {
  const made = await page.request.post("/api/orders", { data: { product_id: product, phone: shop.uniquePhone(), qty } });
  return (await made.json()).id;
}

async function openedBy(page: Page, path: string) {
  await shop.open(page, path);
  await listens(page);
}

/** Hides the page, or shows it again, as far as it can tell. */
const show = (page: Page, state: "hidden" | "visible") =>
  page.evaluate((state) => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  }, state);

test("an order that a colleague issues turns grey with their name, and a new one is offered @postgres", async ({ page, server, browser }) => {
  await shop.signInAs(page, server, "manager");
  const mark = shop.unique("");
  const product = await shop.addProductByApi(page, `Чай ${mark}`, 50);
  const first = await addOrder(page, product, 1);
  const second = await addOrder(page, product, 2);
  await openedBy(page, "/orders");
  const before = await page.locator("tbody tr").count();

  const clerk = await (await browser.newContext({ locale: "ru-RU", baseURL: server.url })).newPage();
  await shop.signInAs(clerk, server, "user");
  await shop.open(clerk, "/orders");
  const place = await orderRow(page, second).boundingBox();
  await shop.issueButton(orderRow(clerk, first)).click();
  await expect(orderRow(page, first)).toContainText("выдан", { timeout: SOON });
  await expect(orderRow(page, first)).toHaveClass(/settled-elsewhere/);
  await expect(orderRow(page, first).locator(".settled-by")).not.toBeEmpty();
  await expect(page.getByRole("status").filter({ hasText: `Заказ № ${first}: выдан` })).toHaveCount(1);
  expect(await orderRow(page, second).boundingBox()).toEqual(place);

  await test.step("a new order does not move the rows", async () => {
    const third = await addOrder(clerk, product, 3);
    const offer = page.getByRole("button", { name: "1 новый заказ" });
    await expect(offer).toBeVisible({ timeout: SOON });
    await addOrder(clerk, product, 1);
    await expect(page.getByRole("button", { name: "2 новых заказа" })).toBeVisible({ timeout: SOON });
    expect(await orderRow(page, second).boundingBox()).toEqual(place);
    expect(await page.locator("tbody tr").count()).toBe(before);
    await page.getByRole("button", { name: "2 новых заказа" }).click();
    await expect(orderRow(page, third)).toBeVisible();
    await expect(page.locator(".new-orders button")).toHaveCount(0);
  });

  await test.step("one's own acts do not read the list again", async () => {
    let reads = 0;
    page.on("request", (request) => void (request.url().includes("read_changed_orders") && reads++));
    // Clicks on rows that have just moved are ignored.
    await page.waitForTimeout(600);
    await shop.issueButton(orderRow(page, second)).click();
    await expect(orderRow(page, second)).toContainText("выдан");
    await page.waitForTimeout(600);
    expect(reads).toBe(0);
  });
  await clerk.context().close();
});

test("the counts, the stock and an open order form follow", async ({ page, server, browser }) => {
  await shop.signInAs(page, server, "manager");
  const mark = shop.unique("");
  const product = await shop.addProductByApi(page, `Кофе ${mark}`, 9);
  const other = await (await browser.newContext({ locale: "ru-RU", baseURL: server.url })).newPage();
  await shop.signInAs(other, server, "user");

  await openedBy(page, `/products?search=${mark}`);
  await addOrder(other, product, 2);
  await expect(page.locator("tbody tr", { hasText: mark })).toContainText("7", { timeout: SOON });

  await openedBy(page, "/orders/new");
  await page.getByRole("textbox", { name: "Телефон" }).fill("89161234567");
  await field(page, "Товар").fill(`Кофе ${mark}`);
  await page.keyboard.press("Enter");
  await page.keyboard.type("6");
  await page.keyboard.press("Enter");
  const line = page.locator(".basket-line");
  await expect(line).toContainText("в наличии 7");
  await addOrder(other, product, 3);
  await expect(line).toContainText("в наличии 4", { timeout: SOON });
  await expect(line).toHaveClass(/wrong/);
  await expect(page.getByRole("textbox", { name: "Телефон" })).toHaveValue("89161234567");
  await other.context().close();
});

test("a page on which someone is typing stays as it is, and offers the new data", async ({ page, server, browser }) => {
  await shop.signInAs(page, server, "manager");
  const mark = shop.unique("");
  const product = await shop.addProductByApi(page, `Какао ${mark}`, 5);
  const order = await addOrder(page, product, 1);
  const other = await (await browser.newContext({ locale: "ru-RU", baseURL: server.url })).newPage();
  await shop.signInAs(other, server, "user");

  await openedBy(page, `/orders/${order}`);
  await page.locator("summary", { hasText: "Изменить заказ" }).click();
  const name = page.getByRole("textbox", { name: "Имя" });
  await name.fill("Мария");
  await shop.open(other, `/orders/${order}`);
  await shop.issueButton(other).click();
  await expect(page.locator(".stale-notice")).toContainText("Данные на странице изменились.", { timeout: SOON });
  await expect(name).toHaveValue("Мария");
  await press(page.locator(".stale-notice"), "Показать");
  await expect(page.getByRole("heading", { level: 1 })).toContainText("выдан");
  await other.context().close();
});

test("a hidden page keeps no stream, and catches up when it is shown again", async ({ page, server, context }) => {
  await shop.signInAs(page, server, "manager");
  const mark = shop.unique("");
  const product = await shop.addProductByApi(page, `Мёд ${mark}`, 5);
  const order = await addOrder(page, product, 1);
  await openedBy(page, `/orders?id=${order}`);
  await show(page, "hidden");
  await page.waitForTimeout(300);
  await page.request.post(`/api/orders/${order}/issue`);
  await page.waitForTimeout(500);
  await expect(orderRow(page, order)).toContainText("ждёт выдачи");
  await show(page, "visible");
  await expect(orderRow(page, order)).toContainText("выдан", { timeout: SOON });
  await context.close();
});

test("a hidden page gets what its phone reads, and then only what waited on it turns grey", async ({ page, server }) => {
  await shop.signInAs(page, server, "manager");
  const name = shop.unique("Халва");
  const product = await shop.addProductByApi(page, name, 5);
  const old = await addOrder(page, product, 1);
  const order = await addOrder(page, product, 1);
  await page.request.post(`/api/orders/${old}/deny`);
  await openedBy(page, `/orders?product=${encodeURIComponent(name)}`);
  const screen = "5c".repeat(16);
  await page.evaluate((screen) => {
    sessionStorage.setItem("screen", screen);
    addEventListener("scanned", (event) => ((window as { code?: string }).code = (event as CustomEvent).detail));
  }, screen);
  await show(page, "hidden");
  const relayed = await page.request.post("/api/scan/relay", { data: { screen, code: "такого нет" } });
  expect(relayed.status()).toBe(204);
  await expect.poll(() => page.evaluate(() => (window as { code?: string }).code)).toBe("такого нет");
  await page.request.post(`/api/orders/${order}/issue`);
  await page.waitForTimeout(500);
  await expect(orderRow(page, order)).toContainText("ждёт выдачи");
  await show(page, "visible");
  await expect(orderRow(page, order)).toContainText("выдан", { timeout: SOON });
  await expect(orderRow(page, order)).toHaveClass(/settled-elsewhere/);
  await expect(orderRow(page, old)).toContainText("отменён");
  await expect(orderRow(page, old)).not.toHaveClass(/settled-elsewhere/);
});
