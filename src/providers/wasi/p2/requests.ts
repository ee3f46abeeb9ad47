import { parseAddress } from "../../../base/address.ts";
import { declared } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import { hostName } from "../../../trust/network.ts";
import { type IncomingContent, OutgoingContent } from "../state/body.ts";
import type { Request, Timeouts } from "../state/exchange.ts";
import { type FailureKind, failure } from "../state/failure.ts";
import { type FieldList, isFieldName } from "../state/fields.ts";
import { Handle } from "../state/handles.ts";
import { IncomingBody, OutgoingBody } from "./bodies.ts";
import { Fields } from "./fields.ts";
import type { Held } from "./io.ts";

// The requests of wasi:http/types, outgoing and incoming.

/** `method` in the JS mapping. */
export type Method = { readonly tag: string; readonly val?: string };
/** One that is written out and has a name of its own is that one. */
const known = (scheme: Scheme): Scheme => {
  const text = scheme.tag === "other" ? scheme.val.toUpperCase() : scheme.tag;
  return text === "HTTP" || text === "HTTPS" ? { tag: text } : scheme;
};

/** `scheme` in the JS mapping. */
export type Scheme = { readonly tag: "HTTP" | "HTTPS" } | { readonly tag: "other"; readonly val: string };

const named = ["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"];

export const methodOf = (text: string): Method =>
  named.includes(text.toLowerCase()) && text === text.toUpperCase()
    ? { tag: text.toLowerCase() }
    : { tag: "other", val: text };

const methodText = (method: Method): string =>
  method.tag === "other" ? method.val! : method.tag.toUpperCase();

/** An authority's parts, and whether it names a user; undefined where it is none. */
const parseAuthority = (
  text: string,
): { readonly user: boolean; readonly host: string; readonly port: number | undefined } | undefined => {
  const match = /^([^@/?#\s]*@)?(\[[0-9a-fA-F:.]+\]|[^:[\]@/?#\s]+)(?::(\d{1,5})?)?$/.exec(text);
  if (!match || Number(match[3] ?? 0) > 65_535) return undefined;
  const host = match[2]!.replace(/^\[(.*)\]$/, "$1");
  if (!parseAddress(host) && hostName(host) === undefined) return undefined;
  const port = match[3] === undefined ? undefined : Number(match[3]);
  return { user: match[1] !== undefined, host, port };
};

/** What does not begin with a slash gets one when it is sent. */
const isTarget = (text: string): boolean =>
  text.length <= limits.requestPathBytesMax && /^[^#<>`?]*(\?[^#<>]*)?$/.test(text) && !hasControl(text);

/** Bytes of UTF-8 beyond ASCII are written out: a head has one byte a character, and "\u010a" must not end a line. */
const ascii = (text: string): string => text.replace(/[^\x21-\x7e]+/gu, encodeURIComponent);

/** As it stands in a head: letters beyond ASCII as `xn--`. */
const asciiAuthority = (text: string, host: string, port: number | undefined): string => {
  if (/^[\x21-\x7e]*$/.test(text)) return text;
  return `${hostName(host) ?? host}${port === undefined ? "" : `:${port}`}`;
};

const hasControl = (text: string): boolean => {
  for (let at = 0; at < text.length; at++)
    if (text.charCodeAt(at) < 0x21 || text.charCodeAt(at) === 0x7f) return true;
  return false;
};

const invalid = () => declared(undefined);

/** What a request's head says, as a guest sets it piece by piece; errs are without a payload. */
export class RequestHead {
  #method: Method = { tag: "get" };
  #target: string | undefined;
  #scheme: Scheme | undefined;
  #authority: string | undefined;

  get method(): Method {
    return this.#method;
  }

  set method(method: Method) {
    if (method.tag === "other" && !isFieldName(method.val!)) throw invalid();
    this.#method = method.tag === "other" ? methodOf(method.val!) : method;
  }

  get target(): string | undefined {
    return this.#target;
  }

  set target(target: string | undefined) {
    if (target !== undefined && !isTarget(target)) throw invalid();
    this.#target = target;
  }

  get scheme(): Scheme | undefined {
    return this.#scheme;
  }

  set scheme(scheme: Scheme | undefined) {
    if (scheme?.tag === "other" && !/^[A-Za-z][A-Za-z0-9+.-]*$/.test(scheme.val)) throw invalid();
    this.#scheme = scheme && known(scheme);
  }

  get authority(): string | undefined {
    return this.#authority;
  }

  set authority(authority: string | undefined) {
    if (authority !== undefined && !parseAuthority(authority)) throw invalid();
    this.#authority = authority;
  }

  /**
   * With fields and body as it is sent; the body is asked for, with the length that is announced, once all else is in
   * order. Throws HttpFailure where it is none that can be sent.
   */
  request(fields: FieldList, body: (length: number | undefined) => OutgoingContent | undefined): Request {
    const scheme = this.#scheme?.tag ?? "HTTPS";
    if (scheme === "other") throw failure("protocol", "the scheme is neither HTTP nor HTTPS");
    const authority = this.#authority === undefined ? undefined : parseAuthority(this.#authority);
    if (!authority) throw failure("uri", "the request has no authority");
    // RFC 9110, 4.2.4: it is no part of what is sent, and a guest that wrote it meant it to be.
    if (authority.user) throw failure("uri", "the authority names a user");
    const length = fields.contentLength();
    if (Number.isNaN(length)) throw failure("request body size", "no proper content-length");
    const method = methodText(this.#method);
    // A tunnel's bytes would be no HTTP, and the far end no host that was granted.
    if (method === "CONNECT") throw failure("method", "tunnels are not made");
    const secure = scheme === "HTTPS";
    const target = ascii(this.#target ?? "/");
    return {
      method,
      secure,
      host: authority.host,
      port: authority.port ?? (secure ? 443 : 80),
      authority: asciiAuthority(this.#authority!, authority.host, authority.port),
      target: target.startsWith("/") || target === "*" ? target : `/${target}`,
      fields,
      content: body(length),
    };
  }
}

/** A body to be sent, as long as its fields announce. */
export const announced = (fields: FieldList, tooShort: FailureKind): OutgoingContent => {
  const content = new OutgoingContent(tooShort);
  const length = fields.contentLength();
  content.announce(Number.isNaN(length) ? undefined : length);
  return content;
};

/**
 * The body of an outgoing request, and of those that carry it on: it goes with the one that is sent first, and nobody
 * reads it once all of them were let go.
 */
class Carried {
  #content: OutgoingContent | undefined;
  #holders = 1;

  constructor(content: OutgoingContent) {
    this.#content = content;
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  letGo(): void {
    if (--this.#holders === 0) this.#content?.queue.cancel();
  }

  /** Throws HttpFailure where it has gone already, or where another length is announced than its maker's. */
  take(announced: number | undefined): OutgoingContent {
    const content = this.#content;
    if (!content) throw failure("configuration", "the body went with another request");
    if (content.length !== announced)
      throw failure("request body size", "another length is announced than the body's maker did");
    this.#content = undefined;
    return content;
  }
}

/**
 * `outgoing-request`. A component in wasi:http's place that makes a request of a clone of its guest's request's headers
 * carries that request's body on, unless it asks for one of its own: WASI lets only one party take a body, and the guest
 * has by then.
 */
export class OutgoingRequest extends Handle {
  readonly #held: Held;
  readonly #fields: FieldList;
  #body: Carried | undefined;
  #ownBody = false;
  readonly #head = new RequestHead();

  constructor(held: Held, headers: Fields) {
    super(held.handles);
    this.#held = held;
    this.#fields = headers.list.clone();
    const { origin } = headers;
    // A guest that copies a request of its own means a request of its own.
    if (origin instanceof OutgoingRequest && origin.#held !== held) this.#body = origin.#body?.hold();
    headers[Symbol.dispose]();
  }

  body(): OutgoingBody {
    if (this.#ownBody) throw invalid();
    this.#body?.letGo();
    const content = announced(this.#fields, "request body size");
    this.#body = new Carried(content);
    this.#ownBody = true;
    return new OutgoingBody(this.#held, content);
  }

  method(): Method {
    return this.#head.method;
  }

  setMethod(method: Method): void {
    this.#head.method = method;
  }

  pathWithQuery(): string | undefined {
    return this.#head.target;
  }

  setPathWithQuery(target: string | undefined): void {
    this.#head.target = target;
  }

  scheme(): Scheme | undefined {
    return this.#head.scheme;
  }

  setScheme(scheme: Scheme | undefined): void {
    this.#head.scheme = scheme;
  }

  authority(): string | undefined {
    return this.#head.authority;
  }

  setAuthority(authority: string | undefined): void {
    this.#head.authority = authority;
  }

  headers(): Fields {
    return new Fields(this.#held, this.#fields, false, this);
  }

  /** As it is sent; the request is used up. Throws HttpFailure where it is none that can be. */
  take(): Request {
    try {
      return this.#head.request(this.#fields, (length) => this.#body?.take(length));
    } finally {
      this[Symbol.dispose]();
    }
  }

  protected override release(): void {
    this.#body?.letGo();
  }
}

const nsPerMs = 1_000_000n;

const toMs = (ns: bigint | undefined, fallback: number): number =>
  ns === undefined ? fallback : Number((ns + nsPerMs - 1n) / nsPerMs);

/** `request-options`; times are nanoseconds. */
export class RequestOptions extends Handle {
  #connect: bigint | undefined;
  #firstByte: bigint | undefined;
  #betweenBytes: bigint | undefined;

  connectTimeout(): bigint | undefined {
    return this.#connect;
  }

  setConnectTimeout(duration: bigint | undefined): void {
    this.#connect = duration;
  }

  firstByteTimeout(): bigint | undefined {
    return this.#firstByte;
  }

  setFirstByteTimeout(duration: bigint | undefined): void {
    this.#firstByte = duration;
  }

  betweenBytesTimeout(): bigint | undefined {
    return this.#betweenBytes;
  }

  setBetweenBytesTimeout(duration: bigint | undefined): void {
    this.#betweenBytes = duration;
  }
}

export const timeoutsOf = (options: RequestOptions | undefined): Timeouts => ({
  connectMs: toMs(options?.connectTimeout(), limits.httpConnectMsDefault),
  firstByteMs: toMs(options?.firstByteTimeout(), limits.httpFirstByteMsDefault),
  betweenBytesMs: toMs(options?.betweenBytesTimeout(), limits.httpBetweenBytesMsDefault),
});

/** What a server got, as the guest is shown it. */
export interface Received {
  readonly method: string;
  readonly target: string;
  readonly secure: boolean;
  readonly authority: string | undefined;
  readonly fields: FieldList;
  readonly content: IncomingContent;
}

/** `incoming-request`. */
export class IncomingRequest extends Handle {
  readonly #held: Held;
  readonly #received: Received;
  #consumed = false;

  constructor(held: Held, received: Received) {
    super(held.handles);
    this.#held = held;
    this.#received = received;
  }

  method(): Method {
    return methodOf(this.#received.method);
  }

  pathWithQuery(): string | undefined {
    return this.#received.target;
  }

  scheme(): Scheme | undefined {
    return { tag: this.#received.secure ? "HTTPS" : "HTTP" };
  }

  authority(): string | undefined {
    return this.#received.authority;
  }

  headers(): Fields {
    return new Fields(this.#held, this.#received.fields, false);
  }

  consume(): IncomingBody {
    if (this.#consumed) throw invalid();
    this.#consumed = true;
    return new IncomingBody(this.#held, this.#received.content);
  }
}
