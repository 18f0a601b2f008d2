/** The second factor: setting it up, signing in with it, and losing it. */
import type { Page } from "@playwright/test";
import { authenticatorCode, secondFactor, setUpSecondFactor } from "./authenticator";
import * as shop from "./shop";
import { expect, fact, field, fill, password, press, test } from "./shop";

/** Enters the name and the password, after which the page asks for a code. */
async function enterPassword(page: Page, name: string) {
  if (new URL(page.url()).pathname !== "/login") await shop.open(page, "/login");
  await fill(page, { "Имя пользователя": name, "Пароль": password });
  await press(page, "Войти");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Код для входа");
  await shop.waitForScript(page);
}

async function expectSignedIn(page: Page, name: string) {
  await expect(page.getByRole("link", { name: new RegExp(name) })).toBeVisible();
}

/** Signs out in another tab. */
async function endSession(page: Page) {
  const other = await page.context().newPage();
  await shop.open(other, "/account");
  await shop.signOut(other);
  await other.close();
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("signing in takes the password and a code, or a recovery code @postgres", async ({ page, server }) => {
      const name = await shop.signInAs(page, server, "user");
      const { secret, codes } = await setUpSecondFactor(page, server);
      await shop.signOut(page);

      await enterPassword(page, name);
      await expect(page.getByRole("button", { name: "Выход" })).toHaveCount(0);
      await expect(field(page, "Код из приложения")).toBeFocused();
      await fill(page, { "Код из приложения": "000 000" });
      await press(page, "Войти");
      await expect(page.getByText("Код неверный или уже использован")).toBeVisible();
      await expect(field(page, "Код из приложения")).toHaveValue("");
      await shop.waitForScript(page);
      await fill(page, { "Код из приложения": authenticatorCode(secret, 1) });
      await press(page, "Войти");
      await expectSignedIn(page, name);
      await shop.signOut(page);

      await enterPassword(page, name);
      await page.getByRole("link", { name: "Нет доступа к приложению? Введите резервный код" }).click();
      await expect(field(page, "Резервный код")).toBeVisible();
      await shop.waitForScript(page);
      await fill(page, { "Резервный код": codes[0]! });
      await page.getByLabel("Не спрашивать в этом браузере 30 дней").check();
      await press(page, "Войти");
      await expectSignedIn(page, name);
      await shop.open(page, "/account");
      await expect(secondFactor(page)).toContainText("Осталось резервных кодов: 9.");
      await shop.signOut(page);

      // The browser is remembered now.
      await shop.signIn(page, name);
      await expectSignedIn(page, name);
    });

    test("turning it off takes the password", async ({ page, server }) => {
      const name = await shop.signInAs(page, server, "user");
      await setUpSecondFactor(page, server);
      await shop.open(page, "/account");
      await secondFactor(page).getByText("Выключить защиту…").click();
      await fill(secondFactor(page), { "Ваш пароль": password });
      await press(secondFactor(page), "Да, выключить");
      await expect(page.getByText("Двухфакторная защита выключена.")).toBeVisible();
      await shop.signOut(page);
      await shop.signIn(page, name);
    });

    test("the command line resets it", async ({ page, server }) => {
      const name = await shop.signInAs(page, server, "user");
      await setUpSecondFactor(page, server);
      expect(server.run("user", "reset-2fa", name)).toContain(name);
      await shop.open(page, "/login");
      await shop.signIn(page, name);
      await shop.open(page, "/account");
      await expect(secondFactor(page).getByRole("button", { name: "Включить защиту" })).toBeVisible();
    });
  });
}

test("a form whose session has ended asks for the password and the code, and is sent once", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 401/);
  await shop.signInAs(page, server, "manager");
  const tea = shop.unique("Чай");
  const product = await shop.addProductByApi(page, tea, 5);
  const { secret } = await setUpSecondFactor(page, server);
  await shop.fillOrder(page, { product: tea, qty: 2 });
  await endSession(page);
  await press(page, "Оформить заказ");
  const dialog = page.getByRole("dialog");
  await fill(dialog, { "Пароль": password });
  await press(dialog, "Войти и продолжить");
  await expect(dialog).toContainText("Введите код из приложения или резервный код.");
  await expect(field(dialog, "Код из приложения")).toBeFocused();
  await fill(dialog, { "Код из приложения": "000000" });
  await press(dialog, "Войти и продолжить");
  await expect(dialog).toContainText("Код неверный или уже использован");
  await fill(dialog, { "Код из приложения": authenticatorCode(secret, 1) });
  await press(dialog, "Войти и продолжить");
  await expect(shop.createdBanner(page)).toBeVisible();
  await shop.open(page, `/products/${product}`);
  await expect(fact(page, "В резерве")).toHaveText("2");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a form whose session has ended keeps its values after password and code", async ({ page, server }) => {
    const name = await shop.signInAs(page, server, "manager");
    const tea = shop.unique("Чай");
    await shop.addProductByApi(page, tea, 5);
    const { secret } = await setUpSecondFactor(page, server);
    await shop.fillOrder(page, { product: tea, qty: 2 });
    await endSession(page);
    await press(page, "Оформить заказ");
    await enterPassword(page, name);
    await fill(page, { "Код из приложения": authenticatorCode(secret, 1) });
    await press(page, "Войти");
    await expect(page.getByText("Вы снова вошли. Введённое сохранилось: проверьте и отправьте ещё раз.")).toBeVisible();
    await expect(field(page, "Товар")).toHaveValue(tea);
    await press(page, "Оформить заказ");
    await expect(shop.createdBanner(page)).toBeVisible();
  });
});
