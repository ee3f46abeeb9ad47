import type { Pointer } from "bun:ffi";
import type { Wgpu } from "./functions.ts";
import type { Waits } from "./waits.ts";

/** What everything of one library shares. */
export interface Library {
  readonly wgpu: Wgpu;
  readonly waits: Waits;
  readonly instance: Pointer;
}

/** Gives back what nobody can reach any more. */
const gone = new FinalizationRegistry<() => void>((release) => release());

/** What a call made: nothing is null. */
export type Made = Pointer | bigint | null;

/** A thing of Dawn's, which is there for as long as somebody has this. */
export class Native {
  readonly pointer: Pointer;
  label: string;

  constructor(made: Made, release: (pointer: Pointer) => unknown, label: string | undefined) {
    if (!made) throw new Error("Dawn made nothing");
    const pointer = made as Pointer;
    this.pointer = pointer;
    this.label = label ?? "";
    gone.register(this, () => release(pointer));
  }
}

export class GPUValidationError extends Error {}
export class GPUOutOfMemoryError extends Error {}
export class GPUInternalError extends Error {}

/** WGPUErrorType: 1 is none. */
export const errorOf = (type: number, message: string): Error | null => {
  if (type === 1) return null;
  if (type === 3) return new GPUOutOfMemoryError(message);
  return type === 4 ? new GPUInternalError(message) : new GPUValidationError(message);
};

/** What was asked for in vain: its reason is the only one that callers tell apart. */
export class GPUPipelineError extends Error {
  readonly reason: "validation" | "internal";
  constructor(message: string, reason: "validation" | "internal") {
    super(message);
    this.reason = reason;
  }
}
