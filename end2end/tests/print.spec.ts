/** Slips, lists and labels have the size of their paper, on exactly the pages that they need. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Page, TestInfo } from "@playwright/test";
import * as shop from "./shop";
import { expect, test, unique } from "./shop";

/** Points in a millimetre. */
const POINTS = 72 / 25.4;

/** Returns the width and height of each page of Chromium's PDF, in millimetres. */
async function printedPages(page: Page): Promise<[number, number][]> {
  const pdf = (await page.pdf({ preferCSSPageSize: true })).toString("latin1");
  const boxes = [...pdf.matchAll(/\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]/g)];
  expect(boxes).toHaveLength(pdf.match(/\/Type\s*\/Page\b/g)?.length ?? 0);
  return boxes.map(([, width, height]) => [Number(width) / POINTS, Number(height) / POINTS]);
}

/** Expects pages of a size in millimetres, exact to a point. */
async function expectPages(page: Page, count: number, width: number, height?: number) {
  const pages = await printedPages(page);
  expect(pages).toHaveLength(count);
  for (const [isWidth, isHeight] of pages) {
    expect(Math.abs(isWidth - width) * POINTS).toBeLessThanOrEqual(1);
    if (height !== undefined) expect(Math.abs(isHeight - height) * POINTS).toBeLessThanOrEqual(1);
  }
  return pages;
}

/** Expects that nothing on the paper reaches over the edge of what holds it. */
async function expectInside(page: Page, holder: string) {
  await page.emulateMedia({ media: "print" });
  const outside = await page.locator(holder).evaluateAll((holders) =>
    holders.flatMap((holder) => {
      const edge = holder.getBoundingClientRect();
      return [...holder.querySelectorAll("*")]
        .filter((inner) => {
          const box = inner.getBoundingClientRect();
          return box.left < edge.left - 1 || box.right > edge.right + 1 || box.top < edge.top - 1 || box.bottom > edge.bottom + 1;
        })
        .map((inner) => inner.outerHTML.slice(0, 80));
    }),
  );
  await page.emulateMedia({ media: null });
  expect(outside).toEqual([]);
}

/** Returns what the server opens for each page of the PDF, whose codes it reads as a thermal printer draws them. */
async function readPrinted(page: Page, info: TestInfo, name: string): Promise<(string | undefined)[]> {
  const path = info.outputPath(`${name}.pdf`);
  await page.pdf({ preferCSSPageSize: true, path });
  const pages = join(dirname(path), name);
  execFileSync("pdftoppm", ["-r", "203", "-gray", "-png", path, pages]);
  const pictures = readdirSync(dirname(path)).filter((file) => file.startsWith(`${basename(pages)}-`) && file.endsWith(".png"));
  const read = pictures.sort().map(async (file) => {
    const photo = { name: file, mimeType: "image/png", buffer: readFileSync(join(dirname(path), file)) };
    const headers = { origin: new URL(page.url()).origin };
    const answer = await page.request.post("/scan", { headers, multipart: { photo }, maxRedirects: 0 });
    return answer.headers()["location"];
  });
  return Promise.all(read);
}

const longName = "Чайник эмалированный со свистком «Широкая Масленица», ЖЁЛТЫЙ, подарочная упаковка, 3,5 л";

/** Books a basket of products through the API and returns its number. */
async function bookBasket(page: Page, products: number[]): Promise<number> {
  const lines = products.map((product_id) => ({ product_id, qty: 2 }));
  const made = await page.request.post("/api/baskets", { data: { phone: "8 916 123-45-67", lines } });
  expect(made.status()).toBe(201);
  return (await made.json()).id;
}

test("a slip is one page: as long as its lines on a roll, or A5", async ({ page, server }, info) => {
  await shop.signInAs(page, server, "manager");
  const long = await shop.addProductByApi(page, `${longName} ${unique("x")}`, 500);
  const short = await shop.addProductByApi(page, unique("Чай"), 500);
  const heights: number[] = [];
  for (const products of [[short], [short, long], Array.from({ length: 20 }, (_, n) => (n % 2 ? long : short))]) {
    const basket = await bookBasket(page, products);
    await page.goto(`/print/slip/${basket}`);
    await expect(page.getByRole("main")).toContainText(`Заказ № ${basket}`);
    await expect(page.getByText("Не кассовый чек")).toBeVisible();
    const [[, height]] = await expectPages(page, 1, 80);
    heights.push(height);
    const needed = await page.getByRole("main").evaluate((paper) => paper.getBoundingClientRect().height / 96 * 25.4);
    // Little paper is wasted.
    expect(height - needed).toBeGreaterThanOrEqual(0);
    expect(height - needed).toBeLessThan(12);
    await expectInside(page, "main");
    const opened = products.length === 1 ? `/orders/${basket}` : `/baskets/${basket}`;
    for (const code of ["qr", "bars"]) {
      await page.goto(`/print/slip/${basket}`);
      // Only the other code is left.
      await page.locator("svg").nth(code === "qr" ? 1 : 0).evaluate((svg) => svg.remove());
      expect(await readPrinted(page, info, `slip-${products.length}-${code}`)).toEqual([opened]);
    }
  }
  expect(heights[1]).toBeGreaterThan(heights[0]);
  const basket = await bookBasket(page, [short, long]);
  await page.goto(`/print/slip/${basket}?size=a5`);
  await expectPages(page, 1, 148, 210);
  expect(await readPrinted(page, info, "slip-a5")).toEqual([`/baskets/${basket}`]);
});

test("labels have the size of the label, and a sheet has 24", async ({ page, server }, info) => {
  await shop.signInAs(page, server, "manager");
  const product = await shop.addProductByApi(page, `${longName} ${unique("x")}`, 1);
  for (const [size, width, height, copies, pages] of [
    ["58x40", 58, 40, 1, 1],
    ["58x40", 58, 40, 3, 3],
    ["62x29", 62, 29, 3, 3],
    ["a4", 210, 297, 1, 1],
    ["a4", 210, 297, 24, 1],
    ["a4", 210, 297, 25, 2],
  ] as const) {
    await page.goto(`/print/labels?product=${product}&copies=${copies}&size=${size}`);
    await expectPages(page, pages, width, height);
    await expectInside(page, ".label");
    const read = await readPrinted(page, info, `labels-${size}-${copies}`);
    expect(read).toEqual(Array(pages).fill(`/products/${product}`));
  }
});

test("the picking list and the day's end are A4, and no page to print violates its policy", async ({ page, server }, info) => {
  await shop.signInAs(page, server, "manager");
  const product = await shop.addProductByApi(page, unique("Чай"), 5);
  await shop.bookOrderByApi(page, product);
  for (const name of ["picking", "day"]) {
    await page.goto(`/print/${name}`);
    const pages = await printedPages(page);
    expect(pages.length).toBeGreaterThan(0);
    for (const [width, height] of pages) expect([Math.round(width), Math.round(height)]).toEqual([210, 297]);
    await page.pdf({ preferCSSPageSize: true, path: info.outputPath(`${name}.pdf`) });
  }
});

test("the key P on the page of an order prints its slip", async ({ page, server }) => {
  await page.addInitScript(() => {
    window.print = () => ((window as { printed?: boolean }).printed = true);
  });
  const printed = () => page.evaluate(() => (window as { printed?: boolean }).printed === true);
  await shop.signInAs(page, server, "manager");
  const product = await shop.addProductByApi(page, unique("Чай"), 5);
  const order = await shop.bookOrderByApi(page, product);
  await shop.open(page, `/orders/${order}`);
  await page.keyboard.press("KeyP");
  await page.waitForURL(/\/print\/slip\/\d+/);
  await expect(page.getByRole("heading", { name: `Заказ № ${order}` })).toBeVisible();
  await expect.poll(printed).toBe(true);
  // Only the first time: going back and forth does not ask again.
  await page.reload();
  await expect(page.getByRole("button", { name: "Печать" })).toBeVisible();
  expect(await printed()).toBe(false);
  await page.getByRole("button", { name: "Печать" }).click();
  expect(await printed()).toBe(true);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the links lead to pages that the browser can print", async ({ page, server }) => {
    await shop.signInAs(page, server, "manager");
    const name = unique("Чай");
    await shop.addProduct(page, { name, price: "100", quantity: 5 });
    await page.getByRole("link", { name: "Этикетки" }).click();
    await expect(page.locator(".label")).toContainText(name);
    await expect(page.getByRole("button", { name: "Печать" })).toBeHidden();
    await page.getByRole("link", { name: "Лист А4, 3 × 8" }).click();
    await expect(page.locator(".label-sheet")).toContainText(name);
    const order = await shop.bookOrder(page, { product: name });
    await page.getByRole("link", { name: "Печать" }).click();
    await expect(page.getByRole("heading", { name: `Заказ № ${order}` })).toBeVisible();
    await page.getByRole("link", { name: "Назад" }).click();
    await expect(page).toHaveURL(new RegExp(`/orders/${order}$`));
    await shop.open(page, "/orders");
    await page.getByRole("link", { name: "Лист подбора" }).click();
    await expect(page.getByRole("row").filter({ hasText: name })).toBeVisible();
    await shop.open(page, "/");
    await page.getByRole("link", { name: "Итоги дня" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toContainText("Итоги дня");
  });
});
