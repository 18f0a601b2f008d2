/** The admin sees the sales and downloads them as a file. */
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import * as shop from "./shop";
import { expect, field, press, row, test } from "./shop";

test.use({ demoOrders: 120 });

/** Downloads a file by a link. Returns its name, its text and the cells of its rows. */
async function download(page: Page, link: string) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: link }).first().click()]);
  const text = readFileSync((await file.path())!, "utf8");
  return { name: file.suggestedFilename(), text, rows: text.trim().split("\r\n").map((line) => line.split(";")) };
}

test("the analytics of a year have totals, a chart, a matching file and an English version @postgres", async ({ page, server }) => {
  await shop.signInAs(page, server, "admin");
  await page.getByRole("navigation").getByRole("link", { name: "Аналитика" }).click();
  await page.getByRole("link", { name: "Год", exact: true }).click();
  await expect(page).toHaveURL(/preset=year/);
  await expect(page.locator("#totals")).toHaveText(/^01\.01\./);
  const revenue = await shop.fact(page, "Выручка").first().innerText();
  expect(revenue).toMatch(/₽$/);

  const bar = page.locator("g.bar").last();
  await bar.focus();
  await expect(bar.locator("text").nth(1)).toBeVisible();
  await expect(bar.locator("text").nth(1)).toContainText("Выручка");

  const { name, text, rows } = await download(page, "Скачать CSV");
  expect(name).toMatch(/^analytics-\d{4}-01-01-\d{4}-\d\d-\d\d\.csv$/);
  expect(text.startsWith("\ufeff")).toBe(true);
  const column = rows[0].indexOf("Выручка, ₽");
  expect(Number(rows[1][column].replace(",", "."))).toBe(Number(revenue.replace(/[^\d,]/g, "").replace(",", ".")));
  const kopecks = (cell: string) => Math.round(Number(cell.replace(",", ".")) * 100);
  const sum = (section: string) => rows.filter((cells) => cells[0] === section).reduce((sum, cells) => sum + kopecks(cells[column]), 0);
  expect(sum("Период")).toBe(kopecks(rows[1][column]));
  expect(sum("Товар")).toBe(kopecks(rows[1][column]));

  await press(page, "English");
  await expect(page.getByRole("heading", { level: 1, name: "Analytics" })).toBeVisible();
  await expect(page.getByRole("navigation", { name: "Menu" }).getByRole("link", { name: "Analytics" })).toHaveAttribute("aria-current", "page");
  await expect(shop.fact(page, "Revenue").first()).toHaveText(/^[\d,]+\.\d\d\s₽$/);
});

test("the sales by product keep the range, are sorted, and lead to the report about one product @postgres", async ({ page, server }) => {
  await shop.signInAs(page, server, "admin");
  await shop.open(page, "/admin/analytics?preset=year");
  await page.getByRole("link", { name: "По товарам" }).click();
  await expect(page).toHaveURL("/admin/analytics/products?preset=year");
  await expect(page.getByRole("link", { name: "По товарам" })).toHaveAttribute("aria-current", "page");
  await page.getByRole("link", { name: "Продано, шт." }).click();
  await page.getByRole("link", { name: "Продано, шт." }).click();
  await expect(page).toHaveURL(/sort=-qty/);
  await expect(page.getByRole("columnheader", { name: "Продано, шт." })).toHaveAttribute("aria-sort", "descending");
  const sold = await page.locator('td[data-label="Продано, шт."]').allInnerTexts();
  expect(sold.length).toBeGreaterThan(5);
  const pieces = sold.map((text) => Number(text.replace(/\D/g, "")));
  expect(pieces).toEqual(pieces.toSorted((one, other) => other - one));

  const first = page.locator("tbody tr").first();
  const name = await first.getByRole("link").innerText();
  await first.getByRole("link").click();
  await expect(page.locator("main").getByRole("link", { name, exact: true })).toBeVisible();
  await expect(shop.fact(page, "Продано, шт.").first()).toHaveText(sold[0]);
});

test("the form for a custom period shows that period", async ({ page, server }) => {
  await shop.signInAs(page, server, "admin");
  await shop.open(page, "/admin/analytics");
  await field(page, "С").fill("2025-01-01");
  await field(page, "По").fill("2025-01-31");
  await press(page, "Показать");
  await expect(page).toHaveURL(/from=2025-01-01&to=2025-01-31/);
  await expect(page.locator("#totals")).toHaveText("01.01.2025 — 31.01.2025");
  await expect(page.getByText("По сравнению с 1–31 декабря 2024 г.")).toBeVisible();
});

test("a wrong rate is refused, and a valid one is saved", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 422/);
  await shop.signInAs(page, server, "admin");
  await shop.open(page, "/admin/rates");
  await field(page, "₽ за 1 €").fill("сто");
  await press(page, "Сохранить");
  await expect(page.getByText(/Введите курс больше нуля/)).toBeVisible();
  await field(page, "₽ за 1 €").fill("101,25");
  await press(page, "Сохранить");
  await expect(row(page, "101,25").first()).toBeVisible();
});

test("orders are downloaded as filtered, and an unchanged stock file imports without changes", async ({ page, server }, info) => {
  await shop.signInAs(page, server, "manager");
  await shop.open(page, "/orders?status=paid_denied");
  const shown = await row(page, /./).count();
  const orders = await download(page, "Скачать CSV");
  expect(orders.rows.length).toBe(shown + 1);

  await shop.open(page, "/products");
  const stock = await download(page, "Скачать CSV");
  const path = info.outputPath("stock.csv");
  await (await import("node:fs/promises")).writeFile(path, stock.text);
  await page.getByRole("link", { name: "Загрузить CSV" }).click();
  await page.getByLabel("Файл", { exact: true }).setInputFiles(path);
  await press(page, "Показать, что изменится");
  await expect(page.getByText("Всё уже так, как в файле.")).toBeVisible();
});
