/** The common parts of pages: the menu, the banner, and the cards of the home page. */
import type { Page } from "@playwright/test";
import * as shop from "./shop";
import { expect, test } from "./shop";

/** Returns the text and the position of each link and button in the header. */
const headerPositions = (page: Page) =>
  page.locator("header .site-header-row").locator("a, button").evaluateAll((links) =>
    links.map((link) => {
      const { left, top, width, height } = link.getBoundingClientRect();
      return [link.textContent, left, top, width, height] as const;
    }),
  );

for (const viewport of [{ width: 1280, height: 800 }, { width: 360, height: 740 }]) {
  test(`the menu has the same position on every page, ${viewport.width} px wide`, async ({ page, server }) => {
    test.slow();
    await page.setViewportSize(viewport);
    const admin = await shop.signInAs(page, server, "admin");
    const product = await shop.addProductByApi(page, shop.unique("Чай"), 5);
    await page.request.post("/api/supplies", { data: { product_id: product, qty: 1, supplier_name: "Teekanne", buy_price_eur: "1" } });
    const order = await shop.bookOrderByApi(page, product);
    const erasure = await shop.eraseCustomerByApi(page, product);
    await shop.open(page, "/");
    const home = await headerPositions(page);
    for (const path of [...shop.pages(product, order), ...shop.adminPages(admin, erasure)]) {
      await shop.open(page, path);
      expect(await headerPositions(page), path).toEqual(home);
    }
  });
}

test("a scrollbar does not move the menu", async ({ page, server }) => {
  await shop.signInAs(page, server, "user");
  await expect(page.locator("html")).toHaveCSS("scrollbar-gutter", "stable");
});

test("a banner is shown once, and not again after Reload, Back or Forward @postgres", async ({ page, server }) => {
  await shop.signInAs(page, server, "manager");
  const name = shop.unique("Чай");
  const product = await shop.addProductByApi(page, name, 5);
  await shop.bookOrder(page, { product: name });
  const banner = shop.createdBanner(page);
  await expect(banner).toBeVisible();
  await expect(page).toHaveURL(/\/orders\/\d+$/);
  const order = shop.idOf(page);
  await expect(banner).toHaveText(`Заказ № ${order} оформлен, товар в резерве.`);
  await page.reload();
  await shop.waitForScript(page);
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
  test(`the home page has the right cards for the role ${role}`, async ({ page, server }) => {
    await shop.signInAs(page, server, role);
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
