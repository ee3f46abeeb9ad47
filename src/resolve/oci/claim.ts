import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { structureOf } from "../../contract/binary/decode.ts";
import { readWishes } from "../../contract/capability.ts";
import { unversioned } from "../../contract/model.ts";
import { printWorld } from "../../contract/wit.ts";
import { isWitPackage, worldOf } from "../../contract/world.ts";
import type { Asserted } from "./artifact.ts";

// What a publisher says of a component, in the artifact's configuration and in annotations, and what its bytes say.
// The bytes are right: what they say is computed anew on arrival, and a difference is refused.

/** Keys of the annotations that loop writes. */
export const annotationKeys = {
  /** Of what follows: another number is another loop's, and says nothing to this one. */
  format: "io.loop-kit.format",
  wit: "io.loop-kit.wit",
  capabilities: "io.loop-kit.capabilities",
  trust: "io.loop-kit.trust",
  docs: "io.loop-kit.docs",
} as const;
export const annotationFormat = "1";

/** What is computed from a component's bytes, and asserted in its artifact. */
export interface Claim extends Asserted {
  /** Its world as WIT; absent where it would be too long. */
  readonly wit: string | undefined;
  /** What it says that it wants, as JSON. */
  readonly capabilities: string;
  /** "trusted" where it imports what only trusted components may use. */
  readonly trust: "trusted" | "untrusted";
}

const needTrust: ReadonlySet<string> = new Set(["loop:process", "loop:dom"]);

/** Faults: LK02 where the bytes are no component. */
export const claimOf = (identifier: string, bytes: Uint8Array): Claim => {
  const world = worldOf(structureOf(bytes));
  const imports = [...world.imports.keys()];
  const wit = printWorld(world);
  return {
    imports,
    exports: [...world.exports.keys()],
    wit: wit.length <= limits.annotationBytesMax ? wit : undefined,
    capabilities: JSON.stringify(readWishes(identifier, bytes)),
    trust: imports.some((name) => needTrust.has(unversioned(name).replace(/\/.*$/, "")))
      ? "trusted"
      : "untrusted",
  };
};

/** The annotations that assert a claim. */
export const claimAnnotations = ({ wit, capabilities, trust }: Claim): Readonly<Record<string, string>> => ({
  [annotationKeys.format]: annotationFormat,
  [annotationKeys.capabilities]: capabilities,
  [annotationKeys.trust]: trust,
  ...(wit !== undefined && { [annotationKeys.wit]: wit }),
});

/** Holds what an artifact asserts against its bytes. Faults: LK0120, and LK02 where they are no component. */
export const requireTruth = (
  identifier: string,
  bytes: Uint8Array,
  asserted: Asserted | undefined,
  annotations: Readonly<Record<string, string>>,
): void => {
  const ours = annotations[annotationKeys.format] === annotationFormat;
  if (!asserted && !ours) return;
  // A WIT package runs nothing, and what is listed of it are its parts.
  if (isWitPackage(structureOf(bytes))) return;
  const claim = claimOf(identifier, bytes);
  if (asserted)
    for (const side of ["imports", "exports"] as const) {
      const differing = firstDifference(asserted[side], claim[side]);
      if (differing !== undefined) throw untrue(identifier, `${side} ${differing}`);
    }
  if (!ours) return;
  for (const key of ["wit", "capabilities", "trust"] as const) {
    const said = annotations[annotationKeys[key]];
    if (said !== undefined && said !== claim[key]) throw untrue(identifier, sentences[key]);
  }
};

const sentences = {
  wit: "another world in WIT",
  capabilities: "other wanted capabilities",
  trust: "another class of trust",
} as const;

const untrue = (identifier: string, what: string) =>
  fault("LK0120", `The publisher of ${identifier} asserts ${what}, and its bytes do not say so`, {
    hint: "do not use it; tell whoever published it",
  });

/** The first name that is in one of two sets of names and not in the other. */
const firstDifference = (said: readonly string[], found: readonly string[]): string | undefined => {
  const [one, other] = [new Set(said), new Set(found)];
  return said.find((name) => !other.has(name)) ?? found.find((name) => !one.has(name));
};
