import { afterEach, expect, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { limits } from "../../base/limits.ts";
import type { Provider } from "../../host/provider.ts";
import { bufferStdio } from "./buffer.ts";
import { contextOf, errOf, type Given, hostFolder, guestStream as stream, textOf } from "./fixture.ts";
import { http3 } from "./http3.ts";
import type { standardStreams } from "./p3/cli.ts";
import type { monotonicClock, systemClock, timezone } from "./p3/clocks.ts";
import type { filesystem } from "./p3/filesystem.ts";
import type { http as httpOf } from "./p3/http.ts";
import type { Trailed } from "./p3/message.ts";
import type { ipNameLookup } from "./p3/network.ts";
import type { GuestStream } from "./p3/pipe.ts";
import type { random } from "./p3/random.ts";
import type { tcpSocket } from "./p3/tcp.ts";
import type { udpSocket } from "./p3/udp.ts";
import { sockets3 } from "./sockets3.ts";
import { wasi3 } from "./wasi3.ts";

// One instance's WASI 0.3 without a guest, called as the linker's glue would call it. What is the same as in 0.2 is
// tested there; here is what is new: streams and futures, variants, one `request` for both directions.

const folder = hostFolder();
const drops: (() => void)[] = [];
afterEach(() => {
  for (const drop of drops.splice(0)) drop();
});

const provide = async (provider: Provider, given: Given = {}) => {
  const { context, drop } = contextOf(given);
  drops.push(drop);
  const made = await provider.instantiate(context);
  return { drop, context, at: <T>(name: string) => made[`wasi:${name}@0.3.0`] as T };
};

type Files = ReturnType<typeof filesystem>;

const rootOf = async (readOnly = false) => {
  const { at, drop } = await provide(wasi3, { folders: [folder.grant(readOnly)] });
  const [[root]] = at<Files["preopens"]>("filesystem/preopens").getDirectories() as [
    ReturnType<Files["preopens"]["getDirectories"]>[number],
  ];
  return { root, drop };
};

const create = { create: true, truncate: true };

// ── cli, clocks, random ──────────────────────────────────────────────────────────────────────────────────

type Standard = ReturnType<typeof standardStreams>;

test("a guest's stream goes to standard output at its pace, and the future says that all has gone", async () => {
  const stdio = bufferStdio("first\nsecond");
  const { at } = await provide(wasi3, { stdio });
  const said = stream("hello, ", "world");
  expect(await at<Standard["stdout"]>("cli/stdout").writeViaStream(said)).toEqual({ tag: "ok" });
  expect([stdio.stdoutText(), said.state.dropped]).toEqual(["hello, world", true]);
  const [bytes, ended] = at<Standard["stdin"]>("cli/stdin").readViaStream();
  expect(await textOf(bytes)).toBe("first\nsecond");
  expect(await ended).toEqual({ tag: "ok" });
});

test("a closed standard output is `pipe`, and the guest's stream is let go of", async () => {
  const stdio = bufferStdio();
  const { ClosedPipe } = await import("../../host/provider.ts");
  const stdout = {
    ...stdio.stdout,
    write: () => {
      throw new ClosedPipe("gone");
    },
  };
  const { at } = await provide(wasi3, { stdio: { ...stdio, stdout } });
  const said = stream("x");
  const how = await at<Standard["stdout"]>("cli/stdout").writeViaStream(said);
  expect([how, said.state.dropped]).toEqual([{ tag: "err", val: "pipe" }, true]);
});

test("a dropped instance ends what is under way", async () => {
  const stdio = bufferStdio();
  const { at, drop } = await provide(wasi3, { stdio });
  const state = { dropped: false };
  const silent: GuestStream = {
    read: () => new Promise(() => {}),
    [Symbol.dispose]() {
      state.dropped = true;
    },
  };
  void at<Standard["stdout"]>("cli/stdout").writeViaStream(silent);
  drop();
  expect(state.dropped).toBe(true);
});

test("waiting takes its time, and ends with the instance", async () => {
  const { at, drop } = await provide(wasi3);
  const clock = at<ReturnType<typeof monotonicClock>>("clocks/monotonic-clock");
  const before = clock.now();
  await clock.waitFor(3_000_000n);
  expect(clock.now() - before).toBeGreaterThanOrEqual(3_000_000n);
  const forever = clock.waitFor(2n ** 63n);
  drop();
  await expect(forever).rejects.toThrow("dropped while it waited");
});

test("the system clock is the host's, and without a TZ a guest learns no zone", async () => {
  const { at } = await provide(wasi3);
  const { seconds } = at<ReturnType<typeof systemClock>>("clocks/system-clock").now();
  expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(2);
  const zone = at<ReturnType<typeof timezone>>("clocks/timezone");
  expect([zone.ianaId(), zone.utcOffset({ seconds: 0n, nanoseconds: 0 })]).toEqual([undefined, undefined]);
});

test("randomness comes short where a guest asks for too much", async () => {
  const { at } = await provide(wasi3);
  const { getRandomBytes } = at<ReturnType<typeof random>>("random/random");
  expect(getRandomBytes(2n ** 40n).length).toBe(limits.randomBytesMax);
  expect(getRandomBytes(0n).length).toBe(0);
});

// ── filesystem ───────────────────────────────────────────────────────────────────────────────────────────

test("without a grant there is no folder in 0.3 either", async () => {
  const { at } = await provide(wasi3);
  expect(at<Files["preopens"]>("filesystem/preopens").getDirectories()).toEqual([]);
});

test("files are written, appended to and read by streams that outlive their descriptor", async () => {
  const { root } = await rootOf();
  const file = root.openAt({}, "a.txt", create, { read: true, write: true });
  const written = file.writeViaStream(stream("hel", "lo"), 0n);
  file[Symbol.dispose]();
  expect(await written).toEqual({ tag: "ok" });
  const again = root.openAt({}, "a.txt", {}, { read: true, write: true });
  expect(await again.appendViaStream(stream(", world"))).toEqual({ tag: "ok" });
  const [bytes, ended] = again.readViaStream(4n);
  again[Symbol.dispose]();
  expect([await textOf(bytes), await ended]).toEqual(["o, world", { tag: "ok" }]);
});

test("what was refused ends a stream and is in its future", async () => {
  const { root } = await rootOf();
  const [nothing, why] = root.readViaStream(0n);
  expect([await textOf(nothing), await why]).toEqual(["", { tag: "err", val: { tag: "is-directory" } }]);
  const file = root.openAt({}, "a.txt", create, { write: true });
  const [none, unreadable] = file.readViaStream(0n);
  expect([await textOf(none), await unreadable]).toEqual([
    "",
    { tag: "err", val: { tag: "bad-descriptor" } },
  ]);
  const refused = stream("x");
  const reading = root.openAt({}, "a.txt", {}, { read: true });
  expect(await reading.writeViaStream(refused, 0n)).toEqual({ tag: "err", val: { tag: "bad-descriptor" } });
  expect(refused.state.dropped).toBe(true);
});

test("no path of 0.3 leads out of a folder, and one that was granted read-only stays as it is", async () => {
  symlinkSync("/etc", folder.at("out"));
  writeFileSync(folder.at("kept"), "kept");
  const { root } = await rootOf(true);
  for (const path of ["../x", "/etc/passwd", "out/passwd"])
    expect(await errOf(() => root.openAt({ symlinkFollow: true }, path, {}, { read: true }))).toEqual({
      tag: "not-permitted",
    });
  expect(await errOf(() => root.openAt({}, "new", create, { write: true }))).toEqual({ tag: "read-only" });
  expect(await errOf(() => root.unlinkFileAt("kept"))).toEqual({ tag: "read-only" });
});

test("a folder is listed by a stream, and stat says times before 1970", async () => {
  const { root } = await rootOf();
  root.createDirectoryAt("inner");
  root.openAt({}, "file", create, { write: true })[Symbol.dispose]();
  root.setTimesAt(
    {},
    "file",
    { tag: "now" },
    { tag: "timestamp", val: { seconds: -2n, nanoseconds: 500_000_000 } },
  );
  expect(root.statAt({}, "file")).toMatchObject({
    type: { tag: "regular-file" },
    dataModificationTimestamp: { seconds: -2n, nanoseconds: 500_000_000 },
  });
  const [entries, ended] = root.readDirectory();
  const listed: object[] = [];
  for await (const entry of entries) listed.push(entry);
  expect(listed).toContainEqual({ type: { tag: "directory" }, name: "inner" });
  expect([listed.length, await ended]).toEqual([2, { tag: "ok" }]);
});

test("files that a guest leaves open are closed with its instance", async () => {
  const { root, drop } = await rootOf();
  const file = root.openAt({}, "a.txt", create, { write: true });
  drop();
  expect(await errOf(() => file.stat())).toEqual({ tag: "bad-descriptor" });
});

// ── sockets ──────────────────────────────────────────────────────────────────────────────────────────────

interface SocketTypes {
  readonly TcpSocket: ReturnType<typeof tcpSocket>;
  readonly UdpSocket: ReturnType<typeof udpSocket>;
}
const typesOf = async (network?: string) => {
  const { at } = await provide(sockets3, network === undefined ? {} : { network });
  return {
    ...at<SocketTypes>("sockets/types"),
    lookup: at<ReturnType<typeof ipNameLookup>>("sockets/ip-name-lookup"),
  };
};
const loopback = (port: number) => ({ tag: "ipv4" as const, val: { port, address: [127, 0, 0, 1] } });
const denied = { tag: "access-denied" };

test("nothing of the network is granted by default in 0.3 either", async () => {
  const { TcpSocket, UdpSocket, lookup } = await typesOf();
  expect(await errOf(() => TcpSocket.create("ipv4").connect(loopback(1)))).toEqual(denied);
  expect(await errOf(() => TcpSocket.create("ipv4").bind(loopback(0)))).toEqual(denied);
  expect(await errOf(() => TcpSocket.create("ipv4").listen())).toEqual(denied);
  expect(await errOf(() => UdpSocket.create("ipv4").bind(loopback(0)))).toEqual(denied);
  expect(await errOf(() => UdpSocket.create("ipv4").connect(loopback(9)))).toEqual(denied);
  expect(await errOf(() => UdpSocket.create("ipv4").send(new Uint8Array(1), loopback(9)))).toEqual(denied);
  expect(await errOf(() => lookup.resolveAddresses("localhost"))).toEqual(denied);
});

test("connections come as a stream, and each has one stream in either direction", async () => {
  const { TcpSocket } = await typesOf("127.0.0.1:*,listen=127.0.0.1:0");
  const server = TcpSocket.create("ipv4");
  server.bind(loopback(0));
  const connections = server.listen()[Symbol.asyncIterator]();
  const client = TcpSocket.create("ipv4");
  const connected = client.connect(server.getLocalAddress());
  const accepted = (await connections.next()).value as InstanceType<typeof TcpSocket>;
  await connected;
  const sent = client.send(stream("ping"));
  const [bytes, received] = accepted.receive();
  // The streams hold the connection; the handle is no more needed.
  client[Symbol.dispose]();
  expect([await textOf(bytes), await received, await sent]).toEqual(["ping", { tag: "ok" }, { tag: "ok" }]);
  const [none, again] = accepted.receive();
  expect([await textOf(none), await again]).toEqual(["", { tag: "err", val: { tag: "invalid-state" } }]);
  expect(await errOf(() => server.listen())).toEqual({ tag: "invalid-state" });
  server[Symbol.dispose]();
});

test("a datagram arrives with its sender, and a refused one is told to whoever talks to one alone", async () => {
  const { UdpSocket } = await typesOf("127.0.0.1:*,listen=127.0.0.1:0");
  const server = UdpSocket.create("ipv4");
  await server.bind(loopback(0));
  const client = UdpSocket.create("ipv4");
  await client.connect(server.getLocalAddress());
  await client.send(new TextEncoder().encode("ping"), undefined);
  const [bytes, from] = await server.receive();
  expect([new TextDecoder().decode(bytes), from]).toEqual(["ping", client.getLocalAddress()]);
  server[Symbol.dispose]();
  await client.send(new TextEncoder().encode("anyone?"), undefined);
  if (process.platform === "linux")
    expect(await errOf(() => client.receive())).toEqual({ tag: "connection-refused" });
});

// ── http ─────────────────────────────────────────────────────────────────────────────────────────────────

type Http = ReturnType<typeof httpOf>;
const speaking = async (network?: string) => {
  const { at } = await provide(http3, network === undefined ? {} : { network });
  return { ...at<Http["types"]>("http/types"), ...at<Http["client"]>("http/client") };
};
const noTrailers = (): Promise<Trailed> => Promise.resolve({ tag: "ok" });
const asked = (
  { Request, Fields }: Http["types"],
  authority: string,
  body?: GuestStream,
  fields: [string, Uint8Array][] = [],
) => {
  const [request, transmitted] = Request.new(Fields.fromList(fields), body, noTrailers(), undefined);
  request.setScheme({ tag: "HTTP" });
  request.setAuthority(authority);
  request.setPathWithQuery("/path?q");
  request.setMethod({ tag: body ? "post" : "get" });
  return { request, transmitted };
};

test("nobody is asked who was not granted in 0.3 either, and the body is let go of", async () => {
  let hits = 0;
  using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(`${++hits}`) });
  const types = await speaking();
  const body = stream("secret");
  const { request, transmitted } = asked(types, `127.0.0.1:${server.port}`, body);
  expect(await errOf(() => types.send(request))).toEqual({ tag: "HTTP-request-denied" });
  expect(await transmitted).toEqual({ tag: "err", val: { tag: "HTTP-request-denied" } });
  expect([hits, body.state.dropped]).toEqual([0, true]);
});

test("a request's stream is sent and its answer's read, each at the other's pace", async () => {
  using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => new Response(request.body, { headers: { "x-method": request.method } }),
  });
  const types = await speaking("127.0.0.1:*");
  const { request, transmitted } = asked(types, `127.0.0.1:${server.port}`, stream("one ", "two"));
  const response = await types.send(request);
  expect([response.getStatusCode(), response.getHeaders().get("x-method")[0]]).toEqual([
    200,
    new Uint8Array(Buffer.from("POST")),
  ]);
  const [bytes, trailers] = types.Response.consumeBody(response, Promise.resolve({ tag: "ok" }));
  expect([await textOf(bytes), (await trailers).tag, await transmitted]).toEqual([
    "one two",
    "ok",
    { tag: "ok" },
  ]);
});

test("a body that is not as long as it was announced is refused by its size", async () => {
  using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (r) => new Response(await r.text()),
  });
  const types = await speaking("127.0.0.1:*");
  const length: [string, Uint8Array][] = [["content-length", new Uint8Array(Buffer.from("4"))]];
  for (const [text, size] of [
    ["abc", 3n],
    ["abcdef", 6n],
  ] as const) {
    const { request, transmitted } = asked(types, `127.0.0.1:${server.port}`, stream(text), length);
    await types.send(request).catch(() => {});
    expect(await transmitted).toEqual({ tag: "err", val: { tag: "HTTP-request-body-size", val: size } });
  }
});

test("what a request gives out of itself is not to be changed, and what is too large is refused", async () => {
  const types = await speaking();
  const options = new types.RequestOptions();
  options.setConnectTimeout(5n);
  const [request] = types.Request.new(new types.Fields(), undefined, noTrailers(), options);
  expect(request.getOptions()?.getConnectTimeout()).toBe(5n);
  expect(await errOf(() => request.getOptions()?.setConnectTimeout(6n))).toEqual({ tag: "immutable" });
  expect(await errOf(() => request.getHeaders().append("x", new Uint8Array(1)))).toEqual({
    tag: "immutable",
  });
  const big = new Uint8Array(limits.fieldsBytesMax).fill(97);
  expect(await errOf(() => types.Fields.fromList([["x", big]]))).toEqual({ tag: "size-exceeded" });
  const spelled = types.Fields.fromList([["x-One", Uint8Array.of(49)]]);
  spelled.append("X-ONE", Uint8Array.of(49));
  expect(spelled.copyAll().map(([name]) => name)).toEqual(["x-One", "x-One"]);
  expect(await errOf(() => new types.Fields().append("host", new Uint8Array(1)))).toEqual({
    tag: "forbidden",
  });
});

test("a message that a guest made is read by itself, bytes and trailers", async () => {
  const types = await speaking();
  const after = types.Fields.fromList([["x-after", new Uint8Array(Buffer.from("1"))]]);
  const trailers: Promise<Trailed> = Promise.resolve({ tag: "ok", val: after });
  const [response, transmitted] = types.Response.new(new types.Fields(), stream("made"), trailers);
  const [bytes, trailed] = types.Response.consumeBody(response, Promise.resolve({ tag: "ok" }));
  expect([await textOf(bytes), await transmitted]).toEqual(["made", { tag: "ok" }]);
  expect(await trailed).toEqual({ tag: "ok", val: after });
});
