import { declared } from "../../../base/fault.ts";
import type { Networking } from "../networking.ts";
import type { OutgoingContent } from "../state/body.ts";
import { checkRequest, exchange, type Response } from "../state/exchange.ts";
import { FieldList } from "../state/fields.ts";
import { Handle } from "../state/handles.ts";
import { Later } from "../state/later.ts";
import { FutureTrailers, IncomingBody, OutgoingBody, type Result, settled } from "./bodies.ts";
import { type ErrorCode, exchanged, httpErrorCode } from "./errors.ts";
import { checkField, Fields } from "./fields.ts";
import { type Held, type IoError, Pollable } from "./io.ts";
import { announced, IncomingRequest, OutgoingRequest, RequestOptions, timeoutsOf } from "./requests.ts";

// wasi:http 0.2: types and outgoing-handler, and the response-outparam through which a handler of ours answers.

/** `incoming-response`. */
export class IncomingResponse extends Handle {
  readonly #held: Held;
  readonly #response: Response;
  #consumed = false;

  constructor(held: Held, response: Response) {
    super(held.handles);
    this.#held = held;
    this.#response = response;
  }

  status(): number {
    return this.#response.status;
  }

  headers(): Fields {
    return new Fields(this.#held, this.#response.fields, false);
  }

  consume(): IncomingBody {
    if (this.#consumed) throw declared(undefined);
    this.#consumed = true;
    return new IncomingBody(this.#held, this.#response.content);
  }

  protected override release(): void {
    if (!this.#consumed) this.#response.content.cancel();
  }
}

/** `future-incoming-response`. */
export class FutureIncomingResponse extends Handle {
  readonly #held: Held;
  readonly #later: Later<Response>;
  #given = false;

  constructor(held: Held, response: Promise<Response>) {
    super(held.handles);
    this.#held = held;
    this.#later = new Later(response);
    // Whoever lets go of it before the answer came does not want the connection any more.
    response.then(
      (late) => this.#dropped && late.content.cancel(),
      () => {},
    );
  }

  #dropped = false;

  subscribe(): Pollable {
    return new Pollable(this.#held, this.#later.event);
  }

  get(): Result<Result<IncomingResponse>> | undefined {
    if (!this.#later.ready) return undefined;
    if (this.#given) return { tag: "err" };
    this.#given = true;
    return { tag: "ok", val: settled(() => new IncomingResponse(this.#held, this.#later.get())) };
  }

  protected override release(): void {
    this.#dropped = true;
    if (this.#later.ready && !this.#given) settled(() => this.#later.get().content.cancel());
  }
}

/** What a handler answers with, as a server sends it. */
export interface Answer {
  readonly status: number;
  readonly fields: FieldList;
  readonly content: OutgoingContent | undefined;
}

/** `outgoing-response`. */
export class OutgoingResponse extends Handle {
  readonly #held: Held;
  readonly #fields: FieldList;
  #status = 200;
  #content: OutgoingContent | undefined;
  #sent = false;

  constructor(held: Held, headers: Fields) {
    super(held.handles);
    this.#held = held;
    this.#fields = headers.list.clone();
    headers[Symbol.dispose]();
  }

  statusCode(): number {
    return this.#status;
  }

  setStatusCode(status: number): void {
    if (status < 100 || status > 599) throw declared(undefined);
    this.#status = status;
  }

  headers(): Fields {
    return new Fields(this.#held, this.#fields, false);
  }

  body(): OutgoingBody {
    if (this.#content) throw declared(undefined);
    this.#content = announced(this.#fields, "response body size");
    return new OutgoingBody(this.#held, this.#content);
  }

  take(): Answer {
    this.#sent = true;
    this[Symbol.dispose]();
    return { status: this.#status, fields: this.#fields, content: this.#content };
  }

  protected override release(): void {
    if (!this.#sent) this.#content?.queue.cancel();
  }
}

/** How a handler's answer reaches its server; called at most once. */
export type Respond = (answer: Answer | ErrorCode) => void;

/** `response-outparam`. */
export class ResponseOutparam extends Handle {
  readonly #respond: Respond;
  #set = false;

  constructor(held: Held, respond: Respond) {
    super(held.handles);
    this.#respond = respond;
  }

  static set(
    param: ResponseOutparam,
    response:
      | { readonly tag: "ok"; readonly val: OutgoingResponse }
      | { readonly tag: "err"; readonly val: ErrorCode },
  ): void {
    param.#answer(response.tag === "ok" ? response.val.take() : response.val);
  }

  /** The server says only what it says at the end; there is no way to send more before. */
  sendInformational(_status: number, headers: Fields): never {
    headers[Symbol.dispose]();
    throw declared({ tag: "internal-error", val: "informational responses are not sent here" });
  }

  #answer(answer: Answer | ErrorCode): void {
    this.#set = true;
    this[Symbol.dispose]();
    this.#respond(answer);
  }

  protected override release(): void {
    if (!this.#set) this.#respond({ tag: "internal-error", val: "the component gave no response" });
  }
}

/**
 * The classes that a guest makes objects of: each instance has its own constructors, which know the instance; what
 * the host makes is an instance of the base class and counts as theirs too, because glue asks with `instanceof`.
 */
const constructible = (held: Held) => ({
  Fields: class extends Fields {
    constructor() {
      super(held, new FieldList(), true);
    }
    static fromList(entries: readonly (readonly [string, Uint8Array])[]): Fields {
      for (const [name, value] of entries) checkField(name, value);
      const list = FieldList.of(entries.map(([name, value]) => ({ name, value: value.slice() })));
      return new Fields(held, list, true);
    }
    static override [Symbol.hasInstance](value: unknown): boolean {
      return isA(Fields, value);
    }
  },
  OutgoingRequest: class extends OutgoingRequest {
    constructor(headers: Fields) {
      super(held, headers);
    }
    static override [Symbol.hasInstance](value: unknown): boolean {
      return isA(OutgoingRequest, value);
    }
  },
  OutgoingResponse: class extends OutgoingResponse {
    constructor(headers: Fields) {
      super(held, headers);
    }
    static override [Symbol.hasInstance](value: unknown): boolean {
      return isA(OutgoingResponse, value);
    }
  },
  RequestOptions: class extends RequestOptions {
    constructor() {
      super(held.handles);
    }
    static override [Symbol.hasInstance](value: unknown): boolean {
      return isA(RequestOptions, value);
    }
  },
});

export const isA = (base: abstract new (...args: never[]) => unknown, value: unknown): boolean =>
  Function.prototype[Symbol.hasInstance].call(base, value);

export const http = (common: Networking) => ({
  types: {
    ...constructible(common),
    IncomingRequest,
    IncomingResponse,
    IncomingBody,
    FutureTrailers,
    FutureIncomingResponse,
    OutgoingBody,
    ResponseOutparam,
    httpErrorCode: (error: IoError) => httpErrorCode(error.cause),
  },
  outgoingHandler: {
    handle(request: OutgoingRequest, options: RequestOptions | undefined): FutureIncomingResponse {
      const timeouts = timeoutsOf(options);
      options?.[Symbol.dispose]();
      const wanted = exchanged(() => {
        const taken = request.take();
        try {
          checkRequest(common.network, taken);
        } catch (error) {
          // Who writes its body is not to wait for ever.
          taken.content?.queue.cancel();
          throw error;
        }
        return taken;
      });
      return new FutureIncomingResponse(common, exchange(common.network, wanted, timeouts));
    },
  },
});
