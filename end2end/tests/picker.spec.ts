/** Picking a product with the keyboard, with typing as fast as a scanner and servers that answer slowly. */
import type { Page, Route } from "@playwright/test";
import * as shop from "./shop";
import { expect, field, ownServer, press, test } from "./shop";

test.use(ownServer());

// The first product in the list was once ordered by mistake.
const [jam, black, sencha] = ["Варенье из инжира", "Чай чёрный «Ассам»", "Чай зелёный «Сенча»"];

/** The keys for ordering two of the green tea. */
const keys = ["чай зел", "ArrowDown", "Enter", "2", "Enter", "Enter"];

test.beforeEach(async ({ page, server }) => {
  await shop.signInAs(page, server, "manager");
  if ((await search(page, "")).length > 0) return;
  await shop.addProduct(page, { name: jam, price: "450", quantity: 900 });
  await shop.addProduct(page, { name: black, price: "590", quantity: 900 });
  await shop.addProduct(page, { name: sencha, price: "620", quantity: 900 });
  await shop.receiveSupply(page, { product: jam, qty: 1, price: "1,50", supplier: "Fico" });
  await shop.receiveSupply(page, { product: sencha, qty: 1, price: "2,80", supplier: "Teekanne" });
  // Enough products to make the list scroll
  for (let box = 10; box < 30; box++) await shop.addProductByApi(page, `Коробка ${box}`, 5);
});

const search = async (page: Page, text: string) => (await (await page.request.get(`/api/products?search=${text}`)).json()).items;

type Row = { id: number; product_name: string; qty: number; unit_price_rub?: string; buy_price_eur?: string; supplier_name?: string };

/** Returns the newest row of a list. */
const latest = async (page: Page, list: "orders" | "supplies"): Promise<Row | undefined> =>
  (await (await page.request.get(`/api/${list}?limit=1`)).json()).items[0];

/** Delays the answer to each search by the next of `delays`, and to all further ones by the last. */
async function delayAnswers(page: Page, ...delays: number[]) {
  let count = 0;
  await page.unroute("**/fn/offer_products*");
  await page.route("**/fn/offer_products*", async (route: Route) => {
    const delay = delays[Math.min(count++, delays.length - 1)];
    await new Promise((done) => setTimeout(done, delay));
    // The page may have cancelled an outdated search
    await route.continue().catch(() => {});
  });
}

const neverAnswer = (page: Page) => page.route("**/fn/offer_products*", () => {});

/** Types texts and presses keys, with `rhythm` milliseconds between them. */
async function typeKeys(page: Page, rhythm: number, ...strokes: string[]) {
  for (const stroke of strokes) {
    if (/^[A-Z]\w+$/.test(stroke)) await page.keyboard.press(stroke, { delay: rhythm });
    else await page.keyboard.type(stroke, { delay: rhythm });
  }
}

/** Opens the form for a new order, with the focus in the product field. */
async function openOrder(page: Page) {
  await shop.open(page, "/orders/new");
  await page.keyboard.type("89161234567");
  await typeKeys(page, 0, "Tab", "Tab");
  await expect(field(page, "Товар")).toBeFocused();
}

/** The first product of the form that has its own line. */
const line = (page: Page) => page.locator(".basket-line").first();

async function bookedOrder(page: Page) {
  await page.waitForURL(/\/orders\/\d+/);
  const order = await latest(page, "orders");
  expect(order?.id).toBe(shop.idOf(page));
  return [order?.product_name, order?.qty, order?.unit_price_rub].map(String);
}

for (const delay of [0, 100, 300, 1000]) {
  test(`an order is saved as typed when answers take ${delay} ms @postgres`, async ({ page }) => {
    for (const rhythm of [0, 10, 100, 300]) {
      await openOrder(page);
      await delayAnswers(page, delay);
      await typeKeys(page, rhythm, ...keys);
      expect(await bookedOrder(page), `${rhythm} ms`).toEqual([sencha, "2", "620.00"]);
    }
    // With only Tab after the text
    for (const rhythm of [0, 30]) {
      await openOrder(page);
      await delayAnswers(page, delay);
      await typeKeys(page, rhythm, "чай зел", "Tab", "3", "Tab", "600", "Enter", "Enter");
      expect(await bookedOrder(page), `${rhythm} ms, Tab`).toEqual([sencha, "3", "600.00"]);
    }
  });

  test(`a supply is saved as typed when answers take ${delay} ms`, async ({ page }) => {
    await shop.open(page, "/supplies");
    for (const [rhythm, qty] of [[0, 31], [10, 32], [120, 33]]) {
      await delayAnswers(page, delay);
      await field(page, "Товар").first().focus();
      // Price and supplier are those of the last supply
      await typeKeys(page, rhythm, "зел", "ArrowDown", "Enter", String(qty), "Enter");
      await expect(page.getByText(`Принято: ${sencha}, ${qty} шт.`).first()).toBeVisible();
      const { product_name, buy_price_eur, supplier_name } = (await latest(page, "supplies"))!;
      expect([product_name, buy_price_eur, supplier_name]).toEqual([sencha, "2.80", "Teekanne"]);
      await expect(field(page, "Кол-во").first()).toHaveValue("");
    }
    // Only typed, after a product that was picked
    await shop.fill(page.getByRole("region", { name: "Принять поставку" }), {
      "Товар": jam,
      "Кол-во": "34",
      "Закупка, €": "1,70",
      "Поставщик": "Smyrna",
    });
    await press(page, "Принять");
    await expect(page.getByText(`Принято: ${jam}, 34 шт.`).first()).toBeVisible();
    const { product_name, buy_price_eur, supplier_name } = (await latest(page, "supplies"))!;
    expect([product_name, buy_price_eur, supplier_name]).toEqual([jam, "1.70", "Smyrna"]);
  });
}

test("answers in the wrong order change nothing", async ({ page }) => {
  for (const rhythm of [30, 120]) {
    await openOrder(page);
    await delayAnswers(page, 900, 600, 300, 0);
    await typeKeys(page, rhythm, ...keys);
    expect(await bookedOrder(page), `${rhythm} ms`).toEqual([sencha, "2", "620.00"]);
  }
});

test("a missing answer leads to an error at the line, and the form keeps its values and can be sent", async ({ page }) => {
  const before = await latest(page, "orders");
  await openOrder(page);
  await neverAnswer(page);
  await typeKeys(page, 10, ...keys);
  await expect(page.getByRole("button", { name: "Отправляем…" })).toBeDisabled();
  await expect(line(page)).toContainText("Список товаров не загрузился. Проверьте название и отправьте ещё раз");
  const product = line(page).getByLabel("Товар 1");
  await expect(product).toBeFocused();
  await expect(product).toHaveValue("чай зел");
  await expect(line(page).getByLabel("Кол-во: чай зел")).toHaveValue("2");
  expect(await latest(page, "orders")).toEqual(before);
  // Only one product matches, so the server finds it and its price
  await press(page, "Оформить заказ");
  expect(await bookedOrder(page)).toEqual([sencha, "2", "620.00"]);
});

test("a supply is not saved if the answer to the search is missing", async ({ page }) => {
  const before = await latest(page, "supplies");
  await shop.open(page, "/supplies");
  await neverAnswer(page);
  await field(page, "Товар").first().focus();
  await typeKeys(page, 10, "зел", "ArrowDown", "Enter", "Tab", "7", "Tab", "3", "Tab", "чаевод", "Enter");
  await expect(page.locator("#product-error")).toHaveText(/^Список товаров не загрузился/);
  expect(await latest(page, "supplies")).toEqual(before);
});

test("a form with a text that matches several products or none is not booked", async ({ page, expectProblem }) => {
  expectProblem(/status of 422/);
  const before = await latest(page, "orders");
  for (const [text, problem] of [
    ["чай", /Уточните, подходит несколько: .*Сенча/],
    ["кофе", "Такого товара нет. Выберите из списка"],
  ] as const) {
    await openOrder(page);
    await delayAnswers(page, 500);
    // What is typed meanwhile is the next product
    await typeKeys(page, 10, text, "Tab", "2", "Enter", "5");
    await expect(line(page)).toContainText(problem);
    await expect(field(page, "Товар")).toBeFocused();
    await expect(field(page, "Товар")).toHaveValue("5");
    await expect(line(page).getByLabel(`Кол-во: ${text}`)).toHaveValue("2");
    const product = line(page).getByLabel("Товар 1");
    await expect(product).toHaveAttribute("aria-invalid", "true");
    expect(await latest(page, "orders")).toEqual(before);
    // The error disappears when the text changes
    await product.press("End");
    await page.keyboard.type("х");
    await expect(line(page).locator(".field-error")).toHaveText("");
    // A line without its product is not booked
    await product.fill(text);
    await field(page, "Товар").fill("");
    await press(page, "Оформить заказ");
    await expect(line(page)).toContainText(problem);
    expect(await latest(page, "orders")).toEqual(before);
  }
});

test("Tab picks the only match, even if it arrives late, and a typed price is kept", async ({ page }) => {
  for (const delay of [0, 600]) {
    await openOrder(page);
    await delayAnswers(page, delay);
    await typeKeys(page, 10, "сенч", "Tab");
    await expect(field(page, "Товар")).toHaveValue(sencha);
    await expect(field(page, "Цена, ₽")).toHaveValue("620,00");
    await expect(page.getByText(/^Сумма/)).toHaveText(/620,00\s₽/);
    await expect(field(page, "Кол-во")).toBeFocused();
    await openOrder(page);
    await typeKeys(page, 10, "сенч", "Tab", "2", "Tab", "500", "Enter", "Enter");
    expect(await bookedOrder(page), `${delay} ms`).toEqual([sencha, "2", "500.00"]);
  }
  // The price arrives while its field has the focus, and what is typed next replaces it
  await openOrder(page);
  await delayAnswers(page, 600);
  await typeKeys(page, 10, "сенч", "Tab", "Tab");
  await expect(field(page, "Цена, ₽")).toHaveValue("620,00");
  await typeKeys(page, 10, "480", "Enter", "Enter");
  expect(await bookedOrder(page)).toEqual([sencha, "1", "480.00"]);
});

for (const width of [1280, 360]) {
  test(`Tab moves from a scrolling list to the next field, ${width} px wide`, async ({ page }) => {
    await page.setViewportSize({ width, height: 740 });
    for (const delay of [0, 400]) {
      for (const typed of ["", "ко", sencha]) {
        await openOrder(page);
        await delayAnswers(page, delay);
        if (typed !== "") await page.keyboard.insertText(typed);
        else await expect(page.getByRole("option").nth(5)).toBeVisible();
        await page.keyboard.press("Tab");
        await expect(field(page, "Кол-во")).toBeFocused();
        await page.keyboard.press("Shift+Tab");
        await expect(field(page, "Товар")).toBeFocused();
      }
    }
  });
}

test("Enter does not send the form while the list is open or loading", async ({ page }) => {
  await openOrder(page);
  await delayAnswers(page, 400);
  const sent: string[] = [];
  page.on("request", (request) => sent.push(new URL(request.url()).pathname));
  await typeKeys(page, 10, "сенч", "Enter");
  await expect(field(page, "Кол-во")).toBeFocused();
  await expect(field(page, "Товар")).toHaveValue(sencha);
  await field(page, "Товар").focus();
  await typeKeys(page, 10, "End", "х", "Enter");
  await field(page, "Товар").focus();
  await expect(page.getByRole("listbox").getByText("Ничего не нашлось.")).toBeVisible();
  await page.keyboard.press("Enter");
  expect(sent).not.toContain("/fn/create_order");
  await typeKeys(page, 10, "Backspace", "Enter");
  await expect(page.getByRole("listbox")).toBeHidden();
  await expect(field(page, "Товар")).toHaveValue(sencha);
  await typeKeys(page, 10, "Enter", "Enter");
  expect(await bookedOrder(page)).toEqual([sencha, "1", "620.00"]);
});

test("the first match is selected, and matches of an earlier text cannot be clicked", async ({ page }) => {
  await openOrder(page);
  const product = field(page, "Товар");
  await page.keyboard.type("чай");
  await expect(page.getByRole("option").first()).toHaveAttribute("aria-selected", "true");
  await expect(product).toHaveAttribute("aria-activedescendant", "product-0");
  await expect(page.getByRole("status").filter({ hasText: "Найдено: 2" })).toBeAttached();
  await delayAnswers(page, 800);
  await page.keyboard.press("End");
  await page.keyboard.type(" ассам");
  await expect(page.getByRole("listbox")).toHaveAttribute("aria-busy", "true");
  await expect(product).not.toHaveAttribute("aria-activedescendant");
  await page.getByRole("option", { name: sencha }).click({ force: true });
  await expect(page.getByRole("option")).toHaveText([new RegExp(black)]);
  await expect(product).toHaveValue("чай ассам");
  await expect(product).toBeFocused();
  await page.getByRole("option").dblclick();
  await expect(product).toHaveValue(black);
  await expect(page.getByRole("listbox")).toBeHidden();
  await expect(page).toHaveURL(/\/orders\/new$/);
});

test("a form that is sent while a pick is loading waits for it, and is not sent if the text changes", async ({ page }) => {
  await openOrder(page);
  // A list with one row does not cover the button
  await typeKeys(page, 10, "инжи");
  await expect(page.getByRole("option")).toHaveCount(1);
  await delayAnswers(page, 3000);
  await typeKeys(page, 10, "р");
  await press(page, "Оформить заказ");
  await expect(page.getByRole("button", { name: "Отправляем…" })).toBeDisabled();
  await field(page, "Товар").fill("ассам");
  await expect(page.getByRole("button", { name: "Оформить заказ" })).toBeEnabled();
  await press(page, "Оформить заказ");
  expect(await bookedOrder(page)).toEqual([black, "1", "590.00"]);
});

test("text typed before the script has started is used", async ({ page }) => {
  let come = () => {};
  const typed = new Promise<void>((done) => (come = done));
  await page.route("**/*.wasm", async (route) => {
    await typed;
    await route.continue();
  });
  // The load event would come only after the script
  await page.goto("/orders/new", { waitUntil: "commit" });
  await expect(field(page, "Телефон")).toBeFocused();
  await page.keyboard.type("89161234567");
  await typeKeys(page, 0, "Tab", "Tab", "сенч", "Tab", "3");
  come();
  await shop.waitForScript(page);
  await expect(field(page, "Товар")).toHaveValue(sencha);
  await expect(field(page, "Цена, ₽")).toHaveValue("620,00");
  await typeKeys(page, 0, "Enter", "Enter");
  expect(await bookedOrder(page)).toEqual([sencha, "3", "620.00"]);
});

test("another product replaces the price of the first one", async ({ page }) => {
  await openOrder(page);
  await typeKeys(page, 10, "сенч", "Enter");
  await expect(field(page, "Цена, ₽")).toHaveValue("620,00");
  await field(page, "Товар").fill("ассам");
  await expect(field(page, "Цена, ₽")).toHaveValue("");
  await page.keyboard.press("Enter");
  await expect(field(page, "Цена, ₽")).toHaveValue("590,00");
  // A discount is restored with its product
  await field(page, "Цена, ₽").fill("550");
  await field(page, "Товар").fill("ассам ч");
  await expect(field(page, "Цена, ₽")).toHaveValue("");
  await page.keyboard.press("Tab");
  await expect(field(page, "Цена, ₽")).toHaveValue("550");
});
