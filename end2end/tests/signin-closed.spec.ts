/** Closed registration: REGISTRATION=closed. */
import * as shop from "./shop";
import { expect, field, test, unique } from "./shop";

test.use({ settings: { REGISTRATION: "closed" } });

test("only the first account can be registered", async ({ page }) => {
  await shop.register(page, unique("хозяин"));
  await shop.open(page, "/register");
  await expect(page.getByText(/Регистрация закрыта/)).toBeVisible();
  await expect(field(page, "Имя пользователя")).toHaveCount(0);
});
