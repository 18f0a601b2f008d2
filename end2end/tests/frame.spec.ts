/** What every page has around it: the menu, the banner, the cards of the home page. */
import type { Page } from "@playwright/test";
import * as shop from "./shop";
import { expect, test } from "./shop";

/** Where each link and button of the header stands, by its words. */
const places = (page: Page) =>
  page.locator("header .site-header-row").locator("a, button").evaluateAll((links) =>
    links.map((link) => {
      const { left, top, width, height } = link.getBoundingClientRect();
      return [link.textContent, left, top, width, height] as const;
    }),
  );

for (const viewport of [{ width: 1280, height: 800 }, { width: 360, height: 740 }]) {
  test(`the menu stands still whichever page is open, ${viewport.width} wide`, async ({ page, server }) => {
    test.slow();
    await page.setViewportSize(viewport);
    const admin = await shop.arrive(page, server, "admin");
    const product = await shop.stock(page, shop.unique("Чай"), 5);
    const order = await shop.book(page, product);
    await shop.open(page, "/");
    const home = await places(page);
    for (const path of [...shop.pages(product, order), ...shop.adminPages(admin)]) {
      await shop.open(page, path);
      expect(await places(page), path).toEqual(home);
    }
  });
}

test("the menu stands still where scrollbars take room", async ({ page, server }) => {
  await shop.arrive(page, server, "user");
  await expect(page.locator("html")).toHaveCSS("scrollbar-gutter", "stable");
});

test("a banner is told once: neither F5 nor Back nor Forward tells it again @postgres", async ({ page, server }) => {
  await shop.arrive(page, server, "manager");
  const name = shop.unique("Чай");
  const product = await shop.stock(page, name, 5);
  await shop.bookOrder(page, { product: name });
  const banner = page.getByText("Заказ оформлен, товар в резерве.");
  await expect(banner).toBeVisible();
  await expect(page).toHaveURL(/\/orders\/\d+$/);
  const order = shop.idOf(page);
  await page.reload();
  await shop.alive(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(new RegExp(`№ ${order}`));
  await expect(banner).toHaveCount(0);

  await shop.bookOrder(page, { product: name });
  await expect(banner).toBeVisible();
  await expect(page).toHaveURL(/\/orders\/\d+$/);
  await page.getByRole("link", { name: "Склад", exact: true }).click();
  await expect(page).toHaveURL("/products");
  await expect(banner).toHaveCount(0);
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(new RegExp(`№ ${order + 1}`));
  await expect(banner).toHaveCount(0);
  await page.goBack();
  await page.goForward();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(new RegExp(`№ ${order + 1}`));
  await expect(banner).toHaveCount(0);

  await shop.open(page, `/products/${product}?success=product_saved&error=no_right&from=x`);
  await expect(page.getByText("Изменения сохранены.").or(page.getByText("Товар сохранён."))).toBeVisible();
  await expect(page).toHaveURL(`/products/${product}?from=x`);
});

for (const [role, cards] of [
  ["user", ["Управление складом", "Обработка заказов", "Новый заказ"]],
  ["manager", ["Управление складом", "Обработка заказов", "Новый заказ"]],
  ["admin", ["Управление складом", "Обработка заказов", "Аналитика"]],
] as const) {
  test(`the home page has the cards of a ${role}`, async ({ page, server }) => {
    await shop.arrive(page, server, role);
    await shop.open(page, "/");
    expect(await page.locator(".home-card h2").allInnerTexts()).toEqual(cards);
    const paths = ["/products", "/orders", role === "admin" ? "/admin/analytics" : "/orders/new"];
    for (const [index, path] of paths.entries()) {
      await shop.open(page, "/");
      await page.locator(".home-card").nth(index).click();
      await expect(page).toHaveURL(path);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    }
  });
}
