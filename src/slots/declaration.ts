import { realpathSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import type { Digest } from "../base/digest.ts";
import { Fault, fault } from "../base/fault.ts";
import type { Manifest } from "../base/manifest/manifest.ts";
import type { SlotTable } from "../base/manifest/tables.ts";
import { parseMs } from "../base/quantity.ts";
import { nearest } from "../base/suggest.ts";
import type { Combination } from "../host/filling.ts";
import { parseIdentifier } from "../resolve/identifier.ts";
import { fromTable, grantText, lastingTexts } from "../trust/written.ts";

/** core: pinned to its default · default: replaceable · plugin: empty until someone fills it. */
export type Policy = "core" | "default" | "plugin";

export type TrustNeeded = "untrusted" | "trusted";

/** A component in a slot, as a source names it. */
export interface Filling {
  /** Paths are absolute: what was chosen in one folder means the same in another. */
  readonly identifier: string;
  /** What it may do beyond the default, each as `grantText` writes it, with absolute folders. */
  readonly grants: readonly string[];
  /** The loop.toml whose word its grants are. */
  readonly file?: string;
  /** Its grants were written in this very invocation, by whoever makes it, and not by a file. */
  readonly agreed?: boolean;
  /** What the bytes were when it was remembered. */
  readonly digest?: Digest;
  /** What the component said of itself then, as JSON, so that nobody need load it to know. */
  readonly description?: string;
}

/** Free-form values, of the kinds that JSON has. */
export type Config = Readonly<Record<string, unknown>>;

/** A named hole: what may fill it, and how. */
export interface SlotDeclaration {
  /** "style", "group:name", or "group:*" for a family whose members need no declaration of their own. */
  readonly name: string;
  readonly summary: string;
  /** The WIT interface that every filling exports, versioned: "greeter:app/style@0.1.0". */
  readonly contract: string;
  readonly policy: Policy;
  readonly combination: Combination;
  readonly trust: TrustNeeded;
  /** What fills it when nobody has chosen; empty for plugins. */
  readonly defaults: readonly Filling[];
  /** The keys that a choice may set, with their defaults; undefined where the filling alone knows them. */
  readonly config: Config | undefined;
  /** Milliseconds that a call into a filling may take; undefined for any time. */
  readonly timeoutMs?: number | undefined;
  /** The component that turns the state of one filling into that of the next, where the next refuses it. */
  readonly migrate?: string | undefined;
  /** Whose slot it is: "" for loop's own, else `applicationScope`. Remembered choices are kept apart by it. */
  readonly scope: string;
  /** Where it is declared, for reports: "built-in", or "/home/a/greeter/loop.toml:12". */
  readonly place: string;
}

/** What a declaration may leave out. */
export type DeclarationRequest = Pick<SlotDeclaration, "name" | "contract"> & Partial<SlotDeclaration>;

/**
 * Completes a declaration (policy "default", combination "one", trust "untrusted", loop's own scope) and checks
 * that its parts agree. Faults: LK0503, LK0505, at its place.
 */
export const declareSlot = (request: DeclarationRequest): SlotDeclaration => {
  const slot: SlotDeclaration = {
    summary: "",
    policy: isFamily(request.name) ? "plugin" : "default",
    combination: "one",
    trust: "untrusted",
    defaults: [],
    config: undefined,
    scope: "",
    place: "built-in",
    ...request,
  };
  const { name, policy, combination, defaults, place } = slot;
  if (isFamily(name) && policy !== "plugin")
    throw fault(
      "LK0503",
      `${place}: The family ${name} has the policy "${policy}", and a family is for plugins`,
    );
  if (policy === "plugin" && defaults.length > 0)
    throw fault(
      "LK0503",
      `${place}: The slot ${name} is for plugins and has a default; policy "default" has one`,
    );
  if (policy !== "plugin" && defaults.length === 0)
    throw fault("LK0505", `${place}: The slot ${name} has the policy "${policy}" and no default filling`, {
      hint: 'add default = "./component.wasm", or policy = "plugin"',
    });
  if (combination === "one" && defaults.length > 1)
    throw fault(
      "LK0411",
      `${place}: The slot ${name} takes one filling, and its default names ${defaults.length}`,
    );
  return slot;
};

/** The slots that a manifest declares: its `[slots.NAME]` tables with a contract. */
export const declarationsOf = (manifest: Manifest): SlotDeclaration[] =>
  [...manifest.slots]
    .filter(([, table]) => table.contract !== undefined)
    .map(([name, table]) => declarationOf(manifest, name, table));

const declarationOf = (manifest: Manifest, name: string, table: SlotTable): SlotDeclaration =>
  declareSlot({
    name,
    contract: table.contract!,
    ...(table.summary !== undefined && { summary: table.summary }),
    ...(table.policy && { policy: table.policy }),
    ...(table.combination && { combination: table.combination }),
    ...(table.trust && { trust: table.trust }),
    // Grants beside a `use` belong to what is used; the default has them only where it stands alone.
    defaults: table.use
      ? fillingsOf(table.default ?? [], manifest.folder)
      : fillingsIn(manifest, name, table.default ?? []),
    config: table.config,
    timeoutMs:
      table.timeout === undefined ? undefined : parseMs(table.timeout, manifest.at("slots", name, "timeout")),
    migrate: table.migrate && absoluteIdentifier(table.migrate, manifest.folder),
    scope: applicationScope(manifest),
    place: manifest.at("slots", name),
  });

/**
 * What an application is remembered by: its folder and its name. A copy elsewhere is another application with
 * choices of its own, and so is one whose folder was moved.
 */
export const applicationScope = ({ folder, component }: Manifest): string =>
  `${realpathSync(folder)}#${component?.name ?? ""}`;

export const fillingsOf = (
  identifiers: readonly string[],
  folder: string,
  grants: readonly string[] = [],
): Filling[] => identifiers.map((text) => ({ identifier: absoluteIdentifier(text, folder), grants }));

/** What a `[slots.NAME]` table grants: a list in the words of flags, or a table as `[grants]`. Faults: LK0702. */
const slotGrants = (manifest: Manifest, name: string): string[] => {
  const written = manifest.slots.get(name)?.grants;
  if (!written) return [];
  const isList = (value: typeof written): value is readonly string[] => Array.isArray(value);
  try {
    return lastingTexts(isList(written) ? written : fromTable(written).map(grantText), manifest.folder);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const { code, message, hint } = error;
    throw fault(code, `${manifest.at("slots", name, "grants")}: ${message}`, { hint, cause: error });
  }
};

/** Fillings that a `[slots.NAME]` table names, with what it grants them. Faults: LK0102, LK0702. */
export const fillingsIn = (manifest: Manifest, name: string, identifiers: readonly string[]): Filling[] => {
  const grants = slotGrants(manifest, name);
  const file = grants.length > 0 ? { file: manifest.path } : {};
  return fillingsOf(identifiers, manifest.folder, grants).map((filling) => ({ ...filling, ...file }));
};

/** A path made absolute; any other identifier as it is. Faults: LK0102. */
export const absoluteIdentifier = (text: string, folder: string): string => {
  const { scheme, rest } = parseIdentifier(text);
  if (scheme === "sidecar") return `sidecar:${resolve(folder, rest)}`;
  return scheme === "file" && rest === text && !isAbsolute(text) ? resolve(folder, text) : text;
};

export const isFamily = (name: string): boolean => name.endsWith(":*");

/** Whether a family ("group:*") has a member of this name ("group:name"). */
export const isMemberOf = (name: string, family: string): boolean =>
  isFamily(family) &&
  name.startsWith(family.slice(0, -1)) &&
  name.length > family.length - 1 &&
  !isFamily(name);

/**
 * Checks a choice's configuration against the declared keys. A declared default's type is the key's type; where
 * nothing is declared, the filling alone can judge. Faults: LK0502, LK0503.
 */
export const checkConfig = (
  { name, config: known }: SlotDeclaration,
  config: Config,
  place: string,
): void => {
  if (!known) return;
  for (const [key, value] of Object.entries(config)) {
    if (!Object.hasOwn(known, key)) {
      const near = nearest(key, Object.keys(known));
      throw fault(
        "LK0502",
        `${place}: Unknown key "${key}" in the configuration of ${name}; known: ${Object.keys(known).join(", ")}`,
        { hint: near && `did you mean "${near}"?` },
      );
    }
    if (kindOf(value) !== kindOf(known[key]))
      throw fault(
        "LK0503",
        `${place}: "${key}" in the configuration of ${name} is ${kindOf(value)}, and ${kindOf(known[key])} was looked for`,
      );
  }
};

const kindOf = (value: unknown): string => {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a table";
  return typeof value === "boolean" ? "true or false" : `a ${typeof value}`;
};
