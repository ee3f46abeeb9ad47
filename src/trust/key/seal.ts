import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from "node:crypto";
import { limits } from "../../base/limits.ts";
import { type Box, nonceBytes, tagBytes } from "./box.ts";
import type { PublicKey } from "./public.ts";

/** 128 MiB and about half a second for each guess. */
const parameters = { n: 2 ** 17, r: 8, p: 1 };

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const bytesOf = (written: string): Buffer => Buffer.from(written, "base64url");

export const seal = (key: PublicKey, seed: Uint8Array, passphrase: string): Box => {
  const head = { kdf: "scrypt", ...parameters, salt: text(randomBytes(16)), cipher: "aes-256-gcm" } as const;
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", derive(head, passphrase), nonce);
  cipher.setAAD(bound(key, head));
  const sealed = Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()]);
  return { ...head, nonce: text(nonce), sealed: text(sealed) };
};

/** The seed, or undefined where the passphrase is another or the box was changed. */
export const unseal = (key: PublicKey, box: Box, passphrase: string): Uint8Array | undefined => {
  const sealed = bytesOf(box.sealed);
  const decipher = createDecipheriv("aes-256-gcm", derive(box, passphrase), bytesOf(box.nonce));
  decipher.setAAD(bound(key, box));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  try {
    return new Uint8Array(Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]));
  } catch {
    return undefined;
  }
};

type Head = Omit<Box, "nonce" | "sealed">;

/** The same letters typed on two keyboards may arrive as other code points. */
const derive = ({ n, r, p, salt }: Head, passphrase: string): Buffer =>
  scryptSync(Buffer.from(passphrase.normalize("NFKC")), bytesOf(salt), 32, {
    N: n,
    r,
    p,
    maxmem: limits.scryptBytesMax + 1024 * 1024,
  });

const bound = (key: PublicKey, { kdf, n, r, p, salt, cipher }: Head): Buffer =>
  Buffer.from(JSON.stringify(["loop key", 1, key, kdf, n, r, p, salt, cipher]));
