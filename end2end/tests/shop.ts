/**
 * What people do in the shop, in the words of the trade. Each verb works on a page with
 * JavaScript and without it, and ends when its outcome can be seen.
 */
import { randomBytes } from "node:crypto";
import type { Locator, Page } from "@playwright/test";
import { expect, test as base, type Server } from "./server";

export { expect };

export type Role = "admin" | "manager" | "user";

export const password = "самовар-на-столе";

/** A name that no other test has. */
export const unique = (word: string) => `${word}-${randomBytes(4).toString("hex")}`;

type Settings = Record<string, string>;
type WorkerSettings = [(args: object, use: (settings: Settings) => Promise<void>) => Promise<void>, { scope: "worker" }];

/** For `test.use`: a server that the tests of no other file have touched. */
export const ownServer = (): { settings: WorkerSettings } => ({ settings: [async ({}, use) => use({}), { scope: "worker" }] });

// ---- Pages -------------------------------------------------------------------

/** Every page but the admin's, with a product and an order that exist. A test of the server compares both lists with its routes. */
export const pages = (product: number, order: number) => [
  "/",
  "/login",
  "/register",
  "/register/pending",
  "/account",
  "/products",
  "/products/new",
  `/products/${product}`,
  "/products/import",
  "/supplies",
  "/supplies/import",
  "/orders",
  "/orders/new",
  `/orders/${order}`,
];

/** The admin's pages, with an account that exists. */
export const adminPages = (user: string) => [
  "/admin/analytics",
  "/admin/rates",
  "/admin/users",
  `/admin/users/${user}`,
  "/admin/logs",
  "/admin/notifications",
];

/** Opens a page and waits until its script, if it has one, runs. */
export async function open(page: Page, path: string) {
  const answer = await page.goto(path);
  await alive(page);
  return answer;
}

/** Waits until the page's script, if it has one, has taken over what the server drew. */
export async function alive(page: Page) {
  const isAlive = () => page.evaluate(() => (window as { isAlive?: boolean }).isAlive !== false);
  await expect.poll(isAlive, { intervals: [20] }).toBe(true);
}

export const test = base.extend({
  /** Lets pages say when their script has started: nothing that a person sees does. */
  context: async ({ context, javaScriptEnabled }, use) => {
    if (javaScriptEnabled !== false) await context.addInitScript(tellStart);
    await use(context);
  },
});

function tellStart() {
  const state = window as { isAlive?: boolean };
  state.isAlive = false;
  const start = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...from) => {
    const program = await start(...from);
    // The rest of the start is done by the time of the second frame
    requestAnimationFrame(() => requestAnimationFrame(() => (state.isAlive = true)));
    return program;
  };
}

/** The field of this name; the sign of a required one is not part of it. */
export function field(scope: Page | Locator, label: string): Locator {
  const escaped = label.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const labelled = scope.getByLabel(new RegExp(`^${escaped}\\*?$`)).and(scope.locator("input, textarea"));
  // The words of its choices belong to the label of a list
  return labelled.or(scope.getByRole("combobox", { name: label, exact: true }));
}

/** Fills the fields of a form, by their labels. */
export async function fill(form: Page | Locator, values: Record<string, string>) {
  for (const [label, value] of Object.entries(values)) await field(form, label).fill(value);
}

export const press = (scope: Page | Locator, name: string) => scope.getByRole("button", { name, exact: true }).click();

/** What a page shows this once: a token, a link, a password. */
export const secret = (page: Page) => page.locator("#secret code");

/** The row of a table that has the text. */
export const row = (scope: Page | Locator, text: string | RegExp) =>
  scope.locator("tbody").getByRole("row").filter({ hasText: text });

/** A number on top of a product's page, such as «Доступно». */
export const fact = (page: Page, label: string) =>
  page.locator("dl > div", { has: page.getByText(label, { exact: true }) }).getByRole("definition");

/** The number at the end of the page's address. */
export const idOf = (page: Page) => Number(new URL(page.url()).pathname.split("/").pop());

// ---- People ------------------------------------------------------------------

/** Makes an account; whoever makes it is signed in. */
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

/** Somebody of this role comes to work: registered, given the role, signed in. */
export async function arrive(page: Page, server: Server, role: Role): Promise<string> {
  // The first account of all is the administrator's and keeps his role
  if (!server.run("user", "list").includes("\tadmin")) await register(page, unique("хозяин"));
  const name = unique(role);
  await register(page, name);
  if (role === "user") return name;
  // Another role ends the sessions
  server.run("user", "role", name, role);
  await signIn(page, name);
  return name;
}

// ---- Goods -------------------------------------------------------------------

type Goods = { name: string; price?: string; quantity?: number; min?: number };

/** Adds a product and returns its id; its page is open then. */
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

/** The same over the API, for tests that are about something else. */
export async function stock(page: Page, name: string, quantity: number): Promise<number> {
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

/** Books an order and returns its number; its page is open then. */
export async function bookOrder(page: Page, booking: Booking): Promise<number> {
  await fillOrder(page, booking);
  await press(page, "Оформить заказ");
  await page.waitForURL(/\/orders\/\d+/);
  return idOf(page);
}

/** Fills the form of a new order, and does not send it. */
export async function fillOrder(page: Page, { product, phone = "8 916 123-45-67", qty = 1, price = "" }: Booking) {
  await open(page, "/orders/new");
  await fill(page, { "Телефон": phone, "Товар": product, "Кол-во": String(qty), "Цена, ₽": price });
}

/** Books an order over the API, for tests that are about something else. */
export async function book(page: Page, product: number): Promise<number> {
  const made = await page.request.post("/api/orders", { data: { product_id: product, phone: "8 916 123-45-67", qty: 1 } });
  return (await made.json()).id;
}

/** The order's row in the list of orders. */
export const orderRow = (page: Page, order: number) =>
  page.getByRole("row").filter({ has: page.getByRole("link", { name: String(order), exact: true }) });

export const issueButton = (scope: Locator | Page) => scope.getByRole("button", { name: /^Выдать/ });
export const cancelButton = (scope: Locator | Page) => scope.getByRole("button", { name: /^Отменить/ });
