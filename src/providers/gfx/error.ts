import { DeclaredError, declared, Fault, fault } from "../../base/fault.ts";

// What goes wrong on a GPU, in the three forms in which a component hears of it.

export type ErrorKind = "validation" | "out-of-memory" | "internal";

/** `loop:gfx/webgpu#gpu-error` in the JS mapping. */
export interface WireError {
  readonly kind: ErrorKind;
  readonly message: string;
}

/** Characters of an error's text; Dawn repeats whole descriptors and shaders. */
const messageLengthMax = 4096;

const cut = (message: string): string =>
  message.length > messageLengthMax ? `${message.slice(0, messageLengthMax)}…` : message;

/** Without what Dawn says of objects that have no label, and its empty lines. */
const tidied = (message: string): string =>
  message
    .trim()
    .replaceAll(' """"]', "]")
    .replace(/\n\s*\n/g, "\n");

/** What Dawn gave or threw: a GPUError, a GPUPipelineError, a DOMException, a TypeError. */
export const wireError = (error: unknown): WireError => {
  const { message = String(error), reason } = error as { message?: string; reason?: string };
  const name = (error as object | undefined)?.constructor?.name ?? "";
  const kind: ErrorKind = name.includes("OutOfMemory")
    ? "out-of-memory"
    : name.includes("Internal") || reason === "internal"
      ? "internal"
      : "validation";
  return { kind, message: cut(tidied(message)) };
};

export const outOfMemory = (message: string): WireError => ({ kind: "out-of-memory", message });

const toGuest = (error: unknown): unknown =>
  error instanceof Fault || error instanceof DeclaredError ? error : declared(wireError(error));

/** Answers what fails as the WIT error. */
export const answering = async <T>(work: () => Promise<T> | T): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw toGuest(error);
  }
};

export const answeringNow = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw toGuest(error);
  }
};

/**
 * Dawn's binding throws where WebGPU says that a call itself is wrong: a format without its feature, a value out of
 * range. The interface has no error for it, so it ends the component. LK0743.
 */
export const accepted = <T>(what: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw fault("LK0743", `${what} was refused: ${wireError(error).message.split("\n")[0]}`, {
      cause: error,
    });
  }
};

/** Runs what may be refused in a function that has no error for it: LK0743 ends the component. */
export const ending = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof DeclaredError)) throw error;
    throw fault("LK0743", (error.payload as WireError).message);
  }
};
