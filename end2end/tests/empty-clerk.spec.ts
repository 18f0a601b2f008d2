/** In an empty shop, a clerk cannot add products and is told whom to ask. */
import * as shop from "./shop";
import { expect, test } from "./shop";

test.use(shop.ownServer());

test("an empty shop tells a clerk whom to ask", async ({ page, server }) => {
  await shop.signInAs(page, server, "user");
  for (const path of ["/", "/orders", "/orders/new", "/products"]) {
    await shop.open(page, path);
    await expect(page.getByText("Товаров пока нет. Попросите менеджера добавить товары"), path).toBeVisible();
    await expect(page.getByText(/Все заказы выданы|Запасов достаточно/)).toHaveCount(0);
  }
});
