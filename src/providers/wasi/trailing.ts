import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { limits } from "../../base/limits.ts";
import { type Address, drain, isBodiless, type Listening } from "./listening.ts";
import type { Answer } from "./p2/http.ts";
import type { Received } from "./p2/requests.ts";
import type { Serving } from "./serving.ts";
import { Arrival, noBody } from "./state/arrival.ts";
import type { IncomingContent } from "./state/body.ts";
import { FieldList, isOfConnection, latin, unlatin } from "./state/fields.ts";

// Requests and answers of node:http, which has trailers and takes longer over each request. Loaded by `--trailers`.

/** Rejects with the system's error where the address cannot be had. */
export const listenTrailing = ({ hostname, port }: Address, serving: Serving): Promise<Listening> => {
  let busy = 0;
  const server = createServer({ requestTimeout: 0, keepAlive: true }, (request, response) => {
    busy++;
    response.once("close", () => {
      busy--;
    });
    void respond(request, response, serving);
  });
  server.timeout = limits.serveIdleSeconds * 1000;
  server.maxRequestsPerSocket = 0;
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: hostname, port }, () => {
      const { port: taken } = server.address() as AddressInfo;
      resolve({
        url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${taken}/`,
        port: taken,
        get busy() {
          return busy;
        },
        stop(now) {
          server.close();
          if (now) server.closeAllConnections();
        },
      });
    });
  });
};

const respond = async (
  request: IncomingMessage,
  response: ServerResponse,
  serving: Serving,
): Promise<void> => {
  try {
    const answer = await serving.serve(receivedOf(request));
    await send(request, response, answer, serving);
  } catch {
    // The client is gone, or the answer was given up half-way and must not look whole.
    response.destroy();
  }
};

const fieldsOf = (raw: readonly string[]): FieldList => {
  const fields = new FieldList();
  for (let at = 0; at + 1 < raw.length; at += 2)
    if (!isOfConnection(raw[at]!)) fields.append(raw[at]!.toLowerCase(), unlatin(raw[at + 1]!));
  return fields;
};

const receivedOf = (request: IncomingMessage): Received => ({
  method: request.method ?? "GET",
  target: request.url ?? "/",
  secure: false,
  authority: request.headers.host,
  fields: fieldsOf(request.rawHeaders),
  content: contentOf(request),
});

const contentOf = (request: IncomingMessage): IncomingContent => {
  const { headers } = request;
  if (headers["transfer-encoding"] === undefined && Number(headers["content-length"] ?? 0) === 0)
    return noBody();
  const pieces = request[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  return new Arrival({
    async next() {
      const { done, value } = await pieces.next();
      if (done && !request.complete) throw new Error("The connection ended in the middle of the body");
      return done ? undefined : value;
    },
    trailers: () => (request.rawTrailers.length > 0 ? fieldsOf(request.rawTrailers) : undefined),
    cancel: () => void request.resume(),
  });
};

const send = async (
  request: IncomingMessage,
  response: ServerResponse,
  { status, fields, content }: Answer,
  serving: Serving,
): Promise<void> => {
  for (const { name, value } of fields.entries)
    if (!isOfConnection(name)) response.appendHeader(name, latin(value));
  if (serving.stopping) response.setHeader("connection", "close");
  response.statusCode = status;
  if (!content || isBodiless(status) || request.method === "HEAD") {
    if (content) drain(content, serving);
    response.end();
    return;
  }
  const { read, cancel } = serving.sending(content, () => response.destroy());
  response.once("close", cancel);
  for (let bytes = await read(); bytes; bytes = await read()) {
    if (response.destroyed) return;
    if (!response.write(bytes)) await drained(response);
  }
  const trailers = content.trailers?.entries ?? [];
  if (trailers.length > 0)
    response.addTrailers(trailers.map(({ name, value }): [string, string] => [name, latin(value)]));
  response.end();
};

/** Until there is room for more, or nobody there to take it. */
const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const settle = () => {
      response.off("drain", settle);
      response.off("close", settle);
      resolve();
    };
    response.once("drain", settle);
    response.once("close", settle);
  });
