// Keys. Owns how a key is written (loop's own text, and the forms of wasmsign2, PEM, DER and OpenSSH) and where a
// person's own lie; refuses to decide whose signatures count, which the keyring does; called by whoever signs,
// and by whoever reads a key that a person wrote.
import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";

/** An Ed25519 public key as a person reads it: `ed25519:` and its 32 bytes in base64url without padding. */
export type PublicKey = `ed25519:${string}`;

const prefix = "ed25519:";
const bytesOfKey = 32;

export const publicKeyText = (bytes: Uint8Array): PublicKey =>
  `${prefix}${Buffer.from(bytes).toString("base64url")}`;

/** The 32 bytes of a key's text. */
export const publicKeyBytes = (key: PublicKey): Uint8Array =>
  new Uint8Array(Buffer.from(key.slice(prefix.length), "base64url"));

/** Whether a text is a public key in loop's own form, exactly as `publicKeyText` writes it. */
export const isPublicKey = (text: string): text is PublicKey => {
  if (!text.startsWith(prefix) || text.length > 64) return false;
  const bytes = Buffer.from(text.slice(prefix.length), "base64url");
  return bytes.length === bytesOfKey && publicKeyText(bytes) === text;
};

/**
 * What wasmsign2 writes into a signature so that a verifier finds the key: the first twelve bytes of HMAC-SHA-256
 * of "key_id" under the public key.
 */
export const keyIdOf = (key: PublicKey): Uint8Array =>
  new Uint8Array(
    new Bun.CryptoHasher("sha256", Buffer.from(publicKeyBytes(key)))
      .update("key_id")
      .digest()
      .subarray(0, 12),
  );

/** Algorithm marks of wasmsign2's files: a public key, and a key pair (seed, then public key). */
export const publicMark = 0x01;
export const pairMark = 0x81;

/** SubjectPublicKeyInfo of Ed25519 (RFC 8410), up to the 32 bytes of the key. */
const derHead = Buffer.from("302a300506032b6570032100", "hex");
const sshType = "ssh-ed25519";

/**
 * A public key in any form that is known: loop's text, wasmsign2's file, DER, PEM, or a line of OpenSSH; undefined
 * where the bytes are none of them.
 */
export const readPublicKey = (bytes: Uint8Array): PublicKey | undefined => {
  if (bytes.length > limits.keyFileBytesMax) return undefined;
  if (bytes.length === 1 + bytesOfKey && bytes[0] === publicMark) return publicKeyText(bytes.subarray(1));
  const der = fromDer(bytes);
  if (der) return der;
  const text = Buffer.from(bytes).toString().trim();
  if (isPublicKey(text)) return text;
  const pem = pemBody(text, "PUBLIC KEY");
  return pem ? fromDer(pem) : fromSsh(text);
};

const fromDer = (bytes: Uint8Array): PublicKey | undefined =>
  bytes.length === derHead.length + bytesOfKey &&
  Buffer.compare(bytes.subarray(0, derHead.length), derHead) === 0
    ? publicKeyText(bytes.subarray(derHead.length))
    : undefined;

/** The content of a PEM block with this label, if the text is one. */
export const pemBody = (text: string, label: string): Uint8Array | undefined => {
  const lines = text.trim().split(/\r?\n/);
  if (lines[0] !== `-----BEGIN ${label}-----` || lines.at(-1) !== `-----END ${label}-----`) return undefined;
  const body = lines.slice(1, -1).join("");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(body) ? Buffer.from(body, "base64") : undefined;
};

/** The first Ed25519 key among lines of an OpenSSH file ("ssh-ed25519 AAAA… who"). */
const fromSsh = (text: string): PublicKey | undefined => {
  for (const line of text.split(/\r?\n/)) {
    const [type, body = ""] = line.trim().split(/\s+/);
    if (type !== sshType) continue;
    const blob = new SshBlob(Buffer.from(body, "base64"));
    const [name, key] = [blob.string(), blob.string()];
    if (name?.toString() === sshType && key?.length === bytesOfKey && blob.done) return publicKeyText(key);
  }
  return undefined;
};

/** Reads OpenSSH's counted strings (RFC 4251, 5); undefined past the end. */
export class SshBlob {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  u32(): number | undefined {
    if (this.#at + 4 > this.#bytes.length) return undefined;
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  string(): Buffer | undefined {
    const size = this.u32();
    if (size === undefined || size > this.#bytes.length - this.#at) return undefined;
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }
}

const sshString = (bytes: Uint8Array | string): Buffer => {
  const content = Buffer.from(bytes as Uint8Array);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(content.length);
  return Buffer.concat([size, content]);
};

/** The forms in which a key is given away. */
export const keyForms = ["text", "wasmsign2", "pem", "der", "openssh"] as const;
export type KeyForm = (typeof keyForms)[number];

/** A public key in one of its forms; `name` is OpenSSH's comment. */
export const writePublicKey = (key: PublicKey, form: KeyForm, name: string): Uint8Array => {
  const bytes = publicKeyBytes(key);
  const der = Buffer.concat([derHead, bytes]);
  if (form === "wasmsign2") return Buffer.concat([Uint8Array.of(publicMark), bytes]);
  if (form === "der") return der;
  if (form === "pem") return Buffer.from(pemText(der, "PUBLIC KEY"));
  if (form === "text") return Buffer.from(`${key}\n`);
  const blob = Buffer.concat([sshString(sshType), sshString(bytes)]);
  return Buffer.from(`${sshType} ${blob.toString("base64")} ${name}\n`);
};

export const pemText = (der: Uint8Array, label: string): string => {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
};

/** The fault for bytes that are no key. */
export const noKey = (what: string, wanted: "a public key" | "a private key") =>
  fault(
    "LK0806",
    `${what} was to be read as ${wanted}, and it is none: an Ed25519 key as loop, wasmsign2, PEM, DER or OpenSSH write it was looked for`,
    { hint: wanted === "a public key" ? "loop key export NAME" : "loop key new NAME" },
  );
