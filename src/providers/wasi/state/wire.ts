import { limits } from "../../../base/limits.ts";
import { failure } from "./failure.ts";
import { FieldList, isFieldName, latin } from "./fields.ts";
import type { Queue } from "./queue.ts";

// HTTP/1.1 as it is on the wire (RFC 9112), the receiving side of a client. Strict where leniency lets two readers
// disagree about where a message ends.

const chunkBytes = 64 * 1024;
const lineEnd = 10;
const carriageReturn = 13;
const chunkLineMax = 1024;

export interface Head {
  readonly status: number;
  readonly fields: FieldList;
}

/** How a body's end is found. */
export type Framing =
  | { readonly kind: "none" | "chunked" | "close" }
  | { readonly kind: "length"; readonly length: number };

type Waiting = (reading: Promise<Uint8Array | undefined>) => Promise<Uint8Array | undefined>;

/** Reads a connection's bytes by lines and by pieces. Throws HttpFailure, or what the connection failed with. */
export class WireReader {
  readonly #source: Queue;
  readonly #waiting: Waiting;
  #held: Uint8Array = new Uint8Array(0);

  /** `waiting` gets every wait for the other side, to bound it. */
  constructor(source: Queue, waiting: Waiting) {
    this.#source = source;
    this.#waiting = waiting;
  }

  /** False at the end. */
  async #fill(): Promise<boolean> {
    const answer = this.#source.read(chunkBytes);
    const more = answer instanceof Promise ? await this.#waiting(answer) : answer;
    if (more === undefined) return false;
    this.#held = this.#held.length === 0 ? more : new Uint8Array(Buffer.concat([this.#held, more]));
    return true;
  }

  /** The next line without its end. */
  async line(
    max: number,
    kind: "response head size" | "response trailer size" | "protocol",
  ): Promise<string> {
    for (let from = 0; ; ) {
      const end = this.#held.indexOf(lineEnd, from);
      if (end > max || (end < 0 && this.#held.length > max))
        throw failure(kind, `a line of the answer is longer than ${max} bytes`, { size: max });
      if (end >= 0) {
        const stop = this.#held[end - 1] === carriageReturn ? end - 1 : end;
        const text = latin(this.#held.subarray(0, stop));
        this.#held = this.#held.subarray(end + 1);
        return text;
      }
      from = this.#held.length;
      if (!(await this.#fill())) throw failure("incomplete", "the answer ended in the middle of its head");
    }
  }

  /** At most `max` bytes; undefined at the end of the connection. */
  async some(max: number): Promise<Uint8Array | undefined> {
    if (this.#held.length === 0 && !(await this.#fill())) return undefined;
    const bytes = this.#held.subarray(0, max);
    this.#held = this.#held.subarray(bytes.length);
    return bytes;
  }

  /** Fields up to the empty line. */
  async fields(kind: "response head size" | "response trailer size"): Promise<FieldList> {
    const list = new FieldList();
    let bytes = 0;
    for (let count = 0; ; count++) {
      const line = await this.line(limits.fieldsBytesMax, kind);
      if (line === "") return list;
      bytes += line.length + 4;
      if (bytes > limits.fieldsBytesMax || count >= limits.fieldsMax)
        throw failure(kind, `the answer's fields come to more than ${limits.fieldsBytesMax} bytes`, {
          size: bytes,
        });
      const colon = line.indexOf(":");
      const name = line.slice(0, colon);
      if (colon < 1 || !isFieldName(name))
        throw failure("protocol", "a field of the answer has no proper name");
      const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
      if (/[\0\r]/.test(value)) throw failure("protocol", "a field of the answer holds control characters");
      list.append(name, new Uint8Array(Buffer.from(value, "latin1")));
    }
  }

  /** Status and fields of the final answer; interim ones (1xx) are passed over. */
  async head(): Promise<Head> {
    for (let interim = 0; interim < 100; interim++) {
      const match = /^HTTP\/1\.[01] (\d{3})(?: .*)?$/.exec(await this.line(8192, "response head size"));
      if (!match) throw failure("protocol", "the answer does not begin as HTTP/1.1 does");
      const status = Number(match[1]);
      const fields = await this.fields("response head size");
      if (status === 101) throw failure("upgrade", "the server wants to change the protocol");
      if (status >= 200) return { status, fields };
    }
    throw failure("protocol", "the server sent interim answers without an end");
  }

  /** The body's pieces, in order; answers the trailers. */
  async body(
    framing: Framing,
    take: (bytes: Uint8Array) => void | Promise<void>,
  ): Promise<FieldList | undefined> {
    if (framing.kind === "none") return undefined;
    if (framing.kind === "chunked") return this.#chunks(take);
    if (framing.kind === "length") {
      await this.#exactly(framing.length, take);
      return undefined;
    }
    for (let bytes = await this.some(chunkBytes); bytes; bytes = await this.some(chunkBytes))
      await take(bytes);
    return undefined;
  }

  async #exactly(length: number, take: (bytes: Uint8Array) => void | Promise<void>): Promise<void> {
    for (let left = length; left > 0; ) {
      const bytes = await this.some(Math.min(left, chunkBytes));
      if (!bytes) throw failure("incomplete", `the answer ended ${left} bytes before its end`);
      left -= bytes.length;
      await take(bytes);
    }
  }

  async #chunks(take: (bytes: Uint8Array) => void | Promise<void>): Promise<FieldList | undefined> {
    for (;;) {
      const match = /^([0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/.exec(await this.line(chunkLineMax, "protocol"));
      if (!match) throw failure("protocol", "a chunk of the answer has no size");
      const length = Number.parseInt(match[1]!, 16);
      if (length === 0) break;
      await this.#exactly(length, take);
      if ((await this.line(chunkLineMax, "protocol")) !== "")
        throw failure("protocol", "a chunk is longer than it says");
    }
    const trailers = await this.fields("response trailer size");
    return trailers.entries.length > 0 ? trailers : undefined;
  }
}

/** How the body of an answer is delimited (RFC 9112, 6.3). */
export const framingOf = (method: string, { status, fields }: Head): Framing => {
  if (method === "HEAD" || status === 204 || status === 304) return { kind: "none" };
  const codings = fields.get("transfer-encoding").map((value) => latin(value).trim().toLowerCase());
  const length = fields.contentLength();
  if (codings.length > 0) {
    // Both lengths at once is how requests are smuggled: nobody honest sends it.
    if (length !== undefined) throw failure("protocol", "the answer says its length twice, in two ways");
    if (codings.length > 1 || codings[0] !== "chunked")
      throw failure("transfer coding", `the answer is coded as ${codings.join(", ")}`);
    return { kind: "chunked" };
  }
  if (length === undefined) return { kind: "close" };
  if (Number.isNaN(length)) throw failure("protocol", "the answer's length makes no sense");
  return { kind: "length", length };
};
