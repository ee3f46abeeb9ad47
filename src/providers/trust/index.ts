// loop:trust: a person's decisions about components, for a command. Owns their WIT form; refuses to decide and to
// believe a path (decisions belong to digests); listed in the app's table.
import type { Digest } from "../../base/digest.ts";
import { Fault, fault } from "../../base/fault.ts";
import { answering } from "../../host/crossing.ts";
import type { Provider } from "../../host/provider.ts";
import type { Decisions } from "../../trust/decisions.ts";
import { type GrantSource, settle } from "../../trust/settle.ts";
import type { VerifiedComponent } from "../../trust/verify.ts";
import { type FlagGrants, flagText, fromFlags, lasting, noFlags } from "../../trust/written.ts";

/** What the composition root gives. */
export interface TrustServices {
  /** Absolute; relative paths are relative to it. */
  readonly folder: string;
  readonly load: (identifier: string) => Promise<{ readonly component: VerifiedComponent }>;
  readonly decisions: () => Decisions;
  /** Who would grant a component something if it were run here without a flag. */
  readonly sources: (component: VerifiedComponent) => Promise<readonly GrantSource[]>;
}

type FlagsGiven = Pick<FlagGrants, "folders" | "network" | "variables" | "programs" | "capabilities">;

export const trustProvider = (services: TrustServices): Provider => ({
  name: "trust",
  interfaces: ["loop:trust/trust@0.1.0"],
  suspending: ["list", "add", "remove", "explain"].map((name) => `loop:trust/trust#${name}`),
  defaultGranted: [],
  instantiate: () => ({
    "loop:trust/trust@0.1.0": {
      list: answering(() => entries(services.decisions())),
      add: answering((identifier: string, flags: FlagsGiven) => add(services, identifier, flags)),
      remove: answering(async (identifier: string) =>
        services.decisions().remove(await digestFor(services, identifier)),
      ),
      explain: answering((identifier: string) => explain(services, identifier)),
    },
  }),
});

const entries = (decisions: Decisions) => {
  const { trusted, decided } = decisions.list();
  const subjects = new Set([...trusted, ...decided].map(({ subject }) => subject));
  return [...subjects].map((subject) => ({
    subject,
    identifier: [...trusted, ...decided].find((one) => one.subject === subject)!.identifier,
    reasons: trusted.filter((one) => one.subject === subject).map(({ why }) => why),
    grants: decided.filter((one) => one.subject === subject).map(({ kind, value }) => ({ kind, value })),
  }));
};

const add = async (services: TrustServices, identifier: string, flags: FlagsGiven) => {
  const decisions = services.decisions();
  const digest = await digestFor(services, identifier);
  const written = fromFlags({ ...noFlags, ...flags });
  // What could not be granted must not be remembered either.
  settle([{ name: "remembered", place: "", folder: services.folder, grants: written }], {});
  if (written.length > 0) decisions.grant(digest, identifier, lasting(written, services.folder));
  else decisions.add(digest, identifier);
  return entries(decisions).find(({ subject }) => subject === digest)!;
};

/** A digest as it is; of any other identifier, the digest of the bytes that it names now. */
const digestFor = async ({ load }: TrustServices, identifier: string): Promise<Digest> => {
  if (/^sha256:[0-9a-f]{64}$/.test(identifier)) return identifier as Digest;
  if (identifier.startsWith("sha256:"))
    throw fault("LK0102", `A digest is sha256: and 64 hexadecimal digits, and "${identifier}" was written`, {
      hint: "loop trust list --json",
    });
  try {
    return (await load(identifier)).component.digest;
  } catch (error) {
    if (error instanceof Fault && error.code === "LK0101")
      error.within({
        phase: "fetch",
        message: "Its digest can be written instead; loop trust list shows it",
      });
    throw error;
  }
};

const explain = async (services: TrustServices, identifier: string) => {
  const { component } = await services.load(identifier);
  const { digest, trust } = component;
  const { given } = settle(await services.sources(component), process.env);
  const reasons = services.decisions().trust(digest).map(reasonText);
  return {
    identifier,
    digest,
    class: trust,
    reasons:
      trust === "builtin"
        ? ["The executable carries it"]
        : reasons.length > 0
          ? reasons
          : ["It is not signed, loop did not build it here, and you did not add it"],
    grants: given.map((grant) => ({ ...grant, flag: flagText(grant) })),
  };
};

const reasonText = ({ why, identifier }: { readonly why: string; readonly identifier: string }): string =>
  why === "built" ? `loop built it here, as ${identifier}` : "You added it";
