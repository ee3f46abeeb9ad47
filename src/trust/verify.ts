// What may run, and what it may do. Owns verification, the only way to a component that the host accepts, and the
// grants of one instance; refuses to fetch bytes and to know what serves a capability; called by the host when it
// loads a component, and by whoever gives grants.
import { type Digest, digestOf } from "../base/digest.ts";
import { fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";

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
  ): VerifiedComponent {
    return new VerifiedComponent(identifier, bytes, digest, trustOf);
  }
}

/** Layer 1 of the preamble marks a component, layer 0 a core module (component-model, Binary.md). */
const componentPreamble = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
const coreModulePreamble = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const startsWith = (bytes: Uint8Array, head: readonly number[]) =>
  head.every((byte, at) => bytes[at] === byte);

/**
 * The only way to a `VerifiedComponent`. Checks that the bytes are a component within bounds and, where the
 * locator pins a digest, that they are those bytes. Signatures join here. Faults: LK0105, LK0201, LK0202, LK0204.
 */
export const verify = (
  identifier: string,
  bytes: Uint8Array,
  expected: { digest?: Digest | undefined; trust?: TrustClass | ((digest: Digest) => TrustClass) } = {},
): VerifiedComponent => {
  if (bytes.length > limits.componentBytesMax)
    throw fault("LK0204", `${identifier} is ${bytes.length} bytes; the limit is ${limits.componentBytesMax}`);
  if (startsWith(bytes, coreModulePreamble))
    throw fault("LK0202", `${identifier} is a core WebAssembly module, and a component was looked for`, {
      hint: "build it as a component: loop new component NAME --lang c",
    });
  if (!startsWith(bytes, componentPreamble))
    throw fault("LK0201", `${identifier} is no WebAssembly component: ${describeHead(bytes)}`);
  const digest = digestOf(bytes);
  if (expected.digest && expected.digest !== digest)
    throw fault("LK0105", `${identifier} has digest ${digest}, and ${expected.digest} was looked for`);
  const { trust = "untrusted" } = expected;
  return VerifiedComponent[seal](identifier, bytes, digest, typeof trust === "string" ? () => trust : trust);
};

const describeHead = (bytes: Uint8Array): string => {
  if (bytes.length === 0) return "the file is empty";
  if (bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d)
    return `its version is ${[...bytes.slice(4, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
  const text = String.fromCharCode(...bytes.slice(0, 16)).replace(/[^\x20-\x7e]/g, "·");
  return `it begins with "${text}"`;
};
