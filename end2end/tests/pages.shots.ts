import { expect, test } from "./server";

const sizes = { desk: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };
const pages = {
  home: "/",
  products: "/products",
  product: "/products/1",
  "product-new": "/products/new",
  supplies: "/supplies",
  orders: "/orders",
  order: "/orders/200",
  "order-new": "/orders/new?product=7",
  account: "/account",
  analytics: "/admin/analytics?preset=last_month",
  rates: "/admin/rates",
  "products-import": "/products/import",
};

test.beforeAll(async ({ server, browser }) => {
  const page = await browser.newPage({ baseURL: server.url });
  await page.goto("/register");
  await page.locator("#username").fill("Анна");
  await page.locator("#password").fill("correct horse");
  await page.locator("#password_repeated").fill("correct horse");
  await page.getByRole("button", { name: "Зарегистрироваться" }).click();
  await expect(page.getByRole("button", { name: "Выход" })).toBeVisible();
  await page.close();
});

for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ["light", "dark"] as const) {
    test(`every page, ${size}, ${colorScheme}`, async ({ page }) => {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme });
      await page.goto("/login");
      await page.screenshot({ path: `../docs/screenshots/login-${size}-${colorScheme}.png` });
      await page.locator("#username").fill("анна");
      await page.locator("#password").fill("correct horse");
      await page.getByRole("button", { name: "Войти" }).click();
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(path);
        await page.waitForTimeout(700);
        await page.screenshot({ path: `../docs/screenshots/${name}-${size}-${colorScheme}.png` });
      }
    });
  }
}
