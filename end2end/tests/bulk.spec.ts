/** Choosing several orders of the list, and issuing or cancelling them at once. */
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, orderRow, press, test } from "./shop";

test.use(shop.ownServer());

/** Adds orders that wait, opens the list that shows only them, and returns their numbers, newest first. */
async function openWaiting(page: Page, server: Server, count: number) {
  await shop.signInAs(page, server, "manager");
  const name = shop.unique("Чай чёрный листовой «Ассам», 250 г");
  const product = await shop.addProductByApi(page, name, count);
  const orders: number[] = [];
  for (let index = 0; index < count; index++) orders.unshift(await shop.bookOrderByApi(page, product));
  const list = `/orders?product=${encodeURIComponent(name)}`;
  await shop.open(page, list);
  return { orders, list };
}

const box = (page: Page, order: number) => page.getByRole("checkbox", { name: `Выбрать заказ № ${order}`, exact: true });
const bar = (page: Page) => page.locator(".bulk-bar");
const chosen = (page: Page) => page.locator("tbody .choose :checked");

test("chosen orders are issued together, each says why not, and one button takes all back @postgres", async ({ page, server }) => {
  await shop.withoutStream(page);
  const { orders } = await openWaiting(page, server, 6);
  await expect(bar(page)).toBeHidden();
  await box(page, orders[0]!).click();
  await expect(bar(page).getByRole("button", { name: "Выдать 1", exact: true })).toBeInViewport();
  await test.step("Shift chooses a range, and the head chooses all", async () => {
    await box(page, orders[3]!).click({ modifiers: ["Shift"] });
    await expect(bar(page).getByRole("button", { name: "Отменить 4", exact: true })).toBeVisible();
    await expect(page.getByText("Выбрано заказов: 4")).toBeAttached();
    const all = page.getByRole("checkbox", { name: "Выбрать все ожидающие заказы" });
    await expect(all).toHaveJSProperty("indeterminate", true);
    await all.click();
    await expect(chosen(page)).toHaveCount(6);
    await box(page, orders[5]!).click();
    await expect(bar(page).getByRole("button", { name: "Выдать 5", exact: true })).toBeVisible();
  });
  await test.step("an order that is settled by its own button is not chosen any more, the others are", async () => {
    await shop.issueButton(orderRow(page, orders[4]!)).click();
    await expect(orderRow(page, orders[4]!)).toContainText("выдан");
    await expect(bar(page).getByRole("button", { name: "Выдать 4", exact: true })).toBeVisible();
    await expect(chosen(page)).toHaveCount(4);
  });
  await page.request.post(`/api/orders/${orders[1]}/deny`);
  await press(bar(page), "Выдать 4");
  await expect(page.getByRole("alert").getByText(`Заказ № ${orders[1]} уже отменён.`)).toBeInViewport();
  await expect(page.locator(".undo-notice")).toContainText("Выдано заказов: 3.");
  for (const index of [0, 2, 3, 4]) await expect(orderRow(page, orders[index]!)).toContainText("выдан");
  await expect(orderRow(page, orders[1]!)).toContainText("отменён");
  await expect(orderRow(page, orders[5]!)).toContainText("ждёт выдачи");
  await expect(bar(page)).toBeHidden();
  await press(page, "Вернуть как было");
  await expect(page.getByText("Вернули как было.")).toBeVisible();
  for (const index of [0, 2, 3]) await expect(orderRow(page, orders[index]!)).toContainText("ждёт выдачи");
  await expect(orderRow(page, orders[4]!)).toContainText("выдан");
});

test("chosen orders are cancelled after a question, with the keyboard", async ({ page, server }) => {
  const { orders } = await openWaiting(page, server, 3);
  for (const key of ["j", "x", "j", "x"]) await page.keyboard.press(key);
  await expect(chosen(page)).toHaveCount(2);
  // Enter in a checkbox sends nothing
  await box(page, orders[0]!).focus();
  await page.keyboard.press("Enter");
  await expect(chosen(page)).toHaveCount(2);
  for (const order of orders) await expect(orderRow(page, order)).toContainText("ждёт выдачи");
  await bar(page).getByRole("button", { name: "Отменить 2", exact: true }).press("Enter");
  const question = page.getByRole("dialog", { name: "Отменить" }).filter({ visible: true });
  await expect(question).toContainText("Отменить выбранные заказы?");
  await expect(question.getByRole("button", { name: "Нет, оставить" })).toBeFocused();
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]).analyze();
  expect(violations).toEqual([]);
  await press(question, "Нет, оставить");
  await expect(chosen(page)).toHaveCount(2);
  await press(bar(page), "Отменить 2");
  await press(question, "Да, отменить");
  await expect(page.locator(".undo-notice")).toContainText("Отменено заказов: 2.");
  for (const index of [0, 1]) await expect(orderRow(page, orders[index]!)).toContainText("отменён");
  await expect(orderRow(page, orders[2]!)).toContainText("ждёт выдачи");
});

test("only orders that succeeded lose their tick", async ({ page, server }) => {
  await shop.withoutStream(page);
  const { orders } = await openWaiting(page, server, 4);
  for (const index of [0, 1]) await box(page, orders[index]!).click();
  await expect(bar(page).getByRole("button", { name: "Выдать 2", exact: true })).toBeVisible();
  let answer = () => {};
  const isAnswered = new Promise<void>((done) => (answer = done));
  // The second order stays as it is, as if the server was too busy for it.
  await page.route("**/fn/issue_orders", async (route) => {
    await isAnswered;
    await route.fulfill({ response: await route.fetch({ postData: `orders.${orders[0]}.id=${orders[0]}` }) });
  });
  await press(bar(page), "Выдать 2");
  await box(page, orders[2]!).click();
  await expect(chosen(page)).toHaveCount(3);
  answer();
  await expect(orderRow(page, orders[0]!)).toContainText("выдан");
  await expect(chosen(page)).toHaveCount(2);
  for (const index of [1, 2]) await expect(box(page, orders[index]!)).toBeChecked();
  await expect(bar(page).getByRole("button", { name: "Выдать 2", exact: true })).toBeVisible();
});

test("the choice outlives a session that has ended", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 401/);
  const { orders } = await openWaiting(page, server, 2);
  for (const order of orders) await box(page, order).click();
  await page.context().clearCookies();
  await press(bar(page), "Выдать 2");
  const dialog = page.getByRole("dialog").filter({ hasText: "Сеанс завершён" });
  await shop.fill(dialog, { "Пароль": shop.password });
  await press(dialog, "Войти и продолжить");
  await expect(page.locator(".undo-notice")).toContainText("Выдано заказов: 2.");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("chosen orders are issued and cancelled @postgres", async ({ page, server }) => {
    const { orders, list } = await openWaiting(page, server, 4);
    await expect(page.getByRole("checkbox", { name: "Выбрать все ожидающие заказы" })).toBeHidden();
    await press(bar(page), "Выдать выбранные");
    await expect(page.getByRole("alert").filter({ hasText: "Выберите хотя бы один" })).toBeVisible();
    for (const order of orders.slice(0, 3)) await box(page, order).check();
    await page.request.post(`/api/orders/${orders[2]}/deny`);
    await press(bar(page), "Выдать выбранные");
    await expect(page.getByRole("alert").filter({ hasText: `Заказ № ${orders[2]} уже отменён.` })).toBeVisible();
    await expect(page.getByRole("status").filter({ hasText: "заказов" })).toContainText("Выдано заказов: 2.");
    for (const order of orders.slice(0, 2)) await expect(orderRow(page, order)).toContainText("выдан");
    await press(page, "Вернуть как было");
    for (const order of orders.slice(0, 2)) await expect(orderRow(page, order)).toContainText("ждёт выдачи");

    await shop.open(page, list);
    for (const index of [0, 3]) await box(page, orders[index]!).check();
    await press(bar(page), "Отменить выбранные");
    await press(page.getByRole("dialog").filter({ visible: true }), "Да, отменить");
    await expect(page.getByRole("status").filter({ hasText: "заказов" })).toContainText("Отменено заказов: 2.");
    await expect(orderRow(page, orders[1]!)).toContainText("ждёт выдачи");
  });
});

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });

  test("a button puts checkboxes in the place of the buttons, and no card moves @postgres", async ({ page, server }) => {
    const { orders } = await openWaiting(page, server, 5);
    const cards = () => page.locator("tbody tr").evaluateAll((rows) => rows.map((row) => Math.round(row.getBoundingClientRect().top + scrollY)));
    const before = await cards();
    await expect(box(page, orders[0]!)).toBeHidden();
    await page.getByText("Выбрать", { exact: true }).tap();
    expect(await cards()).toEqual(before);
    const target = await page.locator("tbody .choose").first().boundingBox();
    expect(Math.min(target!.width, target!.height)).toBeGreaterThanOrEqual(44);
    for (const order of orders.slice(0, 2)) await box(page, order).tap();
    const issue = bar(page).getByRole("button", { name: "Выдать 2", exact: true });
    await expect(issue).toBeInViewport();
    const menu = await page.locator(".site-menu").boundingBox();
    const button = await issue.boundingBox();
    expect(button!.y + button!.height).toBeLessThanOrEqual(menu!.y);
    const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]).analyze();
    expect(violations).toEqual([]);
    await issue.tap();
    for (const order of orders.slice(0, 2)) await expect(orderRow(page, order)).toContainText("выдан");
    await expect(page.locator(".undo-notice")).toContainText("Выдано заказов: 2.");
  });
});
