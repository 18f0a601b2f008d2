/**
 * The pictures of the user guide (docs/ru): a shop at work, in Russian, by daylight.
 * Not tests: `make screenshots`.
 *
 * Data are entered over the API, and pages are found by addresses, ids and names of fields,
 * so that new words in the interface change the pictures and break nothing here.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { APIRequestContext, Browser, Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, test } from "./shop";

const people = { admin: "Анна", manager: "Ольга", clerk: "Пётр", former: "Дмитрий" };

const goods = {
  tea: "Чай зелёный «Сенча», 200 г",
  coffee: "Кофе в зёрнах «Эспрессо», 1 кг",
  chocolate: "Шоколад тёмный 70 %, 100 г",
  honey: "Мёд лавандовый, 250 г",
  press: "Френч-пресс, 800 мл",
};

type Settings = Record<string, string>;

/** The server of these pictures sends its notifications to a Telegram of their own. */
const withTelegram: [(args: object, use: (settings: Settings) => Promise<void>) => Promise<void>, { scope: "worker" }] = [
  async ({}, use) => {
    const telegram = await openTelegram();
    await use({
      TELEGRAM_API_URL: telegram.url,
      TELEGRAM_BOT_TOKEN: "4242:token-of-the-guide",
      TELEGRAM_CHAT_ID: "-1001234567890",
      NOTIFY_ORDERS: "true",
      // With HTTPS the bot does not poll
      PUBLIC_URL: "https://sirius.example",
    });
    telegram.close();
  },
  { scope: "worker" },
];

// With so many orders in a year the newest have waited for days, not for weeks
test.use({ settings: withTelegram, demoOrders: 1500, colorScheme: "light" });

/** What the pictures show. */
let scene: { order: number; counted: Product; supplied: Product };

test.beforeAll(async ({ server, browser }) => {
  scene = await work(server, browser);
});

test("the clerk at the counter", async ({ page }) => {
  await signIn(page.request, people.clerk);
  await resize(page, 800);
  await shop.open(page, "/");
  await picture(page, "home");

  await resize(page, 560);
  await shop.open(page, "/orders?phone=4567");
  await page.locator("input[name=phone]").focus();
  await picture(page, "orders-search");

  await resize(page, 760);
  await shop.open(page, "/orders/new");
  await page.locator("#phone").fill("8 903 555-77-01");
  await page.locator("#customer_name").fill("Ирина Соколова");
  await page.locator("#product").pressSequentially("кофе зёр");
  await expect(page.getByRole("option")).toHaveCount(3);
  await expect(page.locator("#product-offers")).toHaveAttribute("aria-busy", "false");
  await picture(page, "order-new");

  await resize(page, 1180);
  await shop.open(page, `/orders/${scene.order}`);
  await page.getByText("Изменить заказ", { exact: true }).click();
  await picture(page, "order");
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true });

  test("the manager among the goods", async ({ page }) => {
    await signIn(page.request, people.manager);
    await shop.open(page, "/products?search=кофе");
    await picture(page, "products-phone");

    await shop.open(page, `/products/${scene.counted.id}`);
    await page.locator("#on_hand").fill(String(scene.counted.on_hand - 2));
    await page.locator("#note").fill("бой при разгрузке");
    await placeAtTop(page, "#count");
    await picture(page, "stock-count-phone");

    await shop.open(page, `/supplies?new=${scene.supplied.id}`);
    await page.locator("#qty").fill("24");
    await placeAtTop(page, "#receive");
    await picture(page, "supply-phone");

    await shop.open(page, "/products/import");
    await page.locator("#file").setInputFiles({ name: "прайс.csv", mimeType: "text/csv", buffer: Buffer.from(priceList) });
    await page.locator("form[action='/uploads/products'] button[type=submit]").click();
    await page.waitForURL(/upload=/);
    await shop.waitForScript(page);
    await placeAtTop(page, "#preview");
    await picture(page, "import-phone");
  });
});

test("the admin at the desk", async ({ page }) => {
  await signIn(page.request, people.admin);
  await resize(page, 1000);
  await shop.open(page, "/admin/analytics?preset=last_month");
  await picture(page, "analytics");

  await resize(page, 820);
  await shop.open(page, "/admin/users");
  await picture(page, "users");

  await shop.open(page, "/admin/logs");
  const edit = page.locator("tbody tr").filter({ has: page.locator(`a[href="/orders/${scene.order}"]`) });
  await edit.first().locator("summary").click();
  await picture(page, "log");

  // A test, three new orders and an issue; what runs low is gathered for a minute and still waits
  const sent = async () => (await get(page.request, "/api/notifications?state=sent")).items.length;
  await expect.poll(sent).toBeGreaterThanOrEqual(5);
  await shop.open(page, "/admin/notifications");
  await picture(page, "notifications");
});

// ---- The shop ----------------------------------------------------------------

type Product = {
  id: number;
  version: number;
  stock: number;
  on_hand: number;
  min_stock: number;
  buy_price_eur: string;
  supplier_name: string;
};
type Order = { id: number; version: number; unit_price_rub: string };

/** A file of prices as Excel saves it: two changes, a product that is new, and one that stays. */
const priceList = [
  "name;sell_price_rub;min_stock",
  `${goods.tea};690,00;15`,
  `${goods.coffee};1990,00;30`,
  "Кофе в зёрнах «Бразилия Сантос», 1 кг;1790,00;10",
  "Шафран, 1 г;890,00;10",
].join("\r\n");

/** A day of the shop: people come, goods are received and counted, orders are booked, edited and issued. */
async function work(server: Server, browser: Browser) {
  const context = await browser.newContext({ baseURL: server.url });
  const { request } = context;

  for (const username of Object.values(people)) await post(request, "/api/auth/register", { username, password: shop.password });
  await signIn(request, people.admin);
  await put(request, `/api/users/${encodeURIComponent(people.manager)}/role`, { role: "manager" });
  await post(request, `/api/users/${encodeURIComponent(people.former)}/block`);
  await post(request, "/api/invitations", { role: "user" });
  await post(request, "/api/notifications/test");

  await signIn(request, people.manager);
  const tea = await product(request, goods.tea);
  const { buy_price_eur, supplier_name } = tea;
  await post(request, "/api/supplies", { product_id: tea.id, qty: 30, buy_price_eur, supplier_name });
  const counted = await product(request, goods.press);

  await signIn(request, people.clerk);
  const coffee = { phone: "8 916 123-45-67", customer_name: "Мария Белова", product: goods.coffee };
  const issued: Order = await post(request, "/api/orders", { ...coffee, qty: 1 });
  await post(request, `/api/orders/${issued.id}/issue`);
  const waiting: Order = await post(request, "/api/orders", { ...coffee, product: goods.chocolate, qty: 3 });
  // Takes the honey below its minimum
  const honey = await product(request, goods.honey);
  await post(request, "/api/orders", {
    phone: "8 925 740-18-36",
    customer_name: "Сергей Ильин",
    product_id: honey.id,
    qty: honey.stock - honey.min_stock + 2,
  });
  const { phone, customer_name } = coffee;
  await put(request, `/api/orders/${waiting.id}`, { phone, customer_name, qty: 5, unit_price_rub: "270.00", version: waiting.version });

  await context.close();
  return { order: waiting.id, counted, supplied: tea };
}

const signIn = (request: APIRequestContext, username: string) => post(request, "/api/auth/login", { username, password: shop.password });

/** The only product with these words in its name. */
async function product(request: APIRequestContext, name: string): Promise<Product> {
  const { items } = await get(request, `/api/products?search=${encodeURIComponent(name)}`);
  expect(items).toHaveLength(1);
  return items[0];
}

const get = async (request: APIRequestContext, path: string) => (await request.get(path)).json();

async function post(request: APIRequestContext, path: string, data?: object) {
  const answer = await request.post(path, { data });
  expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
  return answer.status() === 204 ? undefined : answer.json();
}

async function put(request: APIRequestContext, path: string, data: object) {
  const answer = await request.put(path, { data });
  expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
}

// ---- Pictures ----------------------------------------------------------------

const picture = (page: Page, name: string) => page.screenshot({ path: `../docs/ru/images/${name}.png`, animations: "disabled" });

const resize = (page: Page, height: number) => page.setViewportSize({ width: 1280, height });

/** Scrolls until a part of the page is at the top of the window, with a little room above it. */
const placeAtTop = (page: Page, selector: string) =>
  page.locator(selector).evaluate((part) =>
    window.scrollTo({ top: part.getBoundingClientRect().top + window.scrollY - 16, behavior: "instant" }),
  );

/** A server that answers as Telegram does and takes every message. */
async function openTelegram() {
  const bot = { id: 4242, is_bot: true, first_name: "Лавка", username: "lavka_bot" };
  const server = createServer((request, response) => {
    request.resume();
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ok: true, result: request.url?.endsWith("/getMe") ? bot : true }));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, close };
}
