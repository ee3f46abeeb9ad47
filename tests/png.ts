import { inflateSync } from "node:zlib";

/** Pixels of a PNG of 8 bits a channel without alpha, as loop and the examples write it: filters 0 and 2. */
export const decodePng = (bytes: Buffer): { width: number; height: number; rgb: Uint8Array } => {
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const parts: Buffer[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (bytes.toString("latin1", at + 4, at + 8) === "IDAT")
      parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const row = width * 3;
  const rgb = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (row + 1)]!;
    if (filter !== 0 && filter !== 2) throw new Error(`A PNG with the filter ${filter} was not made by loop`);
    for (let x = 0; x < row; x++) {
      const above = filter === 2 && y > 0 ? rgb[(y - 1) * row + x]! : 0;
      rgb[y * row + x] = raw[y * (row + 1) + 1 + x]! + above;
    }
  }
  return { width, height, rgb };
};
