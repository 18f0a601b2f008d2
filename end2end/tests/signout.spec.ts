/** Whoever comes to a shared computer after somebody signed out finds nothing of his behind the Back button. */
import type { CDPSession } from "@playwright/test";
import config from "../playwright.config";
import * as shop from "./shop";
import { expect, ownServer, test, unique } from "./shop";

// Playwright takes Chromium's store of pages for going back away; people have it
test.use({ ...ownServer(), launchOptions: { ...config.use?.launchOptions, ignoreDefaultArgs: ["--disable-back-forward-cache"] } });

/** The Back button. */
async function back(browser: CDPSession) {
  const { currentIndex, entries } = await browser.send("Page.getNavigationHistory");
  await browser.send("Page.navigateToHistoryEntry", { entryId: entries[currentIndex - 1].id });
}

/** What a person reads: a page that comes out of the store is unknown to Playwright. */
async function shown(browser: CDPSession): Promise<string> {
  const read = await browser.send("Runtime.evaluate", { expression: "document.body.innerText" });
  return read.result.value ?? "";
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("Back after signing out leads to the sign-in page", async ({ page, context, server }) => {
      await shop.arrive(page, server, "manager");
      const product = unique("чай");
      await shop.addProduct(page, { name: product, price: "720", quantity: 5 });
      const order = await shop.bookOrder(page, { product });
      await shop.open(page, "/orders");
      await expect(page.getByRole("main")).toContainText("123-45-67");
      await shop.open(page, `/orders/${order}`);
      await shop.signOut(page);
      const browser = await context.newCDPSession(page);
      for (let steps = 0; steps < 2; steps++) {
        await back(browser);
        await expect.poll(() => shown(browser)).toContain("Войти");
        expect(await shown(browser)).not.toContain("123-45-67");
      }
    });

    test("Back leads from an order to the list as it was", async ({ page, context, server }) => {
      await shop.arrive(page, server, "manager");
      const product = unique("чай");
      await shop.addProduct(page, { name: product, price: "720", quantity: 5 });
      const order = await shop.bookOrder(page, { product });
      await shop.open(page, "/orders?status=paid_not_issued");
      await page.getByRole("link", { name: String(order), exact: true }).click();
      await expect(page).toHaveURL(new RegExp(`/orders/${order}$`));
      const browser = await context.newCDPSession(page);
      await back(browser);
      await expect.poll(() => shown(browser)).toContain(product);
      expect(await shown(browser)).toContain("Скачать CSV");
    });
  });
}
