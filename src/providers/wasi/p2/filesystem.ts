import { constants } from "node:fs";
import { errno, fault } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import type { Audit } from "../../../host/audit.ts";
import type { FolderGrant } from "../../../trust/grants.ts";
import { OpenFile, type OpenFiles } from "../state/file.ts";
import { Handle } from "../state/handles.ts";
import { type Lack, Refusal, refusal } from "../state/refusal.ts";
import { Input, Output } from "../state/streams.ts";
import { type Entry, kindOf, OpenFolder } from "../state/tree.ts";
import { errorCode, refusable } from "./errno.ts";
import { type Held, InputStream, type IoError, OutputStream } from "./io.ts";
import { descriptorStat, descriptorTypes, metadataHash, type NewTimestamp, newTime } from "./stat.ts";
import { Watched } from "./watched.ts";

// wasi:filesystem 0.2: types and preopens. Paths, grants and the system are `state/`'s affair; here their words
// become WIT's. Where WIT is silent the order of checks is wasmtime's.

/** What the descriptors of one instance share. */
export interface Filing extends Held {
  /** Told of every use of a file, by the guest's own path of it. */
  readonly audit?: Audit | undefined;
  readonly files: OpenFiles;
  /** Told what another grant would have let pass, by the guest's own path; "any" where it has no folder at all. */
  readonly lacking?: ((path: string, lack: Lack | "any") => void) | undefined;
}

export interface DescriptorFlags {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly fileIntegritySync?: boolean;
  readonly dataIntegritySync?: boolean;
  readonly requestedWriteSync?: boolean;
  readonly mutateDirectory?: boolean;
}
export interface PathFlags {
  readonly symlinkFollow?: boolean;
}
export type OpenFlags = Readonly<Partial<Record<"create" | "directory" | "exclusive" | "truncate", boolean>>>;

/** `descriptor` of wasi:filesystem/types: an open file or folder. */
export class Descriptor extends Handle {
  readonly #filing: Filing;
  readonly node: OpenFile | OpenFolder;
  readonly flags: DescriptorFlags;
  readonly watched: Watched;

  constructor(filing: Filing, node: OpenFile | OpenFolder, flags: DescriptorFlags, path: string) {
    super(filing.handles);
    this.#filing = filing;
    this.node = node;
    this.flags = flags;
    this.watched = new Watched(filing.audit, path);
  }

  readViaStream(offset: bigint): InputStream {
    return refusable(() => {
      if (this.node instanceof OpenFolder) throw refusal("EISDIR", "a folder has no contents to read");
      const file = this.node;
      const input = new Input(this.watched.reading(file.source(offset)), { prompt: file.seekable });
      return this.#streaming(file, (letGo) => new InputStream(this.#filing, input, letGo));
    });
  }

  writeViaStream(offset: bigint): OutputStream {
    return refusable(() => {
      const file = this.file;
      const output = new Output(this.watched.writing(file.sink(offset)));
      return this.#streaming(file, (letGo) => new OutputStream(this.#filing, output, letGo));
    });
  }

  appendViaStream(): OutputStream {
    return refusable(() => {
      const file = this.file;
      const sink = file.appender();
      const output = new Output(this.watched.writing(sink));
      return this.#streaming(file, (letGo) => new OutputStream(this.#filing, output, letGo), sink.close);
    });
  }

  /** Only advice: the system's own read-ahead is left to it, and a folder takes none. */
  advise(): void {
    refusable(() => void this.file);
  }

  syncData(): void {
    refusable(() => (this.node instanceof OpenFile ? this.node.sync("data") : this.node.sync()));
  }

  sync(): void {
    refusable(() => (this.node instanceof OpenFile ? this.node.sync("all") : this.node.sync()));
  }

  getFlags(): Required<DescriptorFlags> {
    const folder = this.node instanceof OpenFolder;
    return {
      read: folder || isSet(this.flags, "read"),
      write: !folder && isSet(this.flags, "write"),
      fileIntegritySync: isSet(this.flags, "fileIntegritySync"),
      dataIntegritySync: isSet(this.flags, "dataIntegritySync"),
      requestedWriteSync: isSet(this.flags, "requestedWriteSync"),
      mutateDirectory:
        this.node instanceof OpenFolder && this.node.mutable && isSet(this.flags, "mutateDirectory"),
    };
  }

  getType(): string {
    return refusable(() => descriptorTypes[kindOf(this.node.stat())]);
  }

  setSize(size: bigint): void {
    this.watched.use("set size");
    refusable(() => this.file.setSize(size));
  }

  setTimes(access: NewTimestamp, modified: NewTimestamp): void {
    this.watched.use("set times");
    refusable(() => this.node.setTimes(newTime(access), newTime(modified)));
  }

  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    return refusable(() => {
      const bytes = this.file.read(length, offset);
      this.watched.use("read", undefined, bytes.length);
      return [bytes, bytes.length === 0 && length > 0n];
    });
  }

  write(buffer: Uint8Array, offset: bigint): bigint {
    return refusable(() => {
      const count = this.file.write(buffer, offset);
      this.watched.use("write", undefined, count);
      return BigInt(count);
    });
  }

  readDirectory(): DirectoryEntryStream {
    this.watched.use("list");
    return refusable(() => new DirectoryEntryStream(this.#filing, this.folder.list()));
  }

  createDirectoryAt(path: string): void {
    this.watched.use("create", path);
    this.#at(path, () => this.folder.makeFolder(path));
  }

  stat() {
    return refusable(() => descriptorStat(this.node.stat()));
  }

  statAt(flags: PathFlags, path: string) {
    this.watched.use("stat", path);
    return this.#at(path, () => descriptorStat(this.folder.statAt(path, isSet(flags, "symlinkFollow"))));
  }

  setTimesAt(flags: PathFlags, path: string, access: NewTimestamp, modified: NewTimestamp): void {
    this.watched.use("set times", path);
    this.#at(path, () =>
      this.folder.setTimesAt(path, isSet(flags, "symlinkFollow"), newTime(access), newTime(modified)),
    );
  }

  linkAt(flags: PathFlags, path: string, onto: Descriptor, newPath: string): void {
    this.watched.use("link", path);
    this.#at(path, () => this.folder.link(path, isSet(flags, "symlinkFollow"), onto.folder, newPath));
  }

  openAt(pathFlags: PathFlags, path: string, openFlags: OpenFlags, asked: DescriptorFlags): Descriptor {
    return this.#at(path, () => {
      const flags = opened(asked, isSet(openFlags, "create"));
      const node = this.folder.open(path, {
        follow: Boolean(pathFlags.symlinkFollow),
        create: isSet(openFlags, "create"),
        exclusive: isSet(openFlags, "exclusive"),
        truncate: isSet(openFlags, "truncate"),
        folder: isSet(openFlags, "directory"),
        read: isSet(flags, "read"),
        write: isSet(flags, "write"),
        mutate: isSet(flags, "mutateDirectory"),
        sync: syncFlags(flags),
      });
      this.watched.use("open", path);
      return owning(node, () => new Descriptor(this.#filing, node, flags, this.watched.below(path)));
    });
  }

  readlinkAt(path: string): string {
    this.watched.use("stat", path);
    return this.#at(path, () => this.folder.readLink(path));
  }

  removeDirectoryAt(path: string): void {
    this.watched.use("remove", path);
    this.#at(path, () => this.folder.removeFolder(path));
  }

  renameAt(path: string, onto: Descriptor, newPath: string): void {
    this.watched.use("rename", path);
    this.#at(path, () => this.folder.rename(path, onto.folder, newPath));
  }

  symlinkAt(target: string, path: string): void {
    this.watched.use("link", path);
    this.#at(path, () => this.folder.symlink(target, path));
  }

  unlinkFileAt(path: string): void {
    this.watched.use("remove", path);
    this.#at(path, () => this.folder.unlink(path));
  }

  isSameObject(other: Descriptor): boolean {
    try {
      const [a, b] = [this.node.stat(), other.node.stat()];
      return a.dev === b.dev && a.ino === b.ino;
    } catch (error) {
      // It has no way to say why not: what is gone is the same as nothing.
      if (errorCode(error) === undefined) throw error;
      return false;
    }
  }

  metadataHash() {
    return refusable(() => metadataHash(this.node.stat()));
  }

  metadataHashAt(flags: PathFlags, path: string) {
    return refusable(() => metadataHash(this.folder.statAt(path, isSet(flags, "symlinkFollow"))));
  }

  /** As `refusable`; what the grant of its folder refused is told. */
  #at<T>(path: string, work: () => T): T {
    return refusable(() => {
      try {
        return work();
      } catch (error) {
        if (error instanceof Refusal && error.lack)
          this.#filing.lacking?.(this.watched.below(path), error.lack);
        throw error;
      }
    });
  }

  /** EBADF where it is a folder. */
  get file(): OpenFile {
    if (this.node instanceof OpenFile) return this.node;
    throw refusal("EBADF", "a folder has no contents to read or write");
  }

  /** ENOTDIR where it is none. */
  get folder(): OpenFolder {
    if (this.node instanceof OpenFolder) return this.node;
    throw refusal("ENOTDIR", "not a folder");
  }

  /** A stream keeps its file open, the descriptor dropped or not. */
  #streaming<T>(file: OpenFile, make: (letGo: () => void) => T, close?: () => void): T {
    file.retain();
    const letGo = () => {
      close?.();
      file.release();
    };
    try {
      return make(letGo);
    } catch (error) {
      letGo();
      throw error;
    }
  }

  protected override release(): void {
    this.node.release();
  }
}

/**
 * What a file is opened for: who asks for neither reading nor writing reads, and who creates writes. WIT says nothing
 * of it, and the programs of both wasmtime and wasi-testsuite have it so.
 */
const opened = (asked: DescriptorFlags, creates: boolean): DescriptorFlags => ({
  ...asked,
  read: isSet(asked, "read") || !isSet(asked, "write"),
  write: isSet(asked, "write") || creates,
});

const isSet = <Flag extends string>(flags: Readonly<Partial<Record<Flag, boolean>>>, flag: Flag): boolean =>
  Boolean(flags[flag]);

/** Makes what will own the node; where that fails, the node is let go. */
export const owning = <T>(node: OpenFile | OpenFolder, make: () => T): T => {
  try {
    return make();
  } catch (error) {
    node.release();
    throw error;
  }
};

/** What lists a folder (`descriptor.read-directory` gives it): its entries as they were then. */
export class DirectoryEntryStream extends Handle {
  readonly #files: OpenFiles;
  readonly #entries: readonly (Entry | Refusal)[];
  #at = 0;

  constructor({ handles, files }: Filing, entries: readonly (Entry | Refusal)[]) {
    super(handles);
    this.#files = files;
    this.#entries = entries;
    if (files.entries.tryTake(entries.length)) return;
    this.#entries = [];
    this[Symbol.dispose]();
    throw refusal("ENOMEM", "too many folder entries at once");
  }

  readDirectoryEntry(): { type: string; name: string } | undefined {
    return refusable(() => {
      const entry = this.#entries[this.#at];
      if (entry === undefined) return undefined;
      this.#at += 1;
      if (entry instanceof Refusal) throw entry;
      return { type: descriptorTypes[entry.kind], name: entry.name };
    });
  }

  protected override release(): void {
    this.#files.entries.give(this.#entries.length);
  }
}

/** `requested-write-sync` asks reads for what the others ask of writes; Linux gives it no bit of its own. */
const syncFlags = ({ fileIntegritySync, dataIntegritySync, requestedWriteSync }: DescriptorFlags): number =>
  (fileIntegritySync || requestedWriteSync ? (constants.O_SYNC ?? 0) : 0) |
  (dataIntegritySync ? (constants.O_DSYNC ?? 0) : 0);

export const filesystem = (filing: Filing, folders: readonly FolderGrant[]) => ({
  types: {
    Descriptor,
    DirectoryEntryStream,
    filesystemErrorCode: (error: IoError) => errorCode(error.cause),
  },
  preopens: {
    /** New descriptors at each call. Faults: LK0702 where a granted folder is gone, LK0204 beyond openFilesMax. */
    getDirectories: () => {
      filing.lacking?.("", "any");
      return folders.map((grant): [Descriptor, string] => {
        const folder = granted(filing.files, grant);
        return [
          owning(
            folder,
            () => new Descriptor(filing, folder, { read: true, mutateDirectory: true }, grant.guest),
          ),
          grant.guest,
        ];
      });
    },
  },
});

const granted = (files: OpenFiles, { host, guest, readOnly }: FolderGrant): OpenFolder => {
  try {
    return OpenFolder.granted(files, host, !readOnly);
  } catch (error) {
    if (errno(error) === "EMFILE")
      throw fault("LK0204", `The component holds ${limits.openFilesMax} open files, and that is the limit`);
    throw fault("LK0702", `The folder ${host}, granted as ${guest}, cannot be opened any more`, {
      cause: error,
    });
  }
};
