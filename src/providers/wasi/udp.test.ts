import { afterEach, expect, test } from "bun:test";
import { limits } from "../../base/limits.ts";
import { errOf, provideSockets } from "./fixture.ts";
import type { IpSocketAddress } from "./p2/network.ts";

const drops: (() => void)[] = [];
afterEach(() => {
  for (const drop of drops.splice(0)) drop();
});

const four = (port = 0, address = [127, 0, 0, 1]): IpSocketAddress => ({
  tag: "ipv4",
  val: { port, address },
});
const six = (port = 0): IpSocketAddress => ({
  tag: "ipv6",
  val: { port, flowInfo: 0, address: [0, 0, 0, 0, 0, 0, 0, 1], scopeId: 0 },
});
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

const start = async (network?: string) => {
  const made = await provideSockets(network === undefined ? {} : { network });
  drops.push(made.drop);
  const net = made.instanceNetwork();
  const bound = async (address: IpSocketAddress = four(), remote?: IpSocketAddress) => {
    const socket = made.createUdpSocket(address.tag);
    socket.startBind(net, address);
    await socket.subscribe().block();
    socket.finishBind();
    const [input, output] = socket.stream(remote);
    const send = (data: string | Uint8Array, remoteAddress?: IpSocketAddress) => {
      output.checkSend();
      return output.send([{ data: typeof data === "string" ? bytes(data) : data, remoteAddress }]);
    };
    const receive = async () => {
      await input.subscribe().block();
      return input.receive(100n);
    };
    return { socket, input, output, send, receive, address: socket.localAddress() };
  };
  return { ...made, net, bound };
};

test.each([
  ["IPv4", four()],
  ["IPv6", six()],
])("datagrams go to and fro over %s with their senders", async (_, address) => {
  const { bound } = await start("127.0.0.1,[::1],listen=127.0.0.1,listen=[::1]");
  const one = await bound(address);
  const two = await bound(address);
  expect(one.send("hello", two.address)).toBe(1n);
  expect(await two.receive()).toEqual([{ data: bytes("hello"), remoteAddress: one.address }]);
  two.send("", one.address);
  expect((await one.receive())[0]!.data.length).toBe(0);
});

test("a socket that talks to one hears that one alone", async () => {
  const { bound } = await start("127.0.0.1,listen=127.0.0.1");
  const [friend, stranger] = [await bound(), await bound()];
  const socket = await bound(four(), friend.address);
  expect(socket.socket.remoteAddress()).toEqual(friend.address);
  stranger.send("no", socket.address);
  friend.send("yes", socket.address);
  await Bun.sleep(20);
  expect((await socket.receive()).map(({ data }) => text(data))).toEqual(["yes"]);
  socket.send("back");
  expect(text((await friend.receive())[0]!.data)).toBe("back");
  expect(await errOf(() => socket.send("x", stranger.address))).toBe("invalid-argument");
});

test("nothing is granted by default: not to bind, and so not to send", async () => {
  const { createUdpSocket, net } = await start();
  const socket = createUdpSocket("ipv4");
  socket.startBind(net, four());
  await socket.subscribe().block();
  expect(await errOf(() => socket.finishBind())).toBe("access-denied");
  expect(await errOf(() => socket.stream(undefined))).toBe("invalid-state");
});

test("who may only send hears only those whom it may write to", async () => {
  const open = await start("127.0.0.1,listen=127.0.0.1");
  const [granted, stranger] = [await open.bound(), await open.bound()];
  const { bound } = await start(`127.0.0.1:${granted.address.val.port}`);
  const client = await bound();
  stranger.send("no", client.address);
  granted.send("yes", client.address);
  expect((await client.receive()).map(({ data }) => text(data))).toEqual(["yes"]);
  expect(await errOf(() => client.send("x", stranger.address))).toBe("access-denied");
  expect(await errOf(() => client.socket.stream(stranger.address))).toBe("access-denied");
});

test("what makes no sense is refused", async () => {
  const { bound, createUdpSocket, net } = await start("127.0.0.1,listen=127.0.0.1");
  const socket = await bound();
  expect(await errOf(() => socket.send("x"))).toBe("invalid-argument");
  expect(await errOf(() => socket.send("x", four(0)))).toBe("invalid-argument");
  expect(await errOf(() => socket.send("x", six(1)))).toBe("invalid-argument");
  expect(await errOf(() => socket.send(new Uint8Array(limits.datagramBytesMax + 1), four(1)))).toBe(
    "datagram-too-large",
  );
  expect(await errOf(() => socket.socket.startBind(net, four()))).toBe("invalid-state");
  expect(await errOf(() => createUdpSocket("ipv4").finishBind())).toBe("not-in-progress");
  expect(() => socket.output.send(Array.from({ length: 65 }, () => ({ data: bytes("x") })))).toThrow(
    "65 datagrams where 64 were permitted",
  );
  socket.socket.stream(undefined);
  expect(await errOf(() => socket.input.receive(1n))).toBe("invalid-state");
});

test("options are the socket's own", async () => {
  const { bound, createUdpSocket } = await start("listen=127.0.0.1");
  const socket = createUdpSocket("ipv4");
  socket.setUnicastHopLimit(7);
  socket.setReceiveBufferSize(65_536n);
  expect(socket.unicastHopLimit()).toBe(7);
  expect(socket.receiveBufferSize()).toBeGreaterThanOrEqual(65_536n);
  expect(await errOf(() => socket.setUnicastHopLimit(0))).toBe("invalid-argument");
  const live = (await bound()).socket;
  live.setUnicastHopLimit(9);
  expect(live.unicastHopLimit()).toBe(9);
});

test("datagrams that nobody takes are dropped beyond a bound", async () => {
  const { bound } = await start("127.0.0.1,listen=127.0.0.1");
  const [one, two] = [await bound(), await bound()];
  for (let at = 0; at < limits.datagramsMax * 2; at++) {
    one.send("x", two.address);
    if (at % 16 === 0) await Bun.sleep(0);
  }
  await Bun.sleep(20);
  expect(two.input.receive(10_000n).length).toBeLessThanOrEqual(limits.datagramsMax);
});

test("datagrams that come together are received together", async () => {
  const { bound } = await start("127.0.0.1,listen=127.0.0.1");
  const [one, two] = [await bound(), await bound()];
  one.output.checkSend();
  const both = ["a", "b"].map((data) => ({ data: bytes(data), remoteAddress: two.address }));
  expect(one.output.send(both)).toBe(2n);
  expect((await two.receive()).map(({ data }) => text(data))).toEqual(["a", "b"]);
});

test.if(process.platform === "linux")(
  "a peer that is gone is told to who talks to it alone, once",
  async () => {
    const { bound } = await start("127.0.0.1,[::1],listen=127.0.0.1,listen=[::1]");
    for (const address of [four(), six()]) {
      const gone = await bound(address);
      gone.socket[Symbol.dispose]();
      const sender = await bound(address, gone.address);
      sender.send("x");
      expect(await errOf(sender.receive)).toBe("connection-refused");
      expect(sender.input.receive(1n)).toEqual([]);
      // To a socket without a peer the same is no news.
      const free = await bound(address);
      free.send("x", gone.address);
      await Bun.sleep(20);
      expect(free.input.receive(1n)).toEqual([]);
    }
  },
);

test.if(process.platform === "linux")(
  "with a peer, a socket bound to any address has the one that leads there, until it has none",
  async () => {
    const { bound } = await start("127.0.0.1,listen=0.0.0.0,listen=127.0.0.1");
    const server = await bound();
    const client = await bound(four(0, [0, 0, 0, 0]), server.address);
    const { port } = client.address.val;
    expect(client.socket.localAddress()).toEqual(four(port));
    client.send("x");
    const [first] = await server.receive();
    expect(first!.remoteAddress).toEqual(four(port));
    client.socket.stream(undefined);
    expect(client.socket.localAddress()).toEqual(four(port, [0, 0, 0, 0]));
  },
);
