/** Accounts: registering, signing in and out, changing the password. */
import * as shop from "./shop";
import { expect, field, fill, password, press, test, unique } from "./shop";

const refusal = "Неверное имя или пароль. Проверьте раскладку и Caps Lock.";

test("a wrong password and an unknown name look the same @postgres", async ({ page }) => {
  const name = unique("анна");
  await shop.register(page, name);
  for (const [who, secret] of [[name, "не-тот-пароль"], [unique("никто"), password]]) {
    await shop.open(page, "/login");
    await fill(page, { "Имя пользователя": who, "Пароль": secret });
    await press(page, "Войти");
    await expect(page.getByRole("alert").filter({ hasText: "." })).toHaveText(refusal);
    await expect(field(page, "Имя пользователя")).toHaveValue(who);
    await expect(field(page, "Пароль")).toHaveValue("");
    expect(page.url()).not.toContain(encodeURIComponent(secret));
    expect(page.url()).not.toContain(encodeURIComponent(who));
  }
});

test("user names are not case-sensitive", async ({ page }) => {
  const name = unique("Анна");
  await shop.register(page, name);
  await shop.signOut(page);
  await shop.signIn(page, name.toUpperCase());
  await expect(page.getByRole("link", { name })).toBeVisible();
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("registering signs the user in and opens the home page @postgres", async ({ page }) => {
      const name = unique("анна");
      await shop.register(page, name);
      expect(new URL(page.url()).pathname).toBe("/");
      await expect(page.getByRole("link", { name: new RegExp(name) })).toBeVisible();
      await shop.open(page, "/orders");
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Заказы");
    });
  });
}

test("registering shows errors at their fields", async ({ page }) => {
  const taken = unique("анна");
  await shop.register(page, taken);
  const wrong: [string, Record<string, string>, string, RegExp][] = [
    ["a short password", { "Пароль": "семь777", "Пароль ещё раз": "семь777" }, "Пароль", /Не менее 8 символов/],
    ["a long password", { "Пароль": "я".repeat(129), "Пароль ещё раз": "я".repeat(129) }, "Пароль", /Не более 128 символов/],
    ["a common password", { "Пароль": "Password123", "Пароль ещё раз": "Password123" }, "Пароль", /самых частых паролей/],
    ["a different password", { "Пароль ещё раз": password + "!" }, "Пароль ещё раз", /Пароли не совпадают/],
    ["no name", { "Имя пользователя": "" }, "Имя пользователя", /Заполните это поле/],
    ["a short name", { "Имя пользователя": "ая" }, "Имя пользователя", /Не менее 3 символов/],
    ["an invalid name", { "Имя пользователя": "анна петровна" }, "Имя пользователя", /Только буквы, цифры, точка/],
    ["a name of two alphabets", { "Имя пользователя": "Αнна" }, "Имя пользователя", /разных алфавитов/],
    ["an invisible name", { "Имя пользователя": "\u3164\u3164\u3164" }, "Имя пользователя", /Только буквы, цифры, точка/],
    ["a taken name", { "Имя пользователя": taken.toUpperCase() }, "Имя пользователя", /Уже занято/],
  ];
  for (const [what, values, label, words] of wrong) {
    await test.step(what, async () => {
      await shop.open(page, "/register");
      const typed = { "Имя пользователя": unique("пётр"), "Пароль": password, "Пароль ещё раз": password, ...values };
      await fill(page, typed);
      await press(page, "Зарегистрироваться");
      await expect(field(page, label)).toHaveAccessibleDescription(words);
      await expect(field(page, label)).toHaveAttribute("aria-invalid", "true");
      await expect(field(page, "Имя пользователя")).toHaveValue(typed["Имя пользователя"]);
      await expect(field(page, "Пароль")).toHaveValue("");
      expect(page.url()).not.toContain(encodeURIComponent(typed["Пароль"]));
    });
  }
});

test("signing in opens the page that was requested while signed out", async ({ page }) => {
  const name = unique("анна");
  await shop.register(page, name);
  await shop.signOut(page);
  await shop.open(page, "/orders?status=paid_issued&sort=phone");
  await expect(page).toHaveURL(/\/login\?next=/);
  await fill(page, { "Имя пользователя": name, "Пароль": "не-тот-пароль" });
  await press(page, "Войти");
  await expect(page.getByText(refusal)).toBeVisible();
  await fill(page, { "Пароль": password });
  await press(page, "Войти");
  await expect(page).toHaveURL("/orders?status=paid_issued&sort=phone");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Заказы");
});

test("signing in never redirects to another site", async ({ page, server }) => {
  const name = unique("анна");
  await shop.register(page, name);
  await shop.signOut(page);
  await shop.open(page, "/login?next=//example.com/");
  await shop.signIn(page, name);
  expect(page.url()).toBe(`${server.url}/`);
});

test("after signing out, pages redirect to the sign-in page", async ({ page }) => {
  const name = unique("анна");
  await shop.register(page, name);
  await shop.signOut(page);
  await expect(page.getByRole("link", { name: "Вход", exact: true }).first()).toBeVisible();
  await shop.open(page, "/orders");
  await expect(page).toHaveURL(/\/login\?next=/);
});

test("a session stays valid in a new page after the first one is closed", async ({ page, context }) => {
  const name = unique("анна");
  await shop.register(page, name);
  const another = await context.newPage();
  await page.close();
  await shop.open(another, "/orders");
  await expect(another.getByRole("link", { name: new RegExp(name) })).toBeVisible();
});

test("changing the password revokes the tokens, unless one unticks it", async ({ page }) => {
  const name = unique("анна");
  await shop.register(page, name);
  await shop.open(page, "/account");
  const box = page.getByRole("checkbox", { name: "Отозвать токены API и отвязать чаты" });
  for (const [current, next, revokes] of [[password, "новый-самовар", false], ["новый-самовар", password, true]] as const) {
    if (!revokes) {
      await fill(shop.tokens(page), { "Название": "касса", "Ваш пароль": current });
      await press(page, "Создать токен");
      await expect(shop.secret(page)).toBeVisible();
    }
    await expect(box).toBeChecked();
    if (!revokes) {
      await box.uncheck();
      // A refusal keeps the choice.
      await fill(page, { "Текущий пароль": "не-тот-пароль", "Новый пароль": next, "Пароль ещё раз": next });
      await press(page, "Сменить пароль");
      await expect(field(page, "Текущий пароль")).toHaveAccessibleDescription(/Неверный пароль/);
      await expect(box).not.toBeChecked();
    }
    await fill(page, { "Текущий пароль": current, "Новый пароль": next, "Пароль ещё раз": next });
    await press(page, "Сменить пароль");
    await expect(page.getByText("Пароль изменён. На других устройствах нужно войти заново.")).toBeVisible();
    await expect(page.getByRole("button", { name: "Отозвать токен касса" })).toHaveCount(revokes ? 0 : 1);
  }
});

test("changing the password signs out other devices @postgres", async ({ page, browser, watch, baseURL }) => {
  const name = unique("анна");
  await shop.register(page, name);
  const elsewhere = await browser.newContext({ baseURL, locale: "ru-RU" });
  watch(elsewhere);
  const there = await elsewhere.newPage();
  await shop.signIn(there, name);

  await page.getByRole("link", { name: new RegExp(name) }).click();
  await fill(page, { "Текущий пароль": "не-тот-пароль", "Новый пароль": "новый-самовар", "Пароль ещё раз": "новый-самовар" });
  await press(page, "Сменить пароль");
  await expect(field(page, "Текущий пароль")).toHaveAccessibleDescription(/Неверный пароль/);
  await fill(page, { "Текущий пароль": password, "Новый пароль": "новый-самовар", "Пароль ещё раз": "новый-самовар" });
  await press(page, "Сменить пароль");
  await expect(page.getByText("Пароль изменён. На других устройствах нужно войти заново.")).toBeVisible();

  await shop.open(page, "/orders");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Заказы");
  await shop.open(there, "/orders");
  await expect(there).toHaveURL(/\/login\?next=/);
  await fill(there, { "Имя пользователя": name, "Пароль": password });
  await press(there, "Войти");
  await expect(there.getByText(refusal)).toBeVisible();
  await fill(there, { "Пароль": "новый-самовар" });
  await press(there, "Войти");
  await expect(there).toHaveURL("/orders");
  await elsewhere.close();
});
