import { afterEach, describe, expect, test } from "bun:test";
import { limits } from "../../base/limits.ts";
import { errOf, provideHttp } from "./fixture.ts";
import type { IncomingBody } from "./p2/bodies.ts";
import type { Fields } from "./p2/fields.ts";
import type { FutureIncomingResponse } from "./p2/http.ts";
import { RequestHead } from "./p2/requests.ts";
import { FieldList } from "./state/fields.ts";

// wasi:http's requests against servers of our own on loopback, which say exactly the bytes that a test gives them.

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);
const ms = (count: number) => BigInt(count) * 1_000_000n;

/** A server that answers each connection with what `answer` gives for the bytes so far, until it gives nothing. */
const rawServer = (answer: (received: string, end: () => void) => string | undefined) => {
  let received = "";
  let closed = 0;
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: () => {
        received = "";
      },
      data(socket, data) {
        received += data.toString("latin1");
        let over = false;
        const reply = answer(received, () => {
          over = true;
        });
        if (reply !== undefined) socket.write(reply);
        if (over) socket.end();
      },
      close: () => void closed++,
    },
  });
  cleanups.push(() => server.stop(true));
  return { authority: `127.0.0.1:${server.port}`, received: () => received, closed: () => closed };
};

const whole = (response: string) => (received: string) =>
  received.includes("\r\n\r\n") ? response : undefined;

interface Wanted {
  readonly authority: string;
  readonly method?: string;
  readonly path?: string;
  readonly scheme?: "HTTP" | "HTTPS";
  readonly headers?: [string, string][];
  readonly body?: string[];
  readonly trailers?: [string, string][];
  readonly timeouts?: { connect?: number; firstByte?: number; betweenBytes?: number };
}

interface Asked {
  readonly status?: number;
  readonly headers?: string[][] | undefined;
  readonly content?: string;
  /** Why the body's stream broke. */
  readonly broken?: { readonly tag: string };
  readonly trailers?: string[][] | undefined;
  readonly error?: unknown;
}

const start = async (network?: string) => {
  const made = await provideHttp(network === undefined ? {} : { network });
  cleanups.push(made.drop);
  const fields = (list: [string, string][] = []) =>
    made.Fields.fromList(list.map(([name, value]) => [name, bytes(value)]));
  const options = ({ connect, firstByte, betweenBytes }: NonNullable<Wanted["timeouts"]>) => {
    const options = new made.RequestOptions();
    options.setConnectTimeout(connect === undefined ? undefined : ms(connect));
    options.setFirstByteTimeout(firstByte === undefined ? undefined : ms(firstByte));
    options.setBetweenBytesTimeout(betweenBytes === undefined ? undefined : ms(betweenBytes));
    return options;
  };
  const send = async (wanted: Wanted) => {
    const request = new made.OutgoingRequest(fields(wanted.headers));
    request.setMethod({ tag: wanted.method ?? "get" });
    request.setScheme({ tag: wanted.scheme ?? "HTTP" });
    request.setAuthority(wanted.authority);
    request.setPathWithQuery(wanted.path ?? "/");
    const body = wanted.body && request.body();
    const future = made.handle(request, wanted.timeouts && options(wanted.timeouts));
    if (body) {
      const stream = body.write();
      for (const piece of wanted.body!) await stream.blockingWriteAndFlush(bytes(piece));
      stream[Symbol.dispose]();
      made.OutgoingBody.finish(body, wanted.trailers && fields(wanted.trailers));
    }
    return future;
  };
  const response = async (future: FutureIncomingResponse) => {
    await future.subscribe().block();
    const got = future.get()!;
    if (got.tag === "err") throw new Error("The response was given twice");
    return got.val;
  };
  const finish = async (body: IncomingBody) => {
    const ending = made.IncomingBody.finish(body);
    await ending.subscribe().block();
    const got = ending.get() as { val: { tag: string; val: unknown } };
    expect(ending.get()).toEqual({ tag: "err" });
    return got.val.tag === "ok"
      ? { trailers: shown(got.val.val as Fields | undefined) }
      : { error: got.val.val };
  };
  const ask = async (wanted: Wanted): Promise<Asked> => {
    const got = await response(await send(wanted));
    if (got.tag === "err") return { error: got.val };
    const body = got.val.consume();
    const stream = body.stream();
    let content = "";
    const end = (await errOf(async () => {
      for (;;) content += text(await stream.blockingRead(65_536n));
    })) as { tag: string; val?: Parameters<typeof made.httpErrorCode>[0] };
    stream[Symbol.dispose]();
    const broken = end.val && made.httpErrorCode(end.val);
    const status = got.val.status();
    const headers = shown(got.val.headers());
    return { status, headers, content, ...(broken && { broken }), ...(await finish(body)) };
  };
  return { ...made, fields, send, ask, response };
};

const shown = (fields: Fields | undefined) => fields?.entries().map(([name, value]) => [name, text(value)]);

describe("fields", () => {
  test("keep their order and case and are found in any case", async () => {
    const { Fields } = await start();
    const fields = new Fields();
    fields.append("X-One", bytes("1"));
    fields.append("x-two", bytes("2"));
    fields.append("x-one", bytes("3"));
    expect(fields.get("X-ONE").map(text)).toEqual(["1", "3"]);
    expect(fields.has("x-TWO")).toBe(true);
    expect(shown(fields)).toEqual([
      ["X-One", "1"],
      ["x-two", "2"],
      ["x-one", "3"],
    ]);
    const copy = fields.clone();
    fields.set("x-one", [bytes("4")]);
    fields.delete("X-Two");
    expect(shown(fields)).toEqual([["x-one", "4"]]);
    expect(copy.entries().length).toBe(3);
    expect(fields.get("none")).toEqual([]);
  });

  test("of no proper syntax, or of the connection's own, are refused", async () => {
    const { Fields } = await start();
    const fields = new Fields();
    for (const name of ["", "a b", "a:b", "ä", "a\n"])
      expect([name, await errOf(() => fields.append(name, bytes("x")))]).toEqual([
        name,
        { tag: "invalid-syntax" },
      ]);
    for (const value of ["a\r\nb: c", "\0", "\u007f"])
      expect(await errOf(() => fields.append("a", bytes(value)))).toEqual({ tag: "invalid-syntax" });
    for (const name of [
      "Host",
      "connection",
      "Transfer-Encoding",
      "upgrade",
      "keep-alive",
      "proxy-authorization",
    ]) {
      expect(await errOf(() => fields.append(name, bytes("x")))).toEqual({ tag: "forbidden" });
      expect(await errOf(() => Fields.fromList([[name, bytes("x")]]))).toEqual({ tag: "forbidden" });
    }
  });

  test("of what is sent or was received do not change", async () => {
    const { OutgoingRequest, OutgoingResponse, fields } = await start();
    for (const made of [
      new OutgoingRequest(fields([["a", "b"]])),
      new OutgoingResponse(fields([["a", "b"]])),
    ]) {
      expect(await errOf(() => made.headers().append("a", bytes("c")))).toEqual({ tag: "immutable" });
      expect(await errOf(() => made.headers().delete("a"))).toEqual({ tag: "immutable" });
      expect(await errOf(() => made.headers().set("a", []))).toEqual({ tag: "immutable" });
      expect(shown(made.headers())).toEqual([["a", "b"]]);
    }
  });

  test("beyond the limits end the guest", async () => {
    const { Fields } = await start();
    const many = new Fields();
    for (let at = 0; at < limits.fieldsMax; at++) many.append("a", bytes(""));
    expect(() => many.append("a", bytes(""))).toThrow("the limits");
    expect(() => new Fields().append("a", new Uint8Array(limits.fieldsBytesMax).fill(97))).toThrow(
      "the limits",
    );
  });
});

test("a request's parts are checked when they are set", async () => {
  const { OutgoingRequest, fields } = await start();
  const request = new OutgoingRequest(fields());
  const refused = (call: () => void) => errOf(call);
  for (const authority of ["", "a b", "@@", ":@", "host:99999", "host/path", "2130706433", "[::1"])
    expect([authority, await refused(() => request.setAuthority(authority))]).toEqual([authority, undefined]);
  for (const path of ["/a b", "/a\r\nx: y", "/a\u007f", "/a#b", "/<", "/?>", "/`"])
    expect([path, await refused(() => request.setPathWithQuery(path))]).toEqual([path, undefined]);
  expect(await refused(() => request.setMethod({ tag: "other", val: "A B" }))).toBeUndefined();
  expect(await refused(() => request.setScheme({ tag: "other", val: "1" }))).toBeUndefined();
  request.setScheme({ tag: "other", val: "https" });
  expect(request.scheme()).toEqual({ tag: "HTTPS" });
  request.setMethod({ tag: "other", val: "PURGE" });
  request.setAuthority("[::1]:80");
  request.setPathWithQuery("/a?b=c");
  expect([request.method(), request.authority(), request.pathWithQuery()]).toEqual([
    { tag: "other", val: "PURGE" },
    "[::1]:80",
    "/a?b=c",
  ]);
  request.body();
  expect(await refused(() => request.body())).toBeUndefined();
});

test("a request is sent as it was made, and its answer comes as it is", async () => {
  const { authority, received } = rawServer(
    whole("HTTP/1.1 418 I'm a teapot\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nshort"),
  );
  const { ask } = await start("127.0.0.1");
  const got = await ask({ authority, path: "/p?q", headers: [["X-Mine", "yes"]] });
  expect(received()).toBe(
    `GET /p?q HTTP/1.1\r\nhost: ${authority}\r\nX-Mine: yes\r\nconnection: close\r\n\r\n`,
  );
  expect(got).toEqual({
    status: 418,
    headers: [
      ["X-A", "1"],
      ["x-a", "2"],
      ["Content-Length", "5"],
    ],
    content: "short",
    trailers: undefined,
  });
});

test("no character of a path or a name becomes another on the wire, so none ends a line", async () => {
  const { authority, received } = rawServer(whole("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  const { ask } = await start("*");
  await ask({ authority, path: "a/\u010d\u010ax:\u00e4?\u{1f600}" });
  expect(received()).toStartWith("GET /a/%C4%8D%C4%8Ax:%C3%A4?%F0%9F%98%80 HTTP/1.1\r\nhost: 127");
  // The name reaches nobody; what would have been written is what is looked at.
  const head = new RequestHead();
  head.scheme = { tag: "HTTP" };
  head.authority = "x\u010d\u010ay.example:81";
  const request = head.request(new FieldList(), () => undefined);
  expect(request.authority).toMatch(/^xn--[a-z0-9-]+\.example:81$/);
  head.authority = "user:secret@a.example";
  expect(() => head.request(new FieldList(), () => undefined)).toThrow("names a user");
});

test("what a server says of the connection is not the guest's to pass on", async () => {
  const { authority } = rawServer(
    whole(
      "HTTP/1.1 200 OK\r\nConnection: close\r\nKeep-Alive: timeout=5\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n",
    ),
  );
  const { ask, fields } = await start("127.0.0.1");
  const { headers } = await ask({ authority });
  expect(headers).toEqual([
    ["X-A", "1"],
    ["Content-Length", "0"],
  ]);
  expect(() => fields(headers as [string, string][])).not.toThrow();
});

test("nobody is asked who was not granted, and nothing is sent", async () => {
  const server = rawServer(whole("HTTP/1.1 200 OK\r\n\r\n"));
  const denied = { tag: "HTTP-request-denied" };
  expect(await errOf(async () => (await start()).send(server))).toEqual(denied);
  const { send } = await start("127.0.0.1:1,example.com");
  expect(await errOf(() => send(server))).toEqual(denied);
  expect(await errOf(() => send({ authority: server.authority.replace("127.0.0.1", "localhost") }))).toEqual(
    denied,
  );
  expect(await errOf(() => send({ authority: "other.example" }))).toEqual(denied);
  expect(server.received()).toBe("");
});

test("localhost is asked by its name where that was granted", async () => {
  const server = rawServer(whole("HTTP/1.1 204 No Content\r\n\r\n"));
  const authority = server.authority.replace("127.0.0.1", "localhost");
  const { ask } = await start("localhost");
  expect((await ask({ authority })).status).toBe(204);
  expect(server.received()).toContain(`host: ${authority}`);
});

test("bodies and trailers go both ways in chunks", async () => {
  const { authority, received } = rawServer((text) =>
    text.endsWith("0\r\nx-end: mine\r\n\r\n")
      ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Sum: 9\r\n\r\n"
      : undefined,
  );
  const { ask } = await start("127.0.0.1");
  const got = await ask({ authority, method: "post", body: ["one", "two"], trailers: [["x-end", "mine"]] });
  expect(received()).toContain("transfer-encoding: chunked");
  expect(received().replace(/[\s\S]*\r\n\r\n(?=\d)/, "")).toMatch(
    /^(\d\r\n\w+\r\n)+0\r\nx-end: mine\r\n\r\n$/,
  );
  expect(got.content).toBe("abc0123456789");
  expect(got.trailers).toEqual([["X-Sum", "9"]]);
});

test("a body of an announced length is sent as it is, and no other length is", async () => {
  const { authority, received } = rawServer((text) =>
    text.endsWith("sixsix") ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" : undefined,
  );
  const { ask, send } = await start("127.0.0.1");
  const headers: [string, string][] = [["content-length", "6"]];
  expect((await ask({ authority, method: "put", headers, body: ["six", "six"] })).status).toBe(200);
  expect(received()).not.toContain("chunked");
  expect(await errOf(() => send({ authority, method: "put", headers, body: ["six"] }))).toEqual({
    tag: "HTTP-request-body-size",
    val: 3n,
  });
  const long = (await errOf(() => send({ authority, method: "put", headers, body: ["six", "seven"] }))) as {
    tag: string;
  };
  expect(long.tag).toBe("last-operation-failed");
});

test.each([
  ["ends early", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "HTTP-response-incomplete"],
  [
    "ends in a chunk",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
    "HTTP-response-incomplete",
  ],
  ["has a bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP-protocol-error"],
])("a body that %s breaks its stream with the reason", async (_, response, tag) => {
  const { authority } = rawServer((_text, end) => {
    end();
    return response;
  });
  const { ask } = await start("127.0.0.1");
  const got = await ask({ authority });
  expect([got.status, got.broken?.tag, (got as { error?: { tag: string } }).error?.tag]).toEqual([
    200,
    tag,
    tag,
  ]);
});

test.each([
  ["is no HTTP", "SSH-2.0-x\r\n", "HTTP-protocol-error"],
  ["ends in its head", "HTTP/1.1 200 OK\r\nA:", "HTTP-response-incomplete"],
  ["says its length twice", "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "HTTP-protocol-error"],
  ["changes the protocol", "HTTP/1.1 101 Switching\r\n\r\n", "HTTP-upgrade-failed"],
  [
    "never ends its head",
    `HTTP/1.1 200 OK\r\n${`a: ${"b".repeat(1000)}\r\n`.repeat(200)}`,
    "HTTP-response-header-section-size",
  ],
])("an answer that %s is an error", async (_, response, tag) => {
  const { authority } = rawServer((_text, end) => {
    end();
    return response;
  });
  const got = await (await start("127.0.0.1")).ask({ authority });
  expect((got as { error?: { tag: string } }).error?.tag).toBe(tag);
});

test("interim answers are passed over, and a body without a length ends with the connection", async () => {
  const { authority } = rawServer((_text, end) => {
    end();
    return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end";
  });
  expect((await (await start("127.0.0.1")).ask({ authority })).content).toBe("to the end");
});

test("each time-out ends what took too long", async () => {
  const silent = rawServer(() => undefined);
  const stalling = rawServer(whole("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"));
  const { ask } = await start("127.0.0.1");
  expect(await ask({ ...silent, timeouts: { firstByte: 20 } })).toEqual({
    error: { tag: "HTTP-response-timeout" },
  });
  expect((await ask({ ...stalling, timeouts: { betweenBytes: 20 } })).broken).toEqual({
    tag: "connection-read-timeout",
  });
  expect(await ask({ ...silent, scheme: "HTTPS", timeouts: { connect: 20 } })).toEqual({
    error: { tag: "connection-timeout" },
  });
});

test("nobody there is refused, and a server that hangs up has terminated the connection", async () => {
  const { ask } = await start("127.0.0.1");
  expect(await ask({ authority: "127.0.0.1:1" })).toEqual({ error: { tag: "connection-refused" } });
  const rude = rawServer((_text, end) => {
    end();
    return undefined;
  });
  expect(await ask(rude)).toEqual({ error: { tag: "HTTP-response-incomplete" } });
});

test("a request that cannot be is refused at once", async () => {
  const { OutgoingRequest, handle, fields, send } = await start("*");
  expect(await errOf(() => handle(new OutgoingRequest(fields()), undefined))).toEqual({
    tag: "HTTP-request-URI-invalid",
  });
  expect(await errOf(() => send({ authority: "127.0.0.1", method: "connect" }))).toEqual({
    tag: "HTTP-request-method-invalid",
  });
});

test("a large answer waits for its reader, and who drops it hangs up", async () => {
  let sent = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += 1 << 20;
            controller.enqueue(new Uint8Array(1 << 20));
          },
        }),
      ),
  });
  cleanups.push(() => void server.stop(true));
  const { send, response } = await start("127.0.0.1");
  const got = await response(await send({ authority: `127.0.0.1:${server.port}` }));
  if (got.tag === "err") throw new Error("no answer");
  const body = got.val.consume();
  const stream = body.stream();
  let received = 0;
  while (received < 1 << 22) received += (await stream.blockingRead(1n << 20n)).length;
  await Bun.sleep(50);
  expect(sent).toBeLessThan(1 << 25);
  stream[Symbol.dispose]();
  body[Symbol.dispose]();
  for (let tries = 0; server.pendingRequests > 0 && tries < 100; tries++) await Bun.sleep(10);
  expect(server.pendingRequests).toBe(0);
});

test("so many requests go on at once and no more, and each gives its place back", async () => {
  const { authority } = rawServer(() => undefined);
  const made = await start("127.0.0.1");
  const futures = [];
  for (let at = 0; at < limits.outgoingRequestsMax; at++) futures.push(await made.send({ authority }));
  expect(await made.ask({ authority })).toEqual({ error: { tag: "connection-limit-reached" } });
  expect(await made.ask({ authority: "127.0.0.1:1" })).toEqual({
    error: { tag: "connection-limit-reached" },
  });
  made.drop();
});

const tls = `${import.meta.dir}/guest/tls`;

test("a certificate that nobody vouches for is refused", async () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { key: Bun.file(`${tls}/key.pem`), cert: Bun.file(`${tls}/cert.pem`) },
    fetch: () => new Response("secret"),
  });
  cleanups.push(() => void server.stop(true));
  const { ask } = await start("localhost");
  const wanted = { authority: `localhost:${server.port}`, scheme: "HTTPS" } as const;
  expect(await ask(wanted)).toEqual({ error: { tag: "TLS-certificate-error" } });
  const plain = rawServer((_text, end) => {
    end();
    return "HTTP/1.1 400 Bad Request\r\n\r\n";
  });
  const answer = await ask({ authority: plain.authority.replace("127.0.0.1", "localhost"), scheme: "HTTPS" });
  expect(answer).toEqual({ error: { tag: "TLS-protocol-error" } });
});

test("a certificate that the machine trusts is taken, by its own names and no others", async () => {
  // Whom the machine trusts is read when a process starts.
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: `${tls}/cert.pem` };
  const child = Bun.spawn([process.execPath, `${tls}/ask.ts`], { env, stdout: "pipe", stderr: "inherit" });
  expect(await new Response(child.stdout).json()).toEqual({
    localhost: "secret",
    "127.0.0.1": "secret",
    "other.localhost": "TLS-certificate-error",
  });
});
