import { existsSync, lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import { errno, fault } from "../../base/fault.ts";

/** What the address of a Unix socket may be long, its end included. */
const addressBytesMax = 104;

/**
 * Where programs of loop are listened at: a folder of this person's, that nobody else may enter. Whoever can open a
 * socket in it is this person, or root. Faults: LK0443.
 */
export const controlFolder = (): string => {
  const given = process.env.XDG_RUNTIME_DIR;
  const folder =
    given && isAbsolute(given) && existsSync(given) && Buffer.byteLength(given) < addressBytesMax - 24
      ? join(given, "loop")
      : join(tmpdir(), `loop-${process.getuid?.() ?? ""}`);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (errno(error) !== "EEXIST") throw unsafe(folder, `it cannot be made: ${(error as Error).message}`);
  }
  const stats = lstatSync(folder);
  if (!stats.isDirectory()) throw unsafe(folder, "it is no folder");
  if (stats.uid !== process.getuid?.()) throw unsafe(folder, "it is somebody else's");
  if ((stats.mode & 0o077) !== 0) throw unsafe(folder, "others may enter it", `chmod 700 ${folder}`);
  return folder;
};

const unsafe = (folder: string, why: string, hint?: string) =>
  fault("LK0443", `Programs of loop are found in ${folder}, and ${why}`, {
    hint: hint ?? "set XDG_RUNTIME_DIR to a folder of your own",
  });

export const socketName = (pid: number): string => `${pid}.sock`;

/** The process of a socket's name; undefined for other files. */
export const pidOf = (name: string): number | undefined => {
  const found = /^(\d{1,10})\.sock$/.exec(name);
  return found ? Number(found[1]) : undefined;
};
