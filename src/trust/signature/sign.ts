import { fault } from "../../base/fault.ts";
import type { SigningKey } from "../key/private.ts";
import { keyIdOf } from "../key/public.ts";
import { changed, sameHashes } from "./check.ts";
import {
  contentHashes,
  decodeSignatures,
  ed25519Algorithm,
  embeddedSignature,
  encodeSignatures,
  type SignatureRecord,
  type SignedHashes,
  signedMessage,
  withoutSignature,
  withSignature,
} from "./section.ts";
import { readStatement, requirePackage, withoutStatement, withStatement } from "./statement.ts";

export interface SigningOptions {
  /** `ns:name@version` as which it is published; it is signed with the bytes. */
  readonly package?: string | undefined;
  /** Drops the signatures and the statement that are there, in place of adding to them. */
  readonly replace?: boolean;
}

/**
 * A component with one more signature inside it, and, where nobody has signed it yet, with a statement of what is
 * signed. A component that this key has signed already comes back as it is. Faults: LK0801 the signatures that are
 * there are of other bytes, LK0802, LK0803 it was signed as something else, LK0203.
 */
export const signBytes = async (
  bytes: Uint8Array,
  key: SigningKey,
  { package: name, replace = false }: SigningOptions = {},
): Promise<Uint8Array> => {
  if (name !== undefined) requirePackage(name);
  const signed = replace ? undefined : embeddedSignature(bytes);
  if (signed) requireStated(bytes, name, "--replace signs it anew, and drops the signatures that are there");
  const stated = signed ? bytes : withStatement(withoutStatement(withoutSignature(bytes)), name);
  return withSignature(stated, await oneMore(stated, signed?.payload, key));
};

/**
 * A signature that lies beside the component, which stays as it is; those that it carries are taken along. A package's
 * name has to be stated in the bytes already. Faults: as `signBytes`.
 */
export const signDetached = async (
  bytes: Uint8Array,
  key: SigningKey,
  { package: name, replace = false }: SigningOptions = {},
): Promise<Uint8Array> => {
  if (name !== undefined)
    requireStated(
      bytes,
      requirePackage(name),
      "sign it without --detached, so that its name can be put into it",
    );
  return oneMore(bytes, replace ? undefined : embeddedSignature(bytes)?.payload, key);
};

/** What is signed cannot be given another name, since that would be other bytes. */
const requireStated = (bytes: Uint8Array, name: string | undefined, hint: string): void => {
  const stated = readStatement(bytes)?.package;
  if (name === undefined || stated === name) return;
  throw fault(
    "LK0803",
    `The component was to be signed as ${name}, and ${stated === undefined ? "what is signed names no package" : `it says that it is ${stated}`}`,
    { hint },
  );
};

const oneMore = async (
  bytes: Uint8Array,
  payload: Uint8Array | undefined,
  { key, seed }: SigningKey,
): Promise<Uint8Array> => {
  const hashes = contentHashes(bytes);
  const sets = payload ? decodeSignatures(payload) : [];
  if (payload && !sets.some((set) => sameHashes(set.hashes, hashes))) throw changed("The component");
  const { signWith } = await import("./curve.ts");
  const made: SignatureRecord = {
    keyId: keyIdOf(key),
    algorithm: ed25519Algorithm,
    signature: signWith(seed, signedMessage(hashes)),
  };
  return encodeSignatures(added(sets, hashes, made));
};

const added = (
  sets: readonly SignedHashes[],
  hashes: readonly Uint8Array[],
  made: SignatureRecord,
): readonly SignedHashes[] => {
  const at = sets.findIndex((set) => sameHashes(set.hashes, hashes));
  const set = sets[at];
  if (!set) return [...sets, { hashes, signatures: [made] }];
  // Ed25519 is deterministic: the same key over the same bytes makes the same signature.
  if (set.signatures.some(({ signature }) => Buffer.compare(signature, made.signature) === 0)) return sets;
  return sets.with(at, { hashes, signatures: [...set.signatures, made] });
};
