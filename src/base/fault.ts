import { type Code, codes } from "./codes.ts";

/** Where in the life of a filling an error crossed a layer. */
export type Phase =
  | "resolve"
  | "fetch"
  | "verify"
  | "link"
  | "instantiate"
  | "call"
  | "build"
  | "fill"
  | "configure";

/** One step of the chain that `main.ts` prints: which slot or component, in which phase. */
export interface Cause {
  readonly slot?: string;
  readonly component?: string;
  readonly phase?: Phase;
  readonly message: string;
}

/**
 * The user's or the world's error: a stable code, one sentence saying what was looked for and what exists
 * (capital first letter, no full stop), and a hint with the exact command that helps. Exit code 1.
 * Anything thrown that is neither a Fault nor a DeclaredError is a bug of ours (exit code 70).
 */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: Code;
  readonly hint: string | undefined;
  readonly causes: Cause[];

  constructor(
    code: Code,
    message: string,
    more: { hint?: string | undefined; causes?: Cause[]; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.hint = more.hint;
    this.causes = more.causes ?? [];
  }

  get title(): string {
    return codes[this.code];
  }

  /** The same fault with one more layer named; each layer that an error crosses adds one. */
  within(cause: Cause): this {
    this.causes.push(cause);
    return this;
  }
}

/** Shorthand: `throw fault("LK0101", "No file at x.wasm", { hint: "ls" })`. */
export const fault = (
  code: Code,
  message: string,
  more: { hint?: string | undefined; causes?: Cause[]; cause?: unknown } = {},
): Fault => new Fault(code, message, more);

/**
 * A WIT `err`: thrown by a provider, it reaches the guest as its variant, never the user. The linker reads
 * `payload` (jco's convention, which the design fixes).
 */
export class DeclaredError extends Error {
  override readonly name = "DeclaredError";
  readonly payload: unknown;
  constructor(payload: unknown) {
    super(typeof payload === "string" ? payload : JSON.stringify(payload, bigintAsText));
    this.payload = payload;
  }
}

export const declared = (payload: unknown): DeclaredError => new DeclaredError(payload);

const bigintAsText = (_key: string, value: unknown) => (typeof value === "bigint" ? `${value}` : value);

/** Reads `code` off a system error ("ENOENT"), or undefined. A fault's own code is none. */
export const errno = (error: unknown): string | undefined =>
  error instanceof Error && !(error instanceof Fault) && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
