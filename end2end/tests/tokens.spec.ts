/** API tokens on the account page, and the documentation of the API. */
import type { Page } from "@playwright/test";
import * as shop from "./shop";
import { expect, field, fill, press, row, test, unique } from "./shop";

async function createUseAndRevokeToken(page: Page) {
  const name = unique("анна");
  await shop.register(page, name);
  await shop.open(page, "/account");
  await fill(shop.tokens(page), { "Название": "касса", "Ваш пароль": "не-тот-пароль" });
  await press(page, "Создать токен");
  await expect(field(shop.tokens(page), "Ваш пароль")).toHaveAccessibleDescription(/Неверный пароль/);
  await expect(field(page, "Название")).toHaveValue("касса");
  await fill(shop.tokens(page), { "Ваш пароль": shop.password });
  await press(page, "Создать токен");
  const fresh = shop.secret(page);
  await expect(fresh).toHaveText(/^sirius_[\w-]{43}$/);
  await expect(fresh).toBeInViewport();
  const token = await fresh.innerText();
  expect(page.url()).not.toContain("sirius_");

  const me = await page.context().request.get("/api/me", { headers: { authorization: `Bearer ${token}` } });
  expect(await me.json()).toMatchObject({ username: name });

  await page.goto("/account");
  const year = new Date(Date.now() + 90 * 24 * 3600 * 1000).getFullYear();
  await expect(row(page, "касса").getByRole("cell").nth(3)).toContainText(String(year));
  await expect(fresh).toHaveCount(0);
  await page.getByRole("button", { name: "Отозвать токен касса" }).click();
  await expect(page.getByText("Токен отозван.")).toBeVisible();
  await expect(page.getByText("Токенов пока нет.")).toBeVisible();
}

test("a token is shown once, signs in, and is revoked", async ({ page }) => createUseAndRevokeToken(page));

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test("a token is shown once, signs in, and is revoked", async ({ page }) => createUseAndRevokeToken(page));
});

test("the documentation opens from the account page and can call the API", async ({ page }) => {
  const name = unique("анна");
  await shop.register(page, name);
  await shop.open(page, "/account");
  await page.getByRole("link", { name: "Описание API" }).click();
  await page.locator("#operations-account-me").click();
  await page.locator("#operations-account-me .execute").click();
  await expect(page.locator("#operations-account-me .live-responses-table")).toContainText(name);
});

test("the documentation redirects to the sign-in page and back", async ({ page }) => {
  const name = unique("анна");
  await shop.register(page, name);
  await shop.signOut(page);
  await page.goto("/docs/");
  await expect(page).toHaveURL(/\/login\?next=%2Fdocs%2F/);
  await shop.waitForScript(page);
  await fill(page, { "Имя пользователя": name, "Пароль": shop.password });
  await press(page, "Войти");
  await expect(page).toHaveURL(/\/docs\/$/);
  await expect(page.getByRole("heading", { name: /^Sirius/ })).toBeVisible();
});
