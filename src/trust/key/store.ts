import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { errno, Fault, fault } from "../../base/fault.ts";
import { cannotWrite, removeQuietly, writeFileAtomic } from "../../base/files.ts";
import { limits } from "../../base/limits.ts";
import { dataFolder } from "../../base/paths.ts";
import { nearest } from "../../base/suggest.ts";
import { shellWord } from "../../base/word.ts";
import { type Box, isBox } from "./box.ts";
import { type SigningKey, signingKey } from "./private.ts";
import { isPublicKey, type PublicKey } from "./public.ts";

const format = 1;
const extension = ".key";

export interface KeyInfo {
  readonly name: string;
  readonly key: PublicKey;
  /** It lies under a passphrase. */
  readonly locked: boolean;
  readonly path: string;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** What a key's file holds, as JSON. */
interface KeyFile {
  readonly format: typeof format;
  readonly key: PublicKey;
  readonly createdAt: string;
  readonly private: { readonly seed: string } | Box;
}

/**
 * A person's own keys: one file each in `$XDG_DATA_HOME/loop/keys`, which nobody else may read. Faults: LK0603 no
 * name for a key, LK0805 no such key, LK0806 damaged, LK0807 there already, LK0808 passphrase, LK0809 open to others,
 * LK0006, LK0007.
 */
export class KeyStore {
  readonly #folder: string;

  constructor(folder: string = join(dataFolder(), "keys")) {
    this.#folder = folder;
  }

  list(): readonly KeyInfo[] {
    return this.#names().map((name) => this.info(name));
  }

  /** Those that can be read: what a damaged file says of nobody must not keep a component from being checked. */
  readable(): readonly KeyInfo[] {
    return this.#names().flatMap((name) => {
      try {
        return [this.info(name)];
      } catch (error) {
        if (error instanceof Fault) return [];
        throw error;
      }
    });
  }

  /** The public half of a key; undefined where there is none of that name. */
  find(name: string): KeyInfo | undefined {
    return isKeyName(name) && this.#names().includes(name) ? this.info(name) : undefined;
  }

  info(name: string): KeyInfo {
    const file = this.#read(name);
    return {
      name,
      key: file.key,
      locked: !("seed" in file.private),
      path: this.#path(name),
      createdAt: file.createdAt,
    };
  }

  /** Makes a key, under a passphrase where one is given. */
  async create(name: string, passphrase: string | undefined): Promise<KeyInfo> {
    this.#requireFree(name);
    const { newSeed } = await import("../signature/curve.ts");
    return this.keep(name, await signingKey(newSeed()), passphrase);
  }

  /** Keeps a key that is already there, under a passphrase where one is given. */
  async keep(name: string, key: SigningKey, passphrase: string | undefined): Promise<KeyInfo> {
    this.#requireFree(name);
    this.#write(name, await fileText(key, passphrase, new Date().toISOString()));
    return this.info(name);
  }

  /** The key, ready to sign; `passphrase` is needed where `info` says that it is locked. */
  async open(name: string, passphrase: string | undefined): Promise<SigningKey> {
    const { key, private: hidden } = this.#read(name);
    this.#requireOwn(name);
    if ("seed" in hidden) return this.#whole(name, key, Buffer.from(hidden.seed, "base64url"));
    if (passphrase === undefined)
      throw fault("LK0808", `The key ${name} lies under a passphrase, and none was given`, {
        hint: "type it at a terminal, or put it into LOOP_KEY_PASSPHRASE",
      });
    const { unseal } = await import("./seal.ts");
    const seed = unseal(key, hidden, passphrase);
    if (!seed)
      throw fault("LK0808", `The passphrase does not open the key ${name}`, {
        hint: "type it again; a key whose passphrase is lost is lost: loop key new OTHER",
      });
    return this.#whole(name, key, seed);
  }

  /** Puts a key under another passphrase, or none, in its place. */
  async relock(name: string, before: string | undefined, passphrase: string | undefined): Promise<KeyInfo> {
    const key = await this.open(name, before);
    const { createdAt } = this.info(name);
    const text = await fileText(key, passphrase, createdAt);
    writeFileAtomic(this.#path(name), text, { mode: 0o600, sync: true });
    return this.info(name);
  }

  /** Says whether there was one. */
  remove(name: string): boolean {
    if (!this.find(name)) return false;
    try {
      rmSync(this.#path(name));
      return true;
    } catch (error) {
      throw cannotWrite(this.#path(name), error);
    }
  }

  #requireOwn(name: string): void {
    const path = this.#path(name);
    if (process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0)
      throw fault("LK0809", `Others than you can reach the private key in ${path}`, {
        hint: `chmod 600 ${shellWord(path)}; if somebody may have read it: loop trust revoke ${name}`,
      });
  }

  /** The public half may have been exchanged in the file, and would then be given away as this key's. */
  async #whole(name: string, key: PublicKey, seed: Uint8Array): Promise<SigningKey> {
    const made = await signingKey(seed);
    if (made.key !== key) throw this.#damaged(name, "its two halves are not of one key");
    return made;
  }

  #path(name: string): string {
    return join(this.#folder, `${name}${extension}`);
  }

  #names(): string[] {
    try {
      return readdirSync(this.#folder)
        .filter((file) => file.endsWith(extension) && isKeyName(file.slice(0, -extension.length)))
        .map((file) => file.slice(0, -extension.length))
        .sort();
    } catch (error) {
      if (errno(error) === "ENOENT" || errno(error) === "ENOTDIR") return [];
      throw fault("LK0007", `Cannot read ${this.#folder}: ${(error as Error).message}`, { cause: error });
    }
  }

  #requireFree(name: string): void {
    if (!isKeyName(name))
      throw fault(
        "LK0603",
        `A key's name is letters, digits and -, _, . or @ behind a first letter, and "${name}" was written`,
        { hint: "loop key new my-key" },
      );
    if (this.find(name)) throw exists(name);
  }

  #read(name: string): KeyFile {
    const path = this.#path(name);
    let text: string;
    try {
      if (!isKeyName(name)) throw this.#absent(name);
      const { size } = statSync(path);
      if (size > limits.keyFileBytesMax)
        throw fault("LK0204", `${path} is ${size} bytes; the limit is ${limits.keyFileBytesMax}`);
      text = readFileSync(path, "utf8");
    } catch (error) {
      const code = errno(error);
      if (code === "ENOENT" || code === "ENOTDIR") throw this.#absent(name);
      if (code) throw fault("LK0007", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
      throw error;
    }
    const file = fileIn(text);
    if (!file) throw this.#damaged(name, "it is not what loop writes");
    return file;
  }

  #write(name: string, text: string): void {
    const path = this.#path(name);
    const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}`;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileAtomic(temporary, text, { mode: 0o600, sync: true });
      claim(temporary, path, name);
    } catch (error) {
      // The name beside it is nobody's business.
      const cause = error instanceof Fault && error.code === "LK0006" ? error.cause : error;
      throw errno(cause) ? cannotWrite(path, cause) : error;
    } finally {
      removeQuietly(temporary);
    }
  }

  #absent(name: string) {
    const names = this.#names();
    const near = nearest(name, names);
    return fault(
      "LK0805",
      `A key named "${name}" was looked for, and ${names.length > 0 ? `there are: ${names.join(", ")}` : "there is none yet"}`,
      { hint: near ? `did you mean ${near}?` : `loop key new ${isKeyName(name) ? name : "NAME"}` },
    );
  }

  #damaged(name: string, why: string) {
    return fault("LK0806", `The key in ${this.#path(name)} was to be read, and ${why}`, {
      hint: `bring it back from a copy, or: loop key remove ${name}`,
    });
  }
}

/** Another process may have made a key of this name since: a link does not replace it, as a rename would. */
const claim = (temporary: string, path: string, name: string): void => {
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (errno(error) === "EEXIST" || existsSync(path)) throw exists(name);
    // A file system without links, such as that of a memory stick.
    renameSync(temporary, path);
  }
};

/** What a key's file holds, under a passphrase where one is given. */
const fileText = async (
  { key, seed }: SigningKey,
  passphrase: string | undefined,
  createdAt: string,
): Promise<string> => {
  const hidden =
    passphrase === undefined
      ? { seed: Buffer.from(seed).toString("base64url") }
      : (await import("./seal.ts")).seal(key, seed, passphrase);
  const file: KeyFile = { format, key, createdAt, private: hidden };
  return `${JSON.stringify(file, undefined, 2)}\n`;
};

const exists = (name: string) =>
  fault("LK0807", `A key named "${name}" was to be made, and there is one already`, {
    hint: `loop key new OTHER, or: loop key remove ${name}`,
  });

/** It names a file, so it holds nothing that leads elsewhere. */
export const isKeyName = (name: string): boolean =>
  name.length <= limits.nameLengthMax && /^[A-Za-z][A-Za-z0-9._@-]*$/.test(name);

const fileIn = (text: string): KeyFile | undefined => {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { format: written, key, createdAt, private: hidden } = (document ?? {}) as Record<string, unknown>;
  const { seed } = (hidden ?? {}) as Record<string, unknown>;
  const open = typeof seed === "string" && Buffer.from(seed, "base64url").length === 32;
  if (written !== format || typeof key !== "string" || !isPublicKey(key) || typeof createdAt !== "string")
    return undefined;
  return open || isBox(hidden) ? (document as KeyFile) : undefined;
};
