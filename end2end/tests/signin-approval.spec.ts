/** Registration that an administrator must approve: REGISTRATION=approval. */
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
