import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { tryLibrary, versionOf } from "../src/providers/window/sdl/binding.ts";
import { root } from "./carried.ts";

// The SDL that the executable is to carry: the one that a person names, or the one that the package @kmamal/sdl
// brought, which its install script has from a server that not every network reaches. Without one loop uses the system's.

const packaged = join(root, "node_modules/@kmamal/sdl/dist");

/** Bytes of the library, and what the build says of it; undefined where there is none. */
export const sdlToCarry = (named: string | undefined): { bytes: Uint8Array; about: string } | undefined => {
  const path = named ?? packagedLibrary();
  if (path === undefined) return undefined;
  const found = existsSync(path) ? tryLibrary(realpathSync(path)) : "there is no such file";
  if (typeof found === "string") throw new Error(`SDL 2 was to be carried from ${path}: ${found}`);
  return { bytes: readFileSync(path), about: `SDL ${versionOf(found)} from ${path}` };
};

/** Beside links to it there is one file. */
const packagedLibrary = (): string | undefined => {
  const names = existsSync(packaged) ? readdirSync(packaged) : [];
  const libraries = names.filter((name) => /^(?:libSDL2.*\.(?:so|dylib)[.\d]*|SDL2\.dll)$/.test(name));
  return libraries.map((name) => join(packaged, name)).find((path) => statSync(path).size > 100_000);
};
