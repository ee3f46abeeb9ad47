// loop.toml: one file for a component, an application or a workspace. Owns reading, checking and finding it,
// with schema.json as the only list of its keys; refuses what it does not know, by file and line; called by
// whoever builds, runs or fills slots.
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import type { Code } from "../codes.ts";
import { errno, type Fault, fault } from "../fault.ts";
import { limits } from "../limits.ts";
import { shellWord } from "../word.ts";
import { check, depthMax, type Problem, type Schema } from "./check.ts";
import { type CommandDescription, completeCommand, type WrittenCommand } from "./command.ts";
import { type KeyPath, Lines } from "./lines.ts";
import schema from "./schema.json";
import type {
  BuildTable,
  CapabilitiesTable,
  ComponentTable,
  GrantsTable,
  SlotTable,
  TrustTable,
} from "./tables.ts";

export const manifestName = "loop.toml";

export interface Manifest {
  /** Absolute path of the file. */
  readonly path: string;
  /** Absolute path of its folder; every path in it is relative to this. */
  readonly folder: string;
  readonly component: ComponentTable | undefined;
  readonly build: BuildTable;
  readonly commands: readonly CommandDescription[];
  readonly workspace: { readonly members: readonly string[] } | undefined;
  readonly grants: GrantsTable;
  readonly capabilities: CapabilitiesTable;
  readonly trust: TrustTable;
  readonly slots: ReadonlyMap<string, SlotTable>;
  /** By package name: a range of versions, or an identifier. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** By host. */
  readonly registries: Readonly<Record<string, { readonly mirrors?: readonly string[] }>>;
  /** Where a key is written, "/home/a/hello/loop.toml:12", for faults found later: `at("build", "main")`. */
  at(...path: KeyPath): string;
}

/**
 * The nearest `loop.toml` in a folder or above it: its absolute path. One above counts only where it belongs to
 * the owner of the folder, to this user or to root: in /tmp/x, a stranger's /tmp/loop.toml must choose nothing.
 */
export const findManifest = (from: string): string | undefined => {
  const start = resolve(from);
  for (let folder = start; ; folder = dirname(folder)) {
    const path = join(folder, manifestName);
    if (existsSync(path) && (folder === start || belongs(path, start))) return path;
    if (dirname(folder) === folder) return undefined;
  }
};

/** The same, of a folder that a person named. Faults: LK0101 it is not there, LK0007 it is none, LK0504. */
export const requireManifest = (folder: string): string => {
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (!stats) throw fault("LK0101", `No folder at ${folder}`);
  if (!stats.isDirectory())
    throw fault("LK0007", `A folder was looked for at ${folder}, and a file is there`, {
      hint: `loop run ${shellWord(folder)}`,
    });
  const path = findManifest(folder);
  if (path !== undefined) return path;
  throw fault("LK0504", `A loop.toml was looked for in ${folder} and above it, and there is none`, {
    hint: "loop new component hello",
  });
};

const owner = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.uid;
const belongs = (path: string, folder: string): boolean =>
  [0, process.getuid?.(), owner(folder)].includes(owner(path) ?? 0);

/**
 * The manifests that speak for a folder, nearest first: the nearest one, then those above it whose
 * `[workspace]` counts it as a member. A `loop.toml` further up that does not name it says nothing about it.
 */
export const readManifests = (from: string): Manifest[] => {
  const nearest = findManifest(from);
  if (!nearest) return [];
  const found = [readManifest(nearest)];
  const member = dirname(nearest);
  for (
    let folder = dirname(member), below = member;
    folder !== below;
    below = folder, folder = dirname(folder)
  ) {
    const path = join(folder, manifestName);
    if (existsSync(path) && belongs(path, member) && names(path, member)) found.push(readManifest(path));
  }
  return found;
};

/** Whether the workspace of a file that is not yet checked (it may be none of ours) names a folder. */
const names = (path: string, folder: string): boolean => {
  const { workspace } = parseToml(decode(readBounded(path), path), path) as {
    workspace?: { members?: unknown };
  };
  const members = workspace?.members;
  return Array.isArray(members) && membership(members.map(String), relative(dirname(path), folder));
};

/** Whether a workspace's members name a folder, itself or by a pattern. */
export const isMember = (folder: string, { workspace, folder: root }: Manifest): boolean =>
  membership(workspace?.members ?? [], relative(root, folder));

const membership = (members: readonly string[], path: string): boolean => {
  const slashed = path.replaceAll("\\", "/");
  return members.some((member) => {
    const pattern = member.replace(/^\.\//, "").replace(/\/$/, "");
    return pattern === slashed || new Bun.Glob(pattern).match(slashed);
  });
};

/**
 * Reads and checks a `loop.toml`. Faults, each with file and line: LK0501 not TOML or not UTF-8, LK0502 unknown
 * key, LK0503 wrong type, LK0505 missing key; LK0504 no such file, LK0007 unreadable, LK0204 too large.
 */
export const readManifest = (path: string): Manifest => {
  const absolute = resolve(path);
  return parseManifest(readBounded(absolute), absolute);
};

/** The same for bytes that are already here; `path` is absolute and need not exist. */
export const parseManifest = (bytes: Uint8Array, path: string): Manifest => {
  const text = decode(bytes, path);
  const document = parseToml(text, path);
  let lines: Lines | undefined;
  const at = (...keys: KeyPath): string => {
    lines ??= new Lines(text);
    return `${path}:${lines.of(keys)}`;
  };
  const problems = check(document, schema as Schema);
  if (problems.length) throw report(problems, at);
  const manifest = shape(document as unknown as Written, path, at);
  checkSense(manifest);
  return manifest;
};

const readBounded = (path: string): Uint8Array => {
  try {
    const { size } = statSync(path);
    if (size > limits.manifestBytesMax)
      throw fault("LK0204", `${path} is ${size} bytes; the limit is ${limits.manifestBytesMax}`);
    return readFileSync(path);
  } catch (error) {
    const code = errno(error);
    if (code === "ENOENT" || code === "ENOTDIR")
      throw fault("LK0504", `A ${manifestName} was looked for at ${path}, and there is none`, {
        hint: "loop new component NAME",
        cause: error,
      });
    if (code) throw fault("LK0007", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
    throw error;
  }
};

const decode = (bytes: Uint8Array, path: string): string => {
  if (bytes.length > limits.manifestBytesMax)
    throw fault("LK0204", `${path} is ${bytes.length} bytes; the limit is ${limits.manifestBytesMax}`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    // The replacement character stands where the first bad byte is, unless the person wrote one.
    const shown = new TextDecoder().decode(bytes);
    const line = shown.slice(0, shown.indexOf("\ufffd")).split("\n").length;
    throw fault("LK0501", `${path}:${line}: UTF-8 text was looked for, and other bytes are there`, {
      hint: "save the file as UTF-8",
      cause: error,
    });
  }
};

const parseToml = (text: string, path: string): Record<string, unknown> => {
  try {
    return parse(text, { unsafeKeyBehaviour: "throw", maxDepth: depthMax });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0]!.replace("Invalid TOML document: ", "");
    throw fault(
      "LK0501",
      `${path}:${error.line}:${error.column}: Not TOML: ${reason}\n${error.codeblock.trimEnd()}`,
      { cause: error },
    );
  }
};

const dotted = (path: KeyPath): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    const written = /^[\w-]+$/.test(key) ? key : JSON.stringify(key);
    return text ? `${text}.${written}` : written;
  }, "");

const where = (path: KeyPath): string => (path.length ? `[${dotted(path)}]` : "the top level");

const sentence = (problem: Problem): { code: Code; message: string; hint?: string } => {
  if (problem.kind === "wrong")
    return {
      code: "LK0503",
      message: `${dotted(problem.path)} is ${problem.found}, and ${problem.expected} was looked for`,
    };
  if (problem.kind === "missing") {
    const because = problem.because === undefined ? "" : `, which "${problem.because}" needs`;
    return { code: "LK0505", message: `${where(problem.path)} has no "${problem.key}"${because}` };
  }
  const key = String(problem.path.at(-1));
  return {
    code: "LK0502",
    message: `Unknown key "${key}" at ${where(problem.path.slice(0, -1))}; known: ${problem.known.join(", ")}`,
    ...(problem.near && { hint: `did you mean "${problem.near}"?` }),
  };
};

const lineOf = (place: string): number => Number(place.slice(place.lastIndexOf(":") + 1));

/** A missing key is often the misspelt one, which is the better thing to name. */
const absent = (code: Code): number => (code === "LK0505" ? 1 : 0);

/** One fault for the first problem in the file's order; the others are its causes. */
const report = (problems: readonly Problem[], at: Manifest["at"]): Fault => {
  const placed = problems
    .map((problem) => ({ place: at(...problem.path), ...sentence(problem) }))
    .sort((a, b) => absent(a.code) - absent(b.code) || lineOf(a.place) - lineOf(b.place));
  const [first, ...others] = placed;
  const causes = others.map(({ place, message }) => ({
    phase: "configure" as const,
    message: `${place}: ${message}`,
  }));
  return fault(first!.code, `${first!.place}: ${first!.message}`, { hint: first!.hint, causes });
};

/** What the schema lets through: the same tables, with defaults not yet filled in. */
interface Written {
  readonly component?: ComponentTable;
  readonly build?: BuildTable;
  readonly workspace?: { readonly members: readonly string[] };
  readonly commands?: readonly WrittenCommand[];
  readonly grants?: GrantsTable;
  readonly capabilities?: CapabilitiesTable;
  readonly trust?: TrustTable;
  readonly dependencies?: Manifest["dependencies"];
  readonly registries?: Manifest["registries"];
  readonly slots?: Readonly<
    Record<string, Omit<SlotTable, "use" | "default"> & { use?: Names; default?: Names }>
  >;
}

type Names = string | readonly string[];
const list = (names: Names): readonly string[] => (typeof names === "string" ? [names] : names);

const shape = (document: Written, path: string, at: Manifest["at"]): Manifest => ({
  path,
  folder: dirname(path),
  component: document.component,
  build: document.build ?? {},
  workspace: document.workspace,
  commands: (document.commands ?? []).map(completeCommand),
  grants: document.grants ?? {},
  capabilities: document.capabilities ?? {},
  trust: document.trust ?? {},
  dependencies: document.dependencies ?? {},
  registries: document.registries ?? {},
  slots: new Map(
    Object.entries(document.slots ?? {}).map(([name, { use, default: standard, ...slot }]) => [
      name,
      {
        ...slot,
        ...(use !== undefined && { use: list(use) }),
        ...(standard !== undefined && { default: list(standard) }),
      },
    ]),
  ),
  at,
});

/** What a schema cannot say, or cannot say readably. */
const checkSense = (manifest: Manifest): void => {
  for (const [at, command] of manifest.commands.entries()) checkCommand(manifest, command, ["commands", at]);
  unique(manifest, manifest.commands, "commands", ["commands"]);
  for (const [name, slot] of manifest.slots) checkSlot(manifest, name, slot);
  const { threshold = 1 } = manifest.trust;
  if (threshold < 1 || threshold > limits.thresholdMax)
    throw fault(
      "LK0503",
      `${manifest.at("trust", "threshold")}: threshold is ${threshold}, and a number from 1 to ${limits.thresholdMax} was looked for`,
    );
};

const checkSlot = (manifest: Manifest, name: string, slot: SlotTable): void => {
  if (name.endsWith(":*") && !slot.contract)
    throw fault(
      "LK0505",
      `${manifest.at("slots", name)}: ${where(["slots", name])} is a family, which is declared with a "contract"; a filling is chosen for one of its members`,
      { hint: `write [slots."${name.slice(0, -1)}NAME"]` },
    );
  if (slot.grants && !slot.use && !slot.default)
    throw fault(
      "LK0505",
      `${manifest.at("slots", name, "grants")}: ${where(["slots", name])} grants capabilities and names no filling; "use" was looked for`,
    );
};

const checkCommand = (manifest: Manifest, command: CommandDescription, path: KeyPath): void => {
  unique(manifest, command.options, "options", [...path, "options"]);
  unique(manifest, command.positionals, "positionals", [...path, "positionals"]);
  for (const list of ["options", "positionals"] as const)
    for (const [at, { kind, choices, name }] of command[list].entries())
      if ((kind === "choice") !== (choices !== undefined))
        throw fault(
          choices ? "LK0503" : "LK0505",
          `${manifest.at(...path, list, at)}: "${name}" of the command "${command.name}" has ` +
            (choices
              ? `"choices", and its kind is "${kind}" instead of "choice"`
              : 'the kind "choice" and no "choices"'),
        );
  for (const [at, positional] of command.positionals.entries()) {
    const next = command.positionals[at + 1];
    if (next && (positional.repeated || (next.required && !positional.required)))
      throw fault(
        "LK0503",
        `${manifest.at(...path, "positionals", at)}: "${positional.name}" of the command "${command.name}" is ` +
          (positional.repeated
            ? `repeated, and only the last may be`
            : `optional, and "${next.name}" after it is not`),
      );
  }
};

const unique = (
  manifest: Manifest,
  tables: readonly { readonly name: string; readonly short?: string }[],
  what: string,
  path: KeyPath,
): void => {
  const seen = new Set<string>();
  for (const [at, { name, short }] of tables.entries())
    for (const written of short ? [name, `-${short}`] : [name]) {
      if (seen.has(written))
        throw fault("LK0503", `${manifest.at(...path, at)}: "${written}" is there twice in ${what}`);
      seen.add(written);
    }
};

/** The schema's text, for `loop new` to write beside a loop.toml and for editors. */
export const manifestSchema = (): string => `${JSON.stringify(schema, undefined, 2)}\n`;
