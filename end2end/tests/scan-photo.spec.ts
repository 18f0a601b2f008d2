/** Codes are read from photos, with and without JavaScript, and from the camera. */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import config from "../playwright.config";
import { ownCode, photo, video } from "./barcode";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, ownServer, press, test } from "./shop";

// The first product of a new shop
const PRODUCT = 1;
const film = join(tmpdir(), `sirius-camera-${process.pid}.y4m`);
writeFileSync(film, video(ownCode(PRODUCT)));

const browser = config.use?.launchOptions;
test.use({
  ...ownServer(),
  launchOptions: {
    ...browser,
    args: [
      ...(browser?.args ?? []),
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-video-capture=${film}`,
    ],
  },
});

const file = (buffer: Buffer) => ({ name: "photo.png", mimeType: "image/png", buffer });

/** Signs a manager in, adds the first product if there is none, and opens the page that scans. */
async function openScanner(page: Page, server: Server, address = "/scan") {
  const name = await shop.signInAs(page, server, "manager");
  const product = await page.request.get(`/api/products/${PRODUCT}`);
  if (!product.ok()) expect(await shop.addProductByApi(page, shop.unique("чай"), 5)).toBe(PRODUCT);
  await shop.open(page, address);
  return name;
}

async function sendPhoto(page: Page, picture: Buffer, hasScript: boolean) {
  await page.getByLabel("Сфотографировать код").setInputFiles(file(picture));
  if (!hasScript) await press(page, "Прочитать код");
}

async function scanPhotos(page: Page, server: Server, hasScript: boolean) {
  await openScanner(page, server);
  await expect(page.getByRole("button", { name: "Прочитать код" })).toBeVisible({ visible: !hasScript });
  for (const [picture, words] of [
    [photo(undefined), "Код не найден. Снимите ближе, при хорошем свете, без бликов"],
    [photo("4006381333931"), "Код 4006381333931 никому не принадлежит."],
    [Buffer.from("text"), "Это не снимок JPEG, PNG или WebP."],
  ] as const) {
    await sendPhoto(page, picture, hasScript);
    await expect(page.getByRole("alert")).toContainText(words);
    await expect(page.getByLabel("Сфотографировать код")).toHaveAttribute("aria-invalid", "true");
  }
  await sendPhoto(page, photo(ownCode(PRODUCT)), hasScript);
  await expect(page).toHaveURL(`/products/${PRODUCT}`);
}

test("a photo of a code opens what it belongs to", async ({ page, server, expectProblem }) => {
  expectProblem(/status of (404|422)/);
  await scanPhotos(page, server, true);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test("a photo of a code opens what it belongs to", async ({ page, server, expectProblem }) => {
    expectProblem(/status of (404|422)/);
    await scanPhotos(page, server, false);
    await expect(page.getByRole("link", { name: "Сканировать" })).toHaveAttribute("href", "/scan");
  });
});

test("the camera opens what a code belongs to, and stops when it is turned off", async ({ page, server }) => {
  const loaded: string[] = [];
  page.on("request", (request) => loaded.push(request.url()));
  await openScanner(page, server, "/");
  await page.getByRole("link", { name: "Сканировать" }).click();
  await expect(page).toHaveURL("/scan");
  await expect(page.getByRole("button", { name: "Камера", exact: true })).toBeVisible();
  expect(loaded.filter((url) => url.includes("zxing") || url.includes("camera-worker"))).toEqual([]);
  await press(page, "Камера");
  await expect(page).toHaveURL(`/products/${PRODUCT}`);
  await page.goBack();
  await expect(page.getByRole("button", { name: "Камера", exact: true })).toBeVisible();
  await expect(page.locator("video")).toBeHidden();
});

test("a phone that is paired reads for the computer, on any page", async ({ page: phone, server, browser }) => {
  const name = await openScanner(phone, server);
  const newPage = async () => (await browser.newContext({ locale: "ru-RU", baseURL: server.url })).newPage();
  const computer = await newPage();
  await shop.signIn(computer, name);
  await shop.open(computer, "/scan");
  await press(computer, "Показать код для телефона");
  await expect(computer.locator(".scan-pair svg")).toBeVisible();
  const screen = await computer.locator("#pair").getAttribute("data-screen");

  await test.step("a code from the camera opens its product on the computer, and the phone goes on", async () => {
    await shop.open(computer, "/orders");
    await shop.open(phone, `/scan?screen=${screen}`);
    await press(phone, "Камера");
    await expect(phone.getByText(`Отправлено: ${ownCode(PRODUCT)}`)).toBeVisible();
    await expect(computer).toHaveURL(`/products/${PRODUCT}`);
    await expect(phone).toHaveURL(`/scan?screen=${screen}`);
  });
  await test.step("the same code adds a line to an order, after a pause", async () => {
    await shop.open(computer, "/orders/new");
    await expect(computer.locator(".basket-line")).toContainText("чай");
    await press(phone, "Выключить камеру");
    await expect(phone.locator("video")).toBeHidden();
  });
  await test.step("a photo does the same", async () => {
    await shop.open(computer, "/products");
    await sendPhoto(phone, photo(ownCode(PRODUCT)), true);
    await expect(computer).toHaveURL(`/products/${PRODUCT}`);
    await expect(phone).toHaveURL(/\/scan/);
  });
  await test.step("nobody else reads for the computer", async () => {
    await shop.open(computer, "/orders");
    const other = await newPage();
    await shop.signInAs(other, server, "manager");
    const relay = (page: Page) => page.request.post("/api/scan/relay", { data: { screen, code: ownCode(PRODUCT) } });
    expect((await relay(other)).status()).toBe(204);
    await other.waitForTimeout(500);
    await expect(computer).toHaveURL("/orders");
    expect((await relay(phone)).status()).toBe(204);
    await expect(computer).toHaveURL(`/products/${PRODUCT}`);
    await other.context().close();
  });
  await computer.context().close();
});
