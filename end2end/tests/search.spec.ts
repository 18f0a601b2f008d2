/** Finding and issuing by keyboard: the search of the header, and the keys of the page. */
import type { Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, orderRow, test } from "./shop";

// Numbers and phones of other tests must not match.
test.use(shop.ownServer());

const searchField = (page: Page) => page.getByRole("searchbox", { name: "Поиск по заказам и товарам" });
const panel = (page: Page) => page.locator(".search-panel");

/** Adds a waiting order for each phone; returns their numbers. */
async function addOrders(page: Page, server: Server, phones: string[]) {
  await shop.signInAs(page, server, "manager");
  const product = await shop.addProductByApi(page, shop.unique("Чай"), 50);
  const orders: number[] = [];
  for (const phone of phones) {
    const made = await page.request.post("/api/orders", { data: { phone, product_id: product, qty: 1 } });
    orders.push((await made.json()).id);
  }
  return { product, orders };
}

const status = async (page: Page, order: number) => (await (await page.request.get(`/api/orders/${order}`)).json()).status;

test("slash, the last digits, Enter, Enter issues the only order that waits, from any page @postgres", async ({ page, server }) => {
  const { product, orders } = await addOrders(page, server, ["+79161110001", "+79161110002", "+79161110003"]);
  for (const [index, path] of ["/products", `/products/${product}`, "/orders"].entries()) {
    await shop.open(page, path);
    await page.keyboard.press("Slash");
    await expect(searchField(page)).toBeFocused();
    // Faster than any answer: Enter waits for the results of what was typed
    await page.keyboard.type(`000${index + 1}`);
    await page.keyboard.press("Enter");
    await expect(panel(page).getByRole("button", { name: `Выдать: Заказ № ${orders[index]}` })).toBeFocused();
    expect(await status(page, orders[index]!)).toBe("paid_not_issued");
    await page.keyboard.press("Enter");
    await expect(panel(page).locator(".order-status")).toHaveText("выдан");
    expect(await status(page, orders[index]!)).toBe("paid_issued");
    await page.keyboard.press("Escape");
    await expect(panel(page)).toBeHidden();
  }
  // The list below the panel was read again.
  await expect(orderRow(page, orders[2])).toContainText("выдан");
});

test("what is typed right after the first slash on a page is searched for", async ({ page, server }) => {
  const { orders } = await addOrders(page, server, ["+79168880031"]);
  await page.route(/split_keys/, async (route) => {
    await new Promise((done) => setTimeout(done, 1_000));
    await route.continue().catch(() => {});
  });
  await shop.open(page, "/products");
  await page.keyboard.press("Slash");
  await page.keyboard.type("80031");
  await expect(searchField(page)).toHaveValue("80031");
  await expect(panel(page).getByRole("button", { name: `Выдать: Заказ № ${orders[0]}` })).toBeVisible();
});

test("Enter issues nothing when several orders wait, and finds in the other layout", async ({ page, server }) => {
  const { orders } = await addOrders(page, server, ["+79162220007", "+79163330007"]);
  await shop.open(page, "/");
  await page.keyboard.press("Slash");
  await page.keyboard.type("0007");
  await page.keyboard.press("Enter");
  await expect(panel(page).getByRole("link", { name: String(orders[1]), exact: true })).toBeFocused();
  await page.keyboard.press("Enter");
  await page.waitForURL(`/orders/${orders[1]}`);
  for (const order of orders) expect(await status(page, order)).toBe("paid_not_issued");
  await expect(panel(page)).toBeHidden();

  await page.keyboard.press("Slash");
  await page.keyboard.type("xfq");
  await expect(panel(page).getByRole("link", { name: /^Чай/ }).first()).toBeVisible();
  await searchField(page).fill("такого нет");
  await expect(panel(page)).toContainText("Ничего не нашлось.");
  // What is typed in a field is no shortcut.
  await searchField(page).fill("");
  await page.keyboard.type("nnn");
  await expect(page).toHaveURL(`/orders/${orders[1]}`);
});

test("keys open pages, walk through rows and issue, in the Russian layout too", async ({ page, server }) => {
  const { orders } = await addOrders(page, server, ["+79164440001", "+79164440002"]);
  await shop.open(page, "/");
  const key = (code: string, typed: string, shiftKey = false) =>
    page.evaluate(
      ([code, key, shiftKey]) =>
        (document.activeElement ?? document.body).dispatchEvent(
          new KeyboardEvent("keydown", { code: code as string, key: key as string, shiftKey: shiftKey as boolean, bubbles: true, cancelable: true }),
        ),
      [code, typed, shiftKey] as const,
    );
  await key("KeyG", "п");
  await key("KeyO", "щ");
  await page.waitForURL("/orders");
  await expect(orderRow(page, orders[1])).toBeVisible();
  await key("KeyJ", "о");
  await expect(page.getByRole("link", { name: String(orders[1]), exact: true })).toBeFocused();
  await key("KeyJ", "о");
  await key("KeyI", "ш");
  await expect(orderRow(page, orders[0])).toContainText("выдан");
  expect(await status(page, orders[1]!)).toBe("paid_not_issued");
  await key("KeyK", "л");
  await key("KeyE", "у");
  await page.waitForURL(`/orders/${orders[1]}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText(`№ ${orders[1]}`);
  await key("KeyE", "у");
  await expect(shop.field(page, "Телефон")).toBeFocused();
  await page.locator("h1").click();
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await key("Slash", ",", true);
  await expect(page.getByRole("dialog", { name: "Клавиши" })).toBeVisible();
  await page.keyboard.press("Escape");
  await key("KeyN", "т");
  await page.waitForURL("/orders/new");
});

test("the panel closes on a click elsewhere and on a link to the same page, and says what it found", async ({ page, server }) => {
  const { orders } = await addOrders(page, server, ["+79161230909", "+79164560909"]);
  await shop.open(page, `/orders/${orders[0]}`);
  const status = page.getByRole("status");
  await searchField(page).fill("0909");
  await expect(panel(page)).toBeVisible();
  await expect(status.filter({ hasText: "2 заказа" })).toHaveCount(1);
  // A place that takes no focus
  await page.locator(".site-header").click({ position: { x: 5, y: 5 } });
  await expect(panel(page)).toBeHidden();

  // Another text while the panel is closed: its results are shown, never the old ones.
  await page.evaluate(() => ((document.querySelector("#search") as HTMLInputElement).value = "30909"));
  await page.locator("h1").click();
  await searchField(page).focus();
  await expect(panel(page)).toBeVisible();
  await expect(panel(page).locator("tbody tr")).toHaveCount(1);
  await panel(page).getByRole("link", { name: String(orders[0]), exact: true }).click();
  await expect(panel(page)).toBeHidden();
  await expect(searchField(page)).toHaveValue("");
  await expect(page).toHaveURL(`/orders/${orders[0]}`);

  await searchField(page).fill("нет такого");
  await expect(status.filter({ hasText: "Ничего не нашлось." })).toHaveCount(1);
  await page.keyboard.press("Escape");
  await expect(panel(page)).toBeHidden();
  await expect(searchField(page)).toBeFocused();
});

test("the menu and the tabs count the orders once, and screen readers hear how many wait", async ({ page, server }) => {
  const { orders } = await addOrders(page, server, ["+79167770001"]);
  await shop.open(page, "/products");
  const asked: string[] = [];
  page.on("request", (request) => request.url().includes("/read_menu_counts") && asked.push(request.url()));
  await page.getByRole("navigation", { name: "Меню" }).getByRole("link", { name: "Заказы" }).click();
  await expect(orderRow(page, orders[0])).toBeVisible();
  const tabs = page.getByRole("navigation", { name: "Статус" });
  const count = (tab: string) => tabs.getByRole("link", { name: tab, exact: true }).locator(".menu-count");
  const number = async (tab: string) => Number((await count(tab).getAttribute("data-count"))?.replace(/\s/g, ""));
  await expect(count("Ждут")).toHaveAttribute("data-count", /\d+/);
  expect(asked).toHaveLength(1);
  const [before, all] = [await number("Ждут"), await number("Все")];
  // Buttons in rows that have just come to their place ignore clicks.
  await page.waitForTimeout(600);
  await shop.issueButton(orderRow(page, orders[0])).click();
  await expect(page.getByRole("status").filter({ hasText: `Заказов в очереди: ${before - 1}` })).toHaveCount(1);
  expect(asked).toHaveLength(2);
  expect(await number("Ждут")).toBe(before - 1);
  expect(await number("Все")).toBe(all);
  expect(await number("Выданы")).toBeGreaterThan(0);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the search is a page", async ({ page, server }) => {
    const { orders } = await addOrders(page, server, ["+79165550001"]);
    await shop.open(page, "/products");
    await searchField(page).fill("50001");
    await searchField(page).press("Enter");
    await page.waitForURL(/\/search\?q=50001/);
    await shop.issueButton(orderRow(page, orders[0])).click();
    await expect(page.getByText("выдан", { exact: false }).first()).toBeVisible();
    expect(await status(page, orders[0]!)).toBe("paid_issued");
  });
});
