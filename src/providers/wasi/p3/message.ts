import { declared } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import type { Networking } from "../networking.ts";
import { type ErrorCode, httpErrorCode } from "../p2/errors.ts";
import { checkField, Fields as OlderFields } from "../p2/fields.ts";
import { RequestOptions as OlderOptions } from "../p2/requests.ts";
import type { IncomingContent, OutgoingContent } from "../state/body.ts";
import { failure, HttpFailure } from "../state/failure.ts";
import { FieldList } from "../state/fields.ts";
import {
  drainInto,
  type Failed,
  type GuestFuture,
  type GuestStream,
  type Holding,
  letGo,
  type Outcome,
  produced,
  streamOut,
} from "./pipe.ts";

// wasi:http 0.3: what requests and responses have in common, fields, options and bodies. A body is made by the guest,
// as a stream and a future of its trailers, or comes from outside; either may be read here or sent on.

/** What HTTP shares for one instance. */
export type Speaking = Networking & Holding;

/** `fields` of wasi:http/types. */
export class Fields extends OlderFields {
  override set(name: string, values: readonly Uint8Array[]): void {
    sized(() => super.set(name, values));
  }

  override append(name: string, value: Uint8Array): void {
    // Names are one whatever their case, and 0.3's programs want them spelled as the first was.
    sized(() => super.append(this.list.spelling(name) ?? name, value));
  }

  getAndDelete(name: string): Uint8Array[] {
    const values = this.get(name);
    this.delete(name);
    return values;
  }

  copyAll(): [string, Uint8Array][] {
    return this.entries();
  }

  override clone(): Fields {
    return new Fields(this.held, this.list.clone(), true);
  }
}

/** Runs what may make a list of fields too large, for which 0.3 has an err. */
const sized = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw (error as { code?: unknown }).code === "LK0204" ? declared({ tag: "size-exceeded" }) : error;
  }
};

export const fieldsOf = (holding: Holding, entries: readonly (readonly [string, Uint8Array])[]): Fields => {
  for (const [name, value] of entries) checkField(name, value);
  return sized(
    () =>
      new Fields(
        holding,
        FieldList.of(entries.map(([name, value]) => ({ name, value: value.slice() }))),
        true,
      ),
  );
};

/** The list of fields that a guest gives away. */
export const taken = (fields: Fields): FieldList => {
  const list = fields.list.clone();
  fields[Symbol.dispose]();
  return list;
};

const immutable = () => declared({ tag: "immutable" });

/** `request-options`. */
export class RequestOptions extends OlderOptions {
  readonly #holding: Holding;
  readonly #mutable: boolean;

  constructor(holding: Holding, mutable: boolean, from?: OlderOptions) {
    super(holding.handles);
    this.#holding = holding;
    super.setConnectTimeout(from?.connectTimeout());
    super.setFirstByteTimeout(from?.firstByteTimeout());
    super.setBetweenBytesTimeout(from?.betweenBytesTimeout());
    this.#mutable = mutable;
  }

  getConnectTimeout(): bigint | undefined {
    return this.connectTimeout();
  }

  override setConnectTimeout(duration: bigint | undefined): void {
    if (!this.#mutable) throw immutable();
    super.setConnectTimeout(duration);
  }

  getFirstByteTimeout(): bigint | undefined {
    return this.firstByteTimeout();
  }

  override setFirstByteTimeout(duration: bigint | undefined): void {
    if (!this.#mutable) throw immutable();
    super.setFirstByteTimeout(duration);
  }

  getBetweenBytesTimeout(): bigint | undefined {
    return this.betweenBytesTimeout();
  }

  override setBetweenBytesTimeout(duration: bigint | undefined): void {
    if (!this.#mutable) throw immutable();
    super.setBetweenBytesTimeout(duration);
  }

  clone(): RequestOptions {
    return new RequestOptions(this.#holding, true, this);
  }
}

/** How a message's transmission ended, as its maker learns it. */
export type Transmitted = Outcome<ErrorCode>;
/** What follows a body. */
export type Trailed = { readonly tag: "ok"; readonly val?: Fields | undefined } | Failed<ErrorCode>;

/** A body that a guest has made; `transmitted` is told once how it got where it went. */
export interface MadeBody {
  readonly from: "guest";
  readonly contents: GuestStream | undefined;
  readonly trailers: GuestFuture<Trailed>;
  transmitted(how: Transmitted): void;
}

/** A body that has come from outside. */
export interface ComeBody {
  readonly from: "outside";
  readonly content: IncomingContent;
}

export type Body = MadeBody | ComeBody;

/** A guest's body, and the future of its transmission. */
export const madeBody = (
  contents: GuestStream | undefined,
  trailers: GuestFuture<Trailed>,
): [MadeBody, Promise<Transmitted>] => {
  const { promise, resolve } = Promise.withResolvers<Transmitted>();
  return [{ from: "guest", contents, trailers, transmitted: resolve }, promise];
};

/** Lets go of a body that nobody sends or reads. */
export const dropBody = (body: Body): void => {
  if (body.from === "outside") body.content.cancel();
  else {
    body.contents?.[Symbol.dispose]();
    letGo(body.trailers);
    body.transmitted({ tag: "ok" });
  }
};

/** Fills what is sent with a body, to its end. Throws HttpFailure and whatever refuses to take it. */
export const fill = async (holding: Speaking, body: Body, content: OutgoingContent): Promise<void> => {
  try {
    if (body.from === "outside") {
      await pass(body.content, content);
      await holding.waits.until(body.content.trailers.event);
      content.finish(body.content.trailers.get());
      return;
    }
    // Asked for at once: a guest may write them before it ends its bytes, and wait until they are read.
    const coming = Promise.resolve(body.trailers);
    coming.catch(() => {});
    if (body.contents) await drainInto(holding, body.contents, content);
    const trailers = await coming;
    if (trailers.tag === "err") throw failure("incomplete", `its maker gave it up: ${trailers.val.tag}`);
    content.finish(trailers.val && taken(trailers.val));
  } catch (error) {
    if (error instanceof HttpFailure) content.queue.fail(error);
    else content.abandon();
    if (body.from === "guest") letGo(body.trailers);
    throw error;
  }
};

const pass = async ({ source }: IncomingContent, content: OutgoingContent): Promise<void> => {
  for (;;) {
    const bytes = await source.read(limits.asyncReadBytesMax);
    if (!bytes || bytes.length === 0) return;
    await content.write(bytes);
  }
};

/** A body as its reader gets it: bytes, and a future of what follows them. `handled` says how reading it went. */
export const readBody = (
  holding: Speaking,
  body: Body,
  handled: GuestFuture<Transmitted>,
): [AsyncIterable<Uint8Array>, Promise<Trailed>] => {
  if (body.from === "outside") return readCome(holding, body, handled);
  const { contents, trailers } = body;
  const release = holding.transit.hold(() => contents?.[Symbol.dispose]());
  const [bytes] = produced<Uint8Array, ErrorCode>(
    holding.transit,
    async () => {
      const { value, done } = (await contents?.read({ count: limits.asyncReadBytesMax })) ?? { done: true };
      return done || value === undefined ? undefined : Uint8Array.from(value as ArrayLike<number>);
    },
    httpErrorCode,
    () => {
      release();
      contents?.[Symbol.dispose]();
    },
  );
  Promise.resolve(handled).then(
    (how) => body.transmitted(how),
    () => body.transmitted({ tag: "ok" }),
  );
  return [bytes, Promise.resolve(trailers)];
};

const readCome = (
  holding: Speaking,
  { content }: ComeBody,
  handled: GuestFuture<Transmitted>,
): [AsyncIterable<Uint8Array>, Promise<Trailed>] => {
  let whole = false;
  const source = {
    async read(max: number) {
      const bytes = await content.source.read(max);
      whole = !bytes || bytes.length === 0;
      return bytes;
    },
  };
  const [bytes, ended] = streamOut(holding, source, httpErrorCode, () => {
    if (!whole) content.cancel();
  });
  const trailed = async (): Promise<Trailed> => {
    const how = await ended;
    // Whoever let go of the bytes does not learn what would have followed them.
    if (how.tag === "err" || !whole) return how;
    await holding.waits.until(content.trailers.event);
    try {
      const found = content.trailers.get();
      return { tag: "ok", val: found && new Fields(holding, found, false) };
    } catch (error) {
      const err = httpErrorCode(error);
      if (!err) throw error;
      return { tag: "err", val: err };
    }
  };
  Promise.resolve(handled).then(
    (how) => how.tag === "err" && content.cancel(),
    () => {},
  );
  const trailers = trailed();
  trailers.catch(() => {});
  return [bytes, trailers];
};
