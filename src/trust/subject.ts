import type { Decisions } from "./decisions.ts";
import { countedSigners } from "./keyring.ts";
import type { VerifiedComponent } from "./verify.ts";
import type { WrittenGrant } from "./written.ts";

// What is granted is remembered of very bytes, or of what somebody signs.

/** Of a component, what it can be remembered by. */
export type Subject = Pick<VerifiedComponent, "digest"> & Partial<Pick<VerifiedComponent, "signatures">>;

/** Whom a grant can be remembered of besides a component's bytes: a key, or a key with the package that it signed. */
export interface SignerSubject {
  /** "ed25519:…", or "ed25519:… acme:tool". */
  readonly subject: string;
  readonly name: string;
  /** "acme:tool", whatever its version. */
  readonly package: string | undefined;
}

/**
 * The signers of a component whose signatures made it trusted. Where it was signed as a package, they stand for what
 * they sign as that package alone: who trusts Alice's weather service has not let her clock into the network.
 */
export const signerSubjects = ({ signatures }: Subject): readonly SignerSubject[] => {
  const name = signatures?.package?.replace(/@.*$/, "");
  return countedSigners(signatures).map((key) => ({
    subject: name === undefined ? key : `${key} ${name}`,
    name: signatures?.signers.find((one) => one.key === key)?.name || key,
    package: name,
  }));
};

/** What was granted to a component's bytes, to all that its signers sign, or to what they sign as this package. */
export const rememberedGrants = (component: Subject, decisions: Decisions): readonly WrittenGrant[] => {
  const { digest, signatures } = component;
  const ofSigners = signerSubjects(component).map(({ subject }) => subject);
  const subjects = new Set([digest, ...countedSigners(signatures), ...ofSigners]);
  return [...subjects].flatMap((subject) => decisions.of(subject));
};

/** Who signed a component and what that is worth, in a few words for a question: "signed by alice, trusted". */
export const signatureWords = ({ signatures, trust }: VerifiedComponent): string => {
  if (!signatures) return trust === "trusted" ? "unsigned, trusted" : "unsigned";
  const { signers, unknown } = signatures;
  const known = signers.map(({ key, name, standing }) => `${name || key} (${standing})`);
  const others = unknown.length > 0 ? ["a key that you do not know"] : [];
  const class_ = trust === "trusted" ? "trusted" : "not trusted";
  return `signed by ${[...known, ...others].join(" and ")}, ${class_}`;
};
