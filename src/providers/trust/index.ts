// loop:trust: a person's decisions about components and signers, their keys, signing and verifying, for a command. Owns
// their WIT form; refuses to decide and to believe a path (decisions belong to digests and signers); listed in the
// app's table.
import { basename, resolve } from "node:path";
import type { Digest } from "../../base/digest.ts";
import { Fault, fault } from "../../base/fault.ts";
import { manifestName, readManifest } from "../../base/manifest/manifest.ts";
import { shellWord } from "../../base/word.ts";
import { answering } from "../../host/crossing.ts";
import type { Provider } from "../../host/provider.ts";
import type { Fetched } from "../../resolve/fetch.ts";
import type { Decisions } from "../../trust/decisions.ts";
import type { Judgement, Keyring, Standing } from "../../trust/keyring.ts";
import { type GrantSource, settle } from "../../trust/settle.ts";
import type { VerifiedComponent } from "../../trust/verify.ts";
import {
  type FlagGrants,
  flagText,
  fromFlags,
  lasting,
  noFlags,
  type WrittenGrant,
} from "../../trust/written.ts";
import type { ExportRequest } from "./keys.ts";
import type { SignRequest } from "./signing.ts";

/** What the composition root gives. */
export interface TrustServices {
  /** Absolute; relative paths are relative to it. */
  readonly folder: string;
  readonly load: (identifier: string) => Promise<{ readonly component: VerifiedComponent }>;
  /** The bytes that an identifier names, before anybody looks at their signatures. */
  readonly fetch: (identifier: string) => Promise<Fetched>;
  readonly decisions: () => Decisions;
  /** Whose signatures count here, read anew. */
  readonly keyring: () => Keyring;
  /** The absolute folder of the workspace here; undefined where no loop.toml is. */
  readonly workspace: () => string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Who would grant a component something if it were run here without a flag. */
  readonly sources: (component: VerifiedComponent) => Promise<readonly GrantSource[]>;
}

type FlagsGiven = Pick<FlagGrants, "folders" | "network" | "variables" | "programs" | "capabilities">;

const suspending: Readonly<Record<string, readonly string[]>> = {
  trust: ["list", "add", "grant-signed", "remove", "explain"],
  signers: ["list", "find", "believe", "revoke", "forget", "require"],
  keys: ["list", "create", "import-key", "export-key", "relock", "remove"],
  signing: ["sign", "verify"],
};

// What keys and signatures need is loaded with the first of these calls.
const signers = () => import("./signers.ts");
const keys = () => import("./keys.ts");
const signing = () => import("./signing.ts");

export const trustProvider = (services: TrustServices): Provider => ({
  name: "trust",
  interfaces: Object.keys(suspending).map((name) => `loop:trust/${name}@0.1.0`),
  suspending: Object.entries(suspending).flatMap(([name, functions]) =>
    functions.map((one) => `loop:trust/${name}#${one}`),
  ),
  defaultGranted: [],
  instantiate: () => ({
    "loop:trust/trust@0.1.0": {
      list: answering(() => entries(services.decisions())),
      add: answering((identifier: string, flags: FlagsGiven) => add(services, identifier, flags)),
      grantSigned: answering((key: string, flags: FlagsGiven) => grantSigned(services, key, flags)),
      remove: answering((identifier: string) => remove(services, identifier)),
      explain: answering((identifier: string) => explain(services, identifier)),
    },
    "loop:trust/signers@0.1.0": {
      list: answering(async () => (await signers()).policy(services)),
      find: answering(async (text: string) => (await signers()).find(services, text)),
      believe: answering(
        async (text: string, name: string | undefined, expires: string | undefined, workspace: boolean) =>
          (await signers()).believe(services, text, name, expires, workspace),
      ),
      revoke: answering(async (text: string) => (await signers()).revoke(services, text)),
      forget: answering(async (text: string) => (await signers()).forget(services, text)),
      require: answering(async (threshold: number, workspace: boolean) =>
        (await signers()).require(services, threshold, workspace),
      ),
    },
    "loop:trust/keys@0.1.0": {
      list: answering(async () => (await keys()).list()),
      passphraseGiven: () => services.environment[passphraseVariable] !== undefined,
      create: answering(async (name: string, locked: boolean, passphrase: string | undefined) =>
        (await keys()).create(services, name, locked, passphrase),
      ),
      importKey: answering(
        async (name: string, path: string, locked: boolean, passphrase: string | undefined) =>
          (await keys()).importKey(services, name, path, locked, passphrase),
      ),
      exportKey: answering(
        async (
          name: string,
          form: ExportRequest["form"],
          whole: boolean,
          passphrase: string | undefined,
          output: string | undefined,
        ) => (await keys()).exportKey(services, { name, form, whole, passphrase, output }),
      ),
      relock: answering(
        async (name: string, before: string | undefined, locked: boolean, passphrase: string | undefined) =>
          (await keys()).relock(services, name, before, locked, passphrase),
      ),
      remove: answering(async (name: string) => (await keys()).remove(name)),
    },
    "loop:trust/signing@0.1.0": {
      sign: answering(async (request: SignRequest) => (await signing()).sign(services, request)),
      verify: answering(async (identifier: string, named: readonly string[], signature: string | undefined) =>
        (await signing()).verify(services, identifier, named, signature),
      ),
    },
  }),
});

/** What gives the passphrase of a key where nobody can type. */
export const passphraseVariable = "LOOP_KEY_PASSPHRASE";

const entries = (decisions: Decisions) => [...componentEntries(decisions), ...agreementEntries(decisions)];

const agreementEntries = (decisions: Decisions) =>
  decisions
    .agreements()
    .map(({ digest, place }) => ({ subject: digest, identifier: place, reasons: ["agreed"], grants: [] }));

const componentEntries = (decisions: Decisions) => {
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
  if (isManifest(identifier)) {
    if (Object.values(flags).some((given) => given.length > 0))
      throw fault(
        "LK0004",
        `${identifier} grants something itself, and flags that grant were written besides`,
        {
          hint: `loop trust add ${shellWord(identifier)}`,
        },
      );
    decisions.agree(digest, resolve(services.folder, identifier));
    return entries(decisions).find(({ subject }) => subject === digest)!;
  }
  const written = grantsGiven(services, flags);
  if (written.length > 0) decisions.grant(digest, identifier, written);
  else decisions.add(digest, identifier);
  return entries(decisions).find(({ subject }) => subject === digest)!;
};

/** Of what comes from elsewhere, that it has to be signed goes with the rest; what is not here is not asked for. */
const remove = async (services: TrustServices, identifier: string): Promise<boolean> => {
  const { originOf } = await import("../../trust/origin.ts");
  const decisions = services.decisions();
  if (decisions.signers().forgetOrigin(originOf(identifier))) return true;
  return decisions.remove(await digestFor(services, identifier));
};

const grantsGiven = ({ folder }: TrustServices, flags: FlagsGiven): readonly WrittenGrant[] => {
  const written = fromFlags({ ...noFlags, ...flags });
  // What could not be granted must not be remembered either.
  settle([{ name: "remembered", place: "", folder, grants: written }], {});
  return lasting(written, folder);
};

const grantSigned = async (services: TrustServices, text: string, flags: FlagsGiven) => {
  const { requireKey } = await signers();
  const decisions = services.decisions();
  const ring = services.keyring();
  const { key, name } = requireKey(text, ring, services.folder);
  decisions.grant(
    key,
    `what ${name ?? (ring.standing(key).name || key)} signs`,
    grantsGiven(services, flags),
  );
  return entries(decisions).find(({ subject }) => subject === key)!;
};

/** A digest as it is; of any other identifier, the digest of the bytes that it names now. */
const digestFor = async ({ load, folder }: TrustServices, identifier: string): Promise<Digest> => {
  if (/^sha256:[0-9a-f]{64}$/.test(identifier)) return identifier as Digest;
  if (identifier.startsWith("sha256:"))
    throw fault("LK0102", `A digest is sha256: and 64 hexadecimal digits, and "${identifier}" was written`, {
      hint: "loop trust list --json",
    });
  if (isManifest(identifier)) return authorityDigest(resolve(folder, identifier));
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

/** What a loop.toml grants is agreed to by its path, and remembered by what it says. */
const isManifest = (identifier: string): boolean => basename(identifier) === manifestName;

const authorityDigest = async (path: string): Promise<Digest> => {
  const { authorityOf } = await import("../../trust/authority.ts");
  const found = authorityOf(readManifest(path));
  if (found) return found.digest;
  throw fault("LK0704", `${path} grants nothing, so there is nothing to agree to`);
};

const explain = async (services: TrustServices, identifier: string) => {
  const { component } = await services.load(identifier);
  const { digest, trust, signatures } = component;
  const { given } = settle(await services.sources(component), process.env);
  const { signerRecord } = await signers();
  const reasons = services.decisions().trust(digest).map(reasonText);
  const signed = signatures && signatureText(signatures);
  const none = ["It is not signed, loop did not build it here, and you did not add it"];
  return {
    identifier,
    digest,
    class: trust,
    reasons:
      trust === "builtin"
        ? ["The executable carries it"]
        : [...reasons, ...(signed ?? (reasons.length > 0 ? [] : none))],
    signers: signatures?.signers.map(signerRecord) ?? [],
    grants: given.map((grant) => ({ ...grant, flag: flagText(grant) })),
  };
};

/** What the signatures of a component come to, a sentence each. */
const signatureText = ({ signers, unknown, threshold, package: name, trusted }: Judgement): string[] => [
  ...signers.map(
    ({ key, name, standing, place }) => `Signed by ${name || key}, ${standingText[standing]} (${place})`,
  ),
  ...unknown.map((id) => `Signed by a key that nobody here knows${id === "" ? "" : `, with the id ${id}`}`),
  ...(name === undefined ? [] : [`Signed as ${name}`]),
  ...(trusted ? [] : [`Signatures of trusted keys that are needed: ${threshold}`]),
];

const standingText: Record<Standing, string> = {
  trusted: "whom you trust",
  expired: "whose key has expired",
  revoked: "whose key was revoked",
  proposed: "whom loop.toml names and you have not agreed to",
  own: "which is a key of yours that you have not trusted",
  unknown: "whom you do not know",
};

const reasonText = ({ why, identifier }: { readonly why: string; readonly identifier: string }): string =>
  why === "built" ? `loop built it here, as ${identifier}` : "You added it";
