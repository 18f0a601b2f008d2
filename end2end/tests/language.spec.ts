/** Pages are in Russian by default, and in English after a switch. */
import * as shop from "./shop";
import { expect, test } from "./shop";

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("changing the language keeps the page", async ({ page, server }) => {
      await shop.signInAs(page, server, "user");
      await shop.open(page, "/orders?status=paid_issued&sort=phone");
      await expect(page.locator("html")).toHaveAttribute("lang", "ru");
      await expect(page).toHaveTitle("Заказы · Сириус");
      await expect(page.locator(".logo")).toHaveText("Сириус");

      await shop.press(page, "English");
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Orders");
      await expect(page).toHaveURL("/orders?status=paid_issued&sort=phone");
      await expect(page.locator("html")).toHaveAttribute("lang", "en");
      await expect(page).toHaveTitle("Orders · Sirius");
      await expect(page.locator(".logo")).toHaveText("Sirius");
      await expect(page.getByRole("link", { name: "Issued" })).toHaveAttribute("aria-current", "true");

      await page.getByRole("link", { name: "Stock", exact: true }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Stock");

      await shop.press(page, "Русский");
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Склад");
      await expect(page.locator("html")).toHaveAttribute("lang", "ru");
    });
  });
}
