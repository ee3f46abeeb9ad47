import { limits } from "../../../base/limits.ts";
import { insecureSeed as olderSeed, type randomSource } from "../p2/random.ts";

// wasi:random 0.3: random, insecure, insecure-seed. A guest may be given fewer bytes than it asked for, so asking for
// too many is no fault here.

type Source = ReturnType<typeof randomSource>;

const short = (length: bigint): bigint =>
  length > limits.randomBytesMax ? BigInt(limits.randomBytesMax) : length;

export const random = ({ bytes, u64 }: Source) => ({
  getRandomBytes: (length: bigint) => bytes(short(length)),
  getRandomU64: u64,
});

export const insecure = ({ bytes, u64 }: Source) => ({
  getInsecureRandomBytes: (length: bigint) => bytes(short(length)),
  getInsecureRandomU64: u64,
});

export const insecureSeed = (source: Source) => ({ getInsecureSeed: olderSeed(source).insecureSeed });
