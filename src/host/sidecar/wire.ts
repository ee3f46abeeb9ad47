// Fillings that are programs of their own. Owns their protocol, their processes and how these are started anew;
// refuses to decide whether a program may run (it gets one that was verified and granted) and to know a slot's rules;
// called by the composition root, which makes a plan of a program as of a component. knowledge/sidecars.md is the
// specification for those who write one.
import { limits } from "../../base/limits.ts";
import type { Type } from "../../contract/model.ts";
import { decode } from "../../contract/wrpc/decode.ts";
import { encode, WireError } from "../../contract/wrpc/encode.ts";

/** The newest that loop speaks, and says so first. It understands whoever answers with an older one. */
export const protocolVersion = 2;

/** From this one on there are resources, and functions are offered with their types. */
export const resourcesSince = 2;

/** An interface with its version, and its functions: names, with types behind them where whoever offers them tells. */
export interface OfferedContract {
  readonly name: string;
  readonly functions: readonly string[];
}

export interface Hello {
  readonly protocol: number;
  readonly contracts: readonly OfferedContract[];
}

export type ToSidecar =
  | { readonly tag: "hello"; readonly val: Hello }
  | {
      readonly tag: "call";
      readonly val: {
        readonly id: number;
        readonly contract: string;
        readonly function: string;
        readonly params: Uint8Array;
      };
    }
  | { readonly tag: "ping"; readonly val: bigint }
  | { readonly tag: "reload" }
  | { readonly tag: "drop"; readonly val: Uint8Array };

export type FromSidecar =
  | { readonly tag: "hello"; readonly val: Hello }
  | { readonly tag: "answer"; readonly val: { readonly id: number; readonly result: Uint8Array } }
  | { readonly tag: "failure"; readonly val: { readonly id: number; readonly message: string } }
  | { readonly tag: "pong"; readonly val: bigint };

const u32: Type = { kind: "u32" };
const u64: Type = { kind: "u64" };
const text: Type = { kind: "string" };
const list = (element: Type): Type => ({ kind: "list", element });
const record = (fields: Readonly<Record<string, Type>>): Type => ({
  kind: "record",
  fields: Object.entries(fields).map(([name, type]) => ({ name, type })),
});
const variant = (cases: Readonly<Record<string, Type | undefined>>): Type => ({
  kind: "variant",
  cases: Object.entries(cases).map(([name, type]) => ({ name, type })),
});

const bytes = list({ kind: "u8" });
const hello = record({ protocol: u32, contracts: list(record({ name: text, functions: list(text) })) });

// The messages are values themselves, so whoever can read a call's arguments can read them too.
const toSidecar = variant({
  hello,
  call: record({ id: u32, contract: text, function: text, params: bytes }),
  ping: u64,
  reload: undefined,
  drop: bytes,
});
const fromSidecar = variant({
  hello,
  answer: record({ id: u32, result: bytes }),
  failure: record({ id: u32, message: text }),
  pong: u64,
});

const headBytes = 4;

/** A message as a frame: its length in four bytes, least first, and the value. Throws WireError beyond the limit. */
export const frameOf = (message: ToSidecar): Uint8Array => {
  const body = encode([message], [toSidecar], limits.sidecarFrameBytesMax);
  const frame = new Uint8Array(headBytes + body.length);
  new DataView(frame.buffer).setUint32(0, body.length, true);
  frame.set(body, headBytes);
  return frame;
};

/** Puts the pieces that come out of a pipe together. It never holds more than came, whatever a length announces. */
export class Frames {
  #pieces: Uint8Array[] = [];
  #held = 0;

  /** The messages that are whole now. Throws WireError for what is none. */
  *push(piece: Uint8Array): Generator<FromSidecar> {
    this.#pieces.push(piece);
    this.#held += piece.length;
    for (;;) {
      if (this.#held < headBytes) return;
      const length = this.#length();
      if (length > limits.sidecarFrameBytesMax)
        throw new WireError(
          `a frame of ${length} bytes is announced, and ${limits.sidecarFrameBytesMax} is the limit`,
        );
      if (this.#held < headBytes + length) return;
      const whole = this.#joined();
      const rest = whole.subarray(headBytes + length);
      this.#pieces = rest.length > 0 ? [rest] : [];
      this.#held = rest.length;
      yield decode(whole.subarray(headBytes, headBytes + length), [fromSidecar])[0] as FromSidecar;
    }
  }

  /** Bytes of a frame that is not whole. */
  get held(): number {
    return this.#held;
  }

  #length(): number {
    const first = this.#pieces[0]!;
    const head = first.length >= headBytes ? first : this.#joined();
    return new DataView(head.buffer, head.byteOffset, headBytes).getUint32(0, true);
  }

  #joined(): Uint8Array {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0]!;
  }
}
