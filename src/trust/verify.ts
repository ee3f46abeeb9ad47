// What may run, and what it may do. Owns verification, the only way to a component that the host accepts, and the
// grants of one instance; refuses to fetch bytes and to know what serves a capability; called by the host when it
// loads a component, and by whoever gives grants.
import { type Digest, digestOf } from "../base/digest.ts";
import { Fault, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { isPublicKey, type PublicKey } from "./key/public.ts";
import { countedSigners, type Judgement, type Keyring } from "./keyring.ts";
import type { CheckMemory } from "./signature/check.ts";
import { embeddedSignature } from "./signature/section.ts";

/** How far a component is trusted; `builtin` is what the executable itself carries. */
export type TrustClass = "untrusted" | "trusted" | "builtin";

const seal: unique symbol = Symbol("verified");

/**
 * Component bytes that passed verification. Only `verify` below makes one, and the host accepts nothing else,
 * so an unverified load does not compile.
 */
export class VerifiedComponent {
  readonly #bytes: Uint8Array;
  readonly #trustOf: (digest: Digest) => TrustClass;
  #trust: TrustClass | undefined;
  private constructor(
    /** What the user wrote, for reports. */
    readonly identifier: string,
    bytes: Uint8Array,
    readonly digest: Digest,
    trustOf: (digest: Digest) => TrustClass,
    /** What its signatures come to; undefined where it has none. */
    readonly signatures: Judgement | undefined,
    /** Whether a core module arrived and was wrapped: the digest, and so all trust, is that of the module. */
    readonly adapted: boolean,
  ) {
    this.#bytes = bytes;
    this.#trustOf = trustOf;
  }

  /** Found out when it is first asked for: what nobody asks costs no look into memory. */
  get trust(): TrustClass {
    this.#trust ??= this.#trustOf(this.digest);
    return this.#trust;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  static [seal](
    identifier: string,
    bytes: Uint8Array,
    digest: Digest,
    trustOf: (digest: Digest) => TrustClass,
    signatures?: Judgement,
    adapted = false,
  ): VerifiedComponent {
    return new VerifiedComponent(identifier, bytes, digest, trustOf, signatures, adapted);
  }
}

/** Layer 1 of the preamble marks a component, layer 0 a core module (component-model, Binary.md). */
const componentPreamble = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const coreModulePreamble = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
export const isModule = (bytes: Uint8Array): boolean => startsWith(bytes, coreModulePreamble);
const startsWith = (bytes: Uint8Array, head: readonly number[]) =>
  head.every((byte, at) => bytes[at] === byte);

/**
 * Checks that bytes are a component within bounds and, where a digest is pinned, that they are those bytes. It looks
 * at no signature: that is for bytes whose trust the caller knows. Faults: LK0105, LK0201, LK0202, LK0204.
 */
export const verify = (
  identifier: string,
  bytes: Uint8Array,
  expected: { digest?: Digest | undefined; trust?: TrustClass | ((digest: Digest) => TrustClass) } = {},
): VerifiedComponent => {
  if (isModule(bytes)) throw bareModule(identifier);
  const digest = requireBytes(identifier, bytes, expected.digest);
  const { trust = "untrusted" } = expected;
  return VerifiedComponent[seal](identifier, bytes, digest, typeof trust === "string" ? () => trust : trust);
};

/**
 * A program that is to serve as a component does. Nothing can link it, for it carries no bytes of a component; its trust
 * is that of its digest alone, since a program has no signatures. Faults: LK0204, LK0804 a policy asks for a signature.
 */
export const verifyProgram = (identifier: string, bytes: Uint8Array, judge: Judge): VerifiedComponent => {
  if (bytes.length > limits.componentBytesMax)
    throw fault("LK0204", `${identifier} is ${bytes.length} bytes; the limit is ${limits.componentBytesMax}`);
  const required = judge.requires(identifier);
  if (required !== undefined) throw unsigned(identifier, required, undefined);
  const trustOf = (digest: Digest) => (judge.trusts(digest) ? "trusted" : "untrusted");
  return VerifiedComponent[seal](identifier, new Uint8Array(0), digestOf(bytes), trustOf);
};

/** Who knows what a person decided; each is asked only where it matters to the component at hand. */
export interface Judge {
  /** Whether the person trusts these very bytes. */
  trusts(digest: Digest): boolean;
  /** The policy that asks for a signature of whatever has this identifier, for people; undefined where none does. */
  requires(identifier: string): string | undefined;
  /** Whose signatures count here. */
  keyring(): Keyring;
  /** Signatures that were found to hold. */
  readonly memory: CheckMemory;
}

/**
 * The way of everything that is fetched: `verify`, and its signatures. A component is trusted where as many trusted
 * keys as are needed have signed all of it, or the person trusts its very bytes. `package` is what it was resolved as
 * ("acme:tool@1.2.0"). With `adapt` a core module is taken as well: what is checked, pinned and trusted are the bytes
 * that arrived, what runs is what it made of them. Faults: those of `verify` and of `adapt`, LK0801, LK0802, LK0803,
 * LK0804 a policy asks for a signature.
 */
export const verifyFetched = async (
  identifier: string,
  bytes: Uint8Array,
  judge: Judge,
  expected: {
    readonly digest?: Digest;
    readonly package?: string | undefined;
    /** A signature that lies beside it; what is inside goes before it. */
    readonly detached?: Uint8Array | undefined;
    /** Further keys whose signatures are told apart; they are not trusted by it. */
    readonly known?: readonly string[] | undefined;
    readonly adapt?: (module: Uint8Array, digest: Digest) => Promise<Uint8Array>;
  } = {},
): Promise<VerifiedComponent> => {
  const { adapt } = expected;
  const adapting = isModule(bytes);
  if (adapting && !adapt) throw bareModule(identifier);
  const digest = requireBytes(identifier, bytes, expected.digest);
  const embedded = embeddedSignature(bytes);
  const detached = embedded ? undefined : expected.detached;
  const signatures =
    embedded || detached ? await judged(identifier, bytes, judge, { ...expected, detached }) : undefined;
  // A dependency may be called something else than the package that it stands for.
  const names = [identifier, ...(expected.package === undefined ? [] : [expected.package])];
  const required = names.map((name) => judge.requires(name)).find((policy) => policy !== undefined);
  if (required !== undefined && !signatures?.trusted) throw unsigned(identifier, required, signatures);
  const trustOf = () => (signatures?.trusted || judge.trusts(digest) ? "trusted" : "untrusted");
  const component = adapting && adapt ? await adapt(bytes, digest) : bytes;
  if (component !== bytes) requireBytes(identifier, component, undefined);
  return VerifiedComponent[seal](identifier, component, digest, trustOf, signatures, adapting);
};

const judged = async (
  identifier: string,
  bytes: Uint8Array,
  { keyring, memory }: Judge,
  {
    package: resolved,
    detached,
    known = [],
  }: {
    readonly package?: string | undefined;
    readonly detached?: Uint8Array | undefined;
    readonly known?: readonly string[] | undefined;
  },
): Promise<Judgement | undefined> => {
  // Few components are signed, and what checks them is not loaded for the others.
  const { checkSignatures } = await import("./signature/check.ts");
  const ring = keyring();
  const keys = [...new Set([...ring.list().map(({ key }) => key), ...known.filter(isPublicKey)])];
  try {
    const signed = await checkSignatures(identifier, bytes, { keys, detached, package: resolved, memory });
    return signed && ring.judge(signed, resolved);
  } catch (error) {
    throw error instanceof Fault
      ? error.within({ component: identifier, phase: "verify", message: "Checking its signatures" })
      : error;
  }
};

const unsigned = (identifier: string, required: string, signatures: Judgement | undefined) =>
  fault(
    "LK0804",
    signatures
      ? `${required} asks for the signature of someone you trust on ${identifier}, and its signatures are not enough`
      : `${required} asks for the signature of someone you trust on ${identifier}, and it is not signed`,
    { hint: signatures ? `loop verify ${identifier}` : "get it from where it is signed" },
  );

/**
 * The keys for a lock to note: those whose signatures made a component trusted, and of those that the lock noted before
 * whichever signed it again. So a lock stays the same whoever of a team renews it.
 */
export const signersOf = (
  { signatures }: VerifiedComponent,
  locked: readonly string[] = [],
): readonly PublicKey[] => {
  const counted = countedSigners(signatures);
  return (signatures?.signers ?? [])
    .map(({ key }) => key)
    .filter((key) => counted.includes(key) || locked.includes(key));
};

/**
 * Requires that a component is signed by those who had signed what a lock noted before, whom `known` of `verifyFetched`
 * has to name. Without that a signature that was stripped would only make the component untrusted. Faults: LK0804.
 */
export const requireSigners = (
  { identifier, signatures }: VerifiedComponent,
  locked: readonly string[],
  place: string,
): void => {
  const missing = locked.filter((key) => !signatures?.signers.some((signer) => signer.key === key));
  if (missing.length > 0)
    throw fault(
      "LK0804",
      `${place} says that ${identifier} is signed by ${missing.join(", ")}, and it is not`,
      {
        hint: "where its signer is meant to change: take its entry out of loop.lock, and loop fetch",
      },
    );
};

/** The digest of bytes that are a component, or a core module, within bounds. Faults: LK0105, LK0201, LK0204. */
export const requireBytes = (identifier: string, bytes: Uint8Array, expected: Digest | undefined): Digest => {
  if (bytes.length > limits.componentBytesMax)
    throw fault("LK0204", `${identifier} is ${bytes.length} bytes; the limit is ${limits.componentBytesMax}`);
  if (!startsWith(bytes, componentPreamble) && !isModule(bytes))
    throw fault("LK0201", `${identifier} is no WebAssembly component: ${describeHead(bytes)}`);
  const digest = digestOf(bytes);
  if (expected && expected !== digest)
    throw fault("LK0105", `${identifier} has digest ${digest}, and ${expected} was looked for`);
  return digest;
};

const bareModule = (identifier: string) =>
  fault("LK0202", `${identifier} is a core WebAssembly module, and a component was looked for`, {
    hint: "build it as a component: loop new component NAME --lang c",
  });

const describeHead = (bytes: Uint8Array): string => {
  if (bytes.length === 0) return "the file is empty";
  if (bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d)
    return `its version is ${[...bytes.slice(4, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
  const text = String.fromCharCode(...bytes.slice(0, 16)).replace(/[^\x20-\x7e]/g, "·");
  return `it begins with "${text}"`;
};
