import { randomBytes, randomU64 } from "../state/random.ts";

// wasi:random 0.2: random, insecure, insecure-seed.

export const random = { getRandomBytes: randomBytes, getRandomU64: randomU64 };

/** Nothing that we have is quicker than the secure source, so the insecure one is that too. */
export const insecure = { getInsecureRandomBytes: randomBytes, getInsecureRandomU64: randomU64 };

/** One seed per instance: its contract expects the same value however often it is asked. */
export const insecureSeed = () => {
  let seed: [bigint, bigint] | undefined;
  return {
    insecureSeed(): [bigint, bigint] {
      seed ??= [randomU64(), randomU64()];
      return seed;
    },
  };
};
