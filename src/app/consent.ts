import { fault } from "../base/fault.ts";
import { shellWord } from "../base/word.ts";
import type { Filling, SlotDeclaration } from "../slots/declaration.ts";
import type { Decision } from "../slots/precedence.ts";
import { Decisions } from "../trust/decisions.ts";
import { mayUse, noGrants } from "../trust/grants.ts";
import { rememberedGrants } from "../trust/subject.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { flagText, grantsOfText, grantText, type WrittenGrant } from "../trust/written.ts";
import type { Ask } from "./ask.ts";

// Grants that come with a filling are a file's word or were given to other bytes, until this person agrees. What
// the executable carries, what loop built here and whom the person trusts is believed; everyone else is asked for.

/** Of a decision, what says whose word the grants are. */
export interface Chosen {
  readonly slot: Pick<SlotDeclaration, "name"> & Partial<Pick<SlotDeclaration, "scope" | "trust" | "place">>;
  readonly source: Decision["source"];
}

/**
 * Requires that a filling is trusted where its slot asks for that, and that the person agreed to what it is granted:
 * - in loop.toml: that the bytes are trusted, or were granted the same by digest;
 * - with `loop slot set`: that the bytes are those that it was granted to, or were granted the same by digest.
 * On a terminal `ask` is asked. Faults: LK0408, LK0701 with the command that agrees.
 */
export const requireConsent = async (
  component: VerifiedComponent,
  chosen: Chosen,
  filling: Filling,
  ask: Ask | undefined,
  /** Whether what the loop.toml at a path grants counts. */
  agrees: (path: string) => Promise<boolean>,
  decisions = new Decisions(),
): Promise<void> => {
  const { identifier, digest } = component;
  const { slot } = chosen;
  if (slot.trust === "trusted" && component.trust === "untrusted")
    throw fault("LK0408", `The slot ${slot.name} needs a trusted filling, and ${identifier} is not trusted`, {
      hint: `loop trust add ${shellWord(identifier)}`,
    });
  if (filling.grants.length === 0 || filling.agreed || filling.digest === digest) return;
  const changed = filling.digest !== undefined;
  if (changed ? component.trust === "builtin" : component.trust !== "untrusted") {
    if (filling.file === undefined || (await agrees(filling.file))) return;
    throw fault(
      "LK0701",
      `${filling.file} grants ${filling.grants.join(", ")} to ${identifier}, which fills ${slot.name}, and you have not agreed`,
      { hint: `loop trust add ${filling.file}` },
    );
  }
  const decided = rememberedGrants(component, decisions);
  const missing = filling.grants.flatMap(grantsOfText).filter((grant) => !isDecided(grant, decided));
  if (missing.length === 0) return;
  const place = chosen.source === "workspace" ? "loop.toml" : (slot.place ?? "loop.toml");
  const why = changed
    ? `The slot ${slot.name} was filled with other bytes, which were granted this`
    : `${place} grants it this in the slot ${slot.name}`;
  if (await ask?.(component, missing, why)) return;
  const names = missing.map(grantText).join(", ");
  throw fault(
    "LK0701",
    changed
      ? `${identifier} fills ${slot.name} and has changed since it was granted ${names}`
      : `${place} grants ${names} to ${identifier}, which fills ${slot.name}, and you have not agreed`,
    {
      hint: changed
        ? `loop slot set ${slot.name} ${identifier} ${grantFlags(filling.grants)}`
        : `loop trust add ${identifier} ${missing.map(flagText).join(" ")}`,
    },
  );
};

/** Whether a person granted this to these bytes: an interface also by its package, anything else in the same words. */
const isDecided = ({ kind, value }: WrittenGrant, decided: readonly WrittenGrant[]): boolean => {
  const own = decided.filter((one) => one.kind === kind).map((one) => one.value);
  return kind === "capability"
    ? mayUse({ ...noGrants, capabilities: new Set(own) }, value)
    : own.includes(value);
};

/** Grants as the flags of `loop slot set`. */
export const grantFlags = (texts: readonly string[]): string =>
  texts
    .flatMap(grantsOfText)
    .map((grant) => (grant.kind === "capability" ? `--grant ${grant.value}` : flagText(grant)))
    .join(" ");
