import { compiled } from "../base/resources.ts";
import { libc } from "./libc.ts";

// Starting the program again in its own place: same process, same words, same streams, another environment.

/** JavaScriptCore reads its options once, at its start. */
const option = "BUN_JSC_useWasmFastMemory";

/**
 * Begins the program anew with memories whose bounds are checked by code, and so cost nothing to make; comes back
 * where it has them already, or where the system has no way to. With the engine's default it has room for a handful
 * of memories, and collects all garbage before it makes another one: 1.5 ms each, and more with a larger heap.
 */
export const startWithCheapMemories = async (): Promise<void> => {
  if (process.env[option] !== undefined || libc === undefined) return;
  const { dlopen, ptr } = await import("bun:ffi");
  const { symbols } = dlopen(libc, {
    setenv: { args: ["ptr", "ptr", "i32"], returns: "i32" },
    execv: { args: ["ptr", "ptr"], returns: "i32" },
  });
  const words = [
    process.execPath,
    ...(compiled ? [] : [...process.execArgv, process.argv[1]!]),
    ...process.argv.slice(2),
  ].map((word) => Buffer.from(`${word}\0`));
  symbols.setenv(Buffer.from(`${option}\0`), Buffer.from("0\0"), 1);
  // Of the buffers only their addresses go across; they stay reachable here.
  symbols.execv(words[0]!, new BigUint64Array([...words.map((word) => BigInt(ptr(word))), 0n]));
  // It cannot be begun anew: what there is serves as well, more slowly.
};
