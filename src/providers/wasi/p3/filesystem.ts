import type { BigIntStats } from "node:fs";
import { DeclaredError, declared } from "../../../base/fault.ts";
import type { FolderGrant } from "../../../trust/grants.ts";
import { errorCode as code } from "../p2/errno.ts";
import {
  type DescriptorFlags,
  type Filing,
  type OpenFlags,
  filesystem as older,
  type PathFlags,
} from "../p2/filesystem.ts";
import { descriptorTypes, type NewTimestamp } from "../p2/stat.ts";
import { OpenFile } from "../state/file.ts";
import { Refusal, refusal } from "../state/refusal.ts";
import type { ByteSink } from "../state/streams.ts";
import { type Entry, type Kind, kindOf } from "../state/tree.ts";
import type { Instant } from "./clocks.ts";
import {
  drainInto,
  type GuestStream,
  type Holding,
  type Outcome,
  outcome,
  produced,
  streamOut,
} from "./pipe.ts";

// wasi:filesystem 0.3: types and preopens. What both versions do is 0.2's descriptor, which this one holds; here are
// the streams, and the words that have changed.

type Older = ReturnType<ReturnType<typeof older>["preopens"]["getDirectories"]>[number][0];

/** `error-code`; a variant since 0.3, without `would-block`, which no asynchronous call answers. */
export type ErrorCode = { readonly tag: string; readonly val?: string | undefined };

const errorOf = (name: string): ErrorCode =>
  name === "would-block" ? { tag: "other", val: "it would have to wait" } : { tag: name };

/** Of what the system, or the sandbox in its stead, refused; undefined for any other error. */
const errorCode = (error: unknown): ErrorCode | undefined => {
  const name = error instanceof DeclaredError ? (error.payload as string) : code(error);
  return name === undefined ? undefined : errorOf(name);
};

const refusable = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    const err = errorCode(error);
    throw err === undefined ? error : declared(err);
  }
};

/** `descriptor-type`; a variant since 0.3. */
const typeOf = (kind: Kind): { readonly tag: string; readonly val?: undefined } =>
  kind === "unknown" ? { tag: "other", val: undefined } : { tag: descriptorTypes[kind] };

const nsPerSecond = 1_000_000_000n;

const instant = (ns: bigint): Instant => {
  const nanoseconds = ((ns % nsPerSecond) + nsPerSecond) % nsPerSecond;
  return { seconds: (ns - nanoseconds) / nsPerSecond, nanoseconds: Number(nanoseconds) };
};

const descriptorStat = (stats: BigIntStats) => ({
  type: typeOf(kindOf(stats)),
  linkCount: stats.nlink,
  size: stats.size,
  dataAccessTimestamp: instant(stats.atimeNs),
  dataModificationTimestamp: instant(stats.mtimeNs),
  statusChangeTimestamp: instant(stats.ctimeNs),
});

type Written = Promise<Outcome<ErrorCode>>;

/** `descriptor` of wasi:filesystem/types. Its asynchronous functions answer at once: the system does. */
export class Descriptor {
  readonly older: Older;
  readonly #filing: Filing & Holding;

  constructor(filing: Filing & Holding, inner: Older) {
    this.#filing = filing;
    this.older = inner;
  }

  readViaStream(offset: bigint): [AsyncIterable<Uint8Array>, Written] {
    const { watched } = this.older;
    let letGo = () => {};
    try {
      const file = this.#file;
      const source = watched.reading(file.source(offset));
      letGo = retained(file);
      return streamOut(this.#filing, source, errorCode, letGo);
    } catch (error) {
      letGo();
      return failed(this.#filing, error);
    }
  }

  writeViaStream(data: GuestStream, offset: bigint): Written {
    return this.#written(data, (file) => file.sink(offset));
  }

  appendViaStream(data: GuestStream): Written {
    return this.#written(data, (file) => file.appender());
  }

  advise(): void {
    refusable(() => this.older.advise());
  }

  syncData(): void {
    refusable(() => this.older.syncData());
  }

  sync(): void {
    refusable(() => this.older.sync());
  }

  getFlags(): Required<DescriptorFlags> {
    return this.older.getFlags();
  }

  getType() {
    return refusable(() => typeOf(kindOf(this.older.node.stat())));
  }

  setSize(size: bigint): void {
    refusable(() => this.older.setSize(size));
  }

  setTimes(access: NewTimestamp, modified: NewTimestamp): void {
    refusable(() => this.older.setTimes(access, modified));
  }

  readDirectory(): [AsyncIterable<object>, Written] {
    const { watched } = this.older;
    watched.use("list");
    const { entries } = this.#filing.files;
    try {
      const listed = this.older.folder.list();
      if (!entries.tryTake(listed.length)) throw refusal("ENOMEM", "too many folder entries at once");
      const rest = listed.values();
      return produced(
        this.#filing.transit,
        async () => entryOf(rest.next().value),
        errorCode,
        () => entries.give(listed.length),
      );
    } catch (error) {
      return failed(this.#filing, error);
    }
  }

  createDirectoryAt(path: string): void {
    refusable(() => this.older.createDirectoryAt(path));
  }

  stat() {
    return refusable(() => descriptorStat(this.older.node.stat()));
  }

  statAt({ symlinkFollow = false }: PathFlags, path: string) {
    const { watched } = this.older;
    watched.use("stat", path);
    return refusable(() => descriptorStat(this.older.folder.statAt(path, symlinkFollow)));
  }

  setTimesAt(flags: PathFlags, path: string, access: NewTimestamp, modified: NewTimestamp): void {
    refusable(() => this.older.setTimesAt(flags, path, access, modified));
  }

  linkAt(flags: PathFlags, path: string, onto: Descriptor, newPath: string): void {
    refusable(() => this.older.linkAt(flags, path, onto.older, newPath));
  }

  openAt(pathFlags: PathFlags, path: string, openFlags: OpenFlags, flags: DescriptorFlags): Descriptor {
    return refusable(
      () => new Descriptor(this.#filing, this.older.openAt(pathFlags, path, openFlags, flags)),
    );
  }

  readlinkAt(path: string): string {
    return refusable(() => this.older.readlinkAt(path));
  }

  removeDirectoryAt(path: string): void {
    refusable(() => this.older.removeDirectoryAt(path));
  }

  renameAt(path: string, onto: Descriptor, newPath: string): void {
    refusable(() => this.older.renameAt(path, onto.older, newPath));
  }

  symlinkAt(target: string, path: string): void {
    refusable(() => this.older.symlinkAt(target, path));
  }

  unlinkFileAt(path: string): void {
    refusable(() => this.older.unlinkFileAt(path));
  }

  isSameObject(other: Descriptor): boolean {
    return this.older.isSameObject(other.older);
  }

  metadataHash() {
    return refusable(() => this.older.metadataHash());
  }

  metadataHashAt(flags: PathFlags, path: string) {
    return refusable(() => this.older.metadataHashAt(flags, path));
  }

  [Symbol.dispose](): void {
    this.older[Symbol.dispose]();
  }

  /** 0.2 says `bad-descriptor` of a folder, 0.3 `is-directory`. */
  get #file(): OpenFile {
    const { node } = this.older;
    if (node instanceof OpenFile) return node;
    throw refusal("EISDIR", "a folder has no contents to read or write");
  }

  /** The file stays open until all is written, the descriptor dropped or not. */
  #written(data: GuestStream, sinkOf: (file: OpenFile) => ByteSink & { close?: () => void }): Written {
    return outcome(this.#write(data, sinkOf), errorCode);
  }

  async #write(data: GuestStream, sinkOf: (file: OpenFile) => ByteSink & { close?: () => void }) {
    let sink: (ByteSink & { close?: () => void }) | undefined;
    let letGo = () => {};
    try {
      const { watched } = this.older;
      const file = this.#file;
      sink = watched.writing(sinkOf(file));
      letGo = retained(file);
      await drainInto(this.#filing, data, sink);
    } finally {
      data[Symbol.dispose]();
      sink?.close?.();
      letGo();
    }
  }
}

const retained = (file: OpenFile): (() => void) => {
  file.retain();
  return () => file.release();
};

const entryOf = (entry: Entry | Refusal | undefined) => {
  if (entry instanceof Refusal) throw entry;
  return entry && { type: typeOf(entry.kind), name: entry.name };
};

/** A stream that ends at once, and why. */
const failed = (filing: Filing & Holding, error: unknown): [AsyncIterable<never>, Written] => {
  const err = errorCode(error);
  if (err === undefined) throw error;
  const [stream] = produced<never, ErrorCode>(filing.transit, async () => undefined, errorCode);
  return [stream, Promise.resolve({ tag: "err", val: err })];
};

export const filesystem = (filing: Filing & Holding, folders: readonly FolderGrant[]) => {
  const { preopens } = older(filing, folders);
  return {
    types: { Descriptor },
    preopens: {
      getDirectories: () =>
        preopens
          .getDirectories()
          .map(([inner, path]): [Descriptor, string] => [new Descriptor(filing, inner), path]),
    },
  };
};
