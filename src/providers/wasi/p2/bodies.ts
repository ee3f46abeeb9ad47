import { declared } from "../../../base/fault.ts";
import type { IncomingContent, OutgoingContent } from "../state/body.ts";
import type { FieldList } from "../state/fields.ts";
import { Handle, trap } from "../state/handles.ts";
import { Input, Output } from "../state/streams.ts";
import { type ErrorCode, exchanged, httpErrorCode } from "./errors.ts";
import { Fields } from "./fields.ts";
import { type Held, InputStream, OutputStream, Pollable } from "./io.ts";

// The bodies of wasi:http/types: a stream of bytes and what follows it.

/** `incoming-body`. */
export class IncomingBody extends Handle {
  readonly #held: Held;
  readonly #content: IncomingContent;
  #taken = false;
  #streaming = false;
  #finished = false;

  constructor(held: Held, content: IncomingContent) {
    super(held.handles);
    this.#held = held;
    this.#content = content;
  }

  stream(): InputStream {
    if (this.#taken) throw declared(undefined);
    this.#taken = true;
    this.#streaming = true;
    return new InputStream(this.#held, new Input(this.#content.source), () => {
      this.#streaming = false;
    });
  }

  static finish(body: IncomingBody): FutureTrailers {
    return body.#finish();
  }

  #finish(): FutureTrailers {
    if (this.#streaming) trap("The component finished a body whose stream it still holds");
    this.#finished = true;
    this[Symbol.dispose]();
    this.#content.discard();
    return new FutureTrailers(this.#held, this.#content);
  }

  protected override release(): void {
    if (!this.#finished) this.#content.cancel();
  }
}

/** A nested result in the JS mapping. */
export type Result<T> =
  | { readonly tag: "ok"; readonly val: T }
  | { readonly tag: "err"; readonly val?: unknown };

/** `future-trailers`. */
export class FutureTrailers extends Handle {
  readonly #held: Held;
  readonly #content: IncomingContent;
  #given = false;

  constructor(held: Held, content: IncomingContent) {
    super(held.handles);
    this.#held = held;
    this.#content = content;
  }

  subscribe(): Pollable {
    return new Pollable(this.#held, this.#content.trailers.event);
  }

  get(): Result<Result<Fields | undefined>> | undefined {
    if (!this.#content.trailers.ready) return undefined;
    if (this.#given) return { tag: "err" };
    this.#given = true;
    return {
      tag: "ok",
      val: settled(() => {
        const trailers = this.#content.trailers.get();
        return trailers && new Fields(this.#held, trailers, false);
      }),
    };
  }

  protected override release(): void {
    if (!this.#content.trailers.ready) this.#content.cancel();
  }
}

/** What work ends with, as a result that lies inside another; a bug stays one. */
export const settled = <T>(work: () => T): Result<T> => {
  try {
    return { tag: "ok", val: work() };
  } catch (error) {
    const code: ErrorCode | undefined = httpErrorCode(error);
    if (!code) throw error;
    return { tag: "err", val: code };
  }
};

/** `outgoing-body`. */
export class OutgoingBody extends Handle {
  readonly #held: Held;
  readonly #content: OutgoingContent;
  #taken = false;
  #streaming = false;
  #finished = false;

  constructor(held: Held, content: OutgoingContent) {
    super(held.handles);
    this.#held = held;
    this.#content = content;
  }

  write(): OutputStream {
    if (this.#taken) throw declared(undefined);
    this.#taken = true;
    this.#streaming = true;
    return new OutputStream(this.#held, new Output(this.#content), () => {
      this.#streaming = false;
    });
  }

  static finish(body: OutgoingBody, trailers: Fields | undefined): void {
    body.#finish(trailers?.list);
    trailers?.[Symbol.dispose]();
  }

  #finish(trailers: FieldList | undefined): void {
    if (this.#streaming) trap("The component finished a body whose stream it still holds");
    this.#finished = true;
    this[Symbol.dispose]();
    exchanged(() => this.#content.finish(trailers));
  }

  protected override release(): void {
    if (!this.#finished) this.#content.abandon();
  }
}
