/** SHA-256 of bytes as lowercase hexadecimal, 64 characters. */
export const sha256 = (bytes: Uint8Array | string): string =>
  new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

/** The written form of a content digest, `sha256:<hex>`, as OCI spells it. */
export type Digest = `sha256:${string}`;

export const digestOf = (bytes: Uint8Array | string): Digest =>
  (typeof bytes === "string" ? undefined : hashed.get(bytes)) ?? `sha256:${sha256(bytes)}`;

/** Arrays that were hashed while they were filled. */
const hashed = new WeakMap<Uint8Array, Digest>();

/**
 * Takes note of what bytes were found to hash to, so that whoever asks does not hash them again: large ones are looked
 * at by several on their way to the host. To be said by whoever made the array, hashed all of it, and leaves it as it
 * is from then on.
 */
export const noteDigest = (bytes: Uint8Array, digest: Digest): void => void hashed.set(bytes, digest);
