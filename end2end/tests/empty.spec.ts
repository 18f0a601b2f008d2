/** An empty shop tells an admin what to do next. */
import * as shop from "./shop";
import { expect, field, press, test } from "./shop";

test.use(shop.ownServer());

test("every empty list suggests the next step", async ({ page }) => {
  // The first account is that of the admin.
  await shop.register(page, shop.unique("хозяин"));
  const first = page.getByText("Сначала добавьте товар");
  const steps = page.getByRole("region", { name: "Первые шаги" });
  await shop.open(page, "/");
  await expect(steps.getByRole("listitem")).toHaveText(["Добавить товар", "Принять поставку", "Оформить заказ", "Пригласить коллегу"]);
  for (const path of ["/", "/orders", "/orders/new", "/supplies", "/products", "/admin/analytics"]) {
    await shop.open(page, path);
    await expect(first, path).toBeVisible();
    await expect(page.getByText(/Все заказы выданы|Запасов достаточно/)).toHaveCount(0);
  }
  await first.getByRole("link", { name: "Новый товар" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Новый товар");

  await shop.addProduct(page, { name: "Чай" });
  await shop.open(page, "/supplies");
  await expect(page.getByText("Поставок ещё не было.")).toBeVisible();
  await shop.open(page, "/orders");
  await expect(page.getByText("Заказов пока нет.").getByRole("link", { name: "Новый заказ" })).toBeVisible();
  await shop.open(page, "/");
  await expect(page.getByText("Запасов достаточно.")).toBeVisible();
  await page.getByText("Заказов ещё не было. Оформите первый:").getByRole("link", { name: "Новый заказ" }).click();
  await expect(field(page, "Телефон")).toBeVisible();
  await shop.open(page, "/products");
  await page.getByRole("link", { name: "Чай" }).click();
  for (const words of ["Этот товар ещё не заказывали.", "Поставок ещё не было.", "Движений ещё не было."]) {
    await expect(page.getByText(words)).toBeVisible();
  }

  await shop.addProduct(page, { name: "Кофе", quantity: 5, price: "100" });
  await shop.bookOrder(page, { product: "Кофе" });
  await shop.issueButton(page).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/выдан$/);
  await shop.open(page, "/");
  await expect(page.getByText("Все заказы выданы.")).toBeVisible();
  await expect(steps.getByRole("listitem")).toHaveText([/сделано/, /сделано/, /сделано/, "Пригласить коллегу"]);
  await steps.getByRole("link", { name: "Пригласить коллегу" }).click();
  await press(page.getByRole("region", { name: "Приглашения" }), "Пригласить");
  await expect(shop.secret(page)).toBeVisible();
  await shop.open(page, "/");
  await expect(page.getByText("Все заказы выданы.")).toBeVisible();
  await expect(steps).toHaveCount(0);
});
