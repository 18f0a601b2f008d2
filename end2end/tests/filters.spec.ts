/** Links to named ranges of days in the filters of lists. */
import * as shop from "./shop";
import { expect, test } from "./shop";

// The time zone of the browser is not that of the shop.
test.use({ timezoneId: "Pacific/Honolulu" });

/** The day of the shop, which is in Moscow. */
const day = (ago = 0) => new Date(Date.now() - ago * 86_400_000).toLocaleDateString("sv", { timeZone: "Europe/Moscow" });

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("a link sets the days of a list and keeps the other filters @postgres", async ({ page, server }) => {
      await shop.signInAs(page, server, "admin");
      const lists = [
        ["/orders", "status=paid_issued&sort=phone&customer=Анна"],
        ["/supplies", "supplier=Кяхта"],
        ["/admin/logs", "action=sign_in"],
      ] as const;
      for (const [path, filters] of lists) {
        await shop.open(page, `${path}?${filters}&from=2026-01-01`);
        const presets = page.getByRole("navigation", { name: "Период" });
        await expect(presets.locator("[aria-current]")).toHaveCount(0);
        for (const [name, from, to] of [
          ["Сегодня", day(), day()],
          ["Вчера", day(1), day(1)],
          ["7 дней", day(6), day()],
          ["Месяц", `${day().slice(0, 8)}01`, day()],
        ] as const) {
          await presets.getByRole("link", { name, exact: true }).click();
          await expect(shop.field(page, "С")).toHaveValue(from);
          await expect(shop.field(page, "По")).toHaveValue(to);
          // On some days, two of the ranges are the same.
          await expect(presets.getByRole("link", { name, exact: true })).toHaveAttribute("aria-current", "true");
          const query = new URL(page.url()).searchParams;
          for (const [filter, value] of new URLSearchParams(filters)) expect(query.get(filter), path).toBe(value);
        }
      }
    });
  });
}
