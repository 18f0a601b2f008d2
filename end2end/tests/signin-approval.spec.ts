/** Registering where an administrator lets people in: REGISTRATION=approval. */
import * as shop from "./shop";
import { expect, fill, password, press, test, unique } from "./shop";

test.use({ settings: { REGISTRATION: "approval" } });

test("a new account waits until it is let in", async ({ page, server }) => {
  await shop.register(page, unique("хозяин"));
  const name = unique("анна");
  await shop.open(page, "/register");
  await expect(page.getByText("После регистрации аккаунт должен подтвердить администратор.")).toBeVisible();
  await fill(page, { "Имя пользователя": name, "Пароль": password, "Пароль ещё раз": password });
  await press(page, "Зарегистрироваться");
  await expect(page.getByText(/Войти можно, когда его подтвердит администратор/)).toBeVisible();
  await fill(page, { "Имя пользователя": name, "Пароль": password });
  await press(page, "Войти");
  await expect(page.getByText("Аккаунт ещё не подтвердил администратор.")).toBeVisible();
  server.run("user", "activate", name);
  await shop.signIn(page, name);
});
