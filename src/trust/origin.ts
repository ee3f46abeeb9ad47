import { fault } from "../base/fault.ts";
import { parseIdentifier } from "../resolve/identifier.ts";
import type { PublicKey } from "./key/public.ts";
import { countedSigners, type Keyring } from "./keyring.ts";
import type { VerifiedComponent } from "./verify.ts";

// A signature can be taken away, and what is left is a component that nobody signed. Who signed what came from a place
// is therefore remembered of the place, and whatever comes from there later has to be signed again.

/** What an identifier from elsewhere names, whatever its version: a package, a repository, an address. */
export const originOf = (identifier: string): string => {
  const { scheme, text } = parseIdentifier(identifier);
  if (scheme === "package") return text.replace(/@.*$/s, "");
  if (scheme === "oci") return text.replace(/@.*$/s, "").replace(/:[^:/]*$/, "");
  return text.replace(/#.*$/s, "");
};

/** Who signed what came from an origin so far; `Signers` keeps it. */
export interface OriginMemory {
  signersOf(origin: string): readonly PublicKey[];
  note(origin: string, keys: readonly PublicKey[]): void;
}

/**
 * Requires that what comes from an origin is trusted by signature where it was before, and remembers who signed it. Keys
 * that do not count any more ask for nothing, nor does anything of bytes that the person trusts themselves. Fault: LK0804.
 */
export const requireContinuity = (
  component: Pick<VerifiedComponent, "identifier" | "signatures" | "trust">,
  keyring: () => Keyring,
  memory: OriginMemory,
): void => {
  const origin = originOf(component.identifier);
  const known = memory.signersOf(origin);
  const counted = countedSigners(component.signatures);
  const added = counted.filter((key) => !known.includes(key));
  if (added.length > 0) memory.note(origin, added);
  if (known.length === 0 || component.trust !== "untrusted") return;
  const ring = keyring();
  const missing = known.map((key) => ring.standing(key)).filter(({ standing }) => standing === "trusted");
  if (missing.length === 0) return;
  const names = missing.map(({ name, key }) => name || key).join(" and ");
  throw fault(
    "LK0804",
    `${component.identifier} came signed by ${names} before, and what comes now has no signature that counts`,
    {
      hint: `somebody may have taken it away. Where it is meant to come without one: loop trust remove ${origin}`,
    },
  );
};
