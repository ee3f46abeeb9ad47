import { declared } from "../../../base/fault.ts";
import { type ErrorCode, httpErrorCode } from "../p2/errors.ts";
import type { Answer } from "../p2/http.ts";
import { isA } from "../p2/http.ts";
import {
  announced,
  type Method,
  methodOf,
  type Received,
  RequestHead,
  type Scheme,
  timeoutsOf,
} from "../p2/requests.ts";
import type { OutgoingContent } from "../state/body.ts";
import { checkRequest, exchange } from "../state/exchange.ts";
import { FieldList } from "../state/fields.ts";
import { Handle } from "../state/handles.ts";
import {
  type Body,
  dropBody,
  Fields,
  fieldsOf,
  fill,
  madeBody,
  RequestOptions,
  readBody,
  type Speaking,
  type Trailed,
  type Transmitted,
  taken,
} from "./message.ts";
import { type GuestFuture, type GuestStream, letGo } from "./pipe.ts";

// wasi:http 0.3: types and client. One `request` and one `response` stand for both directions.

/** What requests and responses share: fields and a body, which leaves once. */
abstract class Message extends Handle {
  protected readonly holding: Speaking;
  readonly fields: FieldList;
  #body: Body | undefined;

  constructor(holding: Speaking, fields: FieldList, body: Body) {
    super(holding.handles);
    this.holding = holding;
    this.fields = fields;
    this.#body = body;
  }

  getHeaders(): Fields {
    return new Fields(this.holding, this.fields, false);
  }

  /** The body; the message is used up. */
  leave(): Body {
    const body = this.#body!;
    this.#body = undefined;
    this[Symbol.dispose]();
    return body;
  }

  protected override release(): void {
    if (this.#body) dropBody(this.#body);
  }
}

/** `request` of wasi:http/types. */
export class Request extends Message {
  readonly head = new RequestHead();
  readonly #options: RequestOptions | undefined;

  constructor(holding: Speaking, fields: FieldList, body: Body, options?: RequestOptions) {
    super(holding, fields, body);
    this.#options = options;
  }

  /** One that a server got. */
  static received(holding: Speaking, { content, fields, ...head }: Received): Request {
    const made = new Request(holding, fields, { from: "outside", content });
    made.head.method = methodOf(head.method);
    made.head.target = head.target;
    made.head.scheme = { tag: head.secure ? "HTTPS" : "HTTP" };
    try {
      made.head.authority = head.authority;
    } catch {
      // A client's `host` that is none is as good as no authority.
    }
    return made;
  }

  getMethod(): Method {
    return this.head.method;
  }

  setMethod(method: Method): void {
    this.head.method = method;
  }

  getPathWithQuery(): string | undefined {
    return this.head.target;
  }

  setPathWithQuery(target: string | undefined): void {
    this.head.target = target === "" ? "/" : target;
  }

  getScheme(): Scheme | undefined {
    return this.head.scheme;
  }

  setScheme(scheme: Scheme | undefined): void {
    this.head.scheme = scheme;
  }

  getAuthority(): string | undefined {
    return this.head.authority;
  }

  setAuthority(authority: string | undefined): void {
    this.head.authority = authority;
  }

  getOptions(): RequestOptions | undefined {
    return this.#options && new RequestOptions(this.holding, false, this.#options);
  }

  get timeouts() {
    return timeoutsOf(this.#options);
  }

  protected override release(): void {
    super.release();
    this.#options?.[Symbol.dispose]();
  }
}

/** `response` of wasi:http/types. */
export class Response extends Message {
  #status: number;

  constructor(holding: Speaking, fields: FieldList, body: Body, status = 200) {
    super(holding, fields, body);
    this.#status = status;
  }

  getStatusCode(): number {
    return this.#status;
  }

  setStatusCode(status: number): void {
    if (status < 100 || status > 599) throw declared(undefined);
    this.#status = status;
  }

  /** As a server sends it, and the body on its way: it ends when all of it is handed over. */
  answer(): { readonly answer: Answer; readonly filled: Promise<void> } {
    const { fields, holding } = this;
    const status = this.#status;
    const body = this.leave();
    const content = isEmpty(body) ? undefined : announced(fields, "response body size");
    const filled = filling(holding, body, content);
    report(body, filled);
    return { answer: { status, fields, content }, filled };
  }
}

/** Fills what is sent; a body without bytes has only trailers, and HTTP/1.1 sends none of those. */
const filling = async (
  holding: Speaking,
  body: Body,
  content: OutgoingContent | undefined,
): Promise<void> => {
  if (content) await fill(holding, body, content);
  else if (body.from === "guest") letGo(body.trailers);
};

const isEmpty = (body: Body): boolean => body.from === "guest" && body.contents === undefined;

/** Tells whoever made a body how its transmission went. */
const report = (body: Body, work: Promise<unknown>): void => {
  if (body.from === "outside") return;
  work.then(
    () => body.transmitted({ tag: "ok" }),
    (error) => body.transmitted({ tag: "err", val: asErrorCode(error) }),
  );
};

const asErrorCode = (error: unknown): ErrorCode =>
  httpErrorCode(error) ?? { tag: "internal-error", val: undefined };

/**
 * Asks whom a request is for, if that was granted, and answers as soon as the answer's head is there. Throws the
 * declared error-code.
 */
const send = async (holding: Speaking, request: Request): Promise<Response> => {
  const { fields, head, timeouts } = request;
  const body = request.leave();
  const content = isEmpty(body) ? undefined : announced(fields, "request body size");
  const asking = (async () => {
    const wanted = head.request(fields, () => content);
    checkRequest(holding.network, wanted);
    return exchange(holding.network, wanted, timeouts);
  })();
  const filled = filling(holding, body, content);
  report(body, Promise.all([asking, filled]));
  try {
    const { status, fields: received, content: come } = await asking;
    return new Response(holding, received, { from: "outside", content: come }, status);
  } catch (error) {
    content?.queue.cancel();
    const code = httpErrorCode(error);
    throw code === undefined ? error : declared(code);
  }
};

type New<M> = [M, Promise<Transmitted>];

/**
 * The classes that a guest makes objects of: each instance has its own constructors, which know the instance; what
 * the host makes is an instance of the base class and counts as theirs too.
 */
const constructible = (holding: Speaking) => ({
  Fields: class extends Fields {
    constructor() {
      super(holding, new FieldList(), true);
    }
    static fromList(entries: readonly (readonly [string, Uint8Array])[]): Fields {
      return fieldsOf(holding, entries);
    }
    static override [Symbol.hasInstance](value: unknown): boolean {
      return isA(Fields, value);
    }
  },
  RequestOptions: class extends RequestOptions {
    constructor() {
      super(holding, true);
    }
    static override [Symbol.hasInstance](value: unknown): boolean {
      return isA(RequestOptions, value);
    }
  },
  Request: class extends Request {
    static new(
      headers: Fields,
      contents: GuestStream | undefined,
      trailers: GuestFuture<Trailed>,
      options: RequestOptions | undefined,
    ): New<Request> {
      const [body, transmitted] = madeBody(contents, trailers);
      return [new Request(holding, taken(headers), body, options), transmitted];
    }
    static consumeBody(request: Request, handled: GuestFuture<Transmitted>) {
      return readBody(holding, request.leave(), handled);
    }
    static override [Symbol.hasInstance](value: unknown): boolean {
      return isA(Request, value);
    }
  },
  Response: class extends Response {
    static new(
      headers: Fields,
      contents: GuestStream | undefined,
      trailers: GuestFuture<Trailed>,
    ): New<Response> {
      const [body, transmitted] = madeBody(contents, trailers);
      return [new Response(holding, taken(headers), body), transmitted];
    }
    static consumeBody(response: Response, handled: GuestFuture<Transmitted>) {
      return readBody(holding, response.leave(), handled);
    }
    static override [Symbol.hasInstance](value: unknown): boolean {
      return isA(Response, value);
    }
  },
});

export const http = (holding: Speaking) => ({
  types: constructible(holding),
  client: { send: (request: Request): Promise<Response> => send(holding, request) },
});
