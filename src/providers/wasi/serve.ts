// A component that exports wasi:http/incoming-handler as a server on Bun.serve. Owns the way of one request through
// one instance and of its answer back; refuses components that handle nothing; called by whoever offers `loop serve`
// or hosts a handler of its own.
import { errno, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { matchInterface } from "../../contract/semver.ts";
import type { Instance } from "../../host/instance.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { InstanceContext } from "../../host/provider.ts";
import { networkingOf } from "./networking.ts";
import { type Answer, type Respond, ResponseOutparam } from "./p2/http.ts";
import { IncomingRequest } from "./p2/requests.ts";
import { Pool } from "./pool.ts";
import type { IncomingContent, OutgoingContent } from "./state/body.ts";
import { FieldList, isOfConnection, latin, unlatin } from "./state/fields.ts";
import { Later } from "./state/later.ts";

const handler = "wasi:http/incoming-handler@0.2.0";

export interface ServeOptions {
  readonly hostname: string;
  /** 0 is any that is free. */
  readonly port: number;
  /** Instances serve one request after the other; else every request has an instance of its own. */
  readonly reuse: boolean;
  /** Instances alive at once, `serveInstancesMax` where it is absent. */
  readonly instancesMax?: number | undefined;
  /** A new context for each instance. */
  contextOf(): InstanceContext;
  /** What goes wrong in the component: its traps, which the client sees as status 500. */
  report(error: unknown): void;
}

export interface Server {
  /** "http://127.0.0.1:8080/". */
  readonly url: string;
  readonly port: number;
  /** Instances alive now. */
  readonly instances: number;
  /** Requests begun and not yet answered. */
  readonly pending: number;
  /** No more requests; those begun are answered, unless `now`. */
  stop(now?: boolean): Promise<void>;
}

/**
 * Serves until it is stopped. Faults: LK0305 the component handles no requests, LK0009 the address cannot be had;
 * and those of instantiating, so that a component that cannot start is known before the first request.
 */
export const serve = async (plan: LinkedPlan, options: ServeOptions): Promise<Server> => {
  const exported = matchInterface(handler, plan.world.exports.keys());
  if (exported === undefined)
    throw fault(
      "LK0305",
      `${plan.component.identifier} does not export wasi:http/incoming-handler; it exports: ${[...plan.world.exports.keys()].join(", ") || "nothing"}`,
      { hint: `loop run ${plan.component.identifier}` },
    );
  const pool = new Pool({
    make: () => plan.instantiate(options.contextOf()),
    reuse: options.reuse,
    instancesMax: options.instancesMax ?? limits.serveInstancesMax,
  });
  pool.give(await pool.take(), true);
  const serving = new Serving(pool, exported, options.report);
  const server = listen(options, (request) => serving.serve(request));
  return {
    url: server.url.href,
    port: server.port!,
    get instances() {
      return pool.live;
    },
    get pending() {
      return serving.pending;
    },
    async stop(now = false) {
      await server.stop(now);
      pool.close();
    },
  };
};

const listen = (
  { hostname, port }: ServeOptions,
  handle: (request: Request) => Response | Promise<Response>,
) => {
  try {
    return Bun.serve({
      hostname,
      port,
      idleTimeout: limits.serveIdleSeconds,
      // Bodies are streamed: their size is no matter of memory.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      development: false,
      // Without development Bun 1.4.5 would share a port that another server has.
      reusePort: false,
      fetch: handle,
      error: () => new Response(null, { status: 500 }),
    });
  } catch (error) {
    const code = errno(error);
    if (code === undefined) throw error;
    throw fault("LK0009", `Cannot listen at ${hostname}:${port}: ${(error as Error).message}`, {
      hint: "loop serve COMPONENT --addr 127.0.0.1:0",
      cause: error,
    });
  }
};

class Serving {
  readonly #pool: Pool;
  readonly #handler: string;
  readonly #report: (error: unknown) => void;
  pending = 0;

  constructor(pool: Pool, handler: string, report: (error: unknown) => void) {
    this.#pool = pool;
    this.#handler = handler;
    this.#report = report;
  }

  async serve(request: Request): Promise<Response> {
    this.pending++;
    try {
      // A slow client of a small body keeps nobody waiting but itself.
      const content = await contentOf(request);
      const instance = await this.#pool.take();
      return await this.#handle(request, content, instance);
    } catch (error) {
      this.#report(error);
      return new Response(null, { status: 503 });
    } finally {
      this.pending--;
    }
  }

  #handle(request: Request, content: IncomingContent, instance: Instance): Promise<Response> {
    return new Promise((resolve) => {
      let answered: Answer | undefined;
      const respond: Respond = (answer) => {
        if (!("status" in answer)) return resolve(new Response(null, { status: statusOf(answer.tag) }));
        answered = answer;
        // The guest goes on: when it next waits or ends, its body may be whole, and goes out in one piece.
        queueMicrotask(() => this.#send(request, answer, resolve));
      };
      const finish = (healthy: boolean, error?: unknown) => {
        content.cancel();
        if (!healthy) this.#report(error);
        // Nobody is left to write the rest.
        if (answered?.content && !answered.content.queue.ended) answered.content.abandon();
        if (!answered) resolve(new Response(null, { status: 500 }));
        this.#pool.give(instance, healthy);
      };
      const common = networkingOf(instance.context);
      try {
        const call = instance.callNow(this.#handler, "handle", [
          new IncomingRequest(common, received(request, content)),
          new ResponseOutparam(common, respond),
        ]);
        if (call instanceof Promise)
          call.then(
            () => finish(true),
            (error) => finish(false, error),
          );
        else finish(true);
      } catch (error) {
        finish(false, error);
      }
    });
  }

  #send(request: Request, answer: Answer, resolve: (response: Response) => void): void {
    try {
      resolve(responseOf(request, answer));
    } catch (error) {
      answer.content?.queue.cancel();
      this.#report(error);
      resolve(new Response(null, { status: 500 }));
    }
  }
}

/** What an error-code that a handler answers with is to its client. */
const statusOf = (tag: string): number => {
  if (tag === "HTTP-request-denied") return 403;
  if (tag.startsWith("HTTP-request-")) return 400;
  return tag.startsWith("connection-") || tag.startsWith("destination-") || tag.startsWith("DNS-")
    ? 502
    : 500;
};

const received = (request: Request, content: IncomingContent) => {
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

const ended = (): Later<undefined> => {
  const later = new Later<undefined>();
  later.settle(undefined);
  return later;
};

const nothing: IncomingContent = {
  source: { read: () => undefined },
  trailers: ended(),
  discard() {},
  cancel() {},
};

/** The request's body: whole where it says that it is small, else as it comes. */
const contentOf = (request: Request): IncomingContent | Promise<IncomingContent> => {
  if (!request.body) return nothing;
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  return length <= limits.serveAheadBytesMax ? whole(request) : streamed(request.body.getReader());
};

const whole = async (request: Request): Promise<IncomingContent> => {
  let left: Uint8Array | undefined = await request.bytes();
  const source = {
    read(max: number) {
      if (!left || left.length === 0) return undefined;
      const bytes = left.subarray(0, max);
      left = left.subarray(bytes.length);
      return bytes;
    },
  };
  return { ...nothing, source };
};

/** Bun hands out a request's body piece by piece and makes its client wait meanwhile; it keeps no trailers. */
const streamed = (reader: ReadableStreamDefaultReader<Uint8Array>): IncomingContent => {
  const trailers = new Later<undefined>();
  let held: Uint8Array | undefined;
  let over = false;
  const end = () => {
    over = true;
    trailers.settle(undefined);
  };
  const next = async (): Promise<Uint8Array | undefined> => {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        if (value.length > 0) return value;
      }
    } catch {
      // The client went away: to the guest its body ends early, and its answer finds nobody.
    }
    end();
    return undefined;
  };
  const cut = (bytes: Uint8Array, max: number): Uint8Array => {
    held = bytes.length > max ? bytes.subarray(max) : undefined;
    return held ? bytes.subarray(0, max) : bytes;
  };
  return {
    source: {
      read(max) {
        if (held) return cut(held, max);
        if (over) return undefined;
        return next().then((bytes) => bytes && cut(bytes, max));
      },
    },
    trailers,
    discard() {
      held = undefined;
      void (async () => {
        while (!over) await next();
      })();
    },
    cancel() {
      if (over) return;
      end();
      reader.cancel().catch(() => {});
    },
  };
};

/** Statuses whose answers have no body (RFC 9110). */
const bodiless = new Set([204, 205, 304]);

const responseOf = (request: Request, { status, fields, content }: Answer): Response => {
  const headers: [string, string][] = [];
  for (const { name, value } of fields.entries) if (!isOfConnection(name)) headers.push([name, latin(value)]);
  if (!content || bodiless.has(status)) {
    if (content) drain(content);
    return new Response(null, { status, headers });
  }
  if (content.queue.ended && !content.queue.failed)
    return new Response(content.queue.takeAll() as Uint8Array<ArrayBuffer>, { status, headers });
  if (request.method === "HEAD") {
    drain(content);
    return new Response(null, { status, headers });
  }
  return new Response(streamOf(content), { status, headers });
};

const pieceBytes = 64 * 1024;

/** A body that nobody is to see is still taken, so that its writer ends. */
const drain = (content: OutgoingContent): void => {
  void (async () => {
    try {
      while (await content.queue.read(pieceBytes));
    } catch {
      // It was given up, and nobody wanted it.
    }
  })();
};

/** An answer's body as it is made; the client's pace is the guest's. A body given up half-way breaks the connection. */
const streamOf = (content: OutgoingContent): ReadableStream<Uint8Array> =>
  new ReadableStream(
    {
      async pull(controller) {
        try {
          const bytes = await content.queue.read(pieceBytes);
          if (bytes) controller.enqueue(bytes);
          else controller.close();
        } catch {
          // Without a reason: the engine prints one, and the report has it already.
          controller.error(undefined);
        }
      },
      cancel: () => content.queue.cancel(),
    },
    { highWaterMark: 0 },
  );
