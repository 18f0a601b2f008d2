/** CSV import: a file is previewed first, and imported once unless the user confirms a repeat. */
import type { Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, press, test, unique } from "./shop";

async function importFileTwice(page: Page, server: Server) {
  await shop.signInAs(page, server, "manager");
  const product = unique("чай");
  const id = await shop.addProduct(page, { name: product, price: "100" });
  const rows = `product,qty,buy_price_eur,supplier_name\n${product},5,1.20,Teekanne\n`;
  const file = { name: "поставки.csv", mimeType: "text/csv", buffer: Buffer.from(rows) };
  const send = async () => {
    await shop.open(page, "/supplies/import");
    await page.getByLabel("Файл", { exact: true }).setInputFiles(file);
    await press(page, "Показать, что изменится");
    await page.waitForURL(/upload=/);
    await shop.waitForScript(page);
  };
  const loaded = "Файл загружен. Добавлено: 1, изменено: 0, без изменений: 0.";
  const received = async (pieces: number) => {
    await shop.open(page, `/products/${id}`);
    await expect(shop.fact(page, "Доступно")).toHaveText(String(pieces));
  };

  // The same preview is confirmed in two tabs.
  await send();
  const preview = page.url();
  const second = await page.context().newPage();
  await second.goto(preview);
  await shop.waitForScript(second);
  for (const tab of [page, second]) {
    await press(tab, "Загрузить всё");
    await expect(tab).toHaveURL(/\/supplies(\?|$)/);
    await expect(tab.getByText(loaded)).toBeVisible();
  }
  await second.close();
  await received(5);
  await page.goto(preview);
  await expect(page.getByText(loaded)).toBeVisible();

  await send();
  await expect(page.getByText(/Такой же файл уже загружен .*manager/)).toBeVisible();
  await expect(page.getByRole("button", { name: "Загрузить всё" })).toHaveCount(0);
  await press(page, "Всё равно загрузить");
  await expect(page.getByText(loaded)).toBeVisible();
  await received(10);
}

test("a file is imported once unless a repeat is confirmed", async ({ page, server }) =>
  importFileTwice(page, server));

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test("a file is imported once unless a repeat is confirmed", async ({ page, server }) =>
    importFileTwice(page, server));
});
