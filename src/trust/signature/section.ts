// Signatures of WebAssembly binaries. Owns the format (tool-conventions, Signatures.md, with the lengths that
// wasmsign2 writes and the page does not show), signing and checking; refuses to say who is believed, which the
// keyring does; called by `trust/verify` and by whoever signs.
import { Fault, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { componentPreamble } from "../../contract/binary/decode.ts";
import { Reader } from "../../contract/binary/reader.ts";
import { leb } from "../../contract/binary/sections.ts";

export const signatureSection = "signature";
const delimiterSection = "signature_delimiter";

/** One signature over a sequence of hashes. */
export interface SignatureRecord {
  /** Which key made it, as the signer says; empty where it says nothing. Not signed itself. */
  readonly keyId: Uint8Array;
  /** 1 is Ed25519. */
  readonly algorithm: number;
  readonly signature: Uint8Array;
}

/** Hashes that were signed together, and who signed them. */
export interface SignedHashes {
  /** SHA-256 of all sections up to the end of each part. */
  readonly hashes: readonly Uint8Array[];
  readonly signatures: readonly SignatureRecord[];
}

/** Version of the specification, content type (WebAssembly), hash function (SHA-256): the only ones there are. */
export const signatureHeader = [1, 1, 1] as const;
export const ed25519Algorithm = 1;
const hashBytes = 32;
const ed25519SignatureBytes = 64;

const malformed = (why: string) =>
  fault("LK0802", `A signature was looked for in the form that wasmsign2 writes, and ${why}`, {
    hint: "get the component anew from where it came from, or sign it anew: loop sign FILE --key NAME --replace",
  });

/** The payload of a signature section, or a detached signature. Faults: LK0802, LK0204. */
export const decodeSignatures = (payload: Uint8Array): readonly SignedHashes[] => {
  if (payload.length > limits.signatureBytesMax)
    throw fault(
      "LK0204",
      `A signature of ${payload.length} bytes was given; the limit is ${limits.signatureBytesMax}`,
    );
  const input = new Input(payload);
  for (const [at, name] of ["version", "content type", "hash function"].entries()) {
    const found = input.byte();
    if (found !== signatureHeader[at]) throw malformed(`its ${name} is ${found}, not ${signatureHeader[at]}`);
  }
  const sets = input.vector("sets of hashes", limits.signatureHashesMax, (each) => {
    const hashes = each.vector("hashes", limits.signatureHashesMax, (inner) => inner.take(hashBytes), false);
    if (hashes.length === 0) throw malformed("it signs no hash");
    const signatures = each.vector("signatures", limits.signaturesMax, readRecord);
    return { hashes, signatures };
  });
  input.finish();
  // One content has one form: a length that is written longer than need be is a change that nobody signed.
  if (Buffer.compare(encodeSignatures(sets), payload) !== 0) throw malformed("it is written in another way");
  return sets;
};

/**
 * What was found beside a component, where it has the form of a signature: a server may answer anything, and a page that
 * says that there is nothing is none.
 */
export const asSignature = (payload: Uint8Array): Uint8Array | undefined => {
  try {
    decodeSignatures(payload);
    return payload;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
};

const readRecord = (input: Input): SignatureRecord => {
  const keyId = input.take(input.u32());
  const algorithm = input.byte();
  const signature = input.take(input.u32());
  if (algorithm === ed25519Algorithm && signature.length !== ed25519SignatureBytes)
    throw malformed(`an Ed25519 signature has ${signature.length} bytes, not ${ed25519SignatureBytes}`);
  return { keyId, algorithm, signature };
};

/** Reads a signature's pieces; every failure is LK0802. */
class Input {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    if (this.#at >= this.#bytes.length) throw malformed("it ends in the middle");
    return this.#bytes[this.#at++]!;
  }

  u32(): number {
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) break;
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
    throw malformed("a number exceeds 32 bits");
  }

  take(size: number): Uint8Array {
    if (size > this.#bytes.length - this.#at)
      throw malformed(`${size} bytes were announced where ${this.#bytes.length - this.#at} are left`);
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  /** Counted items; each in a length of its own, which the written specification does not show, or bare. */
  vector<T>(what: string, max: number, item: (input: Input) => T, framed = true): T[] {
    const count = this.u32();
    if (count > max) throw malformed(`it has ${count} ${what}; the limit is ${max}`);
    return Array.from({ length: count }, () => {
      if (!framed) return item(this);
      const inner = new Input(this.take(this.u32()));
      const read = item(inner);
      inner.finish();
      return read;
    });
  }

  finish(): void {
    if (this.#at < this.#bytes.length)
      throw malformed(`${this.#bytes.length - this.#at} bytes are left over`);
  }
}

const framed = (bytes: Uint8Array): Uint8Array => Buffer.concat([leb(bytes.length), bytes]);

/** As wasmsign2 writes it: each set and each signature behind its length. */
export const encodeSignatures = (sets: readonly SignedHashes[]): Uint8Array =>
  Buffer.concat([
    Uint8Array.from(signatureHeader),
    leb(sets.length),
    ...sets.map(({ hashes, signatures }) =>
      framed(
        Buffer.concat([
          leb(hashes.length),
          ...hashes,
          leb(signatures.length),
          ...signatures.map(({ keyId, algorithm, signature }) =>
            framed(Buffer.concat([framed(keyId), Uint8Array.of(algorithm), framed(signature)])),
          ),
        ]),
      ),
    ),
  ]);

/** Where a component's own signature lies. */
export interface EmbeddedSignature {
  readonly payload: Uint8Array;
  /** Where the section that holds it begins and ends; what is signed follows it. */
  readonly start: number;
  readonly end: number;
}

/**
 * The signature inside a component, found by walking the heads of its sections; undefined where there is none. Bytes
 * that do not read end the walk without a word: decoding reports them. Faults: LK0802 where it is not the first
 * section, or not the only one.
 */
export const embeddedSignature = (bytes: Uint8Array): EmbeddedSignature | undefined => {
  let found: EmbeddedSignature | undefined;
  for (let at = componentPreamble.length; at < bytes.length; ) {
    const start = at;
    const id = bytes[at++]!;
    const size = sizeAt(bytes, at);
    if (size === undefined) return found;
    const end = size.next + size.value;
    if (end > bytes.length) return found;
    const name = id === 0 ? sizeAt(bytes, size.next) : undefined;
    if (name?.value === signatureSection.length && isNamed(bytes, name.next, end)) {
      if (found) throw malformed("there are two");
      if (start !== componentPreamble.length) throw malformed("another section stands before it");
      const head = name.next + signatureSection.length;
      found = { payload: bytes.subarray(head, end), start, end };
    }
    at = end;
  }
  return found;
};

/** No reader and no text is made: this is asked of every component that is loaded. */
const isNamed = (bytes: Uint8Array, from: number, end: number): boolean => {
  if (from + signatureSection.length > end) return false;
  for (let at = 0; at < signatureSection.length; at++)
    if (bytes[from + at] !== signatureSection.charCodeAt(at)) return false;
  return true;
};

const sizeAt = (bytes: Uint8Array, from: number): { value: number; next: number } | undefined => {
  let value = 0;
  for (let at = from, shift = 0; at < bytes.length && shift < 35; at++, shift += 7) {
    const byte = bytes[at]!;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next: at + 1 };
  }
  return undefined;
};

/** A component without its signature: what is signed, with the preamble in front. */
export const withoutSignature = (bytes: Uint8Array): Uint8Array => {
  const found = embeddedSignature(bytes);
  return found ? Buffer.concat([bytes.subarray(0, found.start), bytes.subarray(found.end)]) : bytes;
};

/** The same component with this signature as its first section, in place of one that it has. */
export const withSignature = (bytes: Uint8Array, payload: Uint8Array): Uint8Array => {
  const found = embeddedSignature(bytes);
  const label = Buffer.from(signatureSection);
  const section = framed(Buffer.concat([framed(label), payload]));
  const from = found?.end ?? componentPreamble.length;
  return Buffer.concat([
    bytes.subarray(0, componentPreamble.length),
    Uint8Array.of(0),
    section,
    bytes.subarray(from),
  ]);
};

/**
 * The hashes that a signature of a whole component covers: SHA-256 of everything behind the signature up to the end
 * of each `signature_delimiter`, and up to the end where none stands there. Faults: LK0203, LK0802.
 */
export const contentHashes = (bytes: Uint8Array): readonly Uint8Array[] => {
  const from = embeddedSignature(bytes)?.end ?? componentPreamble.length;
  const hasher = new Bun.CryptoHasher("sha256");
  const hashes: Uint8Array[] = [];
  const reader = new Reader(bytes, from);
  let hashed = from;
  while (!reader.done) {
    const id = reader.byte();
    const section = reader.slice(reader.u32());
    if (id !== 0 || section.name() !== delimiterSection) continue;
    hasher.update(bytes.subarray(hashed, reader.at));
    hashed = reader.at;
    hashes.push(hasher.copy().digest());
    if (hashes.length > limits.signatureHashesMax)
      throw malformed(`the component has more than ${limits.signatureHashesMax} parts`);
  }
  if (hashed === bytes.length && hashes.length > 0) return hashes;
  return [...hashes, hasher.update(bytes.subarray(hashed)).digest()];
};

/** What is signed for these hashes. */
export const signedMessage = (hashes: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([Buffer.from("wasmsig"), Uint8Array.from(signatureHeader), ...hashes]);
