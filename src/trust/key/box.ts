import { limits } from "../../base/limits.ts";

/**
 * A private key under a passphrase: scrypt (RFC 7914) makes a key of it, AES-256-GCM seals the seed under that. The
 * public key and the parameters are authenticated with it, so that neither can be exchanged.
 */
export interface Box {
  readonly kdf: "scrypt";
  readonly n: number;
  readonly r: number;
  readonly p: number;
  /** Base64url, as are the others. */
  readonly salt: string;
  readonly cipher: "aes-256-gcm";
  readonly nonce: string;
  /** Ciphertext, then the tag of 16 bytes. */
  readonly sealed: string;
}

export const tagBytes = 16;
export const nonceBytes = 12;

const bytesOf = (written: string): Buffer => Buffer.from(written, "base64url");

/** Whether a value read from a file is a box whose cost is within bounds: the file chooses it. */
export const isBox = (value: unknown): value is Box => {
  const { kdf, n, r, p, salt, cipher, nonce, sealed } = (value ?? {}) as Record<string, unknown>;
  const cost = (one: unknown, max: number): one is number =>
    typeof one === "number" && Number.isInteger(one) && one >= 1 && one <= max;
  return (
    kdf === "scrypt" &&
    cipher === "aes-256-gcm" &&
    cost(n, 2 ** 24) &&
    n > 1 &&
    Number.isInteger(Math.log2(n)) &&
    cost(r, 64) &&
    cost(p, 16) &&
    128 * n * r * p <= limits.scryptBytesMax &&
    typeof salt === "string" &&
    typeof nonce === "string" &&
    bytesOf(nonce).length === nonceBytes &&
    typeof sealed === "string" &&
    bytesOf(sealed).length === 32 + tagBytes
  );
};
