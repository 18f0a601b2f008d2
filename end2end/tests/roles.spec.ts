/** Every role on every page: which pages open, which are refused, and what they show. */
import type { Page } from "@playwright/test";
import * as shop from "./shop";
import { expect, type Role, test, unique } from "./shop";

type Caller = Role | "nobody";

const everybody: Caller[] = ["nobody", "user", "manager", "admin"];
const signedIn: Caller[] = ["user", "manager", "admin"];
const stockKeepers: Caller[] = ["manager", "admin"];

const access: [path: string, callers: Caller[]][] = [
  ["/", everybody],
  ["/login", everybody],
  ["/register", everybody],
  ["/register/pending", everybody],
  ["/account", signedIn],
  ["/products", signedIn],
  ["/products/new", stockKeepers],
  ["/products/{product}", signedIn],
  ["/supplies", stockKeepers],
  ["/orders", signedIn],
  ["/orders/new", signedIn],
  ["/search", signedIn],
  ["/scan", signedIn],
  ["/orders/{order}", signedIn],
  ["/baskets/{order}", signedIn],
  ["/products/import", stockKeepers],
  ["/supplies/import", stockKeepers],
  ["/admin/analytics", ["admin"]],
  ["/admin/analytics/products", ["admin"]],
  ["/admin/rates", ["admin"]],
  ["/admin/users", ["admin"]],
  ["/admin/logs", ["admin"]],
  ["/admin/notifications", ["admin"]],
  ["/admin/customers", ["admin"]],
];

/** Adds a product and an order as a manager, who is then signed out. */
async function setUpShop(page: Page, server: Parameters<typeof shop.signInAs>[1]) {
  await shop.signInAs(page, server, "manager");
  const name = unique("Чай");
  const product = await shop.addProduct(page, { name, price: "100", quantity: 5 });
  const order = await shop.bookOrder(page, { product: name });
  await shop.signOut(page);
  return { name, product, order };
}

async function signInAsCaller(page: Page, server: Parameters<typeof shop.signInAs>[1], caller: Caller) {
  if (caller !== "nobody") await shop.signInAs(page, server, caller);
}

for (const caller of everybody) {
  test(`every page opens or refuses as it should for ${caller} @postgres`, async ({ page, server, expectProblem }) => {
    expectProblem(/status of 403/);
    const { name, product, order } = await setUpShop(page, server);
    await signInAsCaller(page, server, caller);
    for (const [template, callers] of access) {
      const path = template.replace("{product}", String(product)).replace("{order}", String(order));
      await test.step(path, async () => {
        const answer = await shop.open(page, path);
        await expect(page.getByRole("heading", { level: 1 })).toHaveCount(1);
        if (callers.includes(caller)) {
          expect(answer?.status()).toBe(200);
          expect(new URL(page.url()).pathname).toBe(path);
        } else if (caller === "nobody") {
          expect(page.url()).toBe(`${server.url}/login?next=${encodeURIComponent(path)}`);
          expect(await page.content()).not.toContain(name);
        } else {
          expect(answer?.status()).toBe(403);
          await expect(page.getByRole("alert").filter({ hasText: callers.includes("manager") ? "Раздел доступен только менеджеру и администратору." : "Раздел доступен только администратору." })).toBeVisible();
          await expect(page.getByRole("main").locator("a:not([href='/']), button, form")).toHaveCount(0);
        }
      });
    }
  });
}

const menus: Record<Caller, string[]> = {
  nobody: ["Главная", "Заказы", "Склад"],
  user: ["Главная", "Заказы", "Склад"],
  manager: ["Главная", "Заказы", "Склад", "Поставки"],
  admin: ["Главная", "Заказы", "Склад", "Поставки", "Аналитика", "Управление"],
};

for (const caller of everybody) {
  test(`the menu has the right links for ${caller}`, async ({ page, server }) => {
    await signInAsCaller(page, server, caller);
    await shop.open(page, "/");
    const menu = page.getByRole("navigation", { name: "Меню" });
    await expect(menu.getByRole("link")).toHaveText(menus[caller], { useInnerText: true });
    await expect(menu.getByRole("link", { name: "Главная" })).toHaveAttribute("aria-current", "page");
    const account = page.getByRole("banner");
    await expect(account.getByRole("link", { name: "Вход" })).toBeVisible({ visible: caller === "nobody" });
    await expect(account.getByRole("link", { name: "Регистрация" })).toBeVisible({ visible: caller === "nobody" });
    await expect(account.getByRole("button", { name: "Выход" })).toBeVisible({ visible: caller !== "nobody" });
    const words = { nobody: "", user: "(продавец)", manager: "(менеджер)", admin: "(админ)" };
    await expect(account).toContainText(words[caller]);
  });
}

for (const caller of ["user", "manager"] as const) {
  test(`the stock pages offer only what the role ${caller} may do`, async ({ page, server }) => {
    const { product } = await setUpShop(page, server);
    await shop.signInAs(page, server, caller);
    const visible = caller === "manager";
    await shop.open(page, "/products");
    await expect(page.getByRole("link", { name: "Новый товар" })).toBeVisible({ visible });
    await expect(page.getByRole("link", { name: "Принять поставку" })).toBeVisible({ visible });
    await shop.open(page, `/products/${product}`);
    await expect(page.getByRole("link", { name: "Новый заказ" })).toBeVisible();
    await expect(page.getByRole("link", { name: "Принять поставку" })).toBeVisible({ visible });
    for (const button of ["Сохранить", "Исправить остаток", "Убрать в архив"]) {
      await expect(page.getByRole("button", { name: button })).toBeVisible({ visible });
    }
    await expect(page.getByRole("region", { name: "Последние поставки" })).toBeVisible({ visible });
    await shop.open(page, "/");
    const cards = page.getByRole("main").getByRole("link").filter({ has: page.getByRole("heading", { level: 2 }) });
    await expect(cards.nth(2)).toContainText("Новый заказ");
  });
}

test("a new role applies at once, because the old session ends", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 403/);
  const name = await shop.signInAs(page, server, "manager");
  server.run("user", "role", name, "user");
  await shop.open(page, "/supplies");
  await expect(page).toHaveURL(/\/login\?next=%2Fsupplies/);
  await shop.signIn(page, name);
  await expect(page.getByRole("link", { name: `${name} (продавец)` })).toBeVisible();
  await expect(page.getByText("Раздел доступен только менеджеру и администратору.")).toBeVisible();
});

test("a page that was open when the session ended asks for the password and applies the new role", async ({
  page, server, expectProblem,
}) => {
  expectProblem(/status of 401/);
  const manager = await shop.signInAs(page, server, "manager");
  const product = unique("Чай");
  await shop.addProduct(page, { name: product, price: "100", quantity: 5 });
  const order = await shop.bookOrder(page, { product });
  await shop.open(page, "/orders?status=paid_not_issued");
  server.run("user", "role", manager, "user");
  await shop.issueButton(shop.orderRow(page, order)).click();
  const dialog = page.getByRole("dialog").filter({ hasText: "Сеанс завершён" });
  await shop.fill(dialog, { "Пароль": shop.password });
  await shop.press(dialog, "Войти и продолжить");
  await expect(page.getByRole("link", { name: `${manager} (продавец)` })).toBeVisible();
  await expect(page.getByRole("link", { name: "Поставки", exact: true })).toHaveCount(0);
  // The page is rendered again for the new role, and the button was not sent
  await expect(shop.orderRow(page, order)).toContainText("ждёт выдачи");
});
