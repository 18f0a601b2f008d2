/** Finding orders among many. */
import type { Page } from "@playwright/test";
import * as shop from "./shop";
import { expect, field, press, row, test } from "./shop";

test.use({ demoOrders: 120 });

/** The rows with orders, without the heads of baskets. */
const rows = (page: Page) => page.locator("tbody tr:not(.basket-head)");

/** Returns the texts in a column of the list, from top to bottom. */
const column = async (page: Page, label: string) => {
  const index = (await page.getByRole("columnheader").allTextContents()).findIndex((text) => text.startsWith(label));
  return rows(page).evaluateAll((rows, index) => rows.map((row) => (row as HTMLTableRowElement).cells[index].innerText), index);
};

/** Returns the times in the list of orders, from top to bottom: `2026-11-28T14:05`. */
const times = (page: Page) => page.locator(".orders time").evaluateAll((times) => times.map((time) => time.getAttribute("datetime") ?? ""));

const tabs: Record<string, string> = { "ждёт выдачи": "Ждут", "выдан": "Выданы", "отменён": "Отменены" };

/** Shows only the orders of a status. */
async function chooseStatus(page: Page, status: string) {
  const tab = page.getByRole("navigation", { name: "Статус" }).getByRole("link", { name: tabs[status] });
  await tab.click();
  await expect(tab).toHaveAttribute("aria-current", "true");
}

const digits = (text: string) => text.replace(/\D/g, "");

test.beforeEach(async ({ page, server }) => {
  await shop.signInAs(page, server, "user");
  await shop.open(page, "/orders");
  await expect(rows(page)).toHaveCount(50);
});

test("an order is found by the last digits of the phone number @postgres", async ({ page }) => {
  const phone = digits((await column(page, "Телефон"))[7]).slice(0, 11);
  await field(page, "Телефон: последние цифры").fill(phone.slice(-4));
  await field(page, "Телефон: последние цифры").press("Enter");
  await expect(page).toHaveURL(new RegExp(`phone=${phone.slice(-4)}`));
  await expect(rows(page)).not.toHaveCount(50);
  for (const found of await column(page, "Телефон")) expect(digits(found)).toContain(phone.slice(-4));
});

test("an order is found by the first digits, with 8, with +7 or with neither @postgres", async ({ page }) => {
  const phone = digits((await column(page, "Телефон"))[7]).slice(0, 11);
  for (const start of [phone.slice(0, 7), `+7${phone.slice(1, 7)}`, phone.slice(1, 7), `8 (${phone.slice(1, 4)}) ${phone.slice(4, 7)}`]) {
    await shop.open(page, "/orders");
    await field(page, "Телефон: последние цифры").fill(start);
    await press(page, "Найти");
    await expect(rows(page)).not.toHaveCount(50);
    expect((await column(page, "Телефон")).map((found) => digits(found).slice(0, 11)), start).toContain(phone);
  }
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("an invalid filter shows an error at its field, and the other filters apply", async ({ page, expectProblem }) => {
      // Without JavaScript, the page itself has the error status
      if (!javaScriptEnabled) expectProblem(/status of 422/);
      const mistakes: [string, string, RegExp][] = [
        ["Телефон: последние цифры", "12", /Введите не меньше 3 цифр/],
        ["№ заказа", "пять", /Введите целое число/],
      ];
      for (const [label, typed, words] of mistakes) {
        await shop.open(page, "/orders");
        await chooseStatus(page, "выдан");
        await field(page, label).fill(typed);
        await press(page, "Найти");
        await expect(field(page, label)).toHaveAccessibleDescription(words);
        await expect(field(page, label)).toHaveAttribute("aria-invalid", "true");
        await expect(field(page, label)).toHaveValue(typed);
        if (javaScriptEnabled) await expect(field(page, label)).toBeFocused();
        // The valid filter is applied
        await expect
          .poll(async () => new Set((await column(page, "Статус")).map((text) => text.replace(/^\S\s/, ""))))
          .toEqual(new Set(["выдан"]));
        await field(page, label).fill("");
        await press(page, "Найти");
        await expect(page).toHaveURL(/orders/);
        await expect(field(page, label)).not.toHaveAttribute("aria-invalid", "true");
      }
    });

    test("an order is found by its number and by its customer's name @postgres", async ({ page }) => {
      const id = (await column(page, "№"))[7];
      await field(page, "№ заказа").fill(id);
      await field(page, "№ заказа").press("Enter");
      await expect(rows(page)).toHaveCount(1);
      expect(await column(page, "№")).toEqual([id]);
      await shop.open(page, "/orders");
      const named = (await page.locator(".orders td:nth-child(7) span").first().innerText()).split(" ")[0];
      await field(page, "Имя покупателя").fill(named.toUpperCase().slice(0, 3));
      await press(page, "Найти");
      await expect(page).toHaveURL(/customer=/);
      const part = named.toLowerCase().slice(0, 3);
      await expect
        .poll(async () => (await column(page, "Телефон")).every((text) => text.toLowerCase().includes(part)))
        .toBe(true);
      expect(await rows(page).count()).toBeGreaterThan(0);
    });
  });
}

for (const width of [1280, 360]) {
  test(`the label of every filter fits on one line, ${width} px wide`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    // On a phone, the filters are folded away.
    if (width < 640) await page.getByText("Фильтры", { exact: true }).click();
    const heights = await page.locator(".filters .field-label").evaluateAll((labels) => labels.map((label) => label.getBoundingClientRect().height));
    expect(heights.length).toBe(6);
    expect(new Set(heights).size).toBe(1);
    expect(heights[0]).toBeGreaterThan(0);
  });
}

test("the list can be filtered by status", async ({ page }) => {
  for (const [status, words] of [["paid_not_issued", "ждёт выдачи"], ["paid_issued", "выдан"], ["paid_denied", "отменён"]]) {
    await chooseStatus(page, words);
    await press(page, "Найти");
    await expect(page).toHaveURL(new RegExp(`status=${status}`));
    await expect(row(page, words).first()).toBeVisible();
    await expect
      .poll(async () => new Set((await column(page, "Статус")).map((text) => text.replace(/^\S\s/, ""))))
      .toEqual(new Set([words]));
  }
});

test("orders are found by words of the product name in any case @postgres", async ({ page }) => {
  await field(page, "Товар").fill("КОФЕ зёрнах");
  await press(page, "Найти");
  await expect(page).toHaveURL(/product=/);
  await expect.poll(async () => (await column(page, "Товар")).every((name) => /кофе в зёрнах/i.test(name))).toBe(true);
  expect(await rows(page).count()).toBeGreaterThan(0);
});

test("the list can be filtered by dates in the shop's time zone", async ({ page }) => {
  const days = (await times(page)).map((time) => time.slice(0, 10));
  const [to, from] = [days[5], days[20]];
  await field(page, "С").fill(from);
  await field(page, "По").fill(to);
  await press(page, "Найти");
  await expect(page).toHaveURL(new RegExp(`from=${from}&to=${to}`));
  const expected = days.filter((day) => from <= day && day <= to);
  await expect(rows(page)).toHaveCount(expected.length);
  expect((await times(page)).map((time) => time.slice(0, 10))).toEqual(expected);
});

test("a column header sorts the list, in reverse on the second click, and keeps the filter @postgres", async ({ page }) => {
  await shop.open(page, "/orders?status=paid_issued");
  await page.evaluate(() => Object.assign(window, { stayed: true }));
  const heads = {
    "Телефон": async () => (await column(page, "Телефон")).map(digits),
    "Дата": () => times(page),
    "Статус": () => column(page, "Статус"),
  };
  for (const [label, keys] of Object.entries(heads)) {
    for (const direction of ["ascending", "descending"] as const) {
      const head = page.getByRole("columnheader", { name: label });
      await head.getByRole("link").click();
      await expect(head).toHaveAttribute("aria-sort", direction);
      expect(new URL(page.url()).searchParams.get("status")).toBe("paid_issued");
      const inOrder = (before: string, after: string) => (direction === "ascending" ? before <= after : before >= after);
      const sorted = (keys: string[]) => keys.every((key, index) => index === 0 || inOrder(keys[index - 1], key));
      await expect.poll(async () => sorted(await keys()), `${label} ${direction}`).toBe(true);
    }
  }
  expect(await page.evaluate(() => "stayed" in window)).toBe(true);
});

test("pages follow each other without gaps, forwards and backwards @postgres", async ({ page }) => {
  const pages: string[][] = [];
  const next = page.getByRole("link", { name: "Следующие →" });
  for (;;) {
    pages.push(await column(page, "№"));
    if (!(await next.isVisible())) break;
    await next.click();
    await expect.poll(async () => (await column(page, "№"))[0]).not.toBe(pages.at(-1)?.[0]);
  }
  const all = pages.flat().map(Number);
  expect(pages.length).toBe(3);
  expect(new Set(all).size).toBe(all.length);
  expect(all.length).toBeGreaterThanOrEqual(120);
  expect(all).toEqual([...all].sort((a, b) => b - a));

  await page.getByRole("link", { name: "← Предыдущие" }).click();
  await expect.poll(() => column(page, "№")).toEqual(pages[1]);
  await page.goBack();
  await expect.poll(() => column(page, "№")).toEqual(pages[2]);
  await page.reload();
  await expect.poll(() => column(page, "№")).toEqual(pages[2]);
});

test("an empty search result offers to reset the filters", async ({ page }) => {
  await field(page, "Товар").fill("такого нет");
  await press(page, "Найти");
  await expect(page.getByText("Таких заказов нет.")).toBeVisible();
  await page.getByRole("link", { name: "Сбросить фильтры" }).click();
  await expect(rows(page)).toHaveCount(50);
  await expect(field(page, "Товар")).toHaveValue("");
});

test("Back restores the previous filter and its fields", async ({ page }) => {
  await chooseStatus(page, "отменён");
  await expect(row(page, "отменён").first()).toBeVisible();
  await field(page, "Имя покупателя").fill("а");
  await press(page, "Найти");
  await expect(page).toHaveURL(/customer=/);
  await page.goBack();
  await expect(page).not.toHaveURL(/customer=/);
  await expect(field(page, "Имя покупателя")).toHaveValue("");
  await expect(page.getByRole("link", { name: "Отменены" })).toHaveAttribute("aria-current", "true");
  await expect(row(page, "отменён").first()).toBeVisible();
});

test("another product name clears the price, and an empty price becomes that of the product @postgres", async ({ page }) => {
  await shop.open(page, "/orders/new");
  const [product, price] = [field(page, "Товар"), field(page, "Цена, ₽")];
  await product.fill("чай");
  await page.getByRole("option").first().click();
  await expect(price).not.toHaveValue("");
  await product.fill("Шафран, 1 г");
  await expect(price).toHaveValue("");
  await field(page, "Телефон").fill("89161234567");
  await press(page, "Оформить заказ");
  await expect(page.getByText("890,00").first()).toBeVisible();
});

test("Back and Forward restore the scroll position even if the data is late", async ({ page }) => {
  await page.route("**/fn/list_orders*", async (route) => {
    await new Promise((done) => setTimeout(done, 500));
    await route.continue();
  });
  const place = () => page.evaluate(() => Math.round(scrollY));
  await rows(page).nth(40).scrollIntoViewIfNeeded();
  const left = await place();
  expect(left).toBeGreaterThan(500);
  await rows(page).nth(40).getByRole("link").first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Заказ № \d+/);
  expect(await place()).toBe(0);
  await page.goBack();
  await expect(rows(page)).toHaveCount(50);
  await expect.poll(place).toBe(left);
  await page.goForward();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Заказ № \d+/);
  await expect.poll(place).toBe(0);
});
