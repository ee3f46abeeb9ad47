// Versions of WIT packages: which offered version serves a wanted one.
// Refuses ranges and anything that wasmtime's linker would not accept.
// Called by the host's linkers, by `compare`, and by whoever looks up an interface by name.
import { unversioned } from "./model.ts";

/** The parts of a version by semver.org 2.0.0; `pre` is "" for a release. Build metadata carries no meaning. */
interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  readonly pre: string;
}

const pattern = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

const parseVersion = (text: string): Version | undefined => {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [, major, minor, patch, pre = ""] = match;
  return { major: Number(major), minor: Number(minor), patch: Number(patch), pre };
};

/**
 * The track on which versions replace each other, as wasmtime keys its linker: "1" for all of 1.x, "0.2" for
 * 0.2.x, "0.0.3" for that one patch. A pre-release has none: it matches only itself.
 */
const track = (version: Version): string | undefined => {
  const { major, minor, patch, pre } = version;
  if (pre !== "") return undefined;
  if (major > 0) return `${major}`;
  return minor > 0 ? `0.${minor}` : `0.0.${patch}`;
};

/** Whether an import of version `wanted` may be served by `offered`, older or newer. Equal text always may. */
export const compatible = (wanted: string, offered: string): boolean => {
  if (wanted === offered) return true;
  const [a, b] = [parseVersion(wanted), parseVersion(offered)];
  if (!a || !b) return false;
  const key = track(a);
  return key !== undefined && key === track(b);
};

/** Order of two releases; what is no version sorts first. */
const byVersion = (a: string, b: string): number => {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  if (!left || !right) return Number(left !== undefined) - Number(right !== undefined);
  return left.major - right.major || left.minor - right.minor || left.patch - right.patch;
};

/** What follows "@": "wasi:io/poll@0.2.12" → "0.2.12"; undefined where there is none. */
export const versionOf = (name: string): string | undefined => {
  const plain = unversioned(name);
  return plain.length === name.length ? undefined : name.slice(plain.length + 1);
};

/**
 * The offered name that serves `wanted`: the same name if it is there, else the newest compatible version of
 * the same interface, as wasmtime chooses. A name without a version is served only by itself.
 */
export const matchInterface = (wanted: string, offered: Iterable<string>): string | undefined => {
  const plain = unversioned(wanted);
  const version = versionOf(wanted);
  let best: string | undefined;
  for (const name of offered) {
    if (name === wanted) return name;
    const other = versionOf(name);
    if (version === undefined || other === undefined || unversioned(name) !== plain) continue;
    if (!compatible(version, other)) continue;
    if (best === undefined || byVersion(versionOf(best)!, other) < 0) best = name;
  }
  return best;
};

/** Other versions of the same interface among `offered`, newest first: what a link error names as nearest. */
export const otherVersions = (wanted: string, offered: Iterable<string>): string[] => {
  const plain = unversioned(wanted);
  return [...offered]
    .filter((name) => name !== wanted && unversioned(name) === plain)
    .sort((a, b) => byVersion(versionOf(b) ?? "", versionOf(a) ?? ""));
};
