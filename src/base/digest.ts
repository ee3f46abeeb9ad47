/** SHA-256 of bytes as lowercase hexadecimal, 64 characters. */
export const sha256 = (bytes: Uint8Array | string): string =>
  new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

/** The written form of a content digest, `sha256:<hex>`, as OCI spells it. */
export type Digest = `sha256:${string}`;

export const digestOf = (bytes: Uint8Array | string): Digest => `sha256:${sha256(bytes)}`;
