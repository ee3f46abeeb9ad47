import { isLoopback, parseAddress } from "../base/address.ts";
import { type Fault, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";

// HTTP for fetchers: one request, its redirects and its body, all within bounds. A server chooses nothing here: not
// how long it takes, not how much it sends, not where a secret goes.

/** What a peer is held to; the defaults are `limits`, others are for tests. */
export interface Bounds {
  readonly firstByteMs: number;
  readonly windowMs: number;
  readonly windowBytesMin: number;
  readonly totalMs: number;
  readonly bytesMax: number;
}

export const standardBounds: Bounds = {
  firstByteMs: limits.fetchFirstByteMsMax,
  windowMs: limits.fetchWindowMs,
  windowBytesMin: limits.fetchWindowBytesMin,
  totalMs: limits.fetchTotalMsMax,
  bytesMax: limits.componentBytesMax,
};

export interface HttpRequest {
  readonly method?: "GET" | "HEAD" | "PUT" | "POST" | "PATCH";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the request's own origin alone, and to no other that it is redirected to. */
  readonly authorization?: string | undefined;
  readonly body?: Uint8Array | string | undefined;
  readonly allowHttp?: boolean | undefined;
  /** A host that plain http may be spoken with, and with no other that it leads to. */
  readonly plainHost?: string | undefined;
  readonly bounds?: Partial<Bounds> | undefined;
  /** By what the server that is asked is recognised, and those that it leads to; `any` is for itself alone. */
  readonly certificates?: { readonly roots: readonly string[]; readonly any: boolean } | undefined;
  /** Aborted where nobody wants the answer any more; its reason is what is thrown then. */
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Where the answer came from, after redirects. */
  readonly url: string;
  /** Whether the address that was asked first gave it, and not one that it led to. */
  readonly direct: boolean;
  /** Reads the body, part by part, within the bounds. Faults: LK0114, LK0115, LK0204, LK0109. */
  read(onPart: (part: Uint8Array) => void, bytesMax?: number): Promise<number>;
  /** The whole body. */
  bytes(bytesMax?: number): Promise<Uint8Array>;
  /** Lets go of a body that nobody reads. */
  drop(): Promise<void>;
}

/** A host as it may be shown: no user name, no password, no query, since those may be secrets. */
export const shown = (url: string): string => {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
};

/** Whether a host is this machine: `localhost`, 127.0.0.0/8, ::1. */
export const isLocalHost = (hostname: string): boolean => {
  const name = hostname.replace(/^\[|\]$/g, "");
  const address = parseAddress(name);
  return address ? isLoopback(address) : name === "localhost" || name.endsWith(".localhost");
};

/**
 * Sends a request and follows its redirects. Faults: LK0102 no URL, LK0109 unreachable, LK0113 redirects, LK0114 too
 * slow, LK0117 plain http.
 */
export const send = async (address: string, request: HttpRequest = {}): Promise<HttpAnswer> => {
  const first = urlOf(address, request);
  let url = first;
  for (let redirects = 0; ; redirects++) {
    const answer = await once(url, request, sameOrigin(url, first));
    const location = answer.response.headers.get("location");
    if (![301, 302, 303, 307, 308].includes(answer.response.status) || location === null)
      return answered(url, url === first, answer, request);
    await answer.response.body?.cancel().catch(() => {});
    answer.clear();
    if (redirects >= limits.redirectsMax)
      throw fault("LK0113", `${shown(first.href)} leads through more than ${limits.redirectsMax} redirects`, {
        hint: "check the address; whoever runs the server has a ring of redirects",
      });
    url = redirected(url, location, request);
  }
};

const sameOrigin = (a: URL, b: URL): boolean => a.origin === b.origin;

const urlOf = (address: string, request: HttpRequest): URL => {
  let url: URL;
  try {
    url = new URL(address);
  } catch (error) {
    throw fault("LK0102", `${address} is no URL`, { hint: "write https://HOST/PATH", cause: error });
  }
  if (url.username !== "" || url.password !== "")
    throw fault(
      "LK0102",
      `${shown(url.href)} was written with a user name or password, which identifiers do not carry`,
      {
        hint: "docker login HOST keeps them for registries",
      },
    );
  requireSecure(url, request);
  return url;
};

/** Plain http is for this machine, unless the person said otherwise. */
const requireSecure = (url: URL, { allowHttp, plainHost }: HttpRequest): void => {
  const plain = allowHttp || url.host === plainHost || isLocalHost(url.hostname);
  if (url.protocol === "https:" || (url.protocol === "http:" && plain)) return;
  if (url.protocol !== "http:")
    throw fault("LK0113", `${shown(url.href)} was to be fetched, and only https and http are spoken`, {
      hint: "write https://; where a redirect led there, tell whoever runs the server",
    });
  throw fault("LK0117", `${shown(url.href)} is plain http, which anyone on the way can read and change`, {
    hint: "write https://, or say --allow-http",
  });
};

const redirected = (from: URL, location: string, request: HttpRequest): URL => {
  const { method = "GET", allowHttp } = request;
  let url: URL;
  try {
    url = new URL(location, from);
  } catch (error) {
    throw fault("LK0113", `${shown(from.href)} redirects to something that is no URL`, {
      hint: "tell whoever runs the server",
      cause: error,
    });
  }
  if (method !== "GET" && method !== "HEAD")
    throw fault("LK0113", `${shown(from.href)} redirects what is sent to it to ${url.host}`, {
      hint: "name the registry by the address that takes uploads",
    });
  if (from.protocol === "https:" && url.protocol === "http:" && !allowHttp)
    throw fault("LK0113", `${shown(from.href)} redirects from https to plain http, at ${url.host}`, {
      hint: "where that is meant: --allow-http",
    });
  requireSecure(url, request);
  return url;
};

/** Until when an answer has to begin: what is sent has to get there first, no more slowly than what comes may. */
const answerMs = ({ body, bounds }: HttpRequest): number => {
  const { firstByteMs, windowMs, windowBytesMin, totalMs } = { ...standardBounds, ...bounds };
  return Math.min(totalMs, firstByteMs + ((body?.length ?? 0) / windowBytesMin) * windowMs);
};

interface Once {
  readonly response: Response;
  readonly abort: AbortController;
  /** Stops the clock that waits for the first byte. */
  clear(): void;
}

const once = async (url: URL, request: HttpRequest, mayKnow: boolean): Promise<Once> => {
  const firstByteMs = answerMs(request);
  const abort = new AbortController();
  const leave = () => abort.abort();
  request.signal?.throwIfAborted();
  request.signal?.addEventListener("abort", leave, { once: true });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    abort.abort();
  }, firstByteMs);
  try {
    const response = await fetch(url, {
      method: request.method ?? "GET",
      headers: {
        "user-agent": "loop",
        // Bytes are asked for as they are: what unpacks on the way has a size that nobody announced.
        "accept-encoding": "identity",
        ...request.headers,
        ...(mayKnow && request.authorization !== undefined && { authorization: request.authorization }),
      },
      ...(request.body !== undefined && { body: request.body as BodyInit }),
      redirect: "manual",
      signal: abort.signal,
      decompress: false,
      timeout: false,
      ...(request.certificates && { tls: await tlsOf(request.certificates, mayKnow) }),
    } as RequestInit);
    clearTimeout(timer);
    return { response, abort, clear: () => clearTimeout(timer) };
  } catch (error) {
    clearTimeout(timer);
    request.signal?.throwIfAborted();
    if (late) throw slow(url, `did not answer within ${firstByteMs} ms`);
    throw unreachable(url, error);
  }
};

/** The roots that everybody trusts stay trusted beside those that the person names. */
const tlsOf = async ({ roots, any }: NonNullable<HttpRequest["certificates"]>, asked: boolean) => {
  const { rootCertificates } = await import("node:tls");
  return {
    ...(roots.length > 0 && { ca: [...rootCertificates, ...roots] }),
    ...(any && asked && { rejectUnauthorized: false }),
  };
};

const slow = (url: URL, how: string): Fault =>
  fault("LK0114", `${shown(url.href)} ${how}`, {
    hint: "try again later; what came so far is kept where it can be",
  });

const reasons: Readonly<Record<string, string>> = {
  ConnectionRefused: "nothing listens there",
  ECONNREFUSED: "nothing listens there",
  ConnectionClosed: "the connection was closed",
  ECONNRESET: "the connection was closed",
  FailedToOpenSocket: "no connection came about",
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "nobody answers what its address is",
  ENETUNREACH: "there is no network that leads there",
  EHOSTUNREACH: "there is no way to it",
  UnableToConnect: "no connection came about",
};

/** What a server shows of itself is not enough: the codes of certificates, as Node names them. */
const isDistrusted = (code: string): boolean => /CERT|UNABLE_TO_VERIFY|_TLS_/.test(code);

const unreachable = (url: URL, error: unknown): Fault => {
  const { code = "", message = String(error) } = error as { code?: string; message?: string };
  if (isDistrusted(code))
    return fault("LK0109", `${url.host} shows a certificate that is not trusted here (${code})`, {
      hint: "where an authority of your own gave it: extra_root_certificates in wasm-pkg's config.toml",
      cause: error,
    });
  return fault("LK0109", `${url.host} cannot be reached: ${reasons[code] ?? message}`, {
    hint: "check the address and the network; --offline does with what is here",
    cause: error,
  });
};

const answered = (url: URL, direct: boolean, { response, abort }: Once, request: HttpRequest): HttpAnswer => {
  const bounds = { ...standardBounds, ...request.bounds };
  const read: HttpAnswer["read"] = (onPart, bytesMax = bounds.bytesMax) =>
    readBody(url, response, abort, { ...bounds, bytesMax }, onPart, request.signal);
  return {
    status: response.status,
    headers: response.headers,
    url: url.href,
    direct,
    read,
    async bytes(bytesMax) {
      const parts: Uint8Array[] = [];
      await read((part) => void parts.push(part), bytesMax);
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    },
    async drop() {
      abort.abort();
      await response.body?.cancel().catch(() => {});
    },
  };
};

const readBody = async (
  url: URL,
  response: Response,
  abort: AbortController,
  bounds: Bounds,
  onPart: (part: Uint8Array) => void,
  signal: AbortSignal | undefined,
): Promise<number> => {
  const announced = announcedLength(url, response);
  const tooMuch = (count: string) =>
    fault("LK0204", `${shown(url.href)} gives ${count} bytes; the limit is ${bounds.bytesMax}`, {
      hint: "check the address; loop reads no more from anyone",
    });
  let total = 0;
  const pace = new Pace(url, bounds, abort, () => total);
  try {
    if (announced !== undefined && announced > bounds.bytesMax) throw tooMuch(`${announced}`);
    // Neither typed alike everywhere nor needed to be: a body gives Uint8Arrays.
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      total += part.length;
      if (total > bounds.bytesMax) throw tooMuch(`more than ${bounds.bytesMax}`);
      try {
        onPart(part);
      } catch (error) {
        pace.thrown = error;
        throw error;
      }
    }
  } catch (error) {
    abort.abort();
    signal?.throwIfAborted();
    if (pace.fault) throw pace.fault;
    // What the reader itself threw is the reader's.
    if (error === pace.thrown) throw error;
    if (error instanceof Error && error.name === "Fault") throw error;
    throw fault("LK0109", `${url.host} broke off after ${total} bytes of ${url.pathname}`, {
      hint: "try again; what came so far is kept where it can be",
      cause: error,
    });
  } finally {
    pace.stop();
  }
  if (announced !== undefined && announced !== total)
    throw fault("LK0115", `${shown(url.href)} announced ${announced} bytes and gave ${total}`, {
      hint: "try again",
    });
  return total;
};

const announcedLength = (url: URL, { headers }: Response): number | undefined => {
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity")
    throw fault(
      "LK0115",
      `${shown(url.href)} is sent packed (${encoding.slice(0, 40)}), which was not asked for`,
      {
        hint: "whoever runs the server has to send the file as it is",
      },
    );
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
};

/** Watches that a body keeps coming: so many bytes in each window of time, and an end in time. */
class Pace {
  fault: Fault | undefined;
  /** What the reader threw. */
  thrown: unknown;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(url: URL, bounds: Bounds, abort: AbortController, total: () => number) {
    const startMs = performance.now();
    let before = 0;
    this.#timer = setInterval(() => {
      const now = total();
      if (performance.now() - startMs > bounds.totalMs)
        this.fault = slow(url, `was not done after ${bounds.totalMs} ms and ${now} bytes`);
      else if (now - before < bounds.windowBytesMin)
        this.fault = slow(
          url,
          `sent ${now - before} bytes in the last ${bounds.windowMs} ms, and the least is ${bounds.windowBytesMin}`,
        );
      before = now;
      if (this.fault) abort.abort();
    }, bounds.windowMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** The fault for an answer that is no success. `what` is what was looked for: "The manifest of acme/tool:1.2". */
export const refused = (what: string, { status, url }: HttpAnswer, hint?: string): Fault => {
  const { host } = new URL(url);
  if (status === 401 || status === 403)
    return fault("LK0111", `${what} is not given to you by ${host} (status ${status})`, {
      hint: hint ?? `docker login ${host}`,
    });
  if (status === 404 || status === 410)
    return fault("LK0112", `${what} was looked for at ${host}, and there is none (status ${status})`, {
      hint,
    });
  return fault("LK0110", `${what} was asked for, and ${host} answered with status ${status}`, {
    hint: hint ?? (status === 429 ? "too many requests; try again later" : "try again later"),
  });
};
