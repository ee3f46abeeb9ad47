// What a WAVE text says before any type is known, and where in the text each part stands.

import type { Code } from "../../base/codes.ts";
import { type Fault, fault } from "../../base/fault.ts";
import { excerpt } from "../excerpt.ts";

/** A piece of the text: UTF-16 offsets, `end` exclusive. */
export interface Span {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface Label {
  /** Without its "%". */
  readonly name: string;
  readonly span: Span;
}

/**
 * A parsed value. Bools, options, results, variants and enums all are `label`s: only a type tells them apart.
 * `keyword` is true where the label is a reserved word written without "%".
 */
export type WaveNode = { readonly span: Span } & (
  | { readonly kind: "number"; readonly number: string }
  | { readonly kind: "char" | "string"; readonly value: string }
  | {
      readonly kind: "label";
      readonly name: string;
      readonly keyword: boolean;
      readonly payload: WaveNode | undefined;
    }
  | { readonly kind: "tuple" | "list"; readonly elements: readonly WaveNode[] }
  | {
      readonly kind: "record";
      readonly fields: readonly { readonly label: Label; readonly value: WaveNode }[];
    }
  | { readonly kind: "flags"; readonly flags: readonly Label[] }
);

/** Which function a call names: `greet`, `iface.greet`, `ns:pkg/iface@1.0.0#greet`. */
export interface WaveTarget {
  readonly interface: string | undefined;
  readonly func: string;
}

export interface WaveCall {
  readonly target: WaveTarget;
  readonly args: readonly WaveNode[];
  readonly span: Span;
}

export const keywords: ReadonlySet<string> = new Set([
  "true",
  "false",
  "some",
  "none",
  "ok",
  "err",
  "inf",
  "nan",
]);

/** A fault that points into the text: "<what> at 1:7: <message>", then the line and a caret. */
export const waveFault = (
  code: Code,
  span: Span,
  message: string,
  more: { what?: string; hint?: string | undefined } = {},
): Fault => {
  const { line, column, lines } = excerpt(span.text, span.start);
  return fault(code, `${more.what ?? "WAVE does not parse"} at ${line}:${column}: ${message}\n${lines}`, {
    hint: more.hint,
  });
};
