/** A scanner that types what it reads like a keyboard. */
import type { Page } from "@playwright/test";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, field, test } from "./shop";

test.use(shop.ownServer());

const EAN = "4600000000015";

/** What the keys of a scanner type in the Russian layout. */
const RUSSIAN: Record<string, string> = { h: "р", t: "е", p: "з", o: "щ", s: "ы", "/": ".", ".": "ю" };

/** The key of a sign in the layout of scanners. */
const codeOf = (sign: string) =>
  /\d/.test(sign) ? `Digit${sign}` : { "/": "Slash", ":": "Semicolon", ".": "Period", "-": "Minus" }[sign] ?? `Key${sign.toUpperCase()}`;

/** Types a code as a scanner does on a computer with the Russian layout: with key events, and `rhythm` ms between them. */
async function scan(page: Page, code: string, rhythm = 5, end: "Enter" | "Tab" = "Enter") {
  const keys = [...code].map((sign) => ({ code: codeOf(sign), key: RUSSIAN[sign] ?? sign, shiftKey: sign === ":" }));
  await page.evaluate(
    async ([keys, rhythm]) => {
      let pressed = performance.now();
      for (const key of keys) {
        const target = document.activeElement ?? document.body;
        const event = new KeyboardEvent("keydown", { ...key, bubbles: true, cancelable: true });
        // A key keeps the time at which it was pressed, also in a busy browser.
        Object.defineProperty(event, "timeStamp", { value: pressed });
        const isTyped = target.dispatchEvent(event) && key.key.length === 1;
        if (isTyped && target.matches("input:not([type=checkbox], [type=radio]), textarea")) document.execCommand("insertText", false, key.key);
        pressed += rhythm;
        while (performance.now() < pressed) await new Promise((done) => setTimeout(done, 0));
      }
    },
    [[...keys, { code: end, key: end, shiftKey: false }], rhythm] as const,
  );
}

/** Adds a product with a code and a waiting order of it, as a manager. */
async function setUp(page: Page, server: Server) {
  await shop.signInAs(page, server, "manager");
  const name = shop.unique("Чай");
  const product = await shop.addProductByApi(page, name, 50);
  const code = EAN.slice(0, 4) + String(product).padStart(8, "0");
  const digits = [...code].reduce((sum, digit, index) => sum + Number(digit) * (index % 2 ? 3 : 1), 0);
  const ean = code + ((10 - (digits % 10)) % 10);
  const { version, sell_price_rub } = await (await page.request.get(`/api/products/${product}`)).json();
  const saved = await page.request.put(`/api/products/${product}`, { data: { name, version, sell_price_rub, codes: [ean] } });
  expect(saved.ok(), await saved.text()).toBe(true);
  const made = await page.request.post("/api/orders", { data: { phone: "+79161234567", product_id: product, qty: 1 } });
  const { id: order } = await made.json();
  return { name, product, ean, order };
}

test("a code opens what it is from every page and every field, and changes no field @postgres", async ({ page, server }) => {
  test.slow();
  const { product, order, ean } = await setUp(page, server);
  const slip = `${server.url}/o/${order}`;
  for (const [index, path] of ["/", "/orders", "/supplies", "/products", `/orders/${order}`, "/account", "/products/new"].entries()) {
    await shop.open(page, path);
    await scan(page, index % 2 ? ean : slip, [2, 20, 50][index % 3]);
    await page.waitForURL(index % 2 ? `/products/${product}` : `/orders/${order}`);
  }
  for (const path of ["/orders", "/products", "/products/new", "/account"]) {
    await shop.open(page, path);
    const fields = page.locator("main :is(input:not([type=hidden]), select, textarea, button, a[href])").filter({ visible: true });
    const count = Math.min(await fields.count(), 12);
    for (let index = 0; index < count; index++) {
      const values = () =>
        page.locator("main :is(input, select, textarea)").evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value));
      const before = await values();
      // What the page does with the code is not the question here.
      await page.evaluate(() => {
        const keep = (event: Event) => {
          event.preventDefault();
          (window as { thing?: unknown }).thing = JSON.parse((event as CustomEvent).detail);
        };
        addEventListener("scan", keep, { once: true });
        (window as { thing?: unknown }).thing = undefined;
      });
      await fields.nth(index).focus();
      await scan(page, ean, index % 2 ? 2 : 25, index % 3 ? "Enter" : "Tab");
      await expect.poll(() => page.evaluate(() => (window as { thing?: { id: number } }).thing?.id), `${path}, ${index}`).toBe(product);
      expect(await values(), `${path}, ${index}`).toEqual(before);
    }
  }
});

test("in an order form, a code adds a line and leaves the quantity alone", async ({ page, server }) => {
  const { name, ean } = await setUp(page, server);
  await shop.open(page, "/orders/new");
  await field(page, "Телефон").fill("89161234567");
  await field(page, "Кол-во").last().focus();
  await scan(page, ean);
  const line = page.locator(".basket-line");
  await expect(line).toContainText(name);
  await expect(field(page, "Кол-во").last()).toHaveValue("1");
  await scan(page, ean);
  await expect(line).toHaveCount(1);
  await expect(line.getByLabel(`Кол-во: ${name}`)).toHaveValue("2");
  await shop.press(page, "Оформить заказ");
  await page.waitForURL(/\/orders\/\d+/);
  const order = await (await page.request.get(`/api/orders/${shop.idOf(page)}`)).json();
  expect([order.product_name, order.qty]).toEqual([name, 2]);
});

test("an order is not opened while something is typed, but offered", async ({ page, server }) => {
  const { order } = await setUp(page, server);
  await shop.open(page, "/orders/new");
  await field(page, "Телефон").fill("89161234567");
  await scan(page, `${server.url}/o/${order}`);
  await page.getByRole("link", { name: "Открыть отсканированное" }).click();
  await page.waitForURL(`/orders/${order}`);
});

test("in a supply form, a code picks the product", async ({ page, server }) => {
  const { name, ean } = await setUp(page, server);
  await shop.open(page, "/supplies");
  await field(page, "Товар").first().focus();
  await scan(page, ean);
  await expect(field(page, "Товар").first()).toHaveValue(name);
  await expect(field(page, "Кол-во").first()).toBeFocused();
});

test("an unknown code stays typed text, and a person may type fast", async ({ page, server }) => {
  await setUp(page, server);
  await shop.open(page, "/orders/new");
  await field(page, "Имя покупателя").focus();
  await scan(page, "123456789", 5, "Tab");
  await expect(page.locator("#scan-note")).toHaveText("Код 123456789 никому не принадлежит.");
  await expect(field(page, "Имя покупателя")).toHaveValue("123456789");
  await expect(field(page, "Товар")).toBeFocused();
  // A program that knows who calls may type the number
  await field(page, "Телефон").focus();
  await scan(page, "89161234567", 5, "Tab");
  await expect(field(page, "Телефон")).toHaveValue("89161234567");
  await expect(page.locator("#scan-note")).toHaveText("Код 123456789 никому не принадлежит.");
  // Five keys are no scan, and slow ones neither
  await shop.open(page, "/orders");
  await scan(page, "12345");
  await scan(page, "1234567", 150);
  await expect(page.locator("#scan-note")).toHaveText("");
});

test("keys that a scanner types outside of fields are no shortcuts", async ({ page, server }) => {
  const { order } = await setUp(page, server);
  await shop.open(page, "/products");
  // Its address begins with h, t, t, p and has slashes
  await scan(page, `${server.url}/o/${order}`, 30);
  await page.waitForURL(`/orders/${order}`);
  await expect(page.getByRole("searchbox")).toHaveValue("");
  // A code with letters: I would issue the order, N would begin another one
  await scan(page, "kit-n5", 20);
  await expect(page.locator("#scan-note")).toHaveText("Код kit-n5 никому не принадлежит.");
  await expect(page).toHaveURL(`/orders/${order}`);
  expect((await (await page.request.get(`/api/orders/${order}`)).json()).status).toBe("paid_not_issued");
  // Enter of an unknown code does not press the button that has the focus
  await shop.issueButton(page).first().focus();
  await scan(page, "123456789");
  await expect(page.locator("#scan-note")).toHaveText("Код 123456789 никому не принадлежит.");
  expect((await (await page.request.get(`/api/orders/${order}`)).json()).status).toBe("paid_not_issued");
  await page.locator("h1").click();
  // A single key still acts
  await page.keyboard.press("n");
  await page.waitForURL("/orders/new");
});
