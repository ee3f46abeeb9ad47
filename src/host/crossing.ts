import type { codes } from "../base/codes.ts";
import { type Cause, type DeclaredError, declared, Fault } from "../base/fault.ts";

// Faults on their way through a guest. `loop:cli/types#fault` is their WIT form: a host function that is called
// by a command answers with it as an err, the command may pass it on, and the host makes a Fault of it again.

/** `loop:cli/types#fault` in the JS mapping. */
export interface WireFault {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly causes: readonly string[];
}

/** A layer in words: "slot command:deploy, ./deploy.wasm, call: In run". */
export const causeText = ({ slot, component, phase, message }: Cause): string => {
  const where = [slot && `slot ${slot}`, component, phase].filter(Boolean).join(", ");
  return where ? `${where}: ${message}` : message;
};

/** Makes a host function answer a Fault as its WIT err; whatever else it throws stays what it is. */
export const answering =
  <Args extends unknown[], Answer>(work: (...args: Args) => Answer | Promise<Answer>) =>
  async (...args: Args): Promise<Answer> => {
    try {
      return await work(...args);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const { code, message, hint, causes } = error;
      throw declared({ code, message, hint, causes: causes.map(causeText) } satisfies WireFault);
    }
  };

/**
 * The fault that a command answered with. A command may have codes of its own, so the code need not be one of
 * ours; such a fault has no title.
 */
export const arrived = (error: DeclaredError): Fault => {
  const wire = error.payload as WireFault;
  return new Fault(wire.code as keyof typeof codes, wire.message, {
    hint: wire.hint,
    causes: wire.causes.map((message) => ({ message })),
  });
};
