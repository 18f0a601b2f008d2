/** An admin finds, exports and erases what is stored about a customer. */
import { readFile } from "node:fs/promises";
import type { Page } from "@playwright/test";
import * as shop from "./shop";
import { expect, field, fill, ownServer, press, row, test } from "./shop";

test.use(ownServer());

const shown = (phone: string) => phone.replace(/^\+7(...)(...)(..)(..)$/, "8 ($1) $2-$3-$4");

/** Books an order of a new customer and returns it with the number. */
async function bookOrder(page: Page) {
  const product = await shop.addProductByApi(page, shop.unique("Чай"), 5);
  const phone = shop.uniquePhone();
  const order = { product_id: product, phone, customer_name: "Мария Соколова", qty: 1 };
  const made = await page.request.post("/api/orders", { data: order });
  return { order: (await made.json()).id as number, phone };
}

/** Types a number into the form that finds customers. */
async function find(page: Page, phone: string) {
  await shop.open(page, "/admin/customers");
  await fill(page, { "Телефон": phone });
  await press(page, "Найти");
}

async function download(page: Page, link: string) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: link }).click()]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), "utf8") };
}

async function findExportAndErase(page: Page) {
  const { order, phone } = await bookOrder(page);

  await find(page, shown(phone));
  await expect(page).toHaveURL(new RegExp(`/admin/customers\\?order=${order}$`));
  await expect(page.getByRole("heading", { name: `Что хранится: ${shown(phone)}` })).toBeVisible();
  await expect(page.getByText("Мария Соколова")).toBeVisible();
  const json = await download(page, "Выгрузить JSON");
  expect(json.name).toBe("customer.json");
  expect(JSON.parse(json.text)).toMatchObject({ phone, orders: [{ id: order, customer_name: "Мария Соколова" }] });
  const csv = await download(page, "Выгрузить CSV");
  expect(csv.name).toBe("customer.csv");
  expect(csv.text).toContain("Мария Соколова");

  // The order waits.
  await expect(page.getByRole("button", { name: "Стереть навсегда" })).toHaveCount(0);
  await page.getByRole("region", { name: "Стереть данные" }).getByRole("link", { name: `Заказ № ${order}` }).click();
  await shop.waitForScript(page);
  await shop.issueButton(page).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/выдан$/);
  await page.getByRole("link", { name: "Данные покупателя" }).click();

  const form = page.getByRole("region", { name: "Стереть данные" });
  const digits = "Последние 4 цифры телефона";
  await expect(form.getByText(/Вернуть данные нельзя/)).toBeVisible();
  await fill(form, { "Причина": "Заявление от 27.11.2026", [digits]: phone.endsWith("0000") ? "1111" : "0000" });
  await press(form, "Стереть навсегда");
  await expect(field(form, digits)).toHaveAccessibleDescription(/Не совпадает/);
  await expect(field(form, "Причина")).toHaveValue("Заявление от 27.11.2026");
  await fill(form, { [digits]: phone.slice(-4) });
  await press(form, "Стереть навсегда");

  await expect(page.getByText("Данные покупателя стёрты.")).toBeVisible();
  await expect(page).toHaveURL(/\/admin\/customers\/erasures\/\d+/);
  const erasure = shop.idOf(page);
  await expect(page.getByRole("heading", { level: 1, name: `Акт об уничтожении персональных данных № ${erasure}` })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Выгрузка из журнала регистрации событий" })).toBeVisible();
  await expect(page.getByText(`Покупатель удалён № ${erasure}`).first()).toBeVisible();
  for (const path of [`/admin/customers/erasures/${erasure}`, `/orders/${order}`, "/admin/logs", "/orders"]) {
    await shop.open(page, path);
    const content = await page.content();
    for (const personal of [phone.slice(2), shown(phone), "Мария Соколова"]) expect(content, path).not.toContain(personal);
  }

  await shop.open(page, "/admin/customers");
  await expect(row(page, `Удаление № ${erasure}`)).toContainText("Заявление от 27.11.2026");
  await find(page, phone);
  await expect(field(page, "Телефон")).toHaveAccessibleDescription(/нет ни одного заказа/);
}

test("an admin finds, exports and erases a customer @postgres", async ({ page, server, expectProblem }) => {
  expectProblem(/status of 422/);
  await shop.signInAs(page, server, "admin");
  await findExportAndErase(page);
});

test("the document of an erasure prints without the menu", async ({ page, server }) => {
  await shop.signInAs(page, server, "admin");
  const product = await shop.addProductByApi(page, shop.unique("Чай"), 5);
  const erasure = await shop.eraseCustomerByApi(page, product);
  await shop.open(page, `/admin/customers/erasures/${erasure}`);
  await page.emulateMedia({ media: "print" });
  await expect(page.getByRole("banner")).toBeHidden();
  await expect(page.getByText(/Ctrl\+P/)).toBeHidden();
  await expect(page.getByText("Подпись")).toBeVisible();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test("an admin finds, exports and erases a customer @postgres", async ({ page, server }) => {
    await shop.signInAs(page, server, "admin");
    await findExportAndErase(page);
  });
});
