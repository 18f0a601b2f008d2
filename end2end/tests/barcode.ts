/** Pictures of barcodes (EAN-13), as a photo and as a video. */
import { crc32, deflateSync } from "node:zlib";

const LEFT = ["0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011"];
/** Which digits of the left half have an even number of bars, by the first digit of the code. */
const EVEN = ["000000", "001011", "001101", "001110", "010011", "011001", "011100", "010101", "010110", "011010"];

const inverted = (modules: string) => [...modules].map((module) => (module === "0" ? "1" : "0")).join("");
const reversed = (modules: string) => [...modules].reverse().join("");

/** Returns the code that the shop prints for a product. */
export function ownCode(product: number) {
  const digits = `21${String(product).padStart(10, "0")}`;
  const sum = [...digits].reduce((sum, digit, place) => sum + Number(digit) * (place % 2 === 0 ? 1 : 3), 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

/** Returns the bars of a code, one character for each module. */
function bars(code: string) {
  const [first, ...digits] = [...code].map(Number);
  const left = digits.slice(0, 6).map((digit, place) => {
    const odd = LEFT[digit]!;
    return EVEN[first!]![place] === "0" ? odd : reversed(inverted(odd));
  });
  const right = digits.slice(6).map((digit) => inverted(LEFT[digit]!));
  return `101${left.join("")}01010${right.join("")}101`;
}

/** Draws a code in the middle of a grey picture. */
function draw(code: string, width: number, height: number) {
  const modules = bars(code);
  const picture = Buffer.alloc(width * height, 200);
  const module = Math.floor((width * 0.7) / modules.length);
  const start = Math.floor((width - module * modules.length) / 2);
  for (let y = Math.floor(height * 0.3); y < height * 0.7; y++) {
    for (let x = 0; x < module * modules.length; x++) {
      if (modules[Math.floor(x / module)] === "1") picture[y * width + start + x] = 20;
    }
  }
  return picture;
}

/** Returns a photo of a code as PNG. Without a code, it is empty. */
export function photo(code: string | undefined, width = 800, height = 600) {
  const picture = code === undefined ? Buffer.alloc(width * height, 200) : draw(code, width, height);
  const rows = Array.from({ length: height }, (_, y) => Buffer.concat([Buffer.from([0]), picture.subarray(y * width, (y + 1) * width)]));
  const chunk = (name: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [length, crc] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    crc.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, crc]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.writeUInt8(8, 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(Buffer.concat(rows))), chunk("IEND", Buffer.alloc(0))]);
}

/** Returns a video of a code (YUV4MPEG2), which Chromium repeats as the picture of its camera. */
export function video(code: string, width = 640, height = 480) {
  const colours = Buffer.alloc((width * height) / 2, 128);
  const frame = Buffer.concat([Buffer.from("FRAME\n"), draw(code, width, height), colours]);
  return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420\n`), frame, frame]);
}
