import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, extname, resolve } from "node:path";
import { errno, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { manifestName } from "../../base/manifest/manifest.ts";
import { nearest } from "../../base/suggest.ts";
import { parseIdentifier } from "../../resolve/identifier.ts";
import { dayOf, endOfDay } from "../../trust/day.ts";
import { isPublicKey, noKey, type PublicKey, readPublicKey } from "../../trust/key/public.ts";
import { isKeyName } from "../../trust/key/store.ts";
import type { Keyring, KnownKey } from "../../trust/keyring.ts";
import type { TrustServices } from "./index.ts";

/** `loop:trust/signers#signer`. */
export const signerRecord = ({ key, name, standing, place, expiresMs }: KnownKey) => ({
  key,
  name,
  standing,
  place,
  expires: expiresMs === undefined ? undefined : dayOf(expiresMs),
});

export const policy = ({ keyring }: TrustServices) => {
  const ring = keyring();
  return { threshold: ring.threshold, signers: ring.list().map(signerRecord) };
};

/** A key that a person wrote, with what it was called there. */
interface Written {
  readonly key: PublicKey;
  readonly name: string | undefined;
}

/**
 * The key that a text is, or names, or that lies in a file; undefined where it is none, but perhaps a component. A
 * name goes before a file, so that no checkout can put its key where a person means one that they know.
 * Faults: LK0805 a name of several keys, LK0806, LK0007.
 */
export const writtenKey = (text: string, ring: Keyring, folder: string): Written | undefined => {
  const direct =
    isPublicKey(text) || text.startsWith("ssh-ed25519 ") ? readPublicKey(Buffer.from(text)) : undefined;
  if (direct) return { key: direct, name: undefined };
  if (text.startsWith("ed25519:") || text.startsWith("ssh-ed25519 "))
    throw noKey(`"${text}"`, "a public key");
  const named = new Set(
    ring
      .list()
      .filter(({ name }) => name === text)
      .map(({ key }) => key),
  );
  if (named.size > 1)
    throw fault("LK0805", `"${text}" is the name of several keys here: ${[...named].join(", ")}`, {
      hint: "write the key itself",
    });
  const [key] = named;
  return key ? { key, name: text } : keyInFile(text, folder);
};

const keyInFile = (text: string, folder: string): Written | undefined => {
  const identifier = parseIdentifier(text);
  if (identifier.scheme !== "file") return undefined;
  const path = resolve(folder, identifier.rest);
  // Of a loop.toml it is what it grants that is trusted.
  if (!existsSync(path) || basename(path) === manifestName) return undefined;
  try {
    // A component may be large, and no key is.
    const bytes = statSync(path).size > limits.keyFileBytesMax ? undefined : readFileSync(path);
    if (!bytes || (bytes[0] === 0 && bytes.subarray(1, 4).toString() === "asm")) return undefined;
    const key = readPublicKey(bytes);
    if (!key) throw noKey(path, "a public key");
    const name = basename(path, extname(path));
    return { key, name: isKeyName(name) ? name : undefined };
  } catch (error) {
    if (errno(error))
      throw fault("LK0007", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
    throw error;
  }
};

/** As `writtenKey`, where it has to be a key. Faults: LK0805 besides. */
export const requireKey = (text: string, ring: Keyring, folder: string): Written => {
  const found = writtenKey(text, ring, folder);
  if (found) return found;
  const names = ring
    .list()
    .map(({ name }) => name)
    .filter((name) => name !== "");
  const near = nearest(text, names);
  throw fault(
    "LK0805",
    `A public key, the name of one or a file with one was looked for, and "${text}" was written`,
    { hint: near ? `did you mean ${near}?` : "loop trust list" },
  );
};

export const find = (services: TrustServices, text: string) => {
  const ring = services.keyring();
  const written = writtenKey(text, ring, services.folder);
  return written && signerRecord(ring.standing(written.key));
};

export const believe = (
  services: TrustServices,
  text: string,
  given: string | undefined,
  expires: string | undefined,
  workspace: boolean,
) => {
  const { folder, keyring, decisions } = services;
  const ring = keyring();
  const written = requireKey(text, ring, folder);
  const { key } = written;
  const known = ring.standing(key);
  if (known.standing === "revoked")
    throw fault("LK0804", `${key} was revoked by ${known.place}, and counts for nothing whoever trusts it`, {
      hint: known.place === "you" ? `if that was a mistake: loop trust remove ${key}` : "loop trust list",
    });
  if (given !== undefined && !isKeyName(given))
    throw fault(
      "LK0603",
      `A name for a key is letters, digits and -, _, . or @, and "${given}" was written`,
      {
        hint: "loop trust add KEY --name alice",
      },
    );
  const name = given ?? written.name ?? (known.name || key.slice("ed25519:".length, "ed25519:".length + 8));
  const scope = workspace ? requireWorkspace(services) : "";
  const expiresMs = expires === undefined ? undefined : endOfDay(expires);
  decisions().signers().believe({ key, name, scope, expiresMs });
  return signerRecord(keyring().standing(key));
};

export const revoke = ({ folder, keyring, decisions }: TrustServices, text: string) => {
  const ring = keyring();
  const { key, name } = requireKey(text, ring, folder);
  decisions()
    .signers()
    .revoke(key, name ?? ring.standing(key).name);
  return signerRecord(keyring().standing(key));
};

export const forget = ({ folder, keyring, decisions }: TrustServices, text: string): boolean => {
  const ring = keyring();
  const { key } = requireKey(text, ring, folder);
  const grants = decisions().removeSigner(key);
  return decisions().signers().forget(key) || grants;
};

export const require = (services: TrustServices, threshold: number, workspace: boolean) => {
  if (threshold < 1 || threshold > limits.thresholdMax)
    throw fault(
      "LK0004",
      `A threshold is a number from 1 to ${limits.thresholdMax}, and ${threshold} was written`,
      { hint: "loop trust threshold 2" },
    );
  services
    .decisions()
    .signers()
    .require(workspace ? requireWorkspace(services) : "", threshold);
  return policy(services);
};

/** Faults: LK0504. */
const requireWorkspace = ({ workspace, folder }: TrustServices): string => {
  const found = workspace();
  if (found !== undefined) return found;
  throw fault("LK0504", `A workspace was looked for at ${folder} and above, and there is no loop.toml`, {
    hint: "leave --workspace out to trust it everywhere",
  });
};
