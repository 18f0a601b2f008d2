/**
 * Reads codes from pictures of the camera (camera.js). The first message is the address of ZXing's WebAssembly, each
 * other one is a picture.
 */

import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";

const OPTIONS = {
  formats: ["QRCode", "DataMatrix", "EAN13", "EAN8", "UPCA", "UPCE", "Code128"],
  maxNumberOfSymbols: 4,
  tryHarder: true,
};

addEventListener("message", async ({ data }) => {
  try {
    if (typeof data === "string") {
      await prepareZXingModule({ overrides: { locateFile: () => data }, fireImmediately: true });
      postMessage([]);
    } else {
      const codes = await readBarcodes(data, OPTIONS);
      postMessage(codes.map(({ text }) => text));
    }
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
