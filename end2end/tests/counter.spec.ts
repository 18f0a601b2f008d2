/** Quick hands at the counter: rows that stand still, and clicks that hit what they were meant for. */
import type { Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, orderRow, test } from "./shop";

// The home page shows the orders that have waited longest: those of these tests, and no others.
test.use(shop.ownServer());

/** Orders that wait, the newest first. */
async function waiting(page: Page, server: Server, count: number) {
  await shop.arrive(page, server, "manager");
  const product = await shop.stock(page, shop.unique("Чай чёрный листовой «Ассам», 250 г"), count);
  const orders: number[] = [];
  for (let index = 0; index < count; index++) orders.unshift(await shop.book(page, product));
  return { product, orders };
}

const boxes = (page: Page) =>
  page.locator("tbody tr").evaluateAll((rows) =>
    rows.map((row) => {
      const { left, top, width, height } = row.getBoundingClientRect();
      return { left, top: top + scrollY, width, height };
    }),
  );

const issued = async (page: Page, orders: number[]) => {
  const answers = await Promise.all(orders.map(async (order) => (await page.request.get(`/api/orders/${order}`)).json()));
  return answers.filter(({ status }) => status === "paid_issued").length;
};

for (const viewport of [{ width: 1280, height: 800 }, { width: 360, height: 740 }]) {
  test(`rows keep their measure when their orders are issued and cancelled, ${viewport.width} wide`, async ({ page, server }) => {
    await page.setViewportSize(viewport);
    const { product, orders } = await waiting(page, server, 6);
    const settled = new Set<number>();
    for (const [index, path] of ["/orders", "/", `/products/${product}`].entries()) {
      await shop.open(page, path);
      const before = await boxes(page);
      const [first, second] = (index === 1 ? [...orders].reverse() : orders).filter((order) => !settled.has(order));
      await shop.issueButton(orderRow(page, first)).click();
      await expect(orderRow(page, first)).toContainText("выдан");
      expect(await boxes(page), `${path}: issued`).toEqual(before);
      await shop.cancelButton(orderRow(page, second)).click();
      await shop.press(page.getByRole("dialog").filter({ visible: true }), "Да, отменить");
      await expect(orderRow(page, second)).toContainText("отменён");
      expect(await boxes(page), `${path}: cancelled`).toEqual(before);
      settled.add(first).add(second);
    }
  });
}

test("a row keeps its height when somebody else was faster", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 409/);
  const { orders } = await waiting(page, server, 3);
  await shop.open(page, "/orders");
  const before = await boxes(page);
  await page.request.post(`/api/orders/${orders[0]}/deny`);
  await shop.issueButton(orderRow(page, orders[0])).click();
  await expect(orderRow(page, orders[0]).getByRole("alert")).toHaveText("Заказ уже отменён.");
  await expect(orderRow(page, orders[0])).toContainText("отменён");
  expect(await boxes(page)).toEqual(before);
});

test("a double click, and quick clicks at the same spot, issue one order @postgres", async ({ page, server }) => {
  const { orders } = await waiting(page, server, 4);
  await shop.open(page, "/orders");
  const box = await shop.issueButton(orderRow(page, orders[0])).boundingBox();
  const [x, y] = [box!.x + box!.width / 2, box!.y + box!.height / 2];
  await page.mouse.dblclick(x, y);
  await expect(orderRow(page, orders[0])).toContainText("выдан");
  for (let click = 0; click < 3; click++) await page.mouse.click(x, y);
  await shop.open(page, "/orders");
  expect(await issued(page, orders)).toBe(1);
});

test("a click where another row came to stand a moment ago is ignored, and a later one is not @postgres", async ({ page, server }) => {
  const { orders } = await waiting(page, server, 3);
  await shop.open(page, "/orders");
  const [upper, lower] = [orderRow(page, orders[0]), orderRow(page, orders[1])];
  const box = await shop.issueButton(upper).boundingBox();
  // The row above goes; the click follows in the same moment, before anybody could see it
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
  expect(await issued(page, orders)).toBe(0);
  // By key it is meant for the button that has the focus
  await shop.issueButton(lower).focus();
  await page.keyboard.press("Enter");
  await expect(lower).toContainText("выдан");
  expect(await issued(page, orders)).toBe(1);
});
