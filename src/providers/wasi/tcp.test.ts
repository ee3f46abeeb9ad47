import { afterEach, expect, test } from "bun:test";
import { limits } from "../../base/limits.ts";
import { errOf, type Given, provide, provideSockets } from "./fixture.ts";
import type { IpSocketAddress } from "./p2/network.ts";
import type { TcpSocket } from "./p2/tcp.ts";

// Sockets as a guest's glue calls them. Only this machine's own addresses are contacted.

const all = "127.0.0.1,[::1],listen=127.0.0.1,listen=[::1]";
const drops: (() => void)[] = [];
afterEach(() => {
  for (const drop of drops.splice(0)) drop();
});

const start = async (given: Given = { network: all }) => {
  const made = await provideSockets(given);
  drops.push(made.drop);
  const net = made.instanceNetwork();
  const ended = async <T>(subject: { subscribe(): { block(): unknown } }, finish: () => T): Promise<T> => {
    await subject.subscribe().block();
    return finish();
  };
  const bound = (address: IpSocketAddress): TcpSocket => {
    const socket = made.createTcpSocket(address.tag);
    socket.startBind(net, address);
    socket.finishBind();
    return socket;
  };
  return {
    ...made,
    net,
    bound,
    listening(address: IpSocketAddress): TcpSocket {
      const socket = bound(address);
      socket.startListen();
      socket.finishListen();
      return socket;
    },
    async connected(address: IpSocketAddress, socket = made.createTcpSocket(address.tag)) {
      socket.startConnect(net, address);
      const [input, output] = await ended(socket, () => socket.finishConnect());
      return { socket, input, output };
    },
    async accepted(listener: TcpSocket) {
      const [socket, input, output] = await ended(listener, () => listener.accept());
      return { socket, input, output };
    },
  };
};

const four = (port = 0, address = [127, 0, 0, 1]): IpSocketAddress => ({
  tag: "ipv4",
  val: { port, address },
});
const six = (port = 0, address = [0, 0, 0, 0, 0, 0, 0, 1]): IpSocketAddress => ({
  tag: "ipv6",
  val: { port, flowInfo: 0, address, scopeId: 0 },
});
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

test.each([
  ["IPv4", four()],
  ["IPv6", six()],
])("two guests talk over %s and see each other's ends", async (_, address) => {
  const { listening, connected, accepted } = await start();
  const listener = listening(address);
  expect(listener.isListening()).toBe(true);
  const local = listener.localAddress();
  expect(local.val.port).toBeGreaterThan(0);
  const client = await connected(local);
  const server = await accepted(listener);
  expect(client.socket.remoteAddress()).toEqual(local);
  expect(server.socket.remoteAddress()).toEqual(client.socket.localAddress());
  await client.output.blockingWriteAndFlush(bytes("hello"));
  expect(text(await server.input.blockingRead(100n))).toBe("hello");
  await server.output.blockingWriteAndFlush(bytes("world"));
  expect(text(await client.input.blockingRead(3n))).toBe("wor");
  expect(text(await client.input.blockingRead(3n))).toBe("ld");
  client.socket.shutdown("send");
  expect(await errOf(() => server.input.blockingRead(1n))).toEqual({ tag: "closed" });
  expect(await errOf(() => client.output.write(bytes("x")))).toEqual({ tag: "closed" });
  await server.output.blockingWriteAndFlush(bytes("after"));
  expect(text(await client.input.blockingRead(9n))).toBe("after");
  client.socket.shutdown("receive");
  expect(await errOf(() => client.input.read(1n))).toEqual({ tag: "closed" });
});

test("nothing is granted by default: not to connect, to bind or to look up", async () => {
  const { createTcpSocket, net, resolveAddresses, connected } = await start({});
  expect(await errOf(() => connected(four(9)))).toBe("access-denied");
  expect(await errOf(() => createTcpSocket("ipv4").startBind(net, four()))).toBe("access-denied");
  expect(await errOf(() => createTcpSocket("ipv4").startBind(net, four(0, [0, 0, 0, 0])))).toBe(
    "access-denied",
  );
  expect(await errOf(() => resolveAddresses(net, "localhost"))).toBe("access-denied");
});

test("a grant to connect is none to listen, and one of an address none of another", async () => {
  const { createTcpSocket, net, bound, connected } = await start({ network: "127.0.0.1:1" });
  expect(await errOf(() => createTcpSocket("ipv4").startBind(net, four(4000)))).toBe("access-denied");
  expect(await errOf(() => bound(four()).startListen())).toBe("access-denied");
  expect(await errOf(() => connected(four(2)))).toBe("access-denied");
  expect(await errOf(() => connected(six(1)))).toBe("access-denied");
  expect(await errOf(() => connected(four(1)))).toBe("connection-refused");
});

test("an address that makes no sense is an invalid argument", async () => {
  const { createTcpSocket, net } = await start();
  const bind = (address: IpSocketAddress) => errOf(() => createTcpSocket("ipv6").startBind(net, address));
  const connect = (address: IpSocketAddress) =>
    errOf(() => createTcpSocket(address.tag).startConnect(net, address));
  for (const address of [
    four(),
    six(0, [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1]),
    six(0, [0xff02, 0, 0, 0, 0, 0, 0, 1]),
  ])
    expect(await bind(address)).toBe("invalid-argument");
  for (const address of [
    four(1, [0, 0, 0, 0]),
    four(0),
    four(1, [224, 0, 0, 1]),
    six(1, [0, 0, 0, 0, 0, 0, 0, 0]),
  ])
    expect(await connect(address)).toBe("invalid-argument");
});

test("each state permits what the specification permits", async () => {
  const { createTcpSocket, net, bound, listening, connected, accepted } = await start();
  const socket = createTcpSocket("ipv4");
  for (const call of [() => socket.finishBind(), () => socket.finishConnect(), () => socket.finishListen()])
    expect(await errOf(call)).toBe("not-in-progress");
  for (const call of [
    () => socket.startListen(),
    () => socket.accept(),
    () => socket.localAddress(),
    () => socket.remoteAddress(),
    () => socket.shutdown("both"),
  ])
    expect(await errOf(call)).toBe("invalid-state");
  socket.startBind(net, four());
  expect(await errOf(() => socket.startBind(net, four()))).toBe("concurrency-conflict");
  socket.finishBind();
  expect(await errOf(() => socket.startBind(net, four()))).toBe("invalid-state");
  expect(await errOf(() => socket.remoteAddress())).toBe("invalid-state");

  const listener = listening(four());
  expect(await errOf(() => listener.accept())).toBe("would-block");
  expect(await errOf(() => listener.startConnect(net, four(1)))).toBe("invalid-state");
  expect(await errOf(() => bound(listener.localAddress()))).toBe("address-in-use");

  const client = createTcpSocket("ipv4");
  client.startConnect(net, listener.localAddress());
  expect(await errOf(() => client.finishConnect())).toBe("would-block");
  expect(await errOf(() => client.startConnect(net, four(1)))).toBe("concurrency-conflict");
  await client.subscribe().block();
  client.finishConnect();
  expect(await errOf(() => client.startConnect(net, four(1)))).toBe("invalid-state");
  expect((await accepted(listener)).socket.isListening()).toBe(false);

  const failed = createTcpSocket("ipv4");
  expect(await errOf(() => connected(four(1), failed))).toBe("connection-refused");
  expect(await errOf(() => failed.startBind(net, four()))).toBe("invalid-state");
  expect(await errOf(() => failed.hopLimit())).toBe("invalid-state");
});

test("a state that does not permit a call says so whatever the address is", async () => {
  const { listening, net } = await start();
  const listener = listening(four());
  expect(await errOf(() => listener.startConnect(net, four(0)))).toBe("invalid-state");
  expect(await errOf(() => listener.startBind(net, six()))).toBe("invalid-state");
});

test("what had come when a guest ended its receiving is not read any more", async () => {
  const { listening, connected, accepted } = await start();
  const listener = listening(four());
  const client = await connected(listener.localAddress());
  const server = await accepted(listener);
  await server.output.blockingWriteAndFlush(bytes("too late"));
  await client.input.subscribe().block();
  client.socket.shutdown("receive");
  expect(await errOf(() => client.input.read(10n))).toEqual({ tag: "closed" });
  expect(await errOf(() => client.input.read(0n))).toEqual({ tag: "closed" });
  expect(client.input.subscribe().ready()).toBe(true);
});

test("a guest that polls with a timer of no time still hears its sockets", async () => {
  const { listening, connected, accepted } = await start();
  const { poll, monotonic } = provide();
  const listener = listening(four());
  const client = await connected(listener.localAddress());
  const server = await accepted(listener);
  await client.output.blockingWriteAndFlush(bytes("hello"));
  const heard = server.input.subscribe();
  let polls = 0;
  for (let ready: Uint32Array = Uint32Array.of(); !ready.includes(1); polls++) {
    const answer = poll([monotonic.subscribeDuration(0n), heard]);
    // As the glue does: what is no promise goes on at once, without a turn for anybody.
    ready = (answer instanceof Promise ? await answer : answer) as Uint32Array;
    expect(polls).toBeLessThan(100_000);
  }
  expect(text(server.input.read(10n))).toBe("hello");
});

test("a bound socket connects from where it is bound", async () => {
  const { bound, listening, connected, accepted } = await start();
  const listener = listening(four());
  const socket = bound(four());
  const local = socket.localAddress();
  const client = await connected(listener.localAddress(), socket);
  expect(client.socket.localAddress()).toEqual(local);
  const server = await accepted(listener);
  expect(server.socket.remoteAddress()).toEqual(local);
  await client.output.blockingWriteAndFlush(bytes("x"));
  expect(text(await server.input.blockingRead(9n))).toBe("x");
  expect(await errOf(() => connected(four(1), bound(four())))).toBe("connection-refused");
});

test("options are the socket's own, before it is bound and after it is connected", async () => {
  const { createTcpSocket, listening, connected, accepted } = await start();
  const listener = listening(four());
  listener.setHopLimit(33);
  const socket = createTcpSocket("ipv4");
  const check = () => {
    expect(socket.keepAliveEnabled()).toBe(true);
    expect(socket.keepAliveIdleTime()).toBe(42_000_000_000n);
    expect(socket.keepAliveInterval()).toBe(2_000_000_000n);
    expect(socket.keepAliveCount()).toBe(5);
    expect(socket.hopLimit()).toBe(77);
    expect(socket.sendBufferSize()).toBeGreaterThanOrEqual(65_536n);
  };
  expect(socket.keepAliveEnabled()).toBe(false);
  socket.setKeepAliveEnabled(true);
  socket.setKeepAliveIdleTime(42_000_000_000n);
  socket.setKeepAliveInterval(1_000_000_001n);
  socket.setKeepAliveCount(5);
  socket.setHopLimit(77);
  socket.setSendBufferSize(65_536n);
  check();
  await connected(listener.localAddress(), socket);
  check();
  const server = await accepted(listener);
  expect(server.socket.hopLimit()).toBe(33);
  for (const call of [
    () => socket.setHopLimit(0),
    () => socket.setKeepAliveIdleTime(0n),
    () => socket.setKeepAliveInterval(0n),
    () => socket.setKeepAliveCount(0),
    () => socket.setReceiveBufferSize(0n),
    () => socket.setSendBufferSize(0n),
    () => createTcpSocket("ipv4").setListenBacklogSize(0n),
  ])
    expect(await errOf(call)).toBe("invalid-argument");
  expect(await errOf(() => listener.setListenBacklogSize(1n))).toBe("not-supported");
});

test("a reader who does not read makes the writer wait, and all arrives", async () => {
  const { listening, connected, accepted } = await start();
  const listener = listening(four());
  const client = await connected(listener.localAddress());
  const server = await accepted(listener);
  const chunk = new Uint8Array(1 << 20).fill(7);
  let sent = 0;
  while (client.output.checkWrite() > 0n && sent < 64) {
    client.output.write(chunk);
    sent++;
    await Bun.sleep(0);
  }
  // The two systems' buffers and our queue hold a few megabytes, not sixty.
  expect(sent).toBeLessThan(32);
  let received = 0;
  while (received < sent * chunk.length) received += (await server.input.blockingRead(1n << 20n)).length;
  expect(received).toBe(sent * chunk.length);
  await client.output.subscribe().block();
  expect(client.output.checkWrite()).toBeGreaterThan(0n);
});

test("a connection that is reset says so, once, and is closed then", async () => {
  const { connected, networkErrorCode } = await start();
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket) {
        socket.terminate();
      },
    },
  });
  const client = await connected(four(server.port));
  client.output.write(bytes("x".repeat(4096)));
  const error = (await errOf(async () => {
    for (;;) await client.input.blockingRead(1n);
  })) as { tag: string; val: Parameters<typeof networkErrorCode>[0] };
  expect(error.tag).toBe("last-operation-failed");
  expect(networkErrorCode(error.val)).toBe("connection-reset");
  expect(await errOf(() => client.input.read(1n))).toEqual({ tag: "closed" });
  server.stop(true);
});

test("an instance holds so many sockets and no more, and gives them back", async () => {
  const { createTcpSocket } = await start();
  const made = Array.from({ length: limits.socketsMax }, () => createTcpSocket("ipv4"));
  expect(await errOf(() => createTcpSocket("ipv4"))).toBe("new-socket-limit");
  made[0]![Symbol.dispose]();
  createTcpSocket("ipv4");
});

test("an instance that is dropped lets go of its ports and connections", async () => {
  const first = await start();
  const listener = first.listening(four());
  const client = await first.connected(listener.localAddress());
  const server = await first.accepted(listener);
  const reading = errOf(() => client.input.blockingRead(1n));
  const { port } = listener.localAddress().val;
  first.drop();
  await reading.catch(() => {});
  expect(server.socket).toBeDefined();
  const second = await start();
  expect(await errOf(() => second.connected(four(port)))).toBe("connection-refused");
});

test("names are looked up where they are granted, and addresses need no look-up", async () => {
  const { net, resolveAddresses } = await start({ network: "localhost:80" });
  const addresses = async (name: string) => {
    const stream = resolveAddresses(net, name);
    await stream.subscribe().block();
    const found = [];
    for (let next = stream.resolveNextAddress(); next; next = stream.resolveNextAddress()) found.push(next);
    return found;
  };
  expect(await addresses("localhost")).toEqual([
    { tag: "ipv4", val: [127, 0, 0, 1] },
    { tag: "ipv6", val: [0, 0, 0, 0, 0, 0, 0, 1] },
  ]);
  expect(await addresses("10.1.2.3")).toEqual([{ tag: "ipv4", val: [10, 1, 2, 3] }]);
  expect(await addresses("::1")).toEqual([{ tag: "ipv6", val: [0, 0, 0, 0, 0, 0, 0, 1] }]);
  expect(await errOf(() => resolveAddresses(net, "a b"))).toBe("invalid-argument");
  expect(await errOf(() => resolveAddresses(net, "example.com"))).toBe("access-denied");
  expect(await errOf(() => resolveAddresses(net, "localhost").resolveNextAddress())).toBe("would-block");
});
