import { limits } from "../../base/limits.ts";
import {
  type KeyForm,
  type PublicKey,
  pairMark,
  pemBody,
  pemText,
  publicKeyBytes,
  publicKeyText,
  SshBlob,
} from "./public.ts";

/** A key that can sign. The seed is RFC 8032's private key, 32 bytes. */
export interface SigningKey {
  readonly key: PublicKey;
  readonly seed: Uint8Array;
}

/** The key of a seed; loads the curve. */
export const signingKey = async (seed: Uint8Array): Promise<SigningKey> => {
  const { publicOf } = await import("../signature/curve.ts");
  return { key: publicKeyText(publicOf(seed)), seed };
};

const seedBytes = 32;

/** PrivateKeyInfo of Ed25519 (RFC 8410), up to the 32 bytes of the seed. */
const derHead = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * A private key in any form that is known: wasmsign2's file, PKCS#8 as DER or PEM, or OpenSSH's without a
 * passphrase; undefined where the bytes are none of them, or where the public half they bring is another key's.
 */
export const readPrivateKey = async (bytes: Uint8Array): Promise<SigningKey | undefined> => {
  if (bytes.length > limits.keyFileBytesMax) return undefined;
  const pair = pairIn(bytes);
  if (!pair) return undefined;
  const key = await signingKey(pair.seed);
  const { publicBytes } = pair;
  return publicBytes && Buffer.compare(publicBytes, publicKeyBytes(key.key)) !== 0 ? undefined : key;
};

interface Pair {
  readonly seed: Uint8Array;
  readonly publicBytes?: Uint8Array;
}

const pairIn = (bytes: Uint8Array): Pair | undefined => {
  if (bytes.length === 1 + 2 * seedBytes && bytes[0] === pairMark)
    return { seed: bytes.slice(1, 1 + seedBytes), publicBytes: bytes.slice(1 + seedBytes) };
  const der = fromDer(bytes);
  if (der) return der;
  const text = Buffer.from(bytes).toString().trim();
  const pem = pemBody(text, "PRIVATE KEY");
  if (pem) return fromDer(pem);
  const ssh = pemBody(text, "OPENSSH PRIVATE KEY");
  return ssh && fromSsh(ssh);
};

const fromDer = (bytes: Uint8Array): Pair | undefined =>
  bytes.length === derHead.length + seedBytes &&
  Buffer.compare(bytes.subarray(0, derHead.length), derHead) === 0
    ? { seed: bytes.slice(derHead.length) }
    : undefined;

/** One key without a passphrase, as OpenSSH's PROTOCOL.key has it. */
const fromSsh = (bytes: Uint8Array): Pair | undefined => {
  const magic = "openssh-key-v1\0";
  if (Buffer.from(bytes.subarray(0, magic.length)).toString("latin1") !== magic) return undefined;
  const outer = new SshBlob(bytes.subarray(magic.length));
  const [cipher, kdf, options, count] = [outer.string(), outer.string(), outer.string(), outer.u32()];
  const [, inside] = [outer.string(), outer.string()];
  if (cipher?.toString() !== "none" || kdf?.toString() !== "none" || options?.length !== 0) return undefined;
  if (count !== 1 || !inside || !outer.done) return undefined;
  const inner = new SshBlob(inside);
  // The same number twice shows that it was decrypted rightly.
  const [one, other] = [inner.u32(), inner.u32()];
  if (one === undefined || one !== other || inner.string()?.toString() !== "ssh-ed25519") return undefined;
  const [publicBytes, pair] = [inner.string(), inner.string()];
  if (publicBytes?.length !== seedBytes || pair?.length !== 2 * seedBytes) return undefined;
  return { seed: new Uint8Array(pair.subarray(0, seedBytes)), publicBytes };
};

/** A private key in one of its forms, in the clear; undefined where loop does not write it so. */
export const writePrivateKey = ({ key, seed }: SigningKey, form: KeyForm): Uint8Array | undefined => {
  const der = Buffer.concat([derHead, seed]);
  if (form === "wasmsign2") return Buffer.concat([Uint8Array.of(pairMark), seed, publicKeyBytes(key)]);
  if (form === "der") return der;
  return form === "pem" ? Buffer.from(pemText(der, "PRIVATE KEY")) : undefined;
};
