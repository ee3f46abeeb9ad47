import { sha256 } from "../../base/digest.ts";
import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { shellWord } from "../../base/word.ts";
import { keyIdOf, type PublicKey, publicKeyBytes } from "../key/public.ts";
import {
  contentHashes,
  decodeSignatures,
  ed25519Algorithm,
  embeddedSignature,
  type SignatureRecord,
  type SignedHashes,
  signedMessage,
} from "./section.ts";
import { readStatement, requireStatement, type Statement } from "./statement.ts";

/** What is remembered of signatures that were found to hold, so that the curve is not loaded for each start. */
export interface CheckMemory {
  has(id: string): boolean;
  add(ids: readonly string[]): void;
}

export const noMemory: CheckMemory = { has: () => false, add: () => {} };

/** Who has signed a component, with all of its bytes as they are now. */
export interface Signed {
  /** Keys of those that were looked for that have signed it, each once. */
  readonly signers: readonly PublicKey[];
  /** Signatures of keys that nobody here knows, by what they say of their key; "" where they say nothing. */
  readonly unknown: readonly string[];
  /** What the signers say that it is; undefined where it was signed with another tool. */
  readonly statement: Statement | undefined;
}

export interface Checking {
  /** All keys that are known here, whatever is thought of them. */
  readonly keys: readonly PublicKey[];
  /** A signature that lies beside the component. */
  readonly detached?: Uint8Array | undefined;
  /** The package as which it was resolved: "acme:tool@1.2.0". */
  readonly package?: string | undefined;
  readonly memory?: CheckMemory;
}

/**
 * Checks a component's signatures; undefined where it has none. What holds is the whole: each byte behind the
 * signature, in order. Signatures of a part (wasmsign2's partial signatures) count for nothing. A signature of a key
 * that is known and that does not hold is a fault, as is one of other bytes: somebody changed something.
 * Faults: LK0801, LK0802, LK0803, LK0203, LK0204.
 */
export const checkSignatures = async (
  identifier: string,
  bytes: Uint8Array,
  { keys, detached, package: resolved, memory = noMemory }: Checking,
): Promise<Signed | undefined> => {
  const payload = detached ?? embeddedSignature(bytes)?.payload;
  if (!payload) return undefined;
  const statement = readStatement(bytes);
  requireStatement(identifier, bytes, statement, resolved);
  const hashes = contentHashes(bytes);
  const whole = decodeSignatures(payload).filter((set) => sameHashes(set.hashes, hashes));
  if (whole.length === 0) throw detached ? ofOthers(identifier) : changed(identifier);
  return { ...(await whoSigned(identifier, whole, keys, memory)), statement };
};

export const changed = (identifier: string) =>
  fault("LK0801", `${identifier} was changed after it was signed`, {
    hint: "get it anew from where it came from; if you changed it yourself: loop sign FILE --key NAME --replace",
  });

const ofOthers = (identifier: string) =>
  fault("LK0801", `The signature that lies beside it is of other bytes than ${identifier}`, {
    hint: `get both anew from where they came from; if you changed it yourself: loop sign ${shellWord(identifier)} --key NAME --detached`,
  });

export const sameHashes = (one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean =>
  one.length === other.length && one.every((hash, at) => Buffer.compare(hash, other[at]!) === 0);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const whoSigned = async (
  identifier: string,
  sets: readonly SignedHashes[],
  keys: readonly PublicKey[],
  memory: CheckMemory,
): Promise<Pick<Signed, "signers" | "unknown">> => {
  const byId = new Map(keys.map((key) => [hex(keyIdOf(key)), key]));
  const signers = new Set<PublicKey>();
  const unknown: string[] = [];
  const holds = checker(memory);
  for (const { hashes, signatures } of sets) {
    const message = signedMessage(hashes);
    for (const record of signatures) {
      const id = hex(record.keyId);
      const named = byId.get(id);
      // A signature that names no key is tried with all of them.
      const candidates = record.algorithm !== ed25519Algorithm ? [] : id === "" ? keys : named ? [named] : [];
      const signer = await holds.first(candidates, message, record);
      if (signer) signers.add(signer);
      else if (named && candidates.length > 0)
        throw fault("LK0801", `${identifier} has a signature of ${named} that does not hold`, {
          hint: "get it anew from where it came from",
        });
      else unknown.push(id);
    }
  }
  holds.remember();
  return { signers: [...signers], unknown };
};

/** Tries keys within a bound, and remembers what held. */
const checker = (memory: CheckMemory) => {
  let tried = 0;
  const fresh: string[] = [];
  const holds = async (key: PublicKey, message: Uint8Array, { signature }: SignatureRecord) => {
    const id = sha256(Buffer.concat([publicKeyBytes(key), signature, message]));
    if (memory.has(id)) return true;
    if (++tried > limits.signatureChecksMax)
      throw fault(
        "LK0204",
        `More than ${limits.signatureChecksMax} signatures would have to be tried for one component`,
      );
    const { isSignedBy } = await import("./curve.ts");
    if (!isSignedBy(publicKeyBytes(key), message, signature)) return false;
    fresh.push(id);
    return true;
  };
  return {
    first: async (keys: readonly PublicKey[], message: Uint8Array, record: SignatureRecord) => {
      for (const key of keys) if (await holds(key, message, record)) return key;
      return undefined;
    },
    remember: () => {
      if (fresh.length > 0) memory.add(fresh);
    },
  };
};
