/** A shop whose managers must have a second factor. */
import { setUpSecondFactor } from "./authenticator";
import * as shop from "./shop";
import { expect, test } from "./shop";

test.use({ settings: { REQUIRE_2FA: "manager" } });

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("a manager reaches only their account until they have set it up", async ({ page, server }) => {
      await shop.signInAs(page, server, "manager");
      await expect(page).toHaveURL(/\/account/);
      await expect(page.getByText("Для вашей роли нужна двухфакторная защита.")).toBeVisible();
      await page.goto("/orders");
      await expect(page).toHaveURL(/\/account/);
      await setUpSecondFactor(page, server);
      await shop.open(page, "/orders");
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Заказы");
    });
  });
}
