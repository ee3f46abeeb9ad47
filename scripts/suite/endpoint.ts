import { createServer, type Server, type Socket } from "node:net";
import { fault } from "../../src/base/fault.ts";
import type { Endpoint } from "./spec.ts";

// The HTTP/1.1 servers that test programs are clients of: one request a connection, byte for byte, since trailers and
// chunks are what the programs ask about and a server's library would hide them.

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
}

export const openServer = (endpoints: readonly Endpoint[]): Server =>
  createServer((socket) => {
    socket.on("error", () => {});
    let held = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      const request = parse(held);
      if (!request) return;
      held = Buffer.alloc(0);
      const found = endpoints.find(({ method, path }) => method === request.method && path === request.path);
      answer(socket, request, found);
    });
  });

/** A whole request, or undefined where some of it is still to come. */
const parse = (bytes: Buffer): Request | undefined => {
  const head = bytes.indexOf("\r\n\r\n");
  if (head < 0) return undefined;
  const [start = "", ...lines] = bytes.subarray(0, head).toString("latin1").split("\r\n");
  const [method = "", path = ""] = start.split(" ");
  const headers = lines.map(pair);
  const value = (name: string) => headers.find(([one]) => one === name)?.[1];
  const rest = bytes.subarray(head + 4);
  const request = { method, path, headers };
  if (/chunked/i.test(value("transfer-encoding") ?? "")) {
    const whole = unchunk(rest);
    return whole && { ...request, ...whole };
  }
  const length = Number(value("content-length") ?? 0);
  if (rest.length < length) return undefined;
  return { ...request, body: rest.subarray(0, length), trailers: [] };
};

const pair = (line: string): readonly [string, string] => {
  const at = line.indexOf(":");
  return [line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim()];
};

const unchunk = (bytes: Buffer): Pick<Request, "body" | "trailers"> | undefined => {
  const pieces: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const size = Number.parseInt(bytes.subarray(at, end).toString(), 16);
    if (Number.isNaN(size)) throw fault("LK0007", "A chunk was looked for in a request, and there is none");
    at = end + 2;
    if (size === 0) {
      const tail = bytes.subarray(at).toString("latin1");
      if (!tail.endsWith("\r\n")) return undefined;
      const trailers = tail.split("\r\n").filter(Boolean).map(pair);
      return trailers.length > 0 && !tail.endsWith("\r\n\r\n")
        ? undefined
        : { body: Buffer.concat(pieces), trailers };
    }
    if (bytes.length < at + size + 2) return undefined;
    pieces.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
};

type Headers = readonly (readonly [string, string])[];

const answer = (socket: Socket, request: Request, endpoint: Endpoint | undefined): void => {
  const none = Buffer.alloc(0);
  if (!endpoint) reply(socket, request, 404, [], none);
  else if (endpoint.mode === "echo-body") reply(socket, request, 200, [], request.body);
  else if (endpoint.mode === "echo-headers") reply(socket, request, 200, echoed(request), none);
  else if (endpoint.chunked) replyInChunks(socket, request, endpoint);
  else
    reply(
      socket,
      request,
      endpoint.status,
      Object.entries(endpoint.headers),
      Buffer.from(endpoint.chunks.join("")),
    );
};

const replyInChunks = (socket: Socket, { method }: Request, endpoint: Endpoint): void => {
  const trailers = Object.entries(endpoint.trailers);
  const names = trailers.map(([name]) => name).join(", ");
  const announced: Headers = names ? [["Trailer", names]] : [];
  const headers = [...Object.entries(endpoint.headers), ["Transfer-Encoding", "chunked"] as const];
  socket.write(head(endpoint.status, [...headers, ...announced]));
  if (method !== "HEAD") {
    for (const chunk of endpoint.chunks) {
      const bytes = Buffer.from(chunk);
      const size = Buffer.from(`${bytes.length.toString(16)}\r\n`);
      socket.write(Buffer.concat([size, bytes, Buffer.from("\r\n")]));
    }
    socket.write(`0\r\n${lines(trailers)}\r\n`);
  }
  socket.end();
};

/** What came, as headers of the answer: repeated ones keep their order. */
const echoed = ({ method, path, headers, trailers }: Request): Headers => [
  ["x-request-method", method],
  ["x-request-path", path],
  ...headers.map(([name, value]) => [`x-echo-${name}`, value] as const),
  ...trailers.map(([name, value]) => [`x-trailer-${name}`, value] as const),
];

const lines = (headers: Headers): string => headers.map(([name, value]) => `${name}: ${value}\r\n`).join("");

const head = (status: number, headers: Headers): string =>
  `HTTP/1.1 ${status} -\r\n${lines(headers)}Connection: close\r\n\r\n`;

const reply = (socket: Socket, { method }: Request, status: number, headers: Headers, body: Buffer): void => {
  socket.write(head(status, [...headers, ["Content-Length", String(body.length)]]));
  if (method === "HEAD") socket.end();
  else socket.end(body);
};
