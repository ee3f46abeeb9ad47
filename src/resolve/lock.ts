import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parse, TomlError } from "smol-toml";
import { type Digest, sha256 } from "../base/digest.ts";
import { errno, fault } from "../base/fault.ts";
import { writeFileAtomic } from "../base/files.ts";
import { limits } from "../base/limits.ts";
import { cacheFolder } from "../base/paths.ts";

export const lockName = "loop.lock";

/** What an identifier was resolved to, and what it was then. */
export interface LockEntry {
  readonly identifier: string;
  /** The exact place, a URL. */
  readonly place: string;
  /** Of the component's bytes. */
  readonly digest: Digest;
  /** Of what describes them in a registry. */
  readonly manifest?: Digest | undefined;
  /** The name and version of a package that was chosen: "acme:tool@1.2.0". */
  readonly package?: string | undefined;
  /** Its detached signature, where it has one. */
  readonly signature?: Uint8Array | undefined;
  /** The keys whose signatures made it trusted; what comes after it has to have them too. */
  readonly signers: readonly string[];
  /** Its world: what it imports and exports. */
  readonly imports: readonly string[];
  readonly exports: readonly string[];
}

/** The entries of a `loop.lock` by identifier. */
export type Lock = ReadonlyMap<string, LockEntry>;

const version = 1;

/** Reads a lock; an empty one where there is no file. Faults: LK0108, LK0007, LK0204. */
export const readLock = (path: string): Lock => {
  let text: string;
  try {
    const info = statSync(path, { throwIfNoEntry: false });
    if (!info) return new Map();
    if (info.size > limits.lockBytesMax)
      throw fault("LK0204", `${path} is ${info.size} bytes; the limit is ${limits.lockBytesMax}`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errno(error))
      throw fault("LK0007", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
    throw error;
  }
  return parseLock(text, path);
};

/** Faults: LK0108, LK0204. */
export const parseLock = (text: string, path: string): Lock => {
  let document: Record<string, unknown>;
  try {
    document = parse(text, { unsafeKeyBehaviour: "throw", maxDepth: 8 });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw unreadable(
      `${path}:${error.line}`,
      error.message.split("\n")[0]!.replace("Invalid TOML document: ", ""),
    );
  }
  if (document.version !== version)
    throw unreadable(path, `version ${version} was looked for, and it has ${String(document.version)}`);
  const entries = Object.entries((document.component ?? {}) as Record<string, unknown>);
  if (entries.length > limits.lockEntriesMax)
    throw fault("LK0204", `${path} has ${entries.length} entries; the limit is ${limits.lockEntriesMax}`);
  return new Map(entries.map(([identifier, value]) => [identifier, entryOf(identifier, value, path)]));
};

const unreadable = (place: string, why: string) =>
  fault("LK0108", `${place}: ${why}`, {
    hint: "mend it, or take it from version control; loop fetch writes it anew where it is gone",
  });

const digestPattern = /^sha256:[0-9a-f]{64}$/;
const isText = (value: unknown): value is string => typeof value === "string";
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);

/** In base64, and not more than was fetched. */
const isSignature = (value: unknown): value is string =>
  isText(value) &&
  /^[A-Za-z0-9+/]+={0,2}$/.test(value) &&
  value.length <= Math.ceil(limits.fetchedSignatureBytesMax / 3) * 4;

const entryOf = (identifier: string, value: unknown, path: string): LockEntry => {
  const written = (value ?? {}) as Record<string, unknown>;
  const { place, digest, manifest, package: name, signature, signers = [], imports, exports } = written;
  const wrong = [
    !isText(place) && "place",
    !(isText(digest) && digestPattern.test(digest)) && "digest",
    manifest !== undefined && !(isText(manifest) && digestPattern.test(manifest)) && "manifest",
    name !== undefined && !isText(name) && "package",
    signature !== undefined && !isSignature(signature) && "signature",
    !isTexts(signers) && "signers",
    !isTexts(imports) && "imports",
    !isTexts(exports) && "exports",
  ].filter(Boolean);
  if (wrong.length > 0)
    throw unreadable(path, `the entry of ${identifier} has no "${wrong[0]}" as loop writes it`);
  return {
    ...{ identifier, place, digest, manifest, package: name, signers, imports, exports },
    ...(isText(signature) && { signature: Buffer.from(signature, "base64") }),
  } as LockEntry;
};

/** One block an entry, in the order of identifiers, so that two branches merge where they add different ones. */
export const lockText = (lock: Lock): string =>
  [
    "# Written by loop, to be kept in version control. `loop fetch` brings in what it names,",
    "# `loop fetch --update` renews it.",
    `version = ${version}`,
    ...[...lock.values()].sort((a, b) => (a.identifier < b.identifier ? -1 : 1)).map(block),
    "",
  ].join("\n");

const block = ({
  identifier,
  package: name,
  signature,
  signers,
  imports,
  exports,
  ...entry
}: LockEntry): string =>
  [
    "",
    `[component.${quoted(identifier)}]`,
    ...(name === undefined ? [] : [`package = ${quoted(name)}`]),
    `place = ${quoted(entry.place)}`,
    `digest = ${quoted(entry.digest)}`,
    ...(entry.manifest === undefined ? [] : [`manifest = ${quoted(entry.manifest)}`]),
    ...(signature === undefined ? [] : [`signature = ${quoted(Buffer.from(signature).toString("base64"))}`]),
    ...(signers.length === 0 ? [] : [`signers = ${listed(signers)}`]),
    `imports = ${listed(imports)}`,
    `exports = ${listed(exports)}`,
  ].join("\n");

const listed = (names: readonly string[]): string =>
  names.length === 0
    ? "[]"
    : `[\n${[...names]
        .sort()
        .map((name) => `  ${quoted(name)},\n`)
        .join("")}]`;

/** A basic string of TOML: what JSON escapes, and DEL, which it does not. */
const quoted = (text: string): string => JSON.stringify(text).replaceAll("\x7f", "\\u007f");

/**
 * Changes a lock: reads it anew, so that what another process wrote meanwhile stays, and writes it whole and synced.
 * Nothing is written where nothing changes. Faults: those of reading; LK0006.
 */
export const changeLock = async (
  path: string,
  change: (entries: Map<string, LockEntry>) => void,
): Promise<Lock> => {
  const { exclusively } = await import("../base/exclusive.ts");
  const guard = join(cacheFolder(), "locks", sha256(path));
  return exclusively(guard, () => {
    removeLeft(path);
    const before = readLock(path);
    const entries = new Map(before);
    change(entries);
    if (entries.size > 0 || before.size > 0) {
      const text = lockText(entries);
      if (text !== lockText(before)) writeFileAtomic(path, text, { sync: true });
    }
    return entries;
  });
};

/** Takes away what killed processes left beside a lock. Faults as `changeLock`. */
export const tidyLock = (path: string): Promise<Lock> => changeLock(path, () => {});

/** What killed processes left beside a lock; nobody else writes it now. */
const removeLeft = (path: string): void => {
  const folder = dirname(path);
  const left = new RegExp(`^${RegExp.escape(basename(path))}\\.\\d+\\.[0-9a-f]{8}\\.tmp$`);
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (left.test(name)) rmSync(join(folder, name), { force: true });
};

/** Where components lie that `loop vendor` copied beside a lock. */
export const vendorPath = (lockPath: string, digest: Digest): string =>
  join(dirname(lockPath), "vendor", `${digest.replace(":", "-")}.wasm`);
