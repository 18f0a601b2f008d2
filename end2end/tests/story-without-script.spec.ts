/** The main tasks of the shop in a browser without JavaScript. */
import * as shop from "./shop";
import { expect, fact, field, fill, orderRow, ownServer, press, row, test } from "./shop";

test.use({ ...ownServer(), javaScriptEnabled: false });

test("a new shop works without JavaScript: account, product, supply, order, issue @postgres", async ({ page }) => {
  await shop.register(page, "Хозяйка");
  const product = await shop.addProduct(page, { name: "Чай «Эрл Грей»", price: "720" });
  await expect(page.getByText("Товар добавлен.")).toBeVisible();

  await shop.receiveSupply(page, { product: "Чай «Эрл Грей»", qty: 10, price: "3,45", supplier: "Teekanne" });
  await expect(page.getByText("Поставка принята.")).toBeVisible();

  const order = await shop.bookOrder(page, { product: "чай «эрл грей»", qty: 3 });
  await expect(shop.createdBanner(page)).toBeVisible();
  await expect(page.getByRole("strong").filter({ hasText: /^2\s160,00\s₽$/ })).toBeVisible();

  await shop.open(page, "/orders?status=paid_not_issued");
  await shop.issueButton(orderRow(page, order)).click();
  await expect(page.getByText("Заказ выдан.")).toBeVisible();
  await expect(page).toHaveURL(/status=paid_not_issued/);
  await expect(page.getByText("Таких заказов нет.")).toBeVisible();

  await shop.open(page, `/products/${product}`);
  await expect(fact(page, "Доступно")).toHaveText("7");
  await expect(fact(page, "На складе")).toHaveText("7");
  await expect(row(page.getByRole("region", { name: "Движение товара" }), `Выдача Заказ № ${order}`)).toBeVisible();
  await shop.open(page, `/orders/${order}`);
  await expect(page.getByText("Выдача · Хозяйка")).toBeVisible();
});

test("an invalid form shows errors at its fields and keeps its values @postgres", async ({ page, server }) => {
  await shop.signInAs(page, server, "user");
  await shop.open(page, "/orders/new");
  await fill(page, { "Телефон": "123", "Имя покупателя": "Пётр & сыновья «100 %»", "Товар": "", "Кол-во": "два" });
  await press(page, "Оформить заказ");
  await expect(page).toHaveURL(/\/orders\/new\?draft=[0-9a-f]{32}$/);
  await expect(field(page, "Телефон")).toHaveAccessibleDescription(/Такого номера нет/);
  await expect(field(page, "Товар")).toHaveAccessibleDescription(/Заполните это поле/);
  await expect(field(page, "Кол-во")).toHaveAccessibleDescription(/Введите целое число/);
  await expect(field(page, "Телефон")).toHaveValue("123");
  await expect(field(page, "Имя покупателя")).toHaveValue("Пётр & сыновья «100 %»");
  await expect(field(page, "Кол-во")).toHaveValue("два");
  await page.reload();
  await expect(field(page, "Кол-во")).toHaveValue("два");
});

test("an outdated edit shows what has changed, keeps its values and can be sent again", async ({ page, context, server }) => {
  await shop.signInAs(page, server, "manager");
  const name = shop.unique("Чай");
  const id = await shop.addProduct(page, { name, price: "100" });
  const other = await context.newPage();
  await shop.open(other, `/products/${id}`);
  await fill(page, { "Цена, ₽": "150" });
  await press(page, "Сохранить");
  await expect(page.getByText("Товар сохранён.")).toBeVisible();

  await fill(other, { "Цена, ₽": "170", "Описание": "из Индии" });
  await press(other, "Сохранить");
  await expect(other.getByRole("alert").filter({ hasText: "Пока вы редактировали" })).toContainText("Цена, ₽: 150");
  await expect(field(other, "Цена, ₽")).toHaveValue("170");
  await expect(field(other, "Описание")).toHaveValue("из Индии");
  await press(other, "Сохранить");
  await expect(other.getByText("Товар сохранён.")).toBeVisible();
  await expect(fact(other, "Цена, ₽")).toHaveText(/170,00\s₽/);
});

test("cancelling asks once and releases the stock @postgres", async ({ page, server }) => {
  await shop.signInAs(page, server, "manager");
  const name = shop.unique("Чай");
  const product = await shop.addProduct(page, { name, price: "100", quantity: 5 });
  const order = await shop.bookOrder(page, { product: name, qty: 2 });
  await shop.open(page, "/orders");
  const question = page.getByRole("dialog");
  await expect(question).toBeHidden();

  // The list leads to the page of the order, which asks.
  await shop.cancelButton(orderRow(page, order)).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(`Заказ № ${order}`);
  await shop.cancelButton(page).click();
  await expect(question).toContainText(`Отменить заказ № ${order}?`);
  await press(question, "Нет, оставить");
  await expect(question).toBeHidden();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("ждёт выдачи");

  await shop.cancelButton(page).click();
  await press(question, "Да, отменить");
  await expect(page.getByText("Заказ отменён, товар снова в продаже.")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("отменён");
  await shop.open(page, `/products/${product}`);
  await expect(fact(page, "Доступно")).toHaveText("5");
});

test("cancelling an order that was issued in another tab says so", async ({ page, context, server }) => {
  await shop.signInAs(page, server, "manager");
  const name = shop.unique("Чай");
  await shop.addProduct(page, { name, price: "100", quantity: 5 });
  const order = await shop.bookOrder(page, { product: name });
  const other = await context.newPage();
  await shop.open(other, "/orders");
  await shop.cancelButton(orderRow(other, order)).click();
  await shop.cancelButton(other).click();
  await shop.issueButton(page).click();
  await expect(page.getByText("Заказ выдан.")).toBeVisible();
  await press(other.getByRole("dialog"), "Да, отменить");
  await expect(other.getByRole("alert").filter({ hasText: "Заказ уже выдан." })).toBeVisible();
  await expect(other.getByRole("heading", { level: 1 })).toContainText("выдан");
});
