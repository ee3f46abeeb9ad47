import * as clock from "wasi:clocks/monotonic-clock@0.2.12";
import * as outgoing from "wasi:http/outgoing-handler@0.2.12";
import * as http from "wasi:http/types@0.2.12";
import { poll } from "wasi:io/poll@0.2.12";
import { instanceNetwork } from "wasi:sockets/instance-network@0.2.12";
import { resolveAddresses } from "wasi:sockets/ip-name-lookup@0.2.12";
import * as network from "wasi:sockets/network@0.2.12";
import { createTcpSocket } from "wasi:sockets/tcp-create-socket@0.2.12";
import { createUdpSocket } from "wasi:sockets/udp-create-socket@0.2.12";

const text = (bytes) => String.fromCharCode(...bytes);
const bytes = (ascii) => Uint8Array.from(ascii, (letter) => letter.charCodeAt(0));
/** The err that a call ends with; "ok" where it ends well. */
const refusal = (call) => {
  try {
    call();
    return "ok";
  } catch (error) {
    return error?.payload ?? error;
  }
};
const four = (port, address = [127, 0, 0, 1]) => ({ tag: "ipv4", val: { port, address } });
/** The guest's own engine has no symbol for it everywhere. */
const drop = (resource) => resource[Symbol.dispose]();

/** All of a stream, to its end. */
const readAll = (stream) => {
  let all = "";
  try {
    for (;;) all += text(stream.blockingRead(65536));
  } catch (error) {
    const err = error?.payload ?? error;
    if (err?.tag !== "closed") throw error;
  }
  return all;
};

const writeAll = (stream, data) => {
  for (let at = 0; at < data.length; at += 4096) stream.blockingWriteAndFlush(data.subarray(at, at + 4096));
};

const fields = (list) => http.Fields.fromList(list.map(([name, value]) => [name, bytes(value)]));
const shown = (list) => list.entries().map(([name, value]) => [name, text(value)]);

/** A request made and sent; `write` gets its body's stream. */
const send = ({
  method = "get",
  authority,
  path = "/",
  scheme = "HTTP",
  headers = [],
  body,
  trailers,
  options,
}) => {
  const request = new http.OutgoingRequest(fields(headers));
  request.setMethod({ tag: method });
  request.setScheme({ tag: scheme });
  request.setAuthority(authority);
  request.setPathWithQuery(path);
  const outgoingBody = body === undefined ? undefined : request.body();
  let timeouts;
  if (options) {
    timeouts = new http.RequestOptions();
    for (const [name, value] of Object.entries(options)) timeouts[name](value);
  }
  const future = outgoing.handle(request, timeouts);
  if (outgoingBody) {
    const stream = outgoingBody.write();
    writeAll(stream, bytes(body));
    drop(stream);
    http.OutgoingBody.finish(outgoingBody, trailers && fields(trailers));
  }
  return future;
};

/** The answer to a request: its status, fields, body and trailers; or the error-code. */
const answer = (future) => {
  future.subscribe().block();
  const outer = future.get();
  if (outer.val.tag === "err") return { error: outer.val.val };
  const response = outer.val.val;
  const status = response.status();
  const headers = shown(response.headers());
  const body = response.consume();
  const stream = body.stream();
  let content;
  let broken;
  try {
    content = readAll(stream);
  } catch (error) {
    const err = error?.payload ?? error;
    broken = http.httpErrorCode(err.val);
  }
  drop(stream);
  const ending = http.IncomingBody.finish(body);
  ending.subscribe().block();
  const last = ending.get().val;
  const trailers = last.tag === "ok" ? last.val && shown(last.val) : last.val;
  return { status, headers, content, broken, trailers };
};
const ask = (request) => answer(send(request));

const scope = {
  ...{
    clock,
    outgoing,
    http,
    poll,
    instanceNetwork,
    resolveAddresses,
    network,
    createTcpSocket,
    createUdpSocket,
  },
  ...{ text, bytes, refusal, four, drop, readAll, writeAll, fields, shown, send, answer, ask },
};

export const run = (script) => {
  try {
    const result = new Function(...Object.keys(scope), script)(...Object.values(scope));
    return JSON.stringify(result ?? null);
  } catch (error) {
    throw `${error?.message ?? JSON.stringify(error)}\n${error?.stack ?? ""}`;
  }
};

let served = 0;

const respond = (out, status, headers, content, trailers) => {
  const response = new http.OutgoingResponse(fields(headers));
  response.setStatusCode(status);
  const body = response.body();
  http.ResponseOutparam.set(out, { tag: "ok", val: response });
  const stream = body.write();
  if (typeof content === "string") writeAll(stream, bytes(content));
  else content(stream);
  drop(stream);
  http.OutgoingBody.finish(body, trailers && fields(trailers));
};

const routes = {
  "/hello": (_, out) => respond(out, 200, [["content-type", "text/plain"]], "Hello"),
  "/count": (_, out) => respond(out, 200, [], String(++served)),
  "/request": (request, out) =>
    respond(
      out,
      201,
      [
        ["x-one", "1"],
        ["set-cookie", "a"],
        ["set-cookie", "b"],
      ],
      JSON.stringify({
        method: request.method(),
        target: request.pathWithQuery(),
        scheme: request.scheme(),
        authority: request.authority(),
        headers: shown(request.headers()),
      }),
    ),
  /** Each piece back as it comes. */
  "/echo": (request, out) => {
    const body = request.consume();
    const input = body.stream();
    respond(out, 200, [], (output) => {
      try {
        for (;;) output.blockingSplice(input, 65536);
      } catch (error) {
        if ((error?.payload ?? error)?.tag !== "closed") throw error;
      }
      drop(input);
      const ending = http.IncomingBody.finish(body);
      ending.subscribe().block();
      ending.get();
    });
  },
  "/length": (request, out) => {
    const body = request.consume();
    const input = body.stream();
    let length = 0;
    try {
      for (;;) length += Number(input.blockingSkip(1 << 20));
    } catch (error) {
      const err = error?.payload ?? error;
      if (err?.tag !== "closed") throw new Error(`The body broke off: ${err?.tag}`);
    }
    drop(input);
    respond(out, 200, [], String(length));
  },
  /** What followed the request, and how long it was after the answer. */
  "/trailers": (request, out) => {
    const body = request.consume();
    const input = body.stream();
    const content = readAll(input);
    drop(input);
    const ending = http.IncomingBody.finish(body);
    ending.subscribe().block();
    const { val } = ending.get().val;
    respond(out, 200, [], JSON.stringify(val ? shown(val) : null), [["x-end", String(content.length)]]);
  },
  /** So many zeroes as the query says. */
  "/zeroes": (request, out) => {
    let left = Number(request.pathWithQuery().split("?")[1]);
    respond(out, 200, [], (stream) => {
      while (left > 0) {
        stream.subscribe().block();
        const count = Math.min(left, Number(stream.checkWrite()));
        stream.writeZeroes(count);
        left -= count;
      }
    });
  },
  /** After so many milliseconds as the query says, 200 without one. */
  "/slow": (request, out) => {
    const ms = request.pathWithQuery().split("?")[1] ?? "200";
    clock.subscribeDuration(BigInt(ms) * 1_000_000n).block();
    respond(out, 200, [], "slow");
  },
  "/empty": (_, out) =>
    http.ResponseOutparam.set(out, { tag: "ok", val: new http.OutgoingResponse(fields([])) }),
  "/nothing": () => {},
  "/error": (_, out) => http.ResponseOutparam.set(out, { tag: "err", val: { tag: "HTTP-request-denied" } }),
  "/trap": () => {
    throw new Error("Trapped on purpose");
  },
  "/short": (_, out) => respond(out, 200, [["content-length", "100"]], "short"),
  "/half": (_, out) => {
    const response = new http.OutgoingResponse(fields([]));
    const body = response.body();
    http.ResponseOutparam.set(out, { tag: "ok", val: response });
    const stream = body.write();
    writeAll(stream, bytes("half"));
    clock.subscribeDuration(20_000_000).block();
    drop(stream);
    drop(body);
  },
};

export const incomingHandler = {
  handle(request, out) {
    const route = routes[request.pathWithQuery().split("?")[0]];
    if (route) route(request, out);
    else respond(out, 404, [], "none");
  },
};
