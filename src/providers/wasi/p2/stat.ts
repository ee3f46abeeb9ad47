import type { BigIntStats } from "node:fs";
import { sha256 } from "../../../base/digest.ts";
import { refusal } from "../state/refusal.ts";
import type { NewTime } from "../state/times.ts";
import { type Kind, kindOf } from "../state/tree.ts";
import type { Datetime } from "./clocks.ts";

// What the system knows of a file, in the words of wasi:filesystem.

export type NewTimestamp = { tag: "no-change" } | { tag: "now" } | { tag: "timestamp"; val: Datetime };

export const descriptorTypes: Readonly<Record<Kind, string>> = {
  block: "block-device",
  character: "character-device",
  folder: "directory",
  fifo: "fifo",
  link: "symbolic-link",
  file: "regular-file",
  socket: "socket",
  unknown: "unknown",
};

const nsPerSecond = 1_000_000_000n;

export const descriptorStat = (stats: BigIntStats) => ({
  type: descriptorTypes[kindOf(stats)],
  linkCount: stats.nlink,
  size: stats.size,
  dataAccessTimestamp: datetime(stats.atimeNs),
  dataModificationTimestamp: datetime(stats.mtimeNs),
  statusChangeTimestamp: datetime(stats.ctimeNs),
});

/** A time before 1970 has no datetime, whose seconds are unsigned. */
const datetime = (ns: bigint): Datetime | undefined =>
  ns < 0n ? undefined : { seconds: ns / nsPerSecond, nanoseconds: Number(ns % nsPerSecond) };

const signedMax = 2n ** 63n - 1n;

export const newTime = (time: NewTimestamp): NewTime => {
  if (time.tag === "no-change") return "keep";
  if (time.tag === "now") return "now";
  const { seconds, nanoseconds } = time.val;
  if (nanoseconds >= nsPerSecond) throw refusal("EINVAL", "nanoseconds make a second or more");
  if (seconds > signedMax) throw refusal("EOVERFLOW", "the time is too far off");
  return seconds * nsPerSecond + BigInt(nanoseconds);
};

/**
 * `lower` is the object's identity alone: C libraries take it for the inode number, which must not change when
 * a file is written. `upper` changes with every modification. Both stay the same from run to run.
 */
export const metadataHash = (stats: BigIntStats): { lower: bigint; upper: bigint } => {
  const identity = `${stats.dev}:${stats.ino}`;
  return {
    lower: hash64(identity),
    upper: hash64(`${identity}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`),
  };
};

const hash64 = (text: string): bigint => BigInt(`0x${sha256(text).slice(0, 16)}`);
