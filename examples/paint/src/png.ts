// A PNG whose data is stored and not compressed: a header, rows, and two sums. Source: the PNG specification, RFC 1950.

export function png(words: Uint32Array, width: number, height: number): Uint8Array {
  const rows = new Uint8Array(height * (1 + width * 3));
  let at = 0;
  for (let y = 0; y < height; y++) {
    rows[at++] = 0;
    for (let x = 0; x < width; x++) {
      const word = words[y * width + x]!;
      rows[at++] = word;
      rows[at++] = word >> 8;
      rows[at++] = word >> 16;
    }
  }
  const header = [...u32(width), ...u32(height), 8, 2, 0, 0, 0];
  return joined([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", Uint8Array.from(header)),
    chunk("IDAT", stored(rows)),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

/** zlib's form, in blocks that are not compressed. */
function stored(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(0x78, 0x01)];
  for (let at = 0; at < bytes.length; at += 0xffff) {
    const block = bytes.subarray(at, at + 0xffff);
    const last = at + 0xffff >= bytes.length ? 1 : 0;
    const size = block.length;
    parts.push(Uint8Array.of(last, size, size >> 8, ~size, ~size >> 8), block);
  }
  let [a, b] = [1, 0];
  for (let at = 0; at < bytes.length; ) {
    // As many as can be added before a sum is beyond what is exact.
    for (const end = Math.min(bytes.length, at + 3800); at < end; at++) {
      a += bytes[at]!;
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  parts.push(u32(((b << 16) | a) >>> 0));
  return joined(parts);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const letters: Uint8Array = Uint8Array.from(type, (letter) => letter.charCodeAt(0));
  const named = joined([letters, data]);
  return joined([u32(data.length), named, u32(crc(named))]);
}

const table = Uint32Array.from({ length: 256 }, (_, start) => {
  let value = start;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = table[(sum ^ byte) & 255]! ^ (sum >>> 8);
  return ~sum >>> 0;
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function joined(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
