/**
 * The actions of people in the shop. Each works with and without JavaScript, and waits until its result is visible.
 */
import { randomInt } from "node:crypto";
import type { Locator, Page } from "@playwright/test";
import { expect, type Server, test } from "./server";

export { expect, test };

export type Role = "admin" | "manager" | "user";

export const password = "самовар-на-столе";

/** Returns a name that no other test uses. Its letters are those of the word, because user names are of one alphabet. */
export const unique = (word: string) => `${word}-${randomInt(1e9, 1e10)}`;

type Settings = Record<string, string>;
type WorkerSettings = [(args: object, use: (settings: Settings) => Promise<void>) => Promise<void>, { scope: "worker" }];

/** For `test.use`: a server that no other test file uses. */
export const ownServer = (): { settings: WorkerSettings } => ({ settings: [async ({}, use) => use({}), { scope: "worker" }] });

// ---- Pages -------------------------------------------------------------------

/**
 * All pages except the admin pages, with an existing product and order, and the first supply. A test of the server compares both lists with
 * its routes.
 */
export const pages = (product: number, order: number) => [
  "/",
  "/login",
  "/login/code",
  "/register",
  "/register/pending",
  "/account",
  "/products",
  "/products/new",
  `/products/${product}`,
  "/products/import",
  "/supplies",
  "/supplies/import",
  "/supplies/1",
  "/orders",
  "/orders/new",
  "/search",
  `/orders/${order}`,
  `/baskets/${order}`,
];

/** The pages that the server draws alone, without the client and its menu. */
export const plainPages = ["/scan"];

/** The admin pages, with an existing account and erasure. */
export const adminPages = (user: string, erasure: number) => [
  "/admin/analytics",
  "/admin/analytics/products",
  "/admin/rates",
  "/admin/users",
  `/admin/users/${user}`,
  "/admin/logs",
  "/admin/notifications",
  "/admin/customers",
  `/admin/customers/erasures/${erasure}`,
];

/** Opens a page and waits until its script, if any, has started. */
export async function open(page: Page, path: string) {
  const answer = await page.goto(path);
  await waitForScript(page);
  return answer;
}

/** Waits until the client of the page, if any, has hydrated it. */
export async function waitForScript(page: Page) {
  const isHydrated = () =>
    page
      .evaluate(() => {
        if (!matchMedia("(scripting: enabled)").matches) return true;
        const hasClient = document.readyState !== "complete" || !!document.querySelector("link[rel=modulepreload]");
        return !hasClient || performance.getEntriesByName("hydrated").length > 0;
      })
      // A copy that the service worker kept is loaded again once the server answers.
      .catch(() => false);
  await expect.poll(isHydrated, { intervals: [20] }).toBe(true);
}

/** Finds the field with this label; the mark of a required field is not part of the label. */
export function field(scope: Page | Locator, label: string): Locator {
  const escaped = label.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const labelled = scope.getByLabel(new RegExp(`^${escaped}\\*?$`)).and(scope.locator("input, textarea"));
  // The label of a select element includes the texts of its options
  return labelled.or(scope.getByRole("combobox", { name: label, exact: true }));
}

/** Fills in the fields of a form by their labels. */
export async function fill(form: Page | Locator, values: Record<string, string>) {
  for (const [label, value] of Object.entries(values)) await field(form, label).fill(value);
}

export const press = (scope: Page | Locator, name: string) => scope.getByRole("button", { name, exact: true }).click();

/** The section of the account page for API tokens. */
export const tokens = (page: Page) => page.getByRole("region", { name: "Токены API" });

/** The secret that a page shows only once: a token, a link or a password. */
export const secret = (page: Page) => page.locator("#secret code");

/** The table rows that contain the text. */
export const row = (scope: Page | Locator, text: string | RegExp) =>
  scope.locator("tbody").getByRole("row").filter({ hasText: text });

/** A value in a description list, such as «Доступно» on the page of a product. */
export const fact = (page: Page, label: string) =>
  page.locator("dl > div", { has: page.getByText(label, { exact: true }) }).getByRole("definition");

/** Returns the id at the end of the page's URL. */
export const idOf = (page: Page) => Number(new URL(page.url()).pathname.split("/").pop());

// ---- People ------------------------------------------------------------------

/** Registers an account, which signs it in. */
export async function register(page: Page, name: string, secret = password) {
  await open(page, "/register");
  await fill(page, { "Имя пользователя": name, "Пароль": secret, "Пароль ещё раз": secret });
  await press(page, "Зарегистрироваться");
  await expect(page.getByText("Аккаунт создан, вы вошли.")).toBeVisible();
}

export async function signIn(page: Page, name: string, secret = password) {
  if (new URL(page.url(), "http://none").pathname !== "/login") await open(page, "/login");
  await fill(page, { "Имя пользователя": name, "Пароль": secret });
  await press(page, "Войти");
  await page.waitForURL((url) => url.pathname !== "/login");
  await expect(page.getByRole("button", { name: "Выход" })).toBeVisible();
}

export async function signOut(page: Page) {
  await press(page, "Выход");
  await expect(page.getByText("Вы вышли.")).toBeVisible();
}

/** Registers an account, gives it the role and signs it in. Returns its name. */
export async function signInAs(page: Page, server: Server, role: Role): Promise<string> {
  // The first account becomes the administrator and keeps that role
  if (!server.run("user", "list").includes("\tadmin")) await register(page, unique("хозяин"));
  const name = unique(role);
  await register(page, name);
  if (role === "user") return name;
  // A change of role ends all sessions
  server.run("user", "role", name, role);
  await signIn(page, name);
  return name;
}

// ---- Products ----------------------------------------------------------------

type Goods = { name: string; price?: string; quantity?: number; min?: number };

/** Adds a product and returns its id. Its page is open afterwards. */
export async function addProduct(page: Page, { name, price = "", quantity, min }: Goods): Promise<number> {
  await open(page, "/products/new");
  await fill(page, { "Название": name, "Цена, ₽": price });
  if (quantity !== undefined) await field(page, "Начальный остаток, шт.").fill(String(quantity));
  if (min !== undefined) await field(page, "Минимум").fill(String(min));
  await press(page, "Добавить товар");
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await page.waitForURL(/\/products\/\d+/);
  return idOf(page);
}

/** Adds a product through the API, for tests of other things. */
export async function addProductByApi(page: Page, name: string, quantity: number): Promise<number> {
  const made = await page.request.post("/api/products", { data: { name, sell_price_rub: "100.00", quantity } });
  return (await made.json()).id;
}

type Delivery = { product: string; qty: number; price: string; supplier: string };

export async function receiveSupply(page: Page, { product, qty, price, supplier }: Delivery) {
  await open(page, "/supplies");
  const form = page.getByRole("region", { name: "Принять поставку" });
  await fill(form, { "Товар": product, "Кол-во": String(qty), "Закупка, €": price, "Поставщик": supplier });
  await press(form, "Принять");
  const made = row(page.getByRole("region", { name: "История поставок" }), product).filter({ hasText: supplier });
  await expect(made).toBeVisible();
}

// ---- Orders ------------------------------------------------------------------

type Booking = { product: string; phone?: string; qty?: number; price?: string };

/** Creates an order and returns its id. Its page is open afterwards. */
export async function bookOrder(page: Page, booking: Booking): Promise<number> {
  await fillOrder(page, booking);
  await press(page, "Оформить заказ");
  await page.waitForURL(/\/orders\/\d+/);
  return idOf(page);
}

/** The banner on the page of an order that was just created. */
export const createdBanner = (page: Page) => page.getByText(/^Заказ № \d+ оформлен, товар в резерве\.$/);

/** Fills in the form for a new order without submitting it. */
export async function fillOrder(page: Page, { product, phone = "8 916 123-45-67", qty = 1, price = "" }: Booking) {
  await open(page, "/orders/new");
  await fill(page, { "Телефон": phone, "Товар": product, "Кол-во": String(qty), "Цена, ₽": price });
}

/** Creates an order through the API, for tests of other things. */
export async function bookOrderByApi(page: Page, product: number): Promise<number> {
  const made = await page.request.post("/api/orders", { data: { product_id: product, phone: "8 916 123-45-67", qty: 1 } });
  return (await made.json()).id;
}

/** Returns a number that no other test uses, in E.164. */
export const uniquePhone = () => `+7916${randomInt(1_000_000, 10_000_000)}`;

/** Books and cancels an order of a new customer and erases the customer, as an admin. Returns the number of the erasure. */
export async function eraseCustomerByApi(page: Page, product: number): Promise<number> {
  const phone = uniquePhone();
  const made = await page.request.post("/api/orders", { data: { product_id: product, phone, qty: 1 } });
  await page.request.post(`/api/orders/${(await made.json()).id}/deny`);
  const erasure = { phone, last_digits: phone.slice(-4), reason: "заявление" };
  return (await (await page.request.post("/api/customers/erase", { data: erasure })).json()).id;
}

/** The row of an order in the list of orders. */
/** Keeps a page from learning what others do, as behind a proxy that breaks the stream. */
export const withoutStream = (page: Page) =>
  page.addInitScript(() => {
    Reflect.deleteProperty(window, "SharedWorker");
    Reflect.deleteProperty(window, "EventSource");
  });

export const orderRow = (page: Page, order: number) =>
  page.getByRole("row").filter({ has: page.getByRole("link", { name: String(order), exact: true }) });

export const issueButton = (scope: Locator | Page) => scope.getByRole("button", { name: /^Выдать/ });
export const cancelButton = (scope: Locator | Page) => scope.getByRole("button", { name: /^Отменить/ });
