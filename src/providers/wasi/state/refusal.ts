/**
 * What the sandbox refuses before the system is asked, in the system's own words: `code` is an errno, so that
 * callers see one kind of error whoever said no.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: string;
  /** Where another grant would have let it pass. */
  readonly lack: Lack | undefined;
  constructor(code: string, message: string, lack?: Lack) {
    super(`${code}: ${message}`);
    this.code = code;
    this.lack = lack;
  }
}

/** What a path wanted of its granted folder: to lead out of it, or to change it. */
export type Lack = "outside" | "writing";

export const refusal = (code: string, message: string, lack?: Lack): Refusal =>
  new Refusal(code, message, lack);
