import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fault } from "../../base/fault.ts";
import { writeFileAtomic } from "../../base/files.ts";
import type { Interruptible, OnProgress } from "../../resolve/fetch.ts";
import { changeLock, type LockEntry, tidyLock, vendorPath } from "../../resolve/lock.ts";
import type { Remote } from "../../resolve/remote.ts";
import type { Resolver } from "../../resolve/resolver.ts";

export interface SuppliesServices {
  readonly resolver: Resolver;
  readonly interruptible: Interruptible;
  /** The identifiers that the loop.toml files of the workspace and its members name. */
  readonly named: () => readonly string[];
}

interface Supply {
  readonly identifier: string;
  readonly place: string;
  readonly digest: string;
  readonly bytes: bigint;
  readonly change: "new" | "changed" | "same";
}

/**
 * Brings in what is named, or all that workspace and lock name. Faults: LK0005, those of each; nothing is undone by
 * one.
 */
export const bring = async (
  { resolver, named, interruptible }: SuppliesServices,
  given: readonly string[],
  { update, prune }: { readonly update: boolean; readonly prune: boolean },
  onProgress: OnProgress,
) => {
  const remote = await resolver.remote();
  const before = remote.lock;
  const wanted = given.length > 0 ? [...given] : [...new Set([...named(), ...(prune ? [] : before.keys())])];
  const supplies: Supply[] = [];
  const kept = new Set<string>();
  const bringOne = async (text: string) => {
    // What is here without being fetched is no supply, unless it was asked for by name.
    if (given.length === 0 && !(await resolver.isRemote(text))) return;
    const { bytes, locator } = await (update
      ? resolver.update(text, onProgress)
      : resolver.fetch(text, onProgress));
    const { identifier, place, digest } = locator;
    kept.add(identifier);
    const locked = before.get(identifier);
    const change = locked === undefined ? "new" : locked.digest === digest ? "same" : "changed";
    supplies.push({ identifier, place, digest, bytes: BigInt(bytes.length), change });
  };
  await oneByOne(interruptible, wanted, "brought in", bringOne);
  const dropped = prune && given.length === 0 ? await drop(remote, kept, resolver) : [];
  const lock = remote.lockPath;
  if (lock !== undefined) await tidyLock(lock);
  return { supplies, dropped, lock: lock !== undefined && existsSync(lock) ? lock : undefined };
};

/** Does each, until the person interrupts: what was done stays. Fault: LK0005. */
const oneByOne = <T>(
  interruptible: Interruptible,
  all: readonly T[],
  done: string,
  work: (one: T) => Promise<void>,
): Promise<void> =>
  interruptible(async (signal) => {
    for (const [count, one] of all.entries()) {
      // Signals are heard between turns of the event loop, and what is here already needs none.
      await new Promise(setImmediate);
      if (signal.aborted)
        throw fault("LK0005", `Interrupted when ${count} of ${all.length} were ${done}; those stay`);
      await work(one);
    }
  });

/** Drops from the lock what is not kept. Fault: LK0107 with --locked. */
const drop = async (remote: Remote, kept: ReadonlySet<string>, { policy }: Resolver): Promise<string[]> => {
  const { lockPath } = remote;
  const dropped = [...remote.lock.keys()].filter((identifier) => !kept.has(identifier));
  if (lockPath === undefined || dropped.length === 0) return [];
  if (policy.locked)
    throw fault(
      "LK0107",
      `${lockPath} has ${dropped.length} entries that nothing names, and --locked lets none be dropped`,
      {
        hint: "loop fetch --prune",
      },
    );
  await changeLock(lockPath, (entries) => {
    for (const identifier of dropped) entries.delete(identifier);
  });
  return dropped;
};

/** Copies what the lock names beside it, and removes copies that it does not name. Faults: LK0005, LK0504, LK0006. */
export const vendor = async (services: SuppliesServices, onProgress: OnProgress) => {
  const { resolver } = services;
  const remote = await resolver.remote();
  const { lockPath } = remote;
  if (lockPath === undefined)
    throw fault(
      "LK0504",
      `A loop.toml was looked for in ${resolver.folder} and above it, and there is none`,
      {
        hint: "loop new component NAME",
      },
    );
  await bring(services, [], { update: false, prune: false }, onProgress);
  const supplies: Supply[] = [];
  const kept = new Set<string>();
  const copyOne = async ({ identifier, place, digest }: LockEntry) => {
    const { bytes } = await resolver.fetch(identifier);
    const path = vendorPath(lockPath, digest);
    const there = remote.vendored(digest) !== undefined;
    if (!there) writeFileAtomic(path, bytes, { sync: true });
    kept.add(path);
    supplies.push({ identifier, place, digest, bytes: BigInt(bytes.length), change: there ? "same" : "new" });
  };
  await oneByOne(services.interruptible, [...remote.lock.values()], "copied", copyOne);
  const folder = join(dirname(lockPath), "vendor");
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (/^sha256-[0-9a-f]{64}\.wasm(\.\d+\.[0-9a-f]{8}\.tmp)?$/.test(name) && !kept.has(join(folder, name)))
      rmSync(join(folder, name));
  return { folder, supplies };
};
