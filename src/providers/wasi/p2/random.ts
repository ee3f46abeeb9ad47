import { randomBytes, randomU64 } from "../state/random.ts";
import type { Witnesses } from "./clocks.ts";

// wasi:random 0.2: random, insecure, insecure-seed.

interface RandomSource {
  bytes(length: bigint): Uint8Array;
  u64(): bigint;
}

/** The system's randomness, watched where somebody asks to; a recording's in its place where there is one. */
export const randomSource = ({ audit, chance }: Witnesses): RandomSource => {
  if (!audit && !chance) return { bytes: randomBytes, u64: randomU64 };
  const bytes = (length: bigint): Uint8Array => {
    audit?.({ capability: "randomness", action: "read", target: "random", bytes: Number(length) });
    return chance ? chance.random(Number(length), () => randomBytes(length)) : randomBytes(length);
  };
  return { bytes, u64: () => new DataView(bytes(8n).slice().buffer).getBigUint64(0, true) };
};

export const random = ({ bytes, u64 }: RandomSource) => ({ getRandomBytes: bytes, getRandomU64: u64 });

/** Nothing that we have is quicker than the secure source, so the insecure one is that too. */
export const insecure = ({ bytes, u64 }: RandomSource) => ({
  getInsecureRandomBytes: bytes,
  getInsecureRandomU64: u64,
});

/** One seed per instance: its contract expects the same value however often it is asked. */
export const insecureSeed = ({ u64 }: RandomSource) => {
  let seed: [bigint, bigint] | undefined;
  return {
    insecureSeed(): [bigint, bigint] {
      seed ??= [u64(), u64()];
      return seed;
    },
  };
};
