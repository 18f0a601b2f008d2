/** Accessibility: keyboard, screen reader and contrast. */
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, field, press, test } from "./shop";

/** Signs a manager in and adds rows of every kind. Returns them, and the pages that show them. */
async function setUpShop(page: Page, server: Server) {
  await shop.signInAs(page, server, "manager");
  const name = shop.unique("Чай");
  const product = await shop.addProduct(page, { name, price: "100", quantity: 5, min: 9 });
  await shop.receiveSupply(page, { product: name, qty: 1, price: "1", supplier: "Teekanne" });
  const issued = await shop.bookOrder(page, { product: name });
  await shop.issueButton(page).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/выдан$/);
  await shop.bookOrder(page, { product: name });
  await shop.cancelButton(page).click();
  await press(page.getByRole("dialog"), "Да, отменить");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/отменён$/);
  const waiting = await shop.bookOrder(page, { product: name });
  return { name, product, waiting, paths: [...shop.pages(product, waiting), ...shop.plainPages, `/orders/${issued}`, "/orders?success=order_issued", "/orders?product=нет"] };
}

const desk = { width: 1280, height: 800 };
const phone = { width: 360, height: 740 };

/**
 * Expects that axe finds no violation of WCAG 2.0 or 2.1, levels A and AA, at a desk and on a phone. The dark theme
 * differs only in its colours.
 */
async function expectAccessible(page: Page, where: string) {
  for (const viewport of [desk, phone]) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // The colours of buttons change gradually.
      await page.evaluate(() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished)));
      const axe = new AxeBuilder({ page });
      const { violations } = await (colorScheme === "dark"
        ? axe.withRules("color-contrast")
        : axe.withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"])
      ).analyze();
      const told = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html}\n  ${node.failureSummary}`));
      expect.soft(told, `${where}, ${colorScheme}, ${viewport.width} px wide`).toEqual([]);
    }
    const isWide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    expect.soft(isWide, `${where} scrolls sideways at ${viewport.width} px`).toBe(false);
  }
  await page.setViewportSize(desk);
}

test("axe finds no violations on any page", async ({ page, server, expectProblem }) => {
  test.slow();
  expectProblem(/status of (403|404|409|422)/);
  const { name, paths } = await setUpShop(page, server);
  for (const path of [...paths, "/nowhere"]) {
    await shop.open(page, path);
    await expectAccessible(page, path);
  }

  await shop.open(page, "/orders/new");
  await press(page, "Оформить заказ");
  await expect(field(page, "Телефон")).toHaveAttribute("aria-invalid", "true");
  await expectAccessible(page, "a refused order");
  await field(page, "Товар").fill(name);
  await expect(page.getByRole("option", { name })).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await expectAccessible(page, "the open picker");
  await page.keyboard.press("Enter");
  await shop.fill(page, { "Телефон": "89161234567", "Кол-во": "99" });
  await press(page, "Оформить заказ");
  await expect(page.getByText(/нужно 99/)).toBeVisible();
  await expectAccessible(page, "too little stock");

  await shop.open(page, "/orders");
  await shop.cancelButton(page).first().click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await expectAccessible(page, "the confirmation");
});

test("axe finds no violations before signing in", async ({ page }) => {
  for (const path of ["/", "/login", "/register", "/login?success=signed_out"]) {
    await shop.open(page, path);
    await expectAccessible(page, path);
  }
});

test("axe finds no violations on the admin pages", async ({ page, server, expectProblem }) => {
  test.slow();
  expectProblem(/status of (403|404|409|422)/);
  const { product, waiting } = await setUpShop(page, server);
  const other = shop.unique("сотрудник");
  await shop.signOut(page);
  await shop.register(page, other);
  await shop.signInAs(page, server, "admin");
  await shop.open(page, "/admin/users");
  await press(page, "Пригласить");
  await expect(page.locator("code")).toBeVisible();
  await expectAccessible(page, "an invitation");
  const paths = [
    "/admin/users",
    `/admin/users/${encodeURIComponent(other)}`,
    "/admin/logs",
    "/admin/logs?text=нет",
    "/admin/notifications",
    `/admin/customers?order=${waiting}`,
    `/admin/customers/erasures/${await shop.eraseCustomerByApi(page, product)}`,
  ];
  for (const path of [...paths, "/admin/analytics?preset=year", "/admin/rates", "/products/import", "/supplies/import"]) {
    await shop.open(page, path);
    await expectAccessible(page, path);
  }
});

test("every page has one main heading, its own title and a name for every field", async ({ page, server }) => {
  const { paths } = await setUpShop(page, server);
  for (const path of paths) {
    await shop.open(page, path);
    await page.locator("details").evaluateAll((all) => all.forEach((part) => ((part as HTMLDetailsElement).open = true)));
    await expect(page.getByRole("heading", { level: 1 }), path).toHaveCount(1);
    await expect(page, path).toHaveTitle(path === "/" ? "Сириус" : /. · Сириус$/);
    for (const input of await page.locator("input, select, textarea").filter({ visible: true }).all()) {
      await expect(input, path).toHaveAccessibleName(/./);
    }
  }
});

test("the first Tab stop is a link that skips the menu", async ({ page }) => {
  await shop.open(page, "/login?success=signed_out");
  await page.locator("body").evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  const skip = page.getByRole("link", { name: "К содержанию" });
  const isReached = () => skip.evaluate((link) => link === document.activeElement);
  for (let presses = 0; presses < 40 && !(await isReached()); presses++) await page.keyboard.press("Tab");
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("main")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(field(page, "Имя пользователя")).toBeFocused();
});

test("the keyboard reaches the main actions, and the focus is visible", async ({ page, server }) => {
  await setUpShop(page, server);
  await shop.open(page, "/orders");
  const wanted = ["Заказы", "Новый заказ", "Найти", "Выдать", "Отменить"];
  const reached = new Set<string>();
  for (let presses = 0; presses < 60 && reached.size < wanted.length; presses++) {
    await page.keyboard.press("Tab");
    const { text, outline } = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      // Without the key of the button, which is not part of its name
      const text = (element.innerText ?? "").replace(/\s+[A-Z/]$/, "");
      return { text, outline: outlineStyle === "none" ? 0 : parseFloat(outlineWidth) };
    });
    expect(outline, `the focus on «${text}»`).toBeGreaterThanOrEqual(2);
    if (wanted.includes(text.trim())) reached.add(text.trim());
  }
  expect([...reached].sort()).toEqual([...wanted].sort());
});
