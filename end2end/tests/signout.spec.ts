/** On a shared computer, the Back button shows nothing of a user who has signed out. */
import type { CDPSession } from "@playwright/test";
import config from "../playwright.config";
import * as shop from "./shop";
import { expect, ownServer, test, unique } from "./shop";

// Playwright disables Chromium's back/forward cache, but people use it
test.use({ ...ownServer(), launchOptions: { ...config.use?.launchOptions, ignoreDefaultArgs: ["--disable-back-forward-cache"] } });

/** Presses the Back button. */
async function goBack(browser: CDPSession) {
  const { currentIndex, entries } = await browser.send("Page.getNavigationHistory");
  await browser.send("Page.navigateToHistoryEntry", { entryId: entries[currentIndex - 1].id });
}

/** Returns the visible text. Playwright does not know a page that was restored from the cache. */
async function visibleText(browser: CDPSession): Promise<string> {
  const read = await browser.send("Runtime.evaluate", { expression: "document.body.innerText" });
  return read.result.value ?? "";
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("Back after signing out leads to the sign-in page", async ({ page, context, server }) => {
      await shop.signInAs(page, server, "manager");
      const product = unique("чай");
      await shop.addProduct(page, { name: product, price: "720", quantity: 5 });
      const order = await shop.bookOrder(page, { product });
      await shop.open(page, "/orders");
      await expect(page.getByRole("main")).toContainText("123-45-67");
      await shop.open(page, `/orders/${order}`);
      await shop.signOut(page);
      const browser = await context.newCDPSession(page);
      for (let steps = 0; steps < 2; steps++) {
        await goBack(browser);
        await expect.poll(() => visibleText(browser)).toContain("Войти");
        expect(await visibleText(browser)).not.toContain("123-45-67");
      }
    });

    test("Back from an order restores the list", async ({ page, context, server }) => {
      await shop.signInAs(page, server, "manager");
      const product = unique("чай");
      await shop.addProduct(page, { name: product, price: "720", quantity: 5 });
      const order = await shop.bookOrder(page, { product });
      await shop.open(page, "/orders?status=paid_not_issued");
      await page.getByRole("link", { name: String(order), exact: true }).click();
      await expect(page).toHaveURL(new RegExp(`/orders/${order}$`));
      const browser = await context.newCDPSession(page);
      await goBack(browser);
      await expect.poll(() => visibleText(browser)).toContain(product);
      expect(await visibleText(browser)).toContain("Скачать CSV");
    });
  });
}
