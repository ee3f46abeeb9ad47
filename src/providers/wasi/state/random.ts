import { fault } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";

/** The most that the engine fills in one call (Web Cryptography API, getRandomValues). */
const chunkBytes = 65_536;

/** Cryptographically secure bytes. Fault: LK0204 beyond `randomBytesMax`. */
export const randomBytes = (length: bigint): Uint8Array => {
  if (length > limits.randomBytesMax)
    throw fault(
      "LK0204",
      `The component asked for ${length} random bytes at once; the limit is ${limits.randomBytesMax}`,
    );
  const bytes = new Uint8Array(Number(length));
  for (let at = 0; at < bytes.length; at += chunkBytes)
    crypto.getRandomValues(bytes.subarray(at, at + chunkBytes));
  return bytes;
};

export const randomU64 = (): bigint => crypto.getRandomValues(new BigUint64Array(1))[0]!;
