/** An empty shop says what to do next. */
import * as shop from "./shop";
import { expect, test } from "./shop";

test.use(shop.ownServer());

test("every list that is empty leads on", async ({ page, server }) => {
  await shop.arrive(page, server, "manager");
  await expect(page.getByText("Все заказы выданы.")).toBeVisible();
  await expect(page.getByText("Всего хватает.")).toBeVisible();
  await shop.open(page, "/orders");
  await expect(page.getByText("Заказов пока нет.").getByRole("link", { name: "Новый заказ" })).toBeVisible();
  await shop.open(page, "/supplies");
  await expect(page.getByText("Поставок ещё не было. Примите первую выше.")).toBeVisible();
  await shop.open(page, "/products");
  await page.getByText("На складе пока пусто.").getByRole("link", { name: "Новый товар" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Новый товар");

  await shop.addProduct(page, { name: "Чай" });
  for (const words of ["Этот товар ещё не заказывали.", "Поставок ещё не было.", "Товар ещё не двигался."]) {
    await expect(page.getByText(words)).toBeVisible();
  }
});
