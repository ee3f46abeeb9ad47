import { homedir, tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fault } from "./fault.ts";

/** The XDG folders of loop. The specification says to ignore relative values, so we do. */
const xdg = (name: string, fallback: string): string => {
  const value = process.env[name];
  return join(value && isAbsolute(value) ? value : join(homedir() || tmpdir(), fallback), "loop");
};

/** What must not be lost: `loop.db` with remembered slots, grants and trusted keys. */
export const dataFolder = (): string => xdg("XDG_DATA_HOME", ".local/share");

/** Always safe to delete: links, builds, extracted native libraries, all named by digest. */
export const cacheFolder = (): string => xdg("XDG_CACHE_HOME", ".cache");

/** Where the person stands, absolute. Faults: LK0007 where that is gone. */
export const currentFolder = (): string => {
  try {
    return process.cwd();
  } catch (error) {
    throw fault("LK0007", "The current folder is not there any more", { hint: "cd ~", cause: error });
  }
};
