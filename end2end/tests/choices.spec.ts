/** The choices of the account page that a cookie stores: colours, and whether single keys act. */
import type { Page } from "@playwright/test";
import * as shop from "./shop";
import { expect, press, test } from "./shop";

const section = (page: Page, name: string) => page.getByRole("region", { name });

async function choose(page: Page, name: string, choice: string) {
  await shop.open(page, "/account");
  await section(page, name).getByRole("radio", { name: choice }).check();
  await Promise.all([page.waitForEvent("load"), press(section(page, name), "Сохранить")]);
  await shop.open(page, "/account");
  await expect(section(page, name).getByRole("radio", { name: choice })).toBeChecked();
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("every page has the chosen colours, also those of errors and of the API", async ({ page, server, expectProblem }) => {
      expectProblem(/status of (403|404)/);
      await shop.signInAs(page, server, "user");
      const html = page.locator("html");
      await choose(page, "Цвета", "тёмные");
      for (const path of ["/", "/orders", "/supplies", "/nowhere", "/docs/"]) {
        await page.goto(path);
        await expect(html, path).toHaveAttribute("data-theme", "sirius-night");
        await expect(page.locator("a[href='/']").last(), `the way back from ${path}`).toBeVisible();
      }
      await choose(page, "Цвета", "как в системе");
      await expect(html).not.toHaveAttribute("data-theme");
    });

    test("single keys are turned off and on", async ({ page, server }) => {
      await shop.signInAs(page, server, "user");
      await choose(page, "Быстрые клавиши", "выключены");
      await shop.open(page, "/orders");
      const newOrder = page.getByRole("link", { name: "Новый заказ" }).first();
      await expect(newOrder.locator("kbd")).toBeHidden();
      await expect(page.getByRole("searchbox", { name: "Поиск по заказам и товарам" })).not.toHaveAttribute("aria-keyshortcuts");
      for (const key of ["n", "/", "?"]) await page.keyboard.press(key);
      await expect(page).toHaveURL("/orders");
      await expect(page.getByRole("dialog")).toHaveCount(0);
      await expect(page.locator("body")).toBeFocused();
      await choose(page, "Быстрые клавиши", "включены");
      await shop.open(page, "/orders");
      await expect(newOrder.locator("kbd")).toBeVisible();
      if (!javaScriptEnabled) return;
      await page.keyboard.press("n");
      await page.waitForURL("/orders/new");
    });
  });
}

test("a choice that is not offered is refused and changes nothing", async ({ page, server, context }) => {
  await shop.signInAs(page, server, "user");
  await choose(page, "Цвета", "тёмные");
  const before = await context.cookies();
  for (const [name, value] of [["theme", "pink"], ["theme", ""], ["keys", "maybe"]] as const) {
    const headers = { origin: server.url, accept: "application/json" };
    const answer = await page.request.post(`/fn/set_${name}`, { form: { [name]: value }, headers });
    expect(answer.status(), value).toBe(422);
    expect(answer.headers()["set-cookie"] ?? "").not.toContain(`${name}=`);
  }
  const chosen = (cookies: typeof before) => cookies.filter(({ name }) => ["theme", "keys"].includes(name));
  expect(chosen(await context.cookies())).toEqual(chosen(before));
});

test("paper is white and has the list alone, with all its columns", async ({ page, server }) => {
  await shop.signInAs(page, server, "manager");
  await choose(page, "Цвета", "тёмные");
  const product = await shop.addProductByApi(page, shop.unique("Чай"), 5);
  const order = await shop.bookOrderByApi(page, product);
  await shop.open(page, "/orders");
  await page.emulateMedia({ media: "print" });
  // A4 at 96 dots per inch
  await page.setViewportSize({ width: 794, height: 1123 });
  await expect(page.getByRole("navigation", { includeHidden: true }).first()).toBeHidden();
  await expect(page.locator(".filter-form")).toBeHidden();
  await expect(shop.orderRow(page, order)).toBeVisible();
  await expect(page.getByRole("columnheader", { name: "Сумма, ₽" })).toBeVisible();
  await expect(page.locator("main .btn:visible")).toHaveCount(0);
  await expect(page.locator("html")).toHaveCSS("background-color", "rgb(255, 255, 255)");
  await expect(shop.orderRow(page, order)).toHaveCSS("color", "rgb(0, 0, 0)");
});
