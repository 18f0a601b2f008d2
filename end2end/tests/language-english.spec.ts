/** English pages, in a separate shop where no other test has added Russian names. */
import * as shop from "./shop";
import { expect, ownServer, test } from "./shop";

test.use(ownServer());

test("an English page contains no Russian text", async ({ page, server, context }) => {
  await shop.signInAs(page, server, "manager");
  const name = `Tea ${shop.unique("no")}`;
  const product = await shop.addProduct(page, { name, price: "100", quantity: 5, min: 9 });
  await shop.receiveSupply(page, { product: name, qty: 1, price: "1", supplier: "Teekanne" });
  const order = await shop.bookOrder(page, { product: name });
  await context.addCookies([{ name: "lang", value: "en", url: server.url }]);
  for (const path of [...shop.pages(product, order), ...shop.plainPages]) {
    await shop.open(page, path);
    // The switch to Russian is labelled in Russian
    const words = (await page.locator("body").innerText()).replaceAll("РУ", "");
    expect(words, path).not.toMatch(/[а-яё]/i);
  }
});
