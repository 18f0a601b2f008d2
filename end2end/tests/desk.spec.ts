/** User administration: inviting, promoting and blocking people, and the operation log of it. */
import * as shop from "./shop";
import { expect, field, ownServer, password, press, row, test, unique } from "./shop";

test.use(ownServer());

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("an admin invites, promotes and blocks a user, and the log shows it @postgres", async ({ page, server, browser, context }) => {
      const admin = await shop.signInAs(page, server, "admin");
      const guest = unique("гость");

      await shop.open(page, "/admin/users");
      const invitations = page.getByRole("region", { name: "Приглашения" });
      await press(invitations, "Пригласить");
      await expect(shop.secret(page)).toBeInViewport();
      const link = await shop.secret(page).innerText();
      expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/register\?invitation=[0-9a-f]{32}$/);
      await shop.open(page, "/admin/users");
      await expect(invitations.getByRole("listitem").filter({ hasText: "продавец" })).toContainText(`от ${admin}`);
      await expect(shop.secret(page)).toHaveCount(0);

      const theirs = await browser.newContext({ baseURL: server.url, javaScriptEnabled, locale: "ru-RU" });
      const other = await theirs.newPage();
      await other.goto(link);
      await expect(other.getByText("Вас пригласили как продавца.")).toBeVisible();
      await expect(other).toHaveURL("/register");
      await shop.fill(other, { "Имя пользователя": guest, "Пароль": password, "Пароль ещё раз": password });
      await press(other, "Зарегистрироваться");
      await expect(other.getByText("Аккаунт создан, вы вошли.")).toBeVisible();
      await expect(other.getByRole("link", { name: `${guest} (продавец)` })).toBeVisible();

      await shop.open(page, "/admin/users");
      await row(page, guest).getByRole("link", { name: guest }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(guest);
      await page.getByRole("combobox", { name: "Роль" }).selectOption("manager");
      await press(page, "Сменить роль");
      await expect(page.getByRole("definition").first()).toHaveText("менеджер");

      await other.goto("/login");
      await shop.fill(other, { "Имя пользователя": guest, "Пароль": password });
      await press(other, "Войти");
      await expect(other.getByRole("link", { name: `${guest} (менеджер)` })).toBeVisible();

      await press(page, "Заблокировать");
      await expect(page.getByRole("button", { name: "Разблокировать" })).toBeVisible();
      await other.goto("/orders");
      await expect(other).toHaveURL(/\/login\?next=%2Forders$/);
      await shop.fill(other, { "Имя пользователя": guest, "Пароль": password });
      await press(other, "Войти");
      await expect(other.getByText("Аккаунт заблокирован", { exact: false })).toBeVisible();
      await theirs.close();

      await shop.open(page, `/admin/logs?entity_type=user&entity_id=${encodeURIComponent(guest)}`);
      await expect(page.locator("tbody tr td.row-title")).toHaveText([
        "Неудачный вход",
        "Блокировка",
        "Вход",
        "Смена роли",
        "Регистрация",
      ]);
      const promoted = row(page, "Смена роли");
      await expect(promoted).toContainText(admin);
      await promoted.getByText("Изменения: 1").click();
      await expect(promoted).toContainText("Роль: продавец → менеджер");
      await context.clearCookies();
    });
  });
}

test("a one-time password is visible at once, and must be changed before anything else", async ({ page, server, browser }) => {
  // So low that the button is far below the password
  await page.setViewportSize({ width: 360, height: 400 });
  await shop.signInAs(page, server, "admin");
  const name = unique("забывчивый");
  server.run("user", "list");
  const theirs = await browser.newContext({ baseURL: server.url, locale: "ru-RU" });
  const other = await theirs.newPage();
  await shop.register(other, name);
  await shop.open(page, `/admin/users/${encodeURIComponent(name)}`);
  await press(page, "Сбросить пароль");
  await expect(shop.secret(page)).toBeInViewport();
  const once = await shop.secret(page).innerText();
  await shop.signIn(other, name, once);
  await other.goto("/orders");
  await expect(other).toHaveURL(/\/account/);
  await expect(other.getByRole("alert").filter({ hasText: "парол" })).toBeVisible();
  await expect(other.getByText("У вас одноразовый пароль. Сначала придумайте свой.").first()).toBeVisible();
  await shop.fill(other, { "Текущий пароль": once, "Новый пароль": password, "Пароль ещё раз": password });
  await press(other, "Сменить пароль");
  await expect(other.getByText("Пароль изменён.", { exact: false })).toBeVisible();
  await other.goto("/orders");
  await expect(other.getByRole("heading", { level: 1 })).toHaveText("Заказы");
  await theirs.close();
});

test("the devices of an account are listed and can be signed out", async ({ page, server, browser, expectProblem }) => {
  expectProblem(/status of 401/);
  const name = await shop.signInAs(page, server, "user");
  const theirs = await browser.newContext({ baseURL: server.url, locale: "ru-RU" });
  const other = await theirs.newPage();
  await shop.signIn(other, name);
  await shop.open(page, "/account");
  const devices = page.getByRole("region", { name: "Активные сеансы" });
  await expect(devices.getByRole("listitem")).toHaveCount(2);
  await expect(devices).toContainText(/Chrome, (Linux|Windows)/);
  await expect(devices).toContainText("127.0.0.1");
  await press(devices, "Завершить");
  await expect(devices.getByRole("listitem")).toHaveCount(1);
  await other.goto("/orders");
  await expect(other).toHaveURL(/\/login/);
  await theirs.close();
});

test("deleting a user asks for confirmation", async ({ page, server }) => {
  await shop.signInAs(page, server, "admin");
  const name = unique("уволенный");
  const secret = await shop.open(page, "/admin/users").then(() => name);
  const theirs = await page.context().browser()!.newContext({ baseURL: server.url, locale: "ru-RU" });
  await shop.register(await theirs.newPage(), name);
  await theirs.close();
  await shop.open(page, `/admin/users/${encodeURIComponent(secret)}`);
  await expect(page.getByRole("button", { name: "Да, удалить" })).toBeHidden();
  await page.getByText("Удалить…").click();
  await press(page, "Да, удалить");
  await expect(page.getByText("Аккаунт удалён.")).toBeVisible();
  await field(page, "Имя пользователя").fill(name);
  await press(page, "Найти");
  await expect(page.getByText("Таких сотрудников нет.")).toBeVisible();
});
