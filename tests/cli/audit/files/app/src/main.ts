import { getEnvironment } from "wasi:cli/environment@0.2.12";
import { now as elapsed } from "wasi:clocks/monotonic-clock@0.2.12";
import { now } from "wasi:clocks/wall-clock@0.2.12";
import { getDirectories } from "wasi:filesystem/preopens@0.2.12";
import { getRandomBytes, getRandomU64 } from "wasi:random/random@0.2.12";

/** Copies a file as often as the environment has variables, and says how many bytes it has. */
export const copy = (source: string, target: string): number => {
  const [[root]] = getDirectories();
  const [bytes] = root.openAt({}, source, {}, { read: true }).read(1000n, 0n);
  const file = root.openAt({}, target, { create: true }, { write: true });
  for (const _ of getEnvironment()) file.write(bytes, 0n);
  root.unlinkFileAt(target);
  return bytes.length;
};

/** What no two runs say alike. */
export const chance = (): string => {
  const { seconds, nanoseconds } = now();
  return `${seconds} ${nanoseconds} ${elapsed()} ${getRandomBytes(16n)} ${getRandomU64()}`;
};

/** Asks for the same in another order. */
export const later = (): string => `${getRandomU64()} ${now().seconds}`;
