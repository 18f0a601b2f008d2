/** Russian by default, English on a switch. */
import * as shop from "./shop";
import { expect, test } from "./shop";

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("the language changes and the page stays", async ({ page, server }) => {
      await shop.arrive(page, server, "user");
      await shop.open(page, "/orders?status=paid_issued&sort=phone");
      await expect(page.locator("html")).toHaveAttribute("lang", "ru");
      await expect(page).toHaveTitle("Заказы · Sirius");

      await shop.press(page, "English");
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Orders");
      await expect(page).toHaveURL("/orders?status=paid_issued&sort=phone");
      await expect(page.locator("html")).toHaveAttribute("lang", "en");
      await expect(page).toHaveTitle("Orders · Sirius");
      await expect(page.getByRole("combobox", { name: "Status" })).toHaveValue("paid_issued");

      await page.getByRole("link", { name: "Stock", exact: true }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Stock");

      await shop.press(page, "Русский");
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Склад");
      await expect(page.locator("html")).toHaveAttribute("lang", "ru");
    });
  });
}

test("an English page has no Russian left in it", async ({ page, server, context }) => {
  await shop.arrive(page, server, "manager");
  const name = `Tea ${shop.unique("no")}`;
  const product = await shop.addProduct(page, { name, price: "100", quantity: 5, min: 9 });
  await shop.receiveSupply(page, { product: name, qty: 1, price: "1", supplier: "Teekanne" });
  const order = await shop.bookOrder(page, { product: name });
  await context.addCookies([{ name: "lang", value: "en", url: server.url }]);
  for (const path of shop.pages(product, order)) {
    await shop.open(page, path);
    // The name of the other language is written in itself
    const words = (await page.locator("body").innerText()).replaceAll("РУ", "");
    expect(words, path).not.toMatch(/[а-яё]/i);
  }
});
