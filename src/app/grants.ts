import { dirname, join, resolve } from "node:path";
import { Fault } from "../base/fault.ts";
import { type Manifest, readManifests } from "../base/manifest/manifest.ts";
import { readWishes } from "../contract/capability.ts";
import { unversioned } from "../contract/model.ts";
import { matchInterface } from "../contract/semver.ts";
import { decoded } from "../host/decoded.ts";
import type { Provider, Stdio } from "../host/provider.ts";
import { parseIdentifier } from "../resolve/identifier.ts";
import type { Decisions } from "../trust/decisions.ts";
import { type Grants, mayUse } from "../trust/grants.ts";
import { type GrantSource, type Settled, settle } from "../trust/settle.ts";
import { rememberedGrants, type Subject } from "../trust/subject.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { type FlagGrants, fromFlags, fromTable, kindOf, type WrittenGrant } from "../trust/written.ts";
import { agreed } from "./agreement.ts";
import { askOn, grantedThisRun } from "./ask.ts";

/** What making grants needs of the program. */
export interface Granting {
  /** Absolute: where the person stands. */
  readonly folder: string;
  readonly stdio: Stdio;
  readonly providers: readonly Provider[];
  /** Questions may be asked. */
  readonly interactive: boolean;
  readonly decisions: () => Decisions;
}

/**
 * The grants of a component that a person runs, from flags, loop.toml and what they remembered, in this order, and
 * for what is still missing from their answers on a terminal. With --deny-all the flags alone are heard.
 */
export const grantsFor = async (
  component: VerifiedComponent,
  flags: FlagGrants,
  granting: Granting,
): Promise<Settled & { readonly unmet: readonly WrittenGrant[] }> => {
  const all = sourcesOf(component, flags, granting.folder, granting.decisions());
  const sources: GrantSource[] = [];
  for (const source of all)
    if (!source.manifest || (await agreed(source.manifest, granting))) sources.push(source);
  const settled = settle(sources, process.env);
  const unmet = (left: Settled) => unmetWishes(component, left).flatMap(({ grants }) => grants);
  if (flags.denyAll || !granting.interactive) return { ...settled, unmet: unmet(settled) };
  const asked = await askFor(component, settled, granting);
  if (asked.length === 0) return { ...settled, unmet: unmet(settled) };
  const answer = { name: "asked", place: "your answer", folder: granting.folder, grants: asked } as const;
  const left = settle([...sources, answer], process.env);
  return { ...left, unmet: unmet(left) };
};

/** A source that may be a loop.toml's word. */
interface ManifestSource extends GrantSource {
  readonly manifest?: Manifest;
}

/** Who grants a component something, in the order of precedence; nobody is asked. */
export const sourcesOf = (
  component: Pick<VerifiedComponent, "identifier"> & Subject,
  flags: FlagGrants,
  folder: string,
  decisions: Decisions,
): ManifestSource[] => {
  const { identifier, digest } = component;
  const own: GrantSource = { name: "flag", place: "the flags", folder, grants: fromFlags(flags) };
  if (flags.denyAll) return [own];
  return [
    own,
    ...manifestsFor(identifier, folder, decisions, digest).map((manifest) => ({
      name: "loop.toml" as const,
      place: manifest.at("grants"),
      folder: manifest.folder,
      grants: fromTable(manifest.grants),
      ...(fromTable(manifest.grants).length > 0 && { manifest }),
    })),
    { name: "remembered", place: "loop trust", folder, grants: rememberedGrants(component, decisions) },
    { name: "asked", place: "your answer", folder, grants: grantedThisRun(digest) },
  ];
};

/**
 * The manifests that grant something to a component: that of the project whose build folder it lies in, and those
 * of its workspace. They are believed for what loop built here, by digest: bytes that came with a checkout could
 * otherwise bring their own grants along.
 */
const manifestsFor = (
  identifier: string,
  folder: string,
  decisions: Decisions,
  digest: string,
): readonly Manifest[] => {
  const { scheme, rest } = parseIdentifier(identifier);
  if (scheme !== "file") return [];
  const path = resolve(folder, rest);
  const project = dirname(dirname(path));
  const manifests = readable(project);
  const name = manifests[0]?.component?.name;
  const isItsOwn = manifests[0]?.folder === project && path === join(project, "build", `${name}.wasm`);
  if (!isItsOwn || manifests.every(({ grants }) => fromTable(grants).length === 0)) return [];
  return decisions.trust(digest).some(({ why }) => why === "built") ? manifests : [];
};

/** A loop.toml that does not read is its builder's to complain of; it grants nothing. */
const readable = (folder: string): readonly Manifest[] => {
  try {
    return readManifests(folder);
  } catch (error) {
    if (error instanceof Fault) return [];
    throw error;
  }
};

interface Question {
  readonly grants: readonly WrittenGrant[];
  readonly reason: string | undefined;
}

/** Asks for what a component wants and was not granted; the grants of the answers. */
const askFor = async (
  component: VerifiedComponent,
  settled: Settled,
  { stdio, folder, providers }: Granting,
): Promise<readonly WrittenGrant[]> => {
  const granted: WrittenGrant[] = [];
  const ask = askOn(stdio, folder);
  for (const { grants, reason } of questions(component, settled, providers))
    if (
      await ask(component, grants, reason === undefined ? "It does not say what for" : `It says: ${reason}`)
    )
      granted.push(...grants);
  return granted;
};

/**
 * What a component wants and does not have: what it says itself, and packages of loop's that it imports. Of folders,
 * hosts, variables and programs nobody can ask that it does not name: every libc imports them.
 */
export const questions = (
  component: VerifiedComponent,
  { grants, given }: Settled,
  providers: readonly Provider[],
): Question[] => {
  const wishes = new Map(readWishes(component.identifier, component.bytes).map((wish) => [wish.name, wish]));
  const found = unmetWishes(component, { given });
  for (const name of wantedPackages(component, grants, providers)) {
    const reason = wishes.get(name)?.reason ?? wishes.get(name.replace(/\/.*$/, ""))?.reason;
    found.push({ reason, grants: [{ kind: "capability", value: name }] });
  }
  return found.filter((question) => question.grants.length > 0);
};

/** What a component names that it wants of folders, hosts, variables and programs, and does not have. */
const unmetWishes = (
  { identifier, bytes }: VerifiedComponent,
  { given }: Pick<Settled, "given">,
): Question[] => {
  const has = ({ kind, value }: WrittenGrant) =>
    given.some((one) => one.kind === kind && (one.value === value || one.value === "*"));
  return readWishes(identifier, bytes)
    .filter(({ name }) => kindOf(name) !== "capability")
    .map(({ name, reason, want }) => ({
      reason,
      grants: want.map((value) => ({ kind: kindOf(name), value })).filter((grant) => !has(grant)),
    }));
};

/** Packages of which it imports something that a provider offers and that it has neither by default nor by grant. */
const wantedPackages = (
  component: VerifiedComponent,
  grants: Grants,
  providers: readonly Provider[],
): Iterable<string> => {
  const wanted = new Set<string>();
  for (const name of decoded(component).world.imports.keys())
    for (const { interfaces, defaultGranted } of providers) {
      const offered = matchInterface(name, interfaces);
      if (offered === undefined) continue;
      const standard = defaultGranted === "*" || defaultGranted.includes(unversioned(offered));
      if (!standard && !mayUse(grants, name) && kindOf(name) === "capability")
        wanted.add(unversioned(name).replace(/\/.*$/, ""));
      break;
    }
  return wanted;
};
