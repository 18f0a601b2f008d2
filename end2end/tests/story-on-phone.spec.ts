/** The main tasks of the shop on a phone that is 360 px wide. */
import type { Locator, Page } from "@playwright/test";
import * as shop from "./shop";
import { expect, fact, orderRow, ownServer, row, test } from "./shop";

test.use({ ...ownServer(), viewport: { width: 360, height: 740 }, hasTouch: true });

const long = "Кофе в зёрнах «Эфиопия Сидамо Иргачефф Превосходнейший», 500 г";

/** Expects that the page does not scroll sideways. */
async function expectFits(page: Page) {
  const { width, seen } = await page.evaluate(() => ({
    width: document.documentElement.scrollWidth,
    seen: window.innerWidth,
  }));
  expect(width, page.url()).toBeLessThanOrEqual(seen);
}

/** Expects that the cells of a row are a card: inside it, in more than one line, and none over another. */
async function expectCard(row: Locator) {
  const card = await row.boundingBox();
  const boxes = [];
  for (const cell of await row.getByRole("cell").all()) {
    const box = await cell.boundingBox();
    if (box) boxes.push(box);
  }
  expect(boxes.length).toBeGreaterThan(3);
  expect(new Set(boxes.map((box) => Math.round(box.y))).size).toBeGreaterThan(2);
  for (const [index, box] of boxes.entries()) {
    expect(box.x).toBeGreaterThanOrEqual(card!.x);
    expect(box.x + box.width).toBeLessThanOrEqual(card!.x + card!.width + 1);
    for (const other of boxes.slice(index + 1)) {
      const isApart =
        box.x + box.width <= other.x + 1 || other.x + other.width <= box.x + 1 || box.y + box.height <= other.y + 1 || other.y + other.height <= box.y + 1;
      expect(isApart, JSON.stringify([box, other])).toBe(true);
    }
  }
}

/** Expects that every button and every link that looks like one is big enough for a thumb. */
async function expectThumbSized(page: Page) {
  for (const button of await page.getByRole("button").or(page.locator("a.btn, nav a")).filter({ visible: true }).all()) {
    const box = await button.boundingBox();
    expect(box?.height, `${page.url()}: ${await button.textContent()}`).toBeGreaterThanOrEqual(44);
  }
}

test("a new shop works on a phone: account, product, supply, order, issue @postgres", async ({ page }) => {
  await shop.register(page, "Очень_длинное_имя_хозяйки_магазина");
  const product = await shop.addProduct(page, { name: long, price: "1490", min: 8 });
  await shop.receiveSupply(page, { product: long, qty: 10, price: "7,90", supplier: "Torrefazione Milano S.r.l." });
  await expectCard(row(page.getByRole("region", { name: "История поставок" }), long));

  await shop.open(page, "/orders/new");
  await shop.fill(page, { "Телефон": "89161234567" });
  await shop.field(page, "Товар").pressSequentially("сидамо");
  await page.getByRole("option", { name: long }).tap();
  await expect(shop.field(page, "Цена, ₽")).toHaveValue("1490,00");
  await shop.fill(page, { "Кол-во": "3" });
  await expectFits(page);
  await shop.press(page, "Оформить заказ");
  await page.waitForURL(/\/orders\/\d+/);
  const order = shop.idOf(page);

  await test.step("every page fits, with thumb-sized buttons", async () => {
    for (const path of [...shop.pages(product, order), ...shop.plainPages]) {
      await shop.open(page, path);
      await expectFits(page);
      await expectThumbSized(page);
    }
  });

  await test.step("rows are shown as cards", async () => {
    await shop.open(page, "/products");
    await expectCard(row(page, long));
    await shop.open(page, "/orders");
    await expectCard(orderRow(page, order));
  });

  await test.step("the order is issued by touch", async () => {
    // A tap on the card opens the order, where it can also be cancelled.
    await orderRow(page, order).tap({ position: { x: 20, y: 50 } });
    await page.waitForURL(`/orders/${order}`);
    await shop.cancelButton(page).first().tap();
    await expect(page.getByRole("dialog")).toBeVisible();
    await expectFits(page);
    await expectThumbSized(page);
    await page.getByRole("button", { name: "Нет, оставить" }).tap();
    await shop.open(page, "/orders");
    await shop.issueButton(orderRow(page, order)).tap();
    await expect(orderRow(page, order)).toContainText("выдан");
    await expectCard(orderRow(page, order));
    await expectFits(page);
  });

  await shop.open(page, `/products/${product}`);
  await expect(fact(page, "Доступно")).toContainText("7");
  await expect(fact(page, "На складе")).toHaveText("7");
  await expectCard(row(page.getByRole("region", { name: "Движение товара" }), "Поставка"));
});

test("pages with errors and long names fit a phone, too", async ({ page, server, expectProblem }) => {
  expectProblem(/status of (422|409|404)/);
  await shop.signInAs(page, server, "manager");
  await shop.addProduct(page, { name: shop.unique("Чай-с-очень-длинным-именем-в-одно-слово-".repeat(3)), price: "1", quantity: 1 });
  await expectFits(page);
  await shop.open(page, "/products");
  await expectFits(page);
  await shop.open(page, "/orders/new");
  await shop.press(page, "Оформить заказ");
  await expect(page.getByText("Заполните это поле").first()).toBeVisible();
  await expectFits(page);
  await shop.open(page, "/orders?phone=1");
  await expect(page.getByText("Введите не меньше 3 цифр")).toBeVisible();
  await expectFits(page);
  await shop.open(page, "/nowhere");
  await expectFits(page);
});

test("the sections of a page are evenly spaced, and a manager's menu is on one line", async ({ page, server }) => {
  await shop.signInAs(page, server, "manager");
  const product = await shop.addProduct(page, { name: shop.unique("Чай"), price: "1", quantity: 1 });
  for (const path of ["/account", `/products/${product}`]) {
    await shop.open(page, path);
    const gaps = await page.locator("main section").evaluateAll((sections) => {
      const boxes = sections.map((section) => section.getBoundingClientRect()).sort((a, b) => a.top - b.top);
      return boxes.slice(1).map((box, index) => Math.round(box.top - boxes[index].bottom));
    });
    expect(gaps.length, path).toBeGreaterThan(1);
    expect(new Set(gaps), path).toEqual(new Set([32]));
  }
  const links = await page.getByRole("navigation", { name: "Меню" }).getByRole("link").all();
  const tops = links.map(async (link) => (await link.boundingBox())?.y);
  expect(new Set(await Promise.all(tops)).size).toBe(1);
});
