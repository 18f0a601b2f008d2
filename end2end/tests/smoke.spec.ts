import { expect, test } from "./server";

test("the home page has a heading @postgres", async ({ page }) => {
  await page.goto("/");
  await expect(page.locator("h1")).toBeVisible();
});
