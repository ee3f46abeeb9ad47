import { readFileSync, realpathSync } from "node:fs";
import { tryLibrary } from "../src/providers/gfx/wgpu/library.ts";

// The library with which a GPU draws into windows, as the executable is to carry it: none but the one that a person names.
// It is 20 MB, and pictures come into windows without it.

/** Bytes of the library, and what the build says of it; undefined where none is wanted. */
export const webgpuToCarry = (
  named: string | undefined,
): { readonly bytes: Uint8Array; readonly about: string } | undefined => {
  if (named === undefined) return undefined;
  const found = tryLibrary(named, named);
  if (typeof found === "string")
    throw new Error(`What draws into windows was to be carried from ${named}: ${found}`);
  return { bytes: readFileSync(realpathSync(named)), about: `${found.name} from ${named}` };
};
