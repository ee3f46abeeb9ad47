import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { digestOf } from "../base/digest.ts";
import { errno, fault } from "../base/fault.ts";
import type { FetchContext, Fetched } from "./fetch.ts";
import { readBounded } from "./file.ts";
import type { Identifier } from "./identifier.ts";
import { isVersion } from "./range.ts";

/**
 * A registry that is a folder of this machine: `<root>/<namespace>/<name>/<version>.wasm`, as wasm-pkg's `local` backend
 * has it (bytecodealliance/wasm-pkg-tools, crates/wasm-pkg-client/src/local.rs).
 */
export class LocalRegistry {
  readonly #root: string;

  constructor(root: string, { folder }: FetchContext) {
    this.#root = resolve(folder, root);
  }

  /** Where a version is or would be. */
  path(packageName: string, version: string): string {
    return join(this.#root, packageName.replace(":", "/"), `${version}.wasm`);
  }

  /** The versions of a package; none where it has no folder. Fault: LK0007. */
  versions(packageName: string): string[] {
    const folder = join(this.#root, packageName.replace(":", "/"));
    let names: string[];
    try {
      names = readdirSync(folder);
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(errno(error) ?? "")) return [];
      throw fault("LK0007", `Cannot read ${folder}: ${(error as Error).message}`, { cause: error });
    }
    return names
      .filter((name) => name.endsWith(".wasm"))
      .map((name) => name.slice(0, -".wasm".length))
      .filter(isVersion);
  }

  /** Faults: LK0101 no such version, LK0007, LK0204. */
  fetch({ text, scheme }: Identifier, packageName: string, version: string): Fetched {
    const path = this.path(packageName, version);
    const bytes = readBounded(path);
    const digest = digestOf(bytes);
    const locator = { identifier: text, scheme, place: pathToFileURL(path).href, digest };
    return { bytes, locator: { ...locator, package: `${packageName}@${version}` } };
  }
}
