/** The authenticator app of the browser tests (TOTP, RFC 6238). */
import type { Page } from "@playwright/test";
import { createHmac } from "node:crypto";
import type { Server } from "./server";
import * as shop from "./shop";
import { expect, fill, password, press } from "./shop";

/** Returns the code that the app shows a number of time steps from now. The server accepts those of -1, 0 and 1. */
export function authenticatorCode(secret: string, steps: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const hash = createHmac("sha1", fromBase32(secret)).update(counter).digest();
  const start = hash[hash.length - 1]! & 15;
  const code = (hash.readUInt32BE(start) & 0x7fff_ffff) % 1_000_000;
  return code.toString().padStart(6, "0");
}

function fromBase32(text: string): Buffer {
  const bits = [...text].map((sign) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(sign).toString(2).padStart(5, "0"));
  const bytes = bits.join("").match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => parseInt(byte, 2)));
}

/** The section of the account page. */
export const secondFactor = (page: Page) => page.getByRole("region", { name: "Двухфакторная защита" });

/** Sets up the second factor of the signed-in user. The code of the current time step is used up then. */
export async function setUpSecondFactor(page: Page, server: Server): Promise<{ secret: string; codes: string[] }> {
  await shop.open(page, "/account");
  await fill(secondFactor(page), { "Ваш пароль": password });
  await press(secondFactor(page), "Включить защиту");
  const image = secondFactor(page).getByRole("img", { name: "QR-код для приложения" });
  await expect(image).toBeVisible();
  expect(await image.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  const secret = await secondFactor(page).locator("code.secret").innerText();
  server.secrets.add(secret);
  await shop.waitForScript(page);
  await fill(secondFactor(page), { "Код из приложения": authenticatorCode(secret, 0) });
  await press(secondFactor(page), "Подтвердить код");
  await expect(page.getByText("Двухфакторная защита включена.")).toBeVisible();
  const codes = (await shop.secret(page).innerText()).split("\n");
  expect(codes).toHaveLength(10);
  for (const code of codes) server.secrets.add(code);
  await shop.waitForScript(page);
  return { secret, codes };
}
