/** The session ended in another tab: signing in again keeps everything that was typed. */
import type { Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, fact, field, fill, orderRow, password, press, test } from "./shop";

async function setUpShop(page: Page, server: Server) {
  const name = await shop.signInAs(page, server, "manager");
  const tea = shop.unique("Чай");
  const product = await shop.addProductByApi(page, tea, 5);
  return { name, tea, product };
}

/** Signs out in another tab. */
async function endSession(page: Page) {
  const other = await page.context().newPage();
  await shop.open(other, "/account");
  await shop.signOut(other);
  await other.close();
}

test("a form asks for the password and is then sent once @postgres", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 401/);
  const { name, tea, product } = await setUpShop(page, server);
  await shop.fillOrder(page, { product: tea, qty: 2, phone: "8 903 555-77-01" });
  await endSession(page);
  await press(page, "Оформить заказ");
  const dialog = page.getByRole("dialog");
  await expect(dialog).toContainText("Сеанс завершён. Войдите снова: введённое сохранится");
  await expect(field(dialog, "Имя пользователя")).toHaveValue(name);
  await expect(field(dialog, "Пароль")).toBeFocused();
  await fill(dialog, { "Пароль": "не-тот-пароль" });
  await press(dialog, "Войти и продолжить");
  await expect(dialog).toContainText("Неверное имя или пароль");
  await fill(dialog, { "Пароль": password });
  await press(dialog, "Войти и продолжить");
  await expect(shop.createdBanner(page)).toBeVisible();
  await expect(page.getByText("8 (903) 555-77-01").first()).toBeVisible();
  await shop.open(page, `/products/${product}`);
  await expect(fact(page, "В резерве")).toHaveText("2");
});

test("closing the dialog keeps the form, and sending it asks again", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 401/);
  const { tea } = await setUpShop(page, server);
  await shop.fillOrder(page, { product: tea, qty: 2, phone: "8 903 555-77-01" });
  await endSession(page);
  for (const close of [() => press(page.getByRole("dialog"), "Отмена"), () => page.keyboard.press("Escape")]) {
    await press(page, "Оформить заказ");
    await expect(page.getByRole("dialog")).toBeVisible();
    await close();
    await expect(page.getByRole("dialog")).toBeHidden();
    await expect(field(page, "Телефон")).toHaveValue("8 903 555-77-01");
    await expect(field(page, "Кол-во")).toHaveValue("2");
  }
});

test("the product picker asks for the password, too, and the form keeps its values", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 401/);
  const { tea, product } = await setUpShop(page, server);
  await shop.open(page, "/orders/new");
  await fill(page, { "Телефон": "8 903 555-77-01" });
  await endSession(page);
  await fill(page, { "Товар": tea });
  const dialog = page.getByRole("dialog").filter({ hasText: "Сеанс завершён" });
  await fill(dialog, { "Пароль": password });
  await press(dialog, "Войти и продолжить");
  await expect(dialog).toBeHidden();
  await expect(field(page, "Товар")).toHaveValue(tea);
  await press(page, "Оформить заказ");
  await expect(shop.createdBanner(page)).toBeVisible();
  await shop.open(page, `/products/${product}`);
  await expect(fact(page, "В резерве")).toHaveText("1");
});

test("the buttons of a row ask for the password, too", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 401/);
  const { product } = await setUpShop(page, server);
  const order = await shop.bookOrderByApi(page, product);
  await shop.open(page, "/orders");
  await endSession(page);
  await shop.issueButton(orderRow(page, order)).click();
  const dialog = page.getByRole("dialog").filter({ hasText: "Сеанс завершён" });
  await fill(dialog, { "Пароль": password });
  await press(dialog, "Войти и продолжить");
  await expect(orderRow(page, order)).toContainText("выдан");
  await expect(dialog).toBeHidden();
});

test("signing in as another user does not send the form, but renders the page for that user", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 401/);
  const clerk = await shop.signInAs(page, server, "user");
  await shop.signOut(page);
  const { tea, product } = await setUpShop(page, server);
  await shop.fillOrder(page, { product: tea });
  await endSession(page);
  await press(page, "Оформить заказ");
  const dialog = page.getByRole("dialog");
  await fill(dialog, { "Имя пользователя": clerk, "Пароль": password });
  await press(dialog, "Войти и продолжить");
  await expect(page.getByRole("link", { name: `${clerk} (продавец)` })).toBeVisible();
  await expect(page.getByRole("link", { name: "Поставки", exact: true })).toHaveCount(0);
  await shop.open(page, `/products/${product}`);
  await expect(fact(page, "В резерве")).toHaveText("0");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the form keeps its values after the sign-in page @postgres", async ({ page, server }) => {
    const { name, tea, product } = await setUpShop(page, server);
    await shop.fillOrder(page, { product: tea, qty: 2, phone: "8 903 555-77-01" });
    await endSession(page);
    await press(page, "Оформить заказ");
    await expect(page).toHaveURL(/\/login\?next=[^&]*draft%3D[0-9a-f]{32}$/);
    await fill(page, { "Имя пользователя": name, "Пароль": "не-тот-пароль" });
    await press(page, "Войти");
    await expect(page.getByText(/Неверное имя или пароль/)).toBeVisible();
    await fill(page, { "Пароль": password });
    await press(page, "Войти");
    await expect(page.getByText("Вы снова вошли. Введённое сохранилось: проверьте и отправьте ещё раз.")).toBeVisible();
    await expect(field(page, "Телефон")).toHaveValue("8 903 555-77-01");
    await expect(field(page, "Товар")).toHaveValue(tea);
    await expect(field(page, "Кол-во")).toHaveValue("2");
    await press(page, "Оформить заказ");
    await expect(shop.createdBanner(page)).toBeVisible();
    await shop.open(page, `/products/${product}`);
    await expect(fact(page, "В резерве")).toHaveText("2");
  });
});
