// A file system that lives in memory: one folder, "/", and whatever files the caller makes in it.
import { subscribeDuration } from "wasi:clocks/monotonic-clock@0.2.12";

class IoError {
  toDebugString = () => "no such stream";
}

const closed = () => ({ payload: { tag: "closed" } });
const refused = (code: string) => ({ payload: code });

interface Content {
  bytes: Uint8Array;
}

class InputStream {
  #content: Content;
  #at: number;
  constructor(content: Content, at: number) {
    this.#content = content;
    this.#at = at;
  }
  read(length: bigint): Uint8Array {
    const { bytes } = this.#content;
    if (this.#at >= bytes.length) throw closed();
    const taken = bytes.slice(this.#at, this.#at + Number(length));
    this.#at += taken.length;
    return taken;
  }
  blockingRead(length: bigint): Uint8Array {
    return this.read(length);
  }
  skip(length: bigint): bigint {
    return BigInt(this.read(length).length);
  }
  blockingSkip(length: bigint): bigint {
    return this.skip(length);
  }
  // What lies in memory is always ready; the pollable is the host's own, so that the host can wait for it.
  subscribe() {
    return subscribeDuration(0n);
  }
}

class OutputStream {
  #content: Content;
  #at: number;
  constructor(content: Content, at: number) {
    this.#content = content;
    this.#at = at;
  }
  checkWrite = () => 65_536n;
  write(bytes: Uint8Array): void {
    put(this.#content, bytes, this.#at);
    this.#at += bytes.length;
  }
  blockingWriteAndFlush(bytes: Uint8Array): void {
    this.write(bytes);
  }
  flush(): void {}
  blockingFlush(): void {}
  subscribe() {
    return subscribeDuration(0n);
  }
  writeZeroes(length: bigint): void {
    this.write(new Uint8Array(Number(length)));
  }
  blockingWriteZeroesAndFlush(length: bigint): void {
    this.writeZeroes(length);
  }
  splice(source: InputStream, length: bigint): bigint {
    const bytes = source.read(length);
    this.write(bytes);
    return BigInt(bytes.length);
  }
  blockingSplice(source: InputStream, length: bigint): bigint {
    return this.splice(source, length);
  }
}

const put = (content: Content, bytes: Uint8Array, at: number): void => {
  const end = at + bytes.length;
  if (end > content.bytes.length) {
    const grown = new Uint8Array(end);
    grown.set(content.bytes);
    content.bytes = grown;
  }
  content.bytes.set(bytes, at);
};

const files = new Map<string, Content>();

class DirectoryEntryStream {
  #names = [...files.keys()].sort();
  readDirectoryEntry() {
    const name = this.#names.shift();
    return name === undefined ? undefined : { type: "regular-file", name };
  }
}

class Descriptor {
  #content: Content | undefined;
  constructor(content?: Content) {
    this.#content = content;
  }
  get file(): Content {
    if (!this.#content) throw refused("is-directory");
    return this.#content;
  }
  openAt(_: unknown, path: string, flags: { create?: boolean; exclusive?: boolean; truncate?: boolean }) {
    if (this.#content) throw refused("not-directory");
    if (path === ".") return new Descriptor();
    if (path.includes("/") || path === "..") throw refused("not-permitted");
    const there = files.get(path);
    if (there && flags.exclusive) throw refused("exist");
    if (!there && !flags.create) throw refused("no-entry");
    const content = there ?? { bytes: new Uint8Array() };
    if (flags.truncate) content.bytes = new Uint8Array();
    files.set(path, content);
    return new Descriptor(content);
  }
  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    const bytes = this.file.bytes.slice(Number(offset), Number(offset + length));
    return [bytes, bytes.length === 0];
  }
  write(bytes: Uint8Array, offset: bigint): bigint {
    put(this.file, bytes, Number(offset));
    return BigInt(bytes.length);
  }
  readViaStream = (offset: bigint) => new InputStream(this.file, Number(offset));
  writeViaStream = (offset: bigint) => new OutputStream(this.file, Number(offset));
  appendViaStream = () => new OutputStream(this.file, this.file.bytes.length);
  stat() {
    const size = BigInt(this.#content?.bytes.length ?? 0);
    return { type: this.getType(), linkCount: 1n, size };
  }
  statAt(_: unknown, path: string) {
    return this.openAt(_, path, {}).stat();
  }
  getType(): string {
    return this.#content ? "regular-file" : "directory";
  }
  getFlags = () => ({ read: true, write: true, mutateDirectory: !this.#content });
  readDirectory = () => new DirectoryEntryStream();
  unlinkFileAt(path: string): void {
    if (!files.delete(path)) throw refused("no-entry");
  }
  setSize(size: bigint): void {
    const bytes = new Uint8Array(Number(size));
    bytes.set(this.file.bytes.subarray(0, bytes.length));
    this.file.bytes = bytes;
  }
  advise(): void {}
  sync(): void {}
  syncData(): void {}
  isSameObject(other: Descriptor): boolean {
    return this.#content === other.#content;
  }
  metadataHash = () => ({ lower: 0n, upper: 0n });
  metadataHashAt = () => ({ lower: 0n, upper: 0n });
  setTimes = unsupported;
  setTimesAt = unsupported;
  linkAt = unsupported;
  readlinkAt = unsupported;
  removeDirectoryAt = unsupported;
  createDirectoryAt = unsupported;
  renameAt = unsupported;
  symlinkAt = unsupported;
}

function unsupported(): never {
  throw refused("unsupported");
}

export const error = { Error: IoError };
export const streams = { InputStream, OutputStream };
export const types = { Descriptor, DirectoryEntryStream, filesystemErrorCode: () => undefined };
export const preopens = { getDirectories: () => [[new Descriptor(), "/"]] };
