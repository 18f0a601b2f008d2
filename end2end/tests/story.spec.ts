/** The main tasks of the shop, from an empty database to an issued order. */
import * as shop from "./shop";
import { expect, fact, field, fill, orderRow, ownServer, press, row, test } from "./shop";

test.use(ownServer());

const tea = "Чай чёрный «Ассам», 250 г";

test("a new shop works: account, product, supply, order, issue, and the stock is right @postgres", async ({ page }) => {
  await test.step("the first account becomes the administrator", async () => {
    await shop.open(page, "/register");
    await expect(page.getByText("Это первый аккаунт: он станет администратором.")).toBeVisible();
    await shop.register(page, "Хозяйка");
    await expect(page.getByRole("link", { name: "Хозяйка (админ)" })).toBeVisible();
    await expect(page.getByText(/Зарегистрироваться может любой/)).toBeVisible();
  });

  const product = await test.step("a product is added with its price", async () => {
    const id = await shop.addProduct(page, { name: tea, price: "590", min: 3 });
    await expect(page.getByText("Товар добавлен.")).toBeVisible();
    await expect(fact(page, "Цена, ₽")).toHaveText(/590,00\s₽/);
    await expect(fact(page, "Доступно")).toContainText("мало");
    return id;
  });

  await test.step("a supply is received on the same page", async () => {
    await shop.receiveSupply(page, { product: tea, qty: 10, price: "2,80", supplier: "Teekanne" });
    await expect(page.getByText(`Принято: ${tea}, 10 шт.`).first()).toBeVisible();
    const received = row(page.getByRole("region", { name: "История поставок" }), tea);
    await expect(received).toContainText(/28,00\s€/);
    await expect(field(page.getByRole("region", { name: "Принять поставку" }), "Кол-во")).toHaveValue("");
  });

  const order = await test.step("an order is created with the keyboard alone", async () => {
    await shop.open(page, "/orders/new");
    await expect(field(page, "Телефон")).toBeFocused();
    await page.keyboard.type("89161234567");
    await page.keyboard.press("Tab");
    await page.keyboard.type("Анна");
    await page.keyboard.press("Tab");
    await page.keyboard.type("ассам ча");
    await expect(page.getByRole("option", { name: tea })).toContainText("Доступно: 10");
    await page.keyboard.press("ArrowDown");
    await expect(page.getByRole("option", { name: tea })).toHaveAttribute("aria-selected", "true");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("combobox", { name: "Товар" })).toHaveValue(tea);
    await expect(page.getByRole("listbox")).toBeHidden();
    await expect(field(page, "Цена, ₽")).toHaveValue("590,00");

    await expect(field(page, "Кол-во")).toBeFocused();
    await page.keyboard.type("3");
    await expect(page.getByText(/^Сумма/)).toHaveText(/1\s770,00\s₽/);
    await fill(page, { "Цена, ₽": "500" });
    await expect(page.getByText(/^Сумма/)).toHaveText(/1\s500,00\s₽/);
    // The first moves the product to the lines, the second books
    await page.keyboard.press("Enter");
    await expect(field(page, "Товар")).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(shop.createdBanner(page)).toBeVisible();
    return shop.idOf(page);
  });

  await test.step("it is issued in the list, which does not scroll", async () => {
    for (let more = 0; more < 4; more++) await shop.bookOrder(page, { product: tea });
    await page.setViewportSize({ width: 1280, height: 200 });
    await shop.open(page, "/orders?sort=created_at");
    const ours = orderRow(page, order);
    await expect(ours).toContainText("8 (916) 123-45-67");
    await ours.scrollIntoViewIfNeeded();
    await page.evaluate(() => Object.assign(window, { stayed: true }));
    const scrolled = await page.evaluate(() => window.scrollY);
    expect(scrolled).toBeGreaterThan(0);

    await shop.issueButton(ours).click();
    await expect(ours.getByText("выдан")).toBeFocused();
    await expect(ours.getByRole("button")).toHaveCount(0);
    await expect(page.getByRole("status").filter({ hasText: `Заказ № ${order}: выдан` })).toBeAttached();
    expect(await page.evaluate(() => window.scrollY)).toBe(scrolled);
    expect(await page.evaluate(() => "stayed" in window)).toBe(true);
  });

  await test.step("the stock, the ledger and the order's history agree", async () => {
    await shop.open(page, `/products/${product}`);
    await expect(fact(page, "Доступно")).toHaveText("3");
    await expect(fact(page, "На складе")).toHaveText("7");
    await expect(fact(page, "В резерве")).toHaveText("4");
    const ledger = page.getByRole("region", { name: "Движение товара" });
    await expect(row(ledger, "Поставка")).toContainText("+10");
    await expect(row(ledger, `Резерв Заказ № ${order}`)).toContainText("−3");
    await expect(row(ledger, `Выдача Заказ № ${order}`)).toContainText("−3 → 7");
    await expect(row(ledger, "Хозяйка")).toHaveCount(7);

    await shop.open(page, `/orders/${order}`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(/выдан$/);
    const history = page.getByRole("region", { name: "История" }).getByRole("listitem");
    await expect(history.filter({ hasText: "Выдача · Хозяйка" })).toBeVisible();
    await expect(history.filter({ hasText: "Создание · Хозяйка" })).toContainText(/Цена, ₽: 500,00\s₽/);
  });

  await test.step("the next order is issued on its own page, which shows the new history", async () => {
    await shop.open(page, `/orders/${order + 1}`);
    await shop.issueButton(page).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(/выдан$/);
    await expect(page.getByText("Выдача · Хозяйка")).toBeVisible();
    await expect(page.getByRole("button", { name: "Отменить выдачу" })).toBeVisible();
  });
});

test("a clerk finds an order by the last digits of the phone number and issues it", async ({ page, server }) => {
  await shop.signInAs(page, server, "manager");
  const name = shop.unique("Кофе");
  await shop.addProduct(page, { name, price: "1299,90", quantity: 2 });
  await shop.bookOrder(page, { product: name, phone: "8 903 555-77-01" });
  await page.getByRole("link", { name: "Заказы", exact: true }).click();
  await field(page, "Телефон: последние цифры").fill("77-01");
  await press(page, "Найти");
  await expect(page).toHaveURL(/phone=77-01/);
  await expect(page.locator("tbody").getByRole("row")).toHaveCount(1);
  // The page ignores clicks on a row that has just moved
  await expect(async () => {
    await shop.issueButton(row(page, name)).click({ timeout: 1_000 });
    await expect(row(page, name)).toContainText("выдан", { timeout: 1_000 });
  }).toPass();
});
