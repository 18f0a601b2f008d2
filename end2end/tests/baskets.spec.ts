/** Several products for one customer, and taking back what was done, on a desk, on a phone and without JavaScript. */
import type { Page } from "@playwright/test";
import * as shop from "./shop";
import { expect, fact, field, fill, orderRow, press, test } from "./shop";

const heading = (page: Page) => page.getByRole("heading", { level: 1 });

/** Opens a closed part of a page by its title. */
const unfold = (page: Page, title: string) => page.locator("summary", { hasText: title }).click();

/** Adds three products with ten pieces each. Returns their names and the number of the first. */
async function addGoods(page: Page) {
  const mark = shop.unique("");
  const names = ["Чай", "Кофе", "Какао"].map((name) => `${name} ${mark}`);
  const ids = [];
  for (const name of names) ids.push(await shop.addProductByApi(page, name, 10));
  return { names, product: ids[0]! };
}

/** Issues two orders of a basket and a part of the third, returns a piece, and takes an issue back. */
async function handOut(page: Page, basket: number, product: number) {
  await test.step("two are issued in the list, and the button takes the second issue back", async () => {
    await shop.open(page, `/orders?id=${basket}`);
    await shop.issueButton(orderRow(page, basket)).click();
    await expect(orderRow(page, basket)).toContainText("выдан");
    await shop.issueButton(orderRow(page, basket + 1)).click();
    await expect(orderRow(page, basket + 1)).toContainText("выдан");
    await press(page, "Вернуть как было");
    await expect(page.getByText("Вернули как было.")).toBeVisible();
    await expect(orderRow(page, basket + 1)).toContainText("ждёт выдачи");
    await shop.issueButton(orderRow(page, basket + 1)).click();
    await expect(orderRow(page, basket + 1)).toContainText("выдан");
  });

  await test.step("a part of the third is issued, and the rest waits in the same basket", async () => {
    await shop.open(page, `/orders/${basket + 2}`);
    await unfold(page, "Часть…");
    await fill(page, { "Сколько выдать": "2" });
    await press(page, "Выдать часть");
    await expect(heading(page)).toContainText("выдан");
    await shop.open(page, `/baskets/${basket}`);
    await expect(page.locator("tbody tr", { hasText: "ждёт выдачи" })).toHaveCount(1);
    await expect(page.locator("tbody tr", { hasText: "выдан" })).toHaveCount(3);
  });

  await test.step("a piece of the first comes back", async () => {
    await shop.open(page, `/orders/${basket}`);
    await unfold(page, "Вернуть товар");
    const form = page.locator("details", { hasText: "Вернуть товар" });
    await fill(form, { "Кол-во": "1" });
    await press(form, "Вернуть товар");
    await expect(page.getByText("Возвращено", { exact: true })).toBeVisible();
    await shop.open(page, `/products/${product}`);
    await expect(fact(page, "На складе")).toHaveText("9");
  });
}

for (const viewport of [{ width: 1280, height: 800 }, { width: 360, height: 740 }]) {
  test(`three products are booked by keyboard and taken back in parts, ${viewport.width} px wide @postgres`, async ({ page, server }) => {
    test.slow();
    await page.setViewportSize(viewport);
    await shop.signInAs(page, server, "manager");
    const { names, product } = await addGoods(page);
    await shop.open(page, "/orders/new");
    await page.keyboard.type("89161234567");
    await page.keyboard.press("Tab");
    await page.keyboard.type("Мария");
    await page.keyboard.press("Tab");
    for (const [index, name] of names.entries()) {
      await page.keyboard.type(name);
      await page.keyboard.press("Enter");
      await page.keyboard.type(String(index + 2));
      await page.keyboard.press("Enter");
      await expect(page.getByRole("textbox", { name: `Кол-во: ${name}` })).toHaveValue(String(index + 2));
      await expect(field(page, "Товар")).toBeFocused();
      await expect(field(page, "Товар")).toHaveValue("");
    }
    await expect(page.getByText(/^Сумма/)).toHaveText(/900,00\s₽/);

    await test.step("the same product again raises its quantity, and a line that exceeds the stock is red", async () => {
      await page.keyboard.type(names[0]!);
      await page.keyboard.press("Enter");
      await page.keyboard.type("9");
      await page.keyboard.press("Enter");
      // A line of its own until the product is found
      const qty = page.getByRole("textbox", { name: `Кол-во: ${names[0]}` }).first();
      await expect(qty).toHaveValue("11");
      await expect(qty).toHaveAttribute("aria-invalid", "true");
      for (const [typed, words] of [["0", "Не меньше 1"], ["2х", "Введите целое число"]] as const) {
        await qty.fill(typed);
        await expect(page.locator(".basket-line").first()).toContainText(words);
        await expect(qty).toHaveAttribute("aria-invalid", "true");
      }
      await qty.fill("2");
      await expect(qty).not.toHaveAttribute("aria-invalid");
      await page.keyboard.press("Enter");
      await expect(field(page, "Товар")).toBeFocused();
    });

    await page.keyboard.press("Enter");
    await page.waitForURL(/\/baskets\/\d+/);
    const basket = shop.idOf(page);
    await expect(page.getByRole("button", { name: "Выдать всё (3)" })).toBeVisible();
    await handOut(page, basket, product);
  });
}

test("a basket is handed out at once, and all of it is taken back with one button", async ({ page, server }) => {
  await shop.signInAs(page, server, "manager");
  const { names } = await addGoods(page);
  await shop.open(page, "/orders/new");
  await fill(page, { "Телефон": "8 916 123-45-67" });
  await field(page, "Товар").fill(names[0]!);
  await field(page, "Кол-во").press("Enter");
  await expect(page.getByRole("textbox", { name: `Кол-во: ${names[0]}` })).toHaveValue("1");
  await field(page, "Товар").fill(names[1]!);
  await press(page, "Оформить и выдать");
  await page.waitForURL(/\/baskets\/\d+/);
  const basket = shop.idOf(page);
  await expect(page.locator("tbody tr", { hasText: "выдан" })).toHaveCount(2);
  await press(page, "Вернуть как было");
  await expect(page.getByText("Вернули как было.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Выдать всё (2)" })).toBeVisible();

  const made = await page.request.post("/api/baskets", {
    data: { phone: "+79161234567", lines: names.map((product) => ({ product, qty: 1 })) },
  });
  const waiting = (await made.json()).id;
  expect(waiting).toBeGreaterThan(basket);
  await shop.open(page, `/orders?id=${waiting}`);
  await press(page, "Выдать всё (3)");
  await expect(page.locator("tbody tr", { hasText: "выдан" })).toHaveCount(3);
  await press(page, "Вернуть как было");
  await expect(page.getByText("Вернули как было.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Выдать всё (3)" })).toBeVisible();
});

test("a supply typed ten times too large is corrected, and one is undone", async ({ page, server }) => {
  await shop.signInAs(page, server, "manager");
  const name = shop.unique("Чай");
  const product = await shop.addProduct(page, { name, price: "100" });
  await shop.receiveSupply(page, { product: name, qty: 200, price: "2", supplier: "Teekanne" });
  await shop.row(page, name).getByRole("link").first().click();
  await expect(heading(page)).toContainText("Поставка №");
  await unfold(page, "Исправить поставку");
  const form = page.locator("details", { hasText: "Исправить поставку" });
  await fill(form, { "Кол-во": "20", "Причина": "лишний ноль" });
  await press(form, "Исправить поставку");
  await expect(page.getByText("Поставка исправлена.").first()).toBeVisible();
  await shop.open(page, `/products/${product}`);
  await expect(fact(page, "На складе")).toHaveText("20");

  await shop.receiveSupply(page, { product: name, qty: 5, price: "2", supplier: "Wrong" });
  await press(page, "Вернуть как было");
  await expect(page.getByText("Вернули как было.")).toBeVisible();
  await shop.open(page, `/products/${product}`);
  await expect(fact(page, "На складе")).toHaveText("20");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("lines are added, kept and booked, and everything can be taken back @postgres", async ({ page, server }) => {
    test.slow();
    await shop.signInAs(page, server, "manager");
    const { names, product } = await addGoods(page);
    await shop.open(page, "/orders/new");
    await fill(page, { "Телефон": "8 916 123-45-67", "Имя покупателя": "Мария", "Товар": names[0]!, "Кол-во": "2" });
    await press(page, "Ещё строка");
    await fill(page, { "Товар": names[1]!, "Кол-во": "3" });
    await press(page, "Ещё строка");
    await expect(field(page, "Имя покупателя")).toHaveValue("Мария");
    await expect(page.getByRole("textbox", { name: `Кол-во: ${names[1]}` })).toHaveValue("3");
    await fill(page, { "Товар": names[2]!, "Кол-во": "4" });
    await press(page, "Оформить заказ");
    await page.waitForURL(/\/baskets\/\d+/);
    await handOut(page, shop.idOf(page), product);
  });
});
