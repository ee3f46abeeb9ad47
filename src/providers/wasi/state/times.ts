import {
  type BigIntStats,
  fstatSync,
  futimesSync,
  lstatSync,
  lutimesSync,
  statSync,
  utimesSync,
} from "node:fs";

/** A timestamp to set: kept as it is, the system's now, or nanoseconds since the epoch. */
export type NewTime = "keep" | "now" | bigint;

/** A file by descriptor, or a name whose last component is followed or not. */
export type Timed = { readonly fd: number } | { readonly path: string; readonly follow: boolean };

const nsPerSecond = 1_000_000_000n;

/**
 * Sets access and modification time. node:fs takes seconds as a float, exact to some 200 ns; on Linux libc's
 * utimensat sets every nanosecond, and leaves what is to be kept untouched. Throws the system's errors.
 */
export const setTimes = (timed: Timed, access: NewTime, modified: NewTime): void => {
  if (process.platform === "linux" && exactly(timed, access, modified)) return;
  const stats = statsOf(timed);
  const accessSeconds = seconds(access, stats.atimeNs);
  const modifiedSeconds = seconds(modified, stats.mtimeNs);
  if ("fd" in timed) futimesSync(timed.fd, accessSeconds, modifiedSeconds);
  else if (timed.follow) utimesSync(timed.path, accessSeconds, modifiedSeconds);
  else lutimesSync(timed.path, accessSeconds, modifiedSeconds);
};

const statsOf = (timed: Timed): BigIntStats => {
  if ("fd" in timed) return fstatSync(timed.fd, { bigint: true });
  return timed.follow ? statSync(timed.path, { bigint: true }) : lstatSync(timed.path, { bigint: true });
};

const seconds = (time: NewTime, kept: bigint): number => {
  if (time === "now") return Date.now() / 1000;
  return Number(time === "keep" ? kept : time) / Number(nsPerSecond);
};

// From Linux's fcntl.h and stat.h.
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const UTIME_NOW = 0x3fffffffn;
const UTIME_OMIT = 0x3ffffffen;

/** Whether libc did it. Where it did not, node:fs is asked the same and says why not. */
const exactly = (timed: Timed, access: NewTime, modified: NewTime): boolean => {
  const libc = openLibc();
  if (!libc) return false;
  try {
    const path = "fd" in timed ? `/proc/self/fd/${timed.fd}` : timed.path;
    const flags = "fd" in timed || timed.follow ? 0 : AT_SYMLINK_NOFOLLOW;
    const times = new BigInt64Array([...timespec(access), ...timespec(modified)]);
    return libc.symbols.utimensat(AT_FDCWD, Buffer.from(`${path}\0`), times, flags) === 0;
  } finally {
    libc.close();
  }
};

const openLibc = () => {
  try {
    // Loaded here and not above: few guests set times, and every one would pay for it at its start.
    const { dlopen } = process.getBuiltinModule("bun:ffi") as typeof import("bun:ffi");
    return dlopen("libc.so.6", { utimensat: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" } });
  } catch {
    // Another libc: node:fs serves, less exactly.
    return undefined;
  }
};

const timespec = (time: NewTime): [bigint, bigint] => {
  if (time === "now") return [0n, UTIME_NOW];
  if (time === "keep") return [0n, UTIME_OMIT];
  // Nanoseconds count forwards from the second below, before 1970 too.
  const nanoseconds = ((time % nsPerSecond) + nsPerSecond) % nsPerSecond;
  return [(time - nanoseconds) / nsPerSecond, nanoseconds];
};
