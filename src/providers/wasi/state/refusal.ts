/**
 * What the sandbox refuses before the system is asked, in the system's own words: `code` is an errno, so that
 * callers see one kind of error whoever said no.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: string;
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

export const refusal = (code: string, message: string): Refusal => new Refusal(code, message);
