import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { digestOf } from "../base/digest.ts";
import { errno, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { manifestName } from "../base/manifest/manifest.ts";
import { shellWord } from "../base/word.ts";
import type { FetchContext, Fetched, Fetcher } from "./fetch.ts";
import { type Identifier, parseIdentifier } from "./identifier.ts";

/** Paths and `file://` URLs, with the signature in `PATH.sig` where one lies there. Faults: LK0101 missing, LK0007 unreadable or a folder, LK0204 too large. */
export const fileFetcher: Fetcher = {
  scheme: "file",
  remote: false,
  async fetch(identifier: Identifier, context: FetchContext): Promise<Fetched> {
    const place = placeOf(identifier, context);
    const bytes = readBounded(place);
    const beside = `${place}.sig`;
    const signed = statSync(beside, { throwIfNoEntry: false })?.isFile() ?? false;
    return {
      locator: { identifier: identifier.text, scheme: "file", place, digest: digestOf(bytes) },
      bytes,
      signature: signed ? readBounded(beside, limits.signatureBytesMax) : undefined,
    };
  },
};

/** The folder that an identifier names, absolute; undefined where it names anything else. */
export const folderNamed = (text: string, context: FetchContext): string | undefined => {
  try {
    const identifier = parseIdentifier(text);
    if (identifier.scheme !== "file") return undefined;
    const place = placeOf(identifier, context);
    return statSync(place).isDirectory() ? place : undefined;
  } catch {
    // Whoever loads it says what is wrong with it.
    return undefined;
  }
};

/** The file that an identifier names, a component or a program, whether it is there or not; undefined for anything else. */
export const fileNamed = (text: string, context: FetchContext): string | undefined => {
  const identifier = parseIdentifier(text);
  if (identifier.scheme === "sidecar") return resolve(context.folder, identifier.rest);
  return identifier.scheme === "file" ? placeOf(identifier, context) : undefined;
};

const placeOf = ({ text, rest }: Identifier, { folder }: FetchContext): string => {
  if (!text.startsWith("file://")) return isAbsolute(rest) ? rest : resolve(folder, rest);
  try {
    return fileURLToPath(text);
  } catch (error) {
    throw fault("LK0102", `${text} is no file URL: ${error instanceof Error ? error.message : error}`, {
      hint: "write file:///absolute/path, or the path alone",
    });
  }
};

/** All of a file. Faults: as `fileFetcher`. */
export const readBounded = (place: string, bytesMax: number = limits.componentBytesMax): Uint8Array => {
  try {
    const info = statSync(place);
    if (info.isDirectory())
      throw fault("LK0007", `A component was looked for at ${place}, and a folder is there`, {
        hint: existsSync(join(place, manifestName)) ? `loop build ${shellWord(place)}` : undefined,
      });
    if (info.size > bytesMax)
      throw fault("LK0204", `${place} is ${info.size} bytes; the limit is ${bytesMax}`);
    return info.isFile() ? readFileSync(place) : readStream(place);
  } catch (error) {
    const code = errno(error);
    if (code === "ENOENT" || code === "ENOTDIR")
      throw fault("LK0101", `No file at ${place}`, { hint: buildsTo(place), cause: error });
    if (code) throw fault("LK0007", `Cannot read ${place}: ${(error as Error).message}`, { cause: error });
    throw error;
  }
};

/** What makes a component that is named where a project's build would put it. */
const buildsTo = (place: string): string | undefined => {
  const project = dirname(dirname(place));
  const isBuilt = basename(dirname(place)) === "build" && existsSync(join(project, manifestName));
  return isBuilt ? `loop build ${shellWord(project)}` : undefined;
};

/** A pipe or a device: its size is known when it ends, and it may never end. */
const readStream = (place: string): Uint8Array => {
  const descriptor = openSync(place, "r");
  try {
    const parts: Uint8Array[] = [];
    for (let total = 0; ; ) {
      const part = new Uint8Array(1024 * 1024);
      const count = readSync(descriptor, part);
      if (count === 0) return Buffer.concat(parts);
      parts.push(part.subarray(0, count));
      total += count;
      if (total > limits.componentBytesMax)
        throw fault(
          "LK0204",
          `${place} gives more than ${limits.componentBytesMax} bytes, which is the limit`,
        );
    }
  } finally {
    closeSync(descriptor);
  }
};
