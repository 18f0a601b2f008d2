/** The home page of a manager who may see the analytics: MANAGER_IN_ADMIN=true. */
import * as shop from "./shop";
import { expect, test } from "./shop";

test.use({ settings: { MANAGER_IN_ADMIN: "true" } });

test("the third card is the analytics for everyone who may see them", async ({ page, server }) => {
  await shop.signInAs(page, server, "manager");
  await shop.open(page, "/");
  expect(await page.locator(".home-card h2").allInnerTexts()).toEqual(["Управление складом", "Обработка заказов", "Аналитика"]);
  await page.locator(".home-card").nth(2).click();
  await expect(page).toHaveURL("/admin/analytics");
});
