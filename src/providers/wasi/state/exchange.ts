import type { Socket } from "bun";
import { type Address, addressText, parseAddress } from "../../../base/address.ts";
import { errno } from "../../../base/fault.ts";
import { ClosedPipe } from "../../../host/provider.ts";
import type { IncomingContent, OutgoingContent } from "./body.ts";
import { Connection, connectionHandler } from "./connection.ts";
import { failure, HttpFailure } from "./failure.ts";
import { FieldList, isOfConnection, latin } from "./fields.ts";
import { Later } from "./later.ts";
import type { Network } from "./network.ts";
import { Queue } from "./queue.ts";
import { framingOf, type Head, WireReader } from "./wire.ts";

// One HTTP/1.1 exchange over a connection of its own: to the very address that the grants were checked against,
// which an engine's fetch, that looks names up by itself, could not promise; with trailers both ways, no redirects
// and nothing decoded.

export interface Request {
  readonly method: string;
  readonly secure: boolean;
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** As the guest wrote it, for the `host` field. */
  readonly authority: string;
  /** Path and query. */
  readonly target: string;
  readonly fields: FieldList;
  readonly content: OutgoingContent | undefined;
}

/** Milliseconds. */
export interface Timeouts {
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly betweenBytesMs: number;
}

export interface Response extends Head {
  readonly content: IncomingContent;
}

/** Says at once what can be said without asking anyone. Throws HttpFailure. */
export const checkRequest = (network: Network, { host, port }: Request): void => {
  const literal = parseAddress(host);
  try {
    if (!literal) network.checkLookUp(host, port);
    else if (!network.asks) network.checkReach({ address: literal, port });
  } catch (error) {
    throw asFailure(error);
  }
};

/** Sends a request and answers as soon as the answer's head is there; its body follows. Throws HttpFailure. */
export const exchange = async (network: Network, request: Request, timeouts: Timeouts): Promise<Response> => {
  if (network.asks) await admitted(network, request);
  if (!network.requests.tryTake()) throw failure("too many requests", "too many requests at once");
  let connection: Connection | undefined;
  try {
    connection = await connect(network, request, timeouts);
    connection.watch(network.onUse, `${request.host}:${request.port}`);
    const release = network.hold(() => connection?.terminate());
    connection.onClose = () => {
      release();
      network.requests.give();
    };
    if (connection.closed) throw failure("terminated", "the connection closed at once");
    return await converse(connection, request, timeouts);
  } catch (error) {
    if (connection) connection.terminate();
    else network.requests.give();
    request.content?.queue.cancel();
    throw asFailure(error);
  }
};

/** Asks for the host before the time for connecting begins: a person takes longer. */
const admitted = async (network: Network, { host, port, content }: Request): Promise<void> => {
  const literal = parseAddress(host);
  try {
    if (literal) await network.admit({ address: literal, port });
    else await network.admitName(host, port);
  } catch (error) {
    content?.queue.cancel();
    throw asFailure(error);
  }
};

const connect = async (network: Network, request: Request, { connectMs }: Timeouts): Promise<Connection> => {
  const deadline = performance.now() + connectMs;
  const left = () => Math.max(0, deadline - performance.now());
  const timeout = () => failure("connect timeout", "connecting took too long");
  const addresses = await within(network.lookUp(request.host, request.port), left(), () =>
    failure("name lookup timeout", "looking the name up took too long"),
  );
  let first: unknown;
  for (const address of addresses) {
    const connecting = open(request, address);
    try {
      return await within(connecting, left(), timeout);
    } catch (error) {
      // Whoever answered at all is the one that was meant.
      if (error instanceof HttpFailure && error.kind !== "connect timeout") throw error;
      first ??= error;
      // One that comes too late is not kept.
      connecting.then(
        (late) => late.terminate(),
        () => {},
      );
      if (left() === 0) break;
    }
  }
  throw first;
};

const within = async <T>(work: Promise<T>, ms: number, late: () => Error): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([
      work,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(late()), Math.min(ms, 2 ** 31 - 1));
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
};

const open = ({ secure, host, port }: Request, address: Address): Promise<Connection> =>
  new Promise((resolve, reject) => {
    const begin = (socket: Socket<Connection>) => {
      socket.data = new Connection(socket);
      socket.data.onClose = () =>
        reject(failure(secure ? "tls" : "terminated", "the connection closed at once"));
    };
    const handshake = (socket: Socket<Connection>, done: boolean, error: Error | null) => {
      if (done && !error) return resolve(socket.data);
      // EPROTO is what the engine calls everything that is no matter of certificates.
      const certificate = error !== null && errno(error) !== "EPROTO";
      reject(failure(certificate ? "certificate" : "tls", error?.message ?? "no TLS", { cause: error }));
      socket.terminate();
    };
    Bun.connect<Connection>({
      hostname: addressText(address),
      port,
      allowHalfOpen: !secure,
      ...(secure && { tls: { rejectUnauthorized: true, serverName: host } }),
      socket: {
        ...connectionHandler,
        open: begin,
        ...(secure && { handshake }),
      },
    }).then((socket) => {
      if (!secure) resolve(socket.data);
    }, reject);
  });

const converse = async (connection: Connection, request: Request, timeouts: Timeouts): Promise<Response> => {
  let waitMs = timeouts.firstByteMs;
  let late = () => failure("response timeout", "the server took too long to answer");
  const reader = new WireReader(connection.received, (reading) => within(reading, waitMs, () => late()));
  const sending = send(connection, request);
  // Who cannot send may still have been answered; what went wrong with sending counts where nothing came.
  let unsent: unknown;
  sending.catch((error) => {
    unsent = error;
    if (!(error instanceof ClosedPipe) && errno(error) !== "ECONNRESET") connection.terminate();
  });
  let head: Head;
  try {
    head = await reader.head();
  } catch (error) {
    throw unsent instanceof HttpFailure ? unsent : error;
  }
  waitMs = timeouts.betweenBytesMs;
  late = () => failure("read timeout", "the server took too long to go on");
  return {
    status: head.status,
    fields: messageFields(head.fields),
    content: contentOf(connection, reader, request, head, sending),
  };
};

/** What the server says of the connection is the host's business, and a guest that passes an answer on may not. */
const messageFields = (fields: FieldList): FieldList =>
  FieldList.of(fields.entries.filter(({ name }) => !isOfConnection(name)));

const contentOf = (
  connection: Connection,
  reader: WireReader,
  request: Request,
  head: Head,
  sending: Promise<void>,
): IncomingContent => {
  const queue = new Queue();
  const trailers = new Later<FieldList | undefined>();
  let discarding = false;
  const take = (bytes: Uint8Array): void | Promise<void> => {
    if (discarding) return;
    try {
      return queue.push(bytes)?.catch(() => {});
    } catch (error) {
      if (!(error instanceof ClosedPipe)) throw error;
    }
  };
  const cancel = () => {
    queue.cancel();
    connection.terminate();
    request.content?.queue.cancel();
  };
  const read = async () => {
    try {
      const found = await reader.body(framingOf(request.method, head), take);
      queue.end();
      trailers.settle(found);
      // The answer is whole. What of the request has not gone yet still goes, as long as the server takes it.
      await sending.catch(() => {});
      connection.close();
    } catch (error) {
      const why = asFailure(error);
      queue.fail(why);
      trailers.fail(why);
      connection.terminate();
    }
  };
  void read();
  return {
    source: queue,
    trailers,
    discard() {
      discarding = true;
      queue.cancel();
    },
    cancel,
  };
};

const withBody = new Set(["POST", "PUT", "PATCH"]);

const send = async (
  connection: Connection,
  { method, target, authority, fields, content }: Request,
): Promise<void> => {
  const lines = [`${method} ${target} HTTP/1.1`, `host: ${authority}`];
  for (const { name, value } of fields.entries)
    if (!isOfConnection(name)) lines.push(`${name}: ${latin(value)}`);
  const whole =
    content === undefined ||
    (content.queue.ended && !content.queue.failed && content.queue.length === 0 && !content.trailers);
  const chunked = !whole && content.length === undefined;
  if (chunked) lines.push("transfer-encoding: chunked");
  else if (whole && withBody.has(method) && !fields.has("content-length")) lines.push("content-length: 0");
  lines.push("connection: close", "", "");
  await connection.write(Buffer.from(lines.join("\r\n"), "latin1"));
  if (!whole) await sendContent(connection, content, chunked);
};

const pieceBytes = 64 * 1024;
const crlf = Buffer.from("\r\n");

const sendContent = async (
  connection: Connection,
  content: OutgoingContent,
  chunked: boolean,
): Promise<void> => {
  try {
    for (;;) {
      const bytes = await content.queue.read(pieceBytes);
      if (!bytes) break;
      await connection.write(
        chunked ? Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, crlf]) : bytes,
      );
    }
    if (chunked) await connection.write(Buffer.from(`0\r\n${trailerText(content.trailers)}\r\n`, "latin1"));
  } catch (error) {
    content.queue.cancel();
    throw error;
  }
};

const trailerText = (trailers: FieldList | undefined): string =>
  (trailers?.entries ?? []).map(({ name, value }) => `${name}: ${latin(value)}\r\n`).join("");

const kinds: Readonly<Record<string, HttpFailure["kind"]>> = {
  EACCES: "denied",
  EPROHIBITED: "prohibited address",
  EINVAL: "uri",
  ENOTFOUND: "name not found",
  DNS_ENOTFOUND: "name not found",
  DNS_ENODATA: "name not found",
  EAI_AGAIN: "name lookup failed",
  DNS_ETIMEOUT: "name lookup timeout",
  ECONNREFUSED: "refused",
  ETIMEDOUT: "connect timeout",
  ENETUNREACH: "unreachable",
  EHOSTUNREACH: "unreachable",
  EADDRNOTAVAIL: "unreachable",
};

/** What the system or the sandbox refused, as a failure of the exchange; a bug stays one. */
export const asFailure = (error: unknown): unknown => {
  if (error instanceof HttpFailure) return error;
  if (error instanceof ClosedPipe) return failure("terminated", error.message, { cause: error });
  const code = errno(error);
  if (code === undefined) return error;
  const kind = kinds[code] ?? (code.startsWith("DNS_") ? "name lookup failed" : "terminated");
  return failure(kind, (error as Error).message, { cause: error });
};
