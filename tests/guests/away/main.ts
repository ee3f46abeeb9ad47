// The same in TypeScript, and a calculation that ends.

import { getStdout } from "wasi:cli/stdout@0.2.12";
import { getDirectories } from "wasi:filesystem/preopens@0.2.12";

const recurse = (depth: number): number => recurse(depth + 1) + 1;
const line = new TextEncoder().encode("and on and on\n");

export const away = (what: string): string => {
  if (what === "loop") for (;;);
  if (what === "allocate") {
    const kept: unknown[] = [];
    for (;;) kept.push(new Uint8Array(1 << 20).fill(1));
  }
  if (what === "recurse") return `${recurse(0)}`;
  if (what === "write") for (const stream = getStdout(); ; ) stream.blockingWriteAndFlush(line);
  if (what === "open") {
    const kept: unknown[] = [];
    for (;;) kept.push(getDirectories());
  }
  let hash = 2166136261;
  for (let at = 0; at < 300_000; at++) hash = Math.imul(hash ^ (at & 255), 16777619) >>> 0;
  const words = Array.from({ length: 2000 }, (_, at) => `w${(at * 7919) % 1000}`).sort();
  return `${hash} ${words.join("").length} ${JSON.stringify({ a: [1, 2.5, null] })} ${/w(\d+)/.exec(words[9]!)?.[1]}`;
};
