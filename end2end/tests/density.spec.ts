/** How much of the work is visible at once. The test prints the figures. */
import * as shop from "./shop";
import { expect, test } from "./shop";

test.use(shop.ownServer());

test("a screen shows many orders, and little else @postgres", async ({ page, server }) => {
  await shop.signInAs(page, server, "admin");
  const product = await shop.addProductByApi(page, shop.unique("Чай чёрный листовой «Ассам», 250 г"), 50);
  for (let index = 0; index < 20; index++) await shop.bookOrderByApi(page, product);
  const figures = [];
  for (const { width, height, most } of [
    { width: 1280, height: 800, most: { orders: 15, header: 56, head: 150 } },
    { width: 360, height: 740, most: { orders: 5, header: 56, head: 250 } },
  ]) {
    await page.setViewportSize({ width, height });
    for (const path of ["/orders", "/admin/users"]) {
      await shop.open(page, path);
      const header = await page.locator(".site-header").evaluate((header) => header.getBoundingClientRect().height);
      expect(header, `header of ${path}`).toBeLessThanOrEqual(most.header);
      if (path !== "/orders") continue;
      const { orders, head } = await page.evaluate(() => {
        const bar = document.querySelector(".site-menu")!.getBoundingClientRect();
        const bottom = bar.top > innerHeight / 2 ? bar.top : innerHeight;
        const rows = [...document.querySelectorAll(".orders tbody tr")].map((row) => row.getBoundingClientRect());
        return {
          orders: rows.filter((row) => row.top >= 0 && row.bottom <= bottom).length,
          head: document.querySelector(".filter-form")!.getBoundingClientRect().bottom,
        };
      });
      figures.push({ width, height, "whole orders": orders, "header, px": header, "above the list, px": head });
      expect(orders, `whole orders, ${width} px wide`).toBeGreaterThanOrEqual(most.orders);
      expect(head, `above the list, ${width} px wide`).toBeLessThanOrEqual(most.head);
    }
  }
  console.table(figures);
});
