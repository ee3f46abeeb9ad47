import { sha256 } from "../base/digest.ts";

// A linked component in the cache: one file, so that a warm start reads once. Shape: the SHA-256 of all that
// follows in hexadecimal (64 bytes), the header's length (8 hexadecimal digits), a JSON header, the files.

export interface LinkedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const digestLength = 64;
const lengthDigits = 8;
const encoder = new TextEncoder();

export const packContainer = (files: readonly LinkedFile[]): Uint8Array => {
  const header = encoder.encode(JSON.stringify(files.map(({ name, bytes }) => [name, bytes.length])));
  const length = encoder.encode(header.length.toString(16).padStart(lengthDigits, "0"));
  const body = Buffer.concat([length, header, ...files.map((file) => file.bytes)]);
  return Buffer.concat([encoder.encode(sha256(body)), body]);
};

/** The files of a container, or undefined where it is truncated or altered: the cache is then made anew. */
export const unpackContainer = (container: Uint8Array): LinkedFile[] | undefined => {
  if (container.length < digestLength + lengthDigits) return undefined;
  const body = container.subarray(digestLength);
  const ascii = (bytes: Uint8Array) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  if (ascii(container.subarray(0, digestLength)) !== sha256(body)) return undefined;
  const headerEnd = lengthDigits + Number.parseInt(ascii(body.subarray(0, lengthDigits)), 16);
  const header: [string, number][] = JSON.parse(
    new TextDecoder().decode(body.subarray(lengthDigits, headerEnd)),
  );
  let at = headerEnd;
  return header.map(([name, length]) => {
    at += length;
    return { name, bytes: body.subarray(at - length, at) };
  });
};
