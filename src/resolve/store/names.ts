import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Digest, sha256 } from "../../base/digest.ts";
import { errno, Fault } from "../../base/fault.ts";
import { writeFileAtomic } from "../../base/files.ts";

/** What an identifier was found to be, the last time that it was fetched. */
export interface NameRecord {
  readonly identifier: string;
  readonly digest: Digest;
  readonly manifest?: Digest | undefined;
  readonly package?: string | undefined;
  readonly place: string;
  readonly etag?: string | undefined;
  /** Its detached signature in base64, where it has one. */
  readonly signature?: string | undefined;
}

/**
 * Identifiers and what they were last found to be: for identifiers that pin their content, and for --offline. Files
 * of JSON, each named by the identifier's digest. What does not read is not there.
 */
export class Names {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  recall(identifier: string): NameRecord | undefined {
    const record = read(this.#path(identifier));
    return record?.identifier === identifier ? record : undefined;
  }

  /** Remembers; a full disk or a folder for reading only is no reason to fail what was fetched. */
  remember(record: NameRecord): void {
    try {
      writeFileAtomic(this.#path(record.identifier), JSON.stringify(record));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }

  list(): NameRecord[] {
    return files(this.#folder)
      .map((name) => read(join(this.#folder, name)))
      .filter((record) => record !== undefined)
      .sort((a, b) => (a.identifier < b.identifier ? -1 : 1));
  }

  /** Forgets the names of what is not kept. */
  keep(isKept: (digest: Digest) => boolean): void {
    for (const { identifier, digest } of this.list())
      if (!isKept(digest)) rmSync(this.#path(identifier), { force: true });
  }

  #path(identifier: string): string {
    return join(this.#folder, `${sha256(identifier)}.json`);
  }
}

const files = (folder: string): string[] => {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if (errno(error)) return [];
    throw error;
  }
};

const digestPattern = /^sha256:[0-9a-f]{64}$/;

const read = (path: string): NameRecord | undefined => {
  try {
    const {
      identifier,
      digest,
      manifest,
      package: name,
      place,
      etag,
      signature,
    } = JSON.parse(readFileSync(path, "utf8"));
    const good =
      typeof identifier === "string" &&
      typeof place === "string" &&
      [name, etag, signature].every((text) => text === undefined || typeof text === "string") &&
      digestPattern.test(digest) &&
      (manifest === undefined || digestPattern.test(manifest));
    return good ? { identifier, digest, manifest, package: name, place, etag, signature } : undefined;
  } catch (error) {
    if (errno(error) || error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
};
