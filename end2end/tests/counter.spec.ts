/** Fast work at the counter: rows do not move, and clicks hit the row they were meant for. */
import type { Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, orderRow, test } from "./shop";

// The home page shows the orders that have waited longest. It must show only those of these tests.
test.use(shop.ownServer());

/** Adds orders that wait to be issued. Returns them newest first. */
async function addWaitingOrders(page: Page, server: Server, count: number) {
  await shop.signInAs(page, server, "manager");
  const product = await shop.addProductByApi(page, shop.unique("Чай чёрный листовой «Ассам», 250 г"), count);
  const orders: number[] = [];
  for (let index = 0; index < count; index++) orders.unshift(await shop.bookOrderByApi(page, product));
  return { product, orders };
}

const rowBoxes = (page: Page) =>
  page.locator("tbody tr").evaluateAll((rows) =>
    rows.map((row) => {
      const { left, top, width, height } = row.getBoundingClientRect();
      return { left, top: top + scrollY, width, height };
    }),
  );

const countIssued = async (page: Page, orders: number[]) => {
  const answers = await Promise.all(orders.map(async (order) => (await page.request.get(`/api/orders/${order}`)).json()));
  return answers.filter(({ status }) => status === "paid_issued").length;
};

for (const viewport of [{ width: 1280, height: 800 }, { width: 360, height: 740 }]) {
  test(`rows keep their size when their orders are issued or cancelled, ${viewport.width} px wide`, async ({ page, server }) => {
    await page.setViewportSize(viewport);
    const { product, orders } = await addWaitingOrders(page, server, 6);
    const settled = new Set<number>();
    for (const [index, path] of ["/orders", "/", `/products/${product}`].entries()) {
      await shop.open(page, path);
      const before = await rowBoxes(page);
      const [first, second] = (index === 1 ? [...orders].reverse() : orders).filter((order) => !settled.has(order));
      await shop.issueButton(orderRow(page, first)).click();
      await expect(orderRow(page, first)).toContainText("выдан");
      expect(await rowBoxes(page), `${path}: issued`).toEqual(before);
      settled.add(first);
      // On a phone, an order is cancelled on its page.
      if (viewport.width < 640) continue;
      await shop.cancelButton(orderRow(page, second)).click();
      await shop.press(page.getByRole("dialog").filter({ visible: true }), "Да, отменить");
      await expect(orderRow(page, second)).toContainText("отменён");
      expect(await rowBoxes(page), `${path}: cancelled`).toEqual(before);
      settled.add(second);
    }
  });
}

test("a row keeps its height when another user was faster", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 409/);
  const { orders } = await addWaitingOrders(page, server, 3);
  await shop.withoutStream(page);
  await shop.open(page, "/orders");
  const before = await rowBoxes(page);
  await page.request.post(`/api/orders/${orders[0]}/deny`);
  await shop.issueButton(orderRow(page, orders[0])).click();
  await expect(orderRow(page, orders[0]).getByRole("alert")).toHaveText("Заказ уже отменён.");
  await expect(orderRow(page, orders[0])).toContainText("отменён");
  expect(await rowBoxes(page)).toEqual(before);
});

test("a double click and quick clicks in the same place issue one order @postgres", async ({ page, server }) => {
  const { orders } = await addWaitingOrders(page, server, 4);
  await shop.open(page, "/orders");
  const box = await shop.issueButton(orderRow(page, orders[0])).boundingBox();
  const [x, y] = [box!.x + box!.width / 2, box!.y + box!.height / 2];
  await page.mouse.dblclick(x, y);
  await expect(orderRow(page, orders[0])).toContainText("выдан");
  for (let click = 0; click < 3; click++) await page.mouse.click(x, y);
  await shop.open(page, "/orders");
  expect(await countIssued(page, orders)).toBe(1);
});

test("a click on a row that has just moved there is ignored, but a key press is not @postgres", async ({ page, server }) => {
  const { orders } = await addWaitingOrders(page, server, 3);
  await shop.open(page, "/orders");
  const [upper, lower] = [orderRow(page, orders[0]), orderRow(page, orders[1])];
  const box = await shop.issueButton(upper).boundingBox();
  // The first row is removed, and the click follows at once, before a person could notice
  const clicked = await page.evaluate(
    ([x, y]) =>
      new Promise<string>((done) => {
        document.querySelector("tbody tr")!.remove();
        requestAnimationFrame(() => {
          const target = document.elementFromPoint(x, y)!;
          target.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, detail: 1 }));
          done(target.textContent ?? "");
        });
      }),
    [box!.x + box!.width / 2, box!.y + box!.height / 2],
  );
  expect(clicked.trim()).toBe("Выдать");
  expect(await countIssued(page, orders)).toBe(0);
  // A key press is meant for the button that has the focus
  await shop.issueButton(lower).focus();
  await page.keyboard.press("Enter");
  await expect(lower).toContainText("выдан");
  expect(await countIssued(page, orders)).toBe(1);
});
