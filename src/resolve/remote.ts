import { readFileSync } from "node:fs";
import { type Digest, digestOf, noteDigest } from "../base/digest.ts";
import { errno, Fault, fault } from "../base/fault.ts";
import { timed } from "../base/timings.ts";
import { shellWord } from "../base/word.ts";
import type { FetchContext, Fetched, Fetcher, Interruptible, Locator, Pin } from "./fetch.ts";
import type { Identifier } from "./identifier.ts";
import { changeLock, type Lock, type LockEntry, readLock, vendorPath } from "./lock.ts";
import { type Policy, pinned } from "./policy.ts";
import { Store } from "./store/store.ts";

export type Described = Pick<LockEntry, "signature" | "signers" | "imports" | "exports">;

/**
 * Looks whether bytes are a component that may be used here, and says of it what the lock notes. `before` is what the
 * lock says now: who signed that has to have signed this. Its faults are those of verifying.
 */
export type Describe = (
  fetched: Fetched,
  before: { readonly entry: LockEntry; readonly place: string } | undefined,
) => Promise<Described>;

export interface RemoteOptions {
  /** The loop.lock that speaks for the folder; undefined where no loop.toml does. */
  readonly lockPath: string | undefined;
  readonly policy: Policy;
  readonly describe: Describe;
  /** Checks the types of bytes from elsewhere, once for each digest, before they are stored. Throws what is wrong. */
  readonly validate: (identifier: string, bytes: Uint8Array) => Promise<void>;
  /** Begins to load what `validate` needs, while bytes are on their way. */
  readonly prepare?: () => void;
  /** How asking the network is interrupted; without it, it is not. */
  readonly interruptible?: Interruptible;
  readonly store?: Store;
}

/**
 * Identifiers whose bytes come from elsewhere. What the lock names and the store or `vendor` holds is taken from
 * there, and nobody is asked. What the lock does not name is fetched, stored and added to it.
 */
export class Remote {
  readonly store: Store;
  readonly lockPath: string | undefined;
  readonly #options: RemoteOptions;
  #lock: Lock | undefined;

  constructor(options: RemoteOptions) {
    this.#options = options;
    this.lockPath = options.lockPath;
    this.store = options.store ?? new Store();
  }

  get lock(): Lock {
    this.#lock ??= this.lockPath === undefined ? new Map() : readLock(this.lockPath);
    return this.#lock;
  }

  /**
   * Faults: LK0106 offline and not here, LK0107 locked and not in the lock, LK0105 other bytes than the lock says,
   * LK0108, and those of the fetcher and of `validate`.
   */
  async fetch(identifier: Identifier, fetcher: Fetcher, context: FetchContext): Promise<Fetched> {
    const entry = this.lock.get(identifier.text);
    return entry
      ? this.#locked(identifier, entry, fetcher, context)
      : this.#unlocked(identifier, fetcher, context);
  }

  /** Asks anew what an identifier names, whatever the lock says, and locks that. */
  async update(identifier: Identifier, fetcher: Fetcher, context: FetchContext): Promise<Fetched> {
    const { locked, offline } = this.#options.policy;
    if (offline) throw absent(identifier);
    if (locked) throw notLocked(identifier, this.lockPath);
    return this.#bring(identifier, fetcher, context);
  }

  async #locked(identifier: Identifier, entry: LockEntry, fetcher: Fetcher, context: FetchContext) {
    const bytes = this.here(entry.digest);
    const { signature } = entry;
    if (bytes) return { bytes, locator: locatorOf(identifier, entry), signature };
    if (this.#options.policy.offline) throw absent(identifier);
    const pin: Pin = { digest: entry.digest, manifest: entry.manifest, package: entry.package };
    const fetched = await this.#ask(identifier, fetcher, { ...context, pin });
    await this.#orForget(fetched, async () => {
      if (fetched.locator.digest !== entry.digest)
        throw fault(
          "LK0105",
          `${identifier.text} is locked to ${entry.digest}, and ${fetched.locator.place} gives ${fetched.locator.digest}`,
          { hint: `where the change is meant: loop fetch --update ${shellWord(identifier.text)}` },
        );
      await this.#keep(fetched, signature);
    });
    return { bytes: fetched.bytes, locator: { ...fetched.locator, place: entry.place }, signature };
  }

  async #unlocked(identifier: Identifier, fetcher: Fetcher, context: FetchContext): Promise<Fetched> {
    const { offline, locked } = this.#options.policy;
    if (locked && this.lockPath !== undefined) throw notLocked(identifier, this.lockPath);
    const known = this.store.names.recall(identifier.text);
    const bytes = known && (offline || pinned(identifier)) ? this.here(known.digest) : undefined;
    if (known && bytes) {
      const signature = known.signature === undefined ? undefined : Buffer.from(known.signature, "base64");
      const found = { bytes, locator: locatorOf(identifier, known), signature };
      if (this.lockPath !== undefined) await this.#add(found, await this.#options.describe(found, undefined));
      return found;
    }
    if (offline) throw absent(identifier);
    return this.#bring(identifier, fetcher, context);
  }

  async #bring(identifier: Identifier, fetcher: Fetcher, context: FetchContext): Promise<Fetched> {
    const fetched = await this.#ask(identifier, fetcher, context);
    // What is no component is neither kept nor locked.
    const before = this.lock.get(identifier.text);
    const place = this.lockPath ?? "";
    let signature: Uint8Array | undefined;
    await this.#orForget(fetched, async () => {
      const described = await timed("describe", () =>
        this.#options.describe(fetched, before && { entry: before, place }),
      );
      signature = described.signature;
      await this.#keep(fetched, signature);
      await this.#add(fetched, described);
    });
    return { ...fetched, signature };
  }

  /** Asks the network. Faults: LK0005 where the person interrupts, the fetcher's. */
  async #ask(identifier: Identifier, fetcher: Fetcher, context: FetchContext): Promise<Fetched> {
    const { prepare, interruptible = uninterrupted } = this.#options;
    prepare?.();
    const { store } = this;
    try {
      return await timed("pull", () =>
        interruptible(async (signal) => {
          const fetched = await fetcher.fetch(identifier, { ...context, store, signal });
          await this.#orForget(fetched, async () => signal.throwIfAborted());
          return fetched;
        }),
      );
    } catch (error) {
      if (!(error instanceof Fault && error.code === "LK0005")) throw error;
      throw fault(
        "LK0005",
        `Interrupted before ${identifier.text} was here; it is neither stored nor locked`,
        {
          hint: `loop fetch ${shellWord(identifier.text)}, which goes on with what came of it`,
          cause: error,
        },
      );
    }
  }

  /** What a fetcher put into the store and is of no use here goes out of it again. */
  async #orForget({ fresh, locator }: Fetched, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (fresh) this.store.remove(locator.digest);
      throw error;
    }
  }

  /** Bytes that are on this machine, in the store or vendored beside the lock; their digest is checked. */
  here(digest: Digest): Uint8Array | undefined {
    return this.store.read(digest) ?? this.vendored(digest);
  }

  /** Faults: LK0105 where the vendored file has other bytes, LK0007. */
  vendored(digest: Digest): Uint8Array | undefined {
    if (this.lockPath === undefined) return undefined;
    const path = vendorPath(this.lockPath, digest);
    let bytes: Uint8Array;
    try {
      bytes = readFileSync(path);
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(errno(error) ?? "")) return undefined;
      throw fault("LK0007", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
    }
    const found = digestOf(bytes);
    if (found === digest) {
      noteDigest(bytes, digest);
      return bytes;
    }
    throw fault("LK0105", `${path} has digest ${found}, and ${digest} was looked for`, {
      hint: `rm ${shellWord(path)} && loop vendor`,
    });
  }

  async #keep({ bytes, locator, etag, fresh }: Fetched, signature: Uint8Array | undefined): Promise<void> {
    const { identifier, digest, manifest, package: name, place } = locator;
    const there = this.store.has(digest);
    // A process that was killed between storing and this has stored what nobody looked at, and named nothing.
    const known = there && !fresh && this.store.names.list().some((name) => name.digest === digest);
    if (!known) await timed("validate", () => this.#options.validate(identifier, bytes));
    if (!there) await this.store.put(bytes, digest);
    this.store.names.remember({
      identifier,
      digest,
      manifest,
      package: name,
      place,
      etag,
      signature: signature && Buffer.from(signature).toString("base64"),
    });
    this.store.bound(digest);
  }

  async #add({ locator }: Fetched, described: Described): Promise<void> {
    if (this.lockPath === undefined) return;
    const { identifier, place, digest, manifest, package: name } = locator;
    const entry = { identifier, package: name, place, digest, manifest, ...described };
    this.#lock = await changeLock(this.lockPath, (entries) => void entries.set(identifier, entry));
  }
}

const uninterrupted: Interruptible = (work) => work(new AbortController().signal);

const locatorOf = ({ text, scheme }: Identifier, known: Omit<Locator, "scheme">): Locator => {
  const { place, digest, manifest, package: name } = known;
  return { identifier: text, scheme, place, digest, manifest, package: name };
};

const absent = ({ text }: Identifier): Fault =>
  fault("LK0106", `${text} is not on this machine, and the network is not asked (--offline)`, {
    hint: `loop fetch ${text}`,
  });

const notLocked = ({ text }: Identifier, lockPath: string | undefined): Fault =>
  fault("LK0107", `${lockPath ?? "loop.lock"} has no entry for ${text}, and --locked lets none be added`, {
    hint: `loop fetch ${text}`,
  });
