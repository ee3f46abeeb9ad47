import { limits } from "../../base/limits.ts";
import type { Answer } from "./p2/http.ts";
import type { Received } from "./p2/requests.ts";
import type { Serving } from "./serving.ts";
import { Arrival, noBody, wholeBody } from "./state/arrival.ts";
import type { IncomingContent, OutgoingContent } from "./state/body.ts";
import { FieldList, isOfConnection, latin, unlatin } from "./state/fields.ts";

// Requests and answers of Bun.serve, which is fast and knows no trailers.

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Connections that are in the middle of a request. */
  readonly busy: number;
  /** Takes no more connections; with `now` ends those there are. */
  stop(now: boolean): void;
}

export interface Address {
  readonly hostname: string;
  /** 0 is any that is free. */
  readonly port: number;
}

export const listenPlain = ({ hostname, port }: Address, serving: Serving): Listening => {
  const server = Bun.serve({
    hostname,
    port,
    idleTimeout: limits.serveIdleSeconds,
    // Bodies are streamed: their size is no matter of memory.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    // Without development Bun 1.4.5 would share a port that another server has.
    reusePort: false,
    fetch: (request, server) =>
      // The engine does not end a connection whose client takes nothing; left alone it does, at once.
      respond(request, serving, () => server.timeout(request, 1)),
    error: () => new Response(null, { status: 500 }),
  });
  return {
    url: server.url.href,
    port: server.port!,
    get busy() {
      return server.pendingRequests;
    },
    stop: (now) => void server.stop(now),
  };
};

const respond = async (request: Request, serving: Serving, leave: () => void): Promise<Response> => {
  let content: IncomingContent;
  try {
    content = await contentOf(request);
  } catch {
    // The client went away before its small body was here.
    return new Response(null, { status: 408 });
  }
  return responseOf(request, await serving.serve(receivedOf(request, content)), serving, leave);
};

const receivedOf = (request: Request, content: IncomingContent): Received => {
  const { url, headers } = request;
  const secure = url.startsWith("https:");
  const from = url.indexOf("/", secure ? 8 : 7);
  const fields = new FieldList();
  for (const [name, value] of headers) if (!isOfConnection(name)) fields.append(name, unlatin(value));
  return {
    method: request.method,
    target: from < 0 ? "/" : url.slice(from),
    secure,
    authority: headers.get("host") ?? undefined,
    fields,
    content,
  };
};

/** The request's body: whole where it says that it is small, else as it comes. */
const contentOf = (request: Request): IncomingContent | Promise<IncomingContent> => {
  if (!request.body) return noBody();
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  return length <= limits.serveAheadBytesMax ? request.bytes().then(wholeBody) : arrivalOf(request.body);
};

/** Bun hands out a request's body piece by piece and makes its client wait meanwhile; it keeps no trailers. */
const arrivalOf = (body: ReadableStream<Uint8Array>): Arrival => {
  const reader = body.getReader();
  return new Arrival({
    async next() {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return undefined;
        if (value.length > 0) return value;
      }
    },
    trailers: () => undefined,
    cancel: () => void reader.cancel().catch(() => {}),
  });
};

/** Statuses whose answers have no body (RFC 9110). */
export const isBodiless = (status: number): boolean => status === 204 || status === 205 || status === 304;

const responseOf = (
  request: Request,
  { status, fields, content }: Answer,
  serving: Serving,
  leave: () => void,
): Response => {
  const headers: [string, string][] = [];
  for (const { name, value } of fields.entries) if (!isOfConnection(name)) headers.push([name, latin(value)]);
  if (serving.stopping) headers.push(["connection", "close"]);
  if (!content || isBodiless(status)) {
    if (content) drain(content, serving);
    return new Response(null, { status, headers });
  }
  if (content.queue.ended && !content.queue.failed)
    return new Response(content.queue.takeAll() as Uint8Array<ArrayBuffer>, { status, headers });
  if (request.method === "HEAD") {
    drain(content, serving);
    return new Response(null, { status, headers });
  }
  return new Response(streamOf(content, serving, leave), { status, headers });
};

/** A body that nobody is to see is still taken, so that its writer ends. */
export const drain = (content: OutgoingContent, serving: Serving): void => {
  const { read } = serving.sending(content);
  void (async () => {
    try {
      while (await read());
    } catch {
      // It was given up, and nobody wanted it.
    }
  })();
};

/** An answer's body as it is made; the client's pace is the guest's. A body given up half-way breaks the connection. */
const streamOf = (
  content: OutgoingContent,
  serving: Serving,
  leave: () => void,
): ReadableStream<Uint8Array> => {
  let controlling: ReadableStreamDefaultController<Uint8Array> | undefined;
  const { read, cancel } = serving.sending(content, () => {
    controlling?.error(undefined);
    leave();
  });
  return new ReadableStream(
    {
      start(controller) {
        controlling = controller;
      },
      async pull(controller) {
        try {
          const bytes = await read();
          if (bytes) controller.enqueue(bytes);
          else controller.close();
        } catch {
          // Without a reason: the engine prints one, and the report has it already.
          controller.error(undefined);
        }
      },
      cancel,
    },
    { highWaterMark: 0 },
  );
};
