import { fstatSync, type Stats } from "node:fs";

/** Major numbers of Linux's memory devices (/dev/null and its like) and of its pseudo-terminals. */
const memoryMajor = 1;
const terminalMajors = [136, 143] as const;

/**
 * Whether a descriptor is a terminal. Asks the engine only where the device's number leaves it open: loading
 * node:tty costs 13 ms on Bun 1.4.5.
 */
export const isTerminal = (fd: number): boolean => {
  const stats = statsOf(fd);
  if (!stats?.isCharacterDevice()) return false;
  if (process.platform === "linux") {
    const major = (stats.rdev >> 8) & 0xfff;
    if (major === memoryMajor) return false;
    if (major >= terminalMajors[0] && major <= terminalMajors[1]) return true;
  }
  return process.getBuiltinModule("node:tty").isatty(fd);
};

/** What a descriptor is open on; undefined for a closed one, which says so when it is used. */
export const statsOf = (fd: number): Stats | undefined => {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
};
