/** Conflicts: double clicks, two tabs, too little stock, and cancelled actions. */
import type { Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, fact, field, fill, orderRow, press, row, test } from "./shop";

/** Signs a manager in and adds a tea with a stock of five. */
async function setUpTea(page: Page, server: Server) {
  await shop.signInAs(page, server, "manager");
  const name = shop.unique("Чай");
  return { name, id: await shop.addProduct(page, { name, price: "100", quantity: 5 }) };
}

test("a double click on «Выдать» issues once @postgres", async ({ page, server }) => {
  const { name, id } = await setUpTea(page, server);
  const order = await shop.bookOrder(page, { product: name, qty: 2 });
  await shop.open(page, "/orders");
  await shop.issueButton(orderRow(page, order)).dblclick();
  await expect(orderRow(page, order)).toContainText("выдан");
  await shop.open(page, `/products/${id}`);
  await expect(fact(page, "На складе")).toHaveText("3");
  await expect(row(page.getByRole("region", { name: "Движение товара" }), "Выдача")).toHaveCount(1);
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("a double click on «Оформить заказ» creates one order @postgres", async ({ page, server }) => {
      const { name, id } = await setUpTea(page, server);
      await shop.fillOrder(page, { product: name });
      await page.getByRole("button", { name: "Оформить заказ" }).dblclick();
      // Does not wait for a navigation, because the second click aborts the first one
      await expect(page).toHaveURL(/\/orders\/\d+/);
      await shop.open(page, `/products/${id}`);
      await expect(fact(page, "В резерве")).toHaveText("1");
    });
  });
}

test("an order issued in one tab cannot be cancelled in the other @postgres", async ({ page, context, server, expectProblem }) => {
  expectProblem(/status of 409/);
  const { name, id } = await setUpTea(page, server);
  const order = await shop.bookOrder(page, { product: name });
  const other = await context.newPage();
  await shop.withoutStream(other);
  await shop.open(other, "/orders");
  await shop.open(page, "/orders");
  await shop.issueButton(orderRow(page, order)).click();
  await expect(orderRow(page, order)).toContainText("выдан");

  await shop.cancelButton(orderRow(other, order)).click();
  await press(other.getByRole("dialog"), "Да, отменить");
  await expect(orderRow(other, order).getByRole("alert")).toContainText("Заказ уже выдан.");
  await expect(other.getByRole("dialog")).toBeHidden();
  await shop.open(other, `/products/${id}`);
  await expect(fact(other, "На складе")).toHaveText("4");
});

test("issuing the same order in two tabs is not a conflict", async ({ page, context, server }) => {
  const { name } = await setUpTea(page, server);
  const order = await shop.bookOrder(page, { product: name });
  const other = await context.newPage();
  await shop.withoutStream(other);
  await shop.open(other, "/orders");
  await shop.open(page, "/orders");
  for (const tab of [page, other]) {
    await shop.issueButton(orderRow(tab, order)).click();
    await expect(orderRow(tab, order)).toContainText("выдан");
  }
});

test("an order for more than the stock is refused, and the form keeps its values @postgres", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 409/);
  const { name } = await setUpTea(page, server);
  await shop.fillOrder(page, { product: name, qty: 6, phone: "8 903 555-77-01" });
  await press(page, "Оформить заказ");
  await expect(field(page, "Кол-во")).toHaveAccessibleDescription(/На складе осталось 5, нужно 6\. Уменьшите количество до 5/);
  await expect(field(page, "Кол-во")).toBeFocused();
  await expect(field(page, "Телефон")).toHaveValue("8 903 555-77-01");
  await expect(field(page, "Кол-во")).toHaveValue("6");
  await fill(page, { "Кол-во": "5" });
  await press(page, "Оформить заказ");
  await expect(shop.createdBanner(page)).toBeVisible();
});

test("an invalid order shows errors at its fields, and the first of them gets the focus", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 422/);
  await setUpTea(page, server);
  await shop.fillOrder(page, { product: "", phone: "12", qty: 0 });
  await press(page, "Оформить заказ");
  await expect(field(page, "Телефон")).toHaveAccessibleDescription(/Такого номера нет/);
  await expect(field(page, "Товар")).toHaveAccessibleDescription(/Заполните это поле/);
  await expect(field(page, "Кол-во")).toHaveAccessibleDescription(/Не меньше 1/);
  await expect(field(page, "Телефон")).toBeFocused();
  await expect(field(page, "Телефон")).toHaveValue("12");
  // The list of products must not cover the error of its field
  await fill(page, { "Телефон": "8 916 123-45-67" });
  await press(page, "Оформить заказ");
  await expect(field(page, "Товар")).toBeFocused();
  await expect(page.getByRole("listbox")).toBeHidden();
});

test("an outdated edit shows what has changed, and overwrites it if sent again @postgres", async ({
  page, context, server, expectProblem,
}) => {
  expectProblem(/status of 409/);
  const { name, id } = await setUpTea(page, server);
  const other = await context.newPage();
  await shop.withoutStream(other);
  await shop.open(other, `/products/${id}`);
  await fill(page, { "Цена, ₽": "150", "Поставщик": "Teekanne" });
  await press(page, "Сохранить");
  await expect(fact(page, "Цена, ₽")).toHaveText(/150,00\s₽/);

  await fill(other, { "Цена, ₽": "170", "Описание": "из Индии" });
  await press(other, "Сохранить");
  const conflict = other.getByRole("alert").filter({ hasText: "Пока вы редактировали" });
  await expect(conflict).toContainText(/товар изменил manager-\S+ в \d\d:\d\d\./);
  await expect(conflict).toContainText("Цена, ₽: 150");
  await expect(conflict).toContainText("Поставщик: Teekanne");
  await expect(field(other, "Цена, ₽")).toHaveValue("170");
  await expect(field(other, "Описание")).toHaveValue("из Индии");
  await press(other, "Сохранить");
  await expect(fact(other, "Цена, ₽")).toHaveText(/170,00\s₽/);
  await expect(conflict).toBeHidden();
  await shop.open(page, `/products/${id}`);
  await expect(field(page, "Описание")).toHaveValue("из Индии");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
});

test("an outdated form does not overwrite values from a supply, and the next supply suggests them @postgres", async ({
  page, context, server, expectProblem,
}) => {
  expectProblem(/status of 409/);
  const { name, id } = await setUpTea(page, server);
  const other = await context.newPage();
  await shop.withoutStream(other);
  await shop.open(other, `/products/${id}`);
  await shop.receiveSupply(page, { product: name, qty: 1, price: "1,50", supplier: "Lipton" });
  await shop.receiveSupply(page, { product: name, qty: 1, price: "2,50", supplier: "Teekanne" });

  await fill(other, { "Описание": "из Индии" });
  await press(other, "Сохранить");
  const conflict = other.getByRole("alert").filter({ hasText: "Пока вы редактировали" });
  await expect(conflict).toContainText(/Закупка, €: 2,50\s€/);
  await expect(conflict).toContainText("Поставщик: Teekanne");

  await shop.open(page, `/products/${id}`);
  await expect(fact(page, "Последняя закупка, €")).toHaveText(/2,50\s€/);
  await expect(field(page, "Закупка, €")).toHaveValue("2,50");
  await shop.open(page, `/supplies?new=${id}`);
  const form = page.getByRole("region", { name: "Принять поставку" });
  await expect(field(form, "Закупка, €")).toHaveValue("2,50");
  await expect(field(form, "Поставщик")).toHaveValue("Teekanne");
});

test("an outdated stock count does not undo a sale", async ({ page, context, server, expectProblem }) => {
  expectProblem(/status of 409/);
  const { name } = await setUpTea(page, server);
  const other = await context.newPage();
  await shop.withoutStream(other);
  await shop.bookOrder(other, { product: name });
  await shop.issueButton(other).click();
  await expect(other.getByRole("heading", { level: 1 })).toHaveText(/выдан$/);
  const form = page.getByRole("region", { name: "Исправить остаток" });
  await fill(form, { "Фактический остаток, шт.": "5", "Причина": "нашли" });
  await press(form, "Исправить остаток");
  await expect(form.getByRole("alert")).toContainText("На складе: 4");
  await press(form, "Исправить остаток");
  await expect(fact(page, "На складе")).toHaveText("5");
  await expect(row(page.getByRole("region", { name: "Движение товара" }), "Исправление остатка: нашли")).toContainText("+1");
});

test("cancelling asks once: «Нет, оставить» and Escape keep the order, «Да» releases its stock @postgres", async ({ page, server }) => {
  const { name, id } = await setUpTea(page, server);
  const order = await shop.bookOrder(page, { product: name, qty: 2 });
  await shop.open(page, "/orders");
  const cancel = shop.cancelButton(orderRow(page, order));
  const question = page.getByRole("dialog");

  await cancel.focus();
  await page.keyboard.press("Enter");
  await expect(question).toContainText(`Отменить заказ № ${order}? Товар вернётся в продажу.`);
  await expect(question.getByRole("button", { name: "Нет, оставить" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(question).toBeHidden();
  await expect(cancel).toBeFocused();

  await page.keyboard.press("Enter");
  await expect(question).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(question).toBeHidden();
  await expect(cancel).toBeFocused();
  await expect(orderRow(page, order)).toContainText("ждёт выдачи");

  await cancel.click();
  await press(question, "Да, отменить");
  await expect(question).toBeHidden();
  await expect(orderRow(page, order).getByText("отменён")).toBeFocused();
  await shop.open(page, `/products/${id}`);
  await expect(fact(page, "Доступно")).toHaveText("5");
  await expect(row(page.getByRole("region", { name: "Движение товара" }), "Снятие резерва")).toContainText("+2");
});

test("text typed before the script has loaded is kept", async ({ page, server }) => {
  const { name } = await setUpTea(page, server);
  let arrive = () => {};
  const arrived = new Promise<void>((done) => (arrive = done));
  await page.route("**/*.wasm", async (route) => {
    await arrived;
    await route.continue();
  });
  await page.goto("/orders/new", { waitUntil: "commit" });
  const typed = { "Телефон": "89161234567", "Имя покупателя": "Анна", "Товар": name, "Кол-во": "2", "Цена, ₽": "90" };
  await fill(page, typed);
  arrive();
  await shop.waitForScript(page);
  for (const [label, value] of Object.entries(typed)) await expect(field(page, label)).toHaveValue(value);
  await expect(page.getByText(/^Сумма/)).toHaveText(/180,00\s₽/);
});

test("an order whose response was lost is created once, even if something else is sent next @postgres", async ({
  page, server, expectProblem,
}) => {
  expectProblem(/net::ERR_FAILED/);
  expectProblem(/status of 422/);
  const { name, id } = await setUpTea(page, server);
  // The server creates the order, but the response is lost.
  const loseAnswer = () =>
    page.route("**/fn/create_order", async (route) => {
      await route.fetch();
      await route.abort();
    }, { times: 1 });
  const send = () => press(page, "Оформить заказ");
  const alert = page.getByRole("alert");

  await shop.fillOrder(page, { product: name, qty: 2 });
  await loseAnswer();
  await send();
  await expect(alert.filter({ hasText: /\S/ })).toBeVisible();
  await send();
  await page.waitForURL(/\/orders\/\d+/);
  const first = shop.idOf(page);

  await shop.fillOrder(page, { product: name, qty: 1 });
  await loseAnswer();
  await send();
  await expect(alert.filter({ hasText: /\S/ })).toBeVisible();
  await field(page, "Кол-во").fill("2");
  await send();
  await expect(alert.filter({ hasText: "они сохранены" }).getByRole("link", { name: `Корзина № ${first + 1}` })).toBeVisible();
  await expect(field(page, "Кол-во")).toHaveValue("2");
  await send();
  await page.waitForURL(/\/orders\/\d+/);
  expect(shop.idOf(page)).toBe(first + 2);
  await shop.open(page, `/products/${id}`);
  await expect(fact(page, "Доступно")).toHaveText("0");
});
