import type { VerifiedComponent } from "../trust/verify.ts";
import type { Meter } from "./cores.ts";
import type { Decoded } from "./decoded.ts";
import type { Metering } from "./meter/meter.ts";

/** What the plan tells a linker about one component's imports. */
export interface LinkRequest {
  readonly component: VerifiedComponent;
  /** Its structure, its world and how it was linked before, so that nobody decodes twice. */
  readonly decoded: Decoded;
  /**
   * Import functions that may answer with a promise, spelled as the component spells them:
   * "wasi:io/poll@0.2.6#[method]pollable.block".
   */
  readonly suspending: ReadonlySet<string>;
  /** What of its core modules is metered; undefined for nothing, at no cost. */
  readonly metering?: Metering | undefined;
}

/** A component made ready; instantiating it again costs no linking. */
export interface Linked {
  /**
   * Makes one instance. `imports` is keyed by the import names as the component spells them; a function import
   * of the world itself is a function there. The result is keyed likewise: functions by their WIT name in
   * camelCase, interfaces by their full name ("wasi:cli/run@0.2.6"), in jco's JS mapping. What was linked with
   * metering needs a meter. `began` is told of every asynchronous call from outside as it begins, with the
   * promise of its end: it may go on after it has answered.
   */
  instantiate(
    imports: Readonly<Record<string, unknown>>,
    meter?: Meter,
    began?: (end: Promise<unknown>) => void,
  ): Promise<Readonly<Record<string, unknown>>>;
}

/** Verified component → something instantiable. Two of them exist; both keep the one JS mapping of WIT. */
export interface Linker {
  readonly name: string;
  /** Part of every cache key: a change of output changes this. */
  readonly version: string;
  link(request: LinkRequest): Promise<Linked>;
}
