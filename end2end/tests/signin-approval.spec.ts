/** Registration that an administrator must approve: REGISTRATION=approval, which is the default. */
import * as shop from "./shop";
import { expect, fill, password, press, test, unique } from "./shop";

test.use({ settings: { REGISTRATION: "approval" } });

test("a new account cannot sign in until it is activated", async ({ page, server }) => {
  await shop.register(page, unique("хозяин"));
  await shop.signOut(page);
  const name = unique("анна");
  await shop.open(page, "/register");
  await expect(page.getByText("После регистрации администратор должен подтвердить аккаунт.")).toBeVisible();
  await fill(page, { "Имя пользователя": name, "Пароль": password, "Пароль ещё раз": password });
  await press(page, "Зарегистрироваться");
  await expect(page).toHaveURL("/register/pending");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Аккаунт ждёт подтверждения");
  await expect(page.getByText(/Войти можно будет, когда его подтвердит администратор/)).toBeVisible();
  await page.getByRole("link", { name: "Вход" }).last().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Вход");
  await fill(page, { "Имя пользователя": name, "Пароль": password });
  await press(page, "Войти");
  await expect(page.getByText("Администратор ещё не подтвердил аккаунт.")).toBeVisible();
  server.run("user", "activate", name);
  await shop.signIn(page, name);
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("the menu and the home page lead an administrator to the accounts that wait", async ({ page, server }) => {
      const register = async (name: string) => {
        await page.context().clearCookies();
        await shop.open(page, "/register");
        await fill(page, { "Имя пользователя": name, "Пароль": password, "Пароль ещё раз": password });
        await press(page, "Зарегистрироваться");
        await page.waitForURL((url) => url.pathname !== "/register");
      };
      const [boss, name] = [unique("хозяин"), unique("борис")];
      await register(boss);
      server.run("user", "activate", boss);
      server.run("user", "role", boss, "admin");
      await register(name);
      await page.context().clearCookies();
      await shop.signIn(page, boss);

      await shop.open(page, "/");
      await expect(page.getByText(/^Ждут подтверждения: 1\./)).toBeVisible();
      await page.getByRole("link", { name: "Ждут доступа: 1" }).click();
      await expect(page).toHaveURL("/admin/users?state=pending");
      await page.getByRole("link", { name, exact: true }).click();
      await press(page, "Подтвердить");
      await expect(page.getByText("Сотрудник зарегистрировался и ждёт подтверждения.")).toHaveCount(0);
      await shop.open(page, "/");
      await expect(page.getByRole("link", { name: /^Ждут:/ })).toHaveCount(0);
      await expect(page.getByText(/^Ждут подтверждения:/)).toHaveCount(0);
    });
  });
}
