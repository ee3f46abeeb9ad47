import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Fault } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import { errOf, type Given, guestStream, hostFolder, textOf } from "../fixture.ts";
import { networkingOf } from "../networking.ts";
import {
  bytes,
  type Generation3,
  listening3,
  loopback,
  openNow,
  openStream,
  reading,
  readText,
  streamsOf,
  successive,
  text,
} from "./fixture.ts";

// As kept.test.ts, for WASI 0.3, whose streams are read and written by the host.

const folder = hostFolder();
const { drops, generation3, talking3, connect } = successive();

const readable = { read: true };
const all = "127.0.0.1,listen=127.0.0.1:0";

const withFile = async (flags: { read?: boolean; write?: boolean } = readable, given: Given = {}) => {
  const one = await generation3({ folders: [folder.grant()], ...given });
  const [root] = one.getDirectories()[0]!;
  const file = root.openAt({}, "log", {}, flags);
  one.files.keep("log", file);
  return { one, root, file };
};

test("a file of 0.3 is read on by the next one, though its name is gone and the one before as well", async () => {
  writeFileSync(folder.at("log"), "one two three");
  const { one, file } = await withFile();
  expect(text((await reading(file.readViaStream(0n)[0]).next()).value!)).toBe("one two three");
  rmSync(folder.at("log"));
  const two = await generation3({ folders: [folder.grant()], before: one.context });
  const taken = two.files.take("log")!;
  expect(taken.isSameObject(file)).toBe(true);
  one.drop();
  expect(await textOf(taken.readViaStream(4n)[0])).toBe("two three");
});

test("a folder and a file to be written are gone on with, what the one before wrote behind them", async () => {
  mkdirSync(folder.at("a"));
  writeFileSync(folder.at("log"), "one ");
  const { one, root, file } = await withFile({ write: true });
  one.files.keep("a", root.openAt({}, "a", {}, { mutateDirectory: true }));
  renameSync(folder.at("a"), folder.at("b"));
  const two = await generation3({ folders: [folder.grant()], before: one.context });
  const [log, taken] = [two.files.take("log")!, two.files.take("a")!];
  expect(await file.appendViaStream(guestStream("of one "))).toEqual({ tag: "ok" });
  one.drop();
  expect(await log.appendViaStream(guestStream("of two"))).toEqual({ tag: "ok" });
  taken.openAt({}, "new", { create: true }, { write: true });
  expect([readFileSync(folder.at("log"), "utf8"), readFileSync(folder.at("b/new"), "utf8")]).toEqual([
    "one of one of two",
    "",
  ]);
});

test("a file of 0.3 that the next one was not granted is not given, and that is told", async () => {
  writeFileSync(folder.at("log"), "text");
  const { one } = await withFile({ read: true, write: true });
  const nothing = await generation3({ before: one.context });
  expect([nothing.files.take("log"), nothing.denied]).toEqual([
    undefined,
    [{ wanted: `to go on with ${folder.at("log")}`, grant: { kind: "dir", value: folder.at() } }],
  ]);
  const reader = await generation3({ folders: [folder.grant(true)], before: one.context });
  expect([reader.files.take("log"), reader.denied]).toEqual([
    undefined,
    [{ wanted: "to change /data/log", grant: { kind: "dir", value: `${folder.at()}::/data` } }],
  ]);
});

test("a connection of 0.3 goes on with what nobody has read, what is on its way and what is still to be sent", async () => {
  const one = await generation3({ network: all });
  const { server, client } = await talking3(one);
  const before = streamsOf(server);
  client.write("abcdef");
  // No more is taken off it than the guest asks for.
  expect(await readText(before.input, 2)).toBe("ab");
  before.output.push(bytes("from one, "));
  await client.until("from one, ");
  one.tcp.keep("client", server);
  client.write("ghi");
  const two = await generation3({ network: all, before: one.context });
  const { socket, connections } = two.tcp.take("client")!;
  // What it was still going to write ends with it, and that is no end of what is sent.
  one.drop();
  expect([connections, socket.getIsListening()]).toEqual([undefined, false]);
  const { input, output } = streamsOf(socket);
  expect(await readText(input, 7)).toBe("cdefghi");
  output.push(bytes("from two"));
  expect(await client.until("from two")).toBe("from one, from two");
  expect(socket.getRemoteAddress().val.port).toBe(client.localPort);
  expect([client.hasEnded(), await errOf(() => socket.listen())]).toEqual([false, { tag: "invalid-state" }]);
  output.end();
});

test("a read that is under way when its instance ends takes nothing with it", async () => {
  const one = await generation3({ network: all });
  const { server, listener, connections, port, client } = await talking3(one);
  const reads = [streamsOf(server).input.next(99), connections.next()];
  one.tcp.keep("client", server);
  one.tcp.keep("door", listener);
  const two = await generation3({ network: all, before: one.context });
  const [taken, door] = [two.tcp.take("client")!.socket, two.tcp.take("door")!];
  one.drop();
  await Promise.allSettled(reads);
  client.write("after it");
  const late = await connect(port);
  expect(await readText(streamsOf(taken).input, 8)).toBe("after it");
  const accepted = (await reading(door.connections!).next()).value!;
  expect([accepted.getRemoteAddress().val.port, client.hasEnded()]).toEqual([late.localPort, false]);
});

test("what comes after a read was taken back, or while the next one is made, is the next one's", async () => {
  const one = await generation3({ network: all });
  const { server, listener, connections, port, client } = await talking3(one);
  const { input } = streamsOf(server);
  const reads = [input.next(99), connections.next()];
  one.tcp.keep("client", server);
  one.tcp.keep("door", listener);
  for (const stream of [input, connections]) stream.cancel();
  expect(await Promise.all(reads)).toEqual(Array(2).fill({ done: false, value: undefined }));
  client.write("after that");
  const early = await connect(port);
  const two = await generation3({ network: all, before: one.context });
  const [taken, door] = [two.tcp.take("client")!.socket, two.tcp.take("door")!];
  one.drop();
  expect([door.socket.getIsListening(), door.socket.getLocalAddress()]).toEqual([true, loopback(port)]);
  expect(await readText(streamsOf(taken).input, 10)).toBe("after that");
  const arrivals = reading(door.connections!);
  const late = await connect(port);
  for (const client of [early, late]) {
    const accepted = (await arrivals.next()).value!;
    client.write("hello");
    expect(await readText(streamsOf(accepted).input, 5)).toBe("hello");
  }
  expect(client.hasEnded() || early.hasEnded()).toBe(false);
});

test("one of 0.3 that took and failed leaves the one before with all that it had", async () => {
  writeFileSync(folder.at("log"), "text");
  const given = { folders: [folder.grant()], network: all };
  const { one, file } = await withFile(readable, given);
  const { server, listener, connections, port, client } = await talking3(one);
  const { input, output } = streamsOf(server);
  one.tcp.keep("client", server);
  one.tcp.keep("door", listener);
  const failed = await generation3({ ...given, before: one.context });
  const [log, taken, door] = [
    failed.files.take("log")!,
    failed.tcp.take("client")!,
    failed.tcp.take("door")!,
  ];
  const began = [log.readViaStream(0n)[0], taken.socket.receive()[0], door.connections!].map((stream) =>
    reading<unknown>(stream).next(),
  );
  taken.socket.send(openStream());
  failed.drop();
  await Promise.allSettled(began);
  expect(await textOf(file.readViaStream(0n)[0])).toBe("text");
  client.write("still here");
  expect(await readText(input, 10)).toBe("still here");
  output.push(bytes("and so am I"));
  await client.until("and so am I");
  const another = await connect(port);
  expect((await connections.next()).value!.getRemoteAddress().val.port).toBe(another.localPort);
});

test("what the next one sends comes after all that the one before had sent", async () => {
  const one = await generation3({ network: all });
  const { server, client } = await talking3(one);
  const before = streamsOf(server);
  client.pause();
  // More than the system has room for, so some of it waits here.
  const size = 16 * 1024 * 1024;
  before.output.push(new Uint8Array(size).fill(0x61));
  one.tcp.keep("client", server);
  const two = await generation3({ network: all, before: one.context });
  const { output } = streamsOf(two.tcp.take("client")!.socket);
  output.push(bytes("of two, "));
  await Bun.sleep(5);
  one.drop();
  output.push(bytes("end"));
  client.resume();
  const heard = await client.until("end");
  expect([heard.length, heard.slice(size)]).toEqual([size + 11, "of two, end"]);
});

test("a direction that a guest of 0.3 ends itself is ended for whoever goes on with it", async () => {
  const one = await generation3({ network: all });
  const { server, client } = await talking3(one);
  const { output, sent } = streamsOf(server);
  one.tcp.keep("client", server);
  output.end();
  expect(await sent).toEqual({ tag: "ok" });
  const two = await generation3({ network: all, before: one.context });
  const { socket } = two.tcp.take("client")!;
  one.drop();
  expect(await socket.send(guestStream("too late"))).toEqual({
    tag: "err",
    val: { tag: "connection-broken" },
  });
  client.write("heard");
  expect(await readText(reading(socket.receive()[0]), 5)).toBe("heard");
});

const bound = async (one: Generation3) => {
  const socket = one.UdpSocket.create("ipv4");
  await socket.bind(loopback());
  return { socket, port: socket.getLocalAddress().val.port };
};
const sending = async () => {
  const sender = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: (_, data) => void heard.push(data.toString()) },
  });
  const heard: string[] = [];
  drops.push(() => sender.close());
  return { sender, heard };
};

test("a socket for datagrams of 0.3 goes on with what has come, and with its peer", async () => {
  const one = await generation3({ network: all });
  const { socket, port } = await bound(one);
  const { sender, heard } = await sending();
  await socket.connect(loopback(sender.port));
  one.udp.keep("port", socket);
  sender.send("between", port, "127.0.0.1");
  const two = await generation3({ network: all, before: one.context });
  const taken = two.udp.take("port")!;
  expect([taken.getLocalAddress(), taken.getRemoteAddress()]).toEqual([
    loopback(port),
    loopback(sender.port),
  ]);
  one.drop();
  const [data, from] = await taken.receive();
  expect([text(data), from]).toEqual(["between", loopback(sender.port)]);
  await taken.send(bytes("back"), undefined);
  while (heard.length === 0) await Bun.sleep(1);
  expect(heard).toEqual(["back"]);
  expect(await errOf(() => taken.bind(loopback()))).toEqual({ tag: "invalid-state" });
});

test("a socket of 0.3 that the next one was not granted is not given, and that is told", async () => {
  const one = await generation3({ network: all });
  const { listener, server, port } = await talking3(one);
  const client = one.TcpSocket.create("ipv4");
  await client.connect(loopback(port));
  const { socket } = await bound(one);
  const { sender } = await sending();
  await socket.connect(loopback(sender.port));
  for (const [name, kept] of Object.entries({ listener, server, client })) one.tcp.keep(name, kept);
  one.udp.keep("udp", socket);
  const taken = (two: Generation3) => [
    ...["listener", "server", "client"].filter((name) => two.tcp.take(name) !== undefined),
    ...(two.udp.take("udp") ? ["udp"] : []),
  ];
  const nothing = await generation3({ before: one.context });
  expect(taken(nothing)).toEqual([]);
  const door = "listen=127.0.0.1:0";
  const grants = (values: readonly string[]) => values.map((value) => ({ kind: "net", value }));
  expect(nothing.denied.map(({ grant }) => grant)).toEqual(
    grants([door, door, `127.0.0.1:${port}`, door]) as never,
  );
  expect(taken(await generation3({ network: "127.0.0.1", before: one.context }))).toEqual(["client", "udp"]);
  const listens = await generation3({ network: door, before: one.context });
  expect(taken(listens)).toEqual(["listener", "server"]);
  // It is bound where this one may be, and talks to somebody to whom it may not.
  expect(listens.denied.map(({ grant }) => grant)).toEqual(
    grants([`127.0.0.1:${port}`, `127.0.0.1:${sender.port}`]) as never,
  );
});

test("a name that was granted covers the peer that the one before looked up by it", async () => {
  const { sender } = await sending();
  const one = await generation3({ network: "localhost" });
  await networkingOf(one.context).network.lookUp("localhost");
  const socket = one.UdpSocket.create("ipv4");
  await socket.connect(loopback(sender.port));
  one.udp.keep("peer", socket);
  const two = await generation3({ network: "localhost", before: one.context });
  expect(two.udp.take("peer")).toBeDefined();
  expect(
    (await generation3({ network: "example.com", before: one.context })).udp.take("peer"),
  ).toBeUndefined();
});

test("what is nothing to go on with is not kept in 0.3 either, nor what a component serves in the host's place", async () => {
  const one = await generation3({ network: all });
  expect(await errOf(() => one.tcp.keep("unbound", one.TcpSocket.create("ipv4")))).toBe("unfit");
  expect(await errOf(() => one.udp.keep("unbound", one.UdpSocket.create("ipv4")))).toBe("unfit");
  for (const kind of [one.files, one.tcp, one.udp])
    expect(await errOf(() => kind.keep("foreign", {}))).toBe("unfit");
  const { listener } = listening3(one);
  expect(await errOf(() => one.tcp.keep("", listener))).toBe("bad-name");
  for (let i = 0; i < limits.keptNamesMax; i++) one.tcp.keep(`${i}`, listener);
  expect(await errOf(() => one.tcp.keep("one more", listener))).toBe("too-many");
});

test("what is taken in 0.3 counts for the taker, which fails beyond its limits and leaves the one before as it was", async () => {
  writeFileSync(folder.at("log"), "text");
  const given = { folders: [folder.grant()], network: all };
  const { one, file } = await withFile(readable, given);
  const { server, client } = await talking3(one);
  one.tcp.keep("client", server);
  const before = openNow();
  const two = await generation3({ ...given, before: one.context });
  const takeAll = (take: () => unknown, max: number) => {
    let taken = 0;
    try {
      for (; taken <= max; taken++) take();
    } catch (error) {
      expect((error as Fault).code).toBe("LK0204");
    }
    return taken;
  };
  expect(takeAll(() => two.files.take("log"), limits.openFilesMax)).toBe(limits.openFilesMax);
  expect(takeAll(() => two.tcp.take("client"), limits.socketsMax)).toBe(limits.socketsMax);
  two.drop();
  expect([openNow(), await textOf(file.readViaStream(0n)[0])]).toEqual([before, "text"]);
  client.write("still here");
  expect(await readText(streamsOf(server).input, 10)).toBe("still here");
});

test("hundreds of 0.3 that follow each other leave no file and no socket behind", async () => {
  writeFileSync(folder.at("log"), "text");
  const given = { folders: [folder.grant()], network: all };
  let { one, root } = await withFile(readable, given);
  root[Symbol.dispose]();
  const { listener, server, client } = await talking3(one);
  one.tcp.keep("door", listener);
  one.tcp.keep("client", server);
  const before = openNow();
  for (let i = 0; i < 300; i++) {
    const two = await generation3({ ...given, before: one.context });
    const file = two.files.take("log")!;
    const [door, taken] = [two.tcp.take("door")!, two.tcp.take("client")!.socket];
    // A read of each is under way when it ends.
    const under = [reading<unknown>(door.connections!), reading<unknown>(taken.receive()[0])];
    for (const stream of under) stream.next().catch(() => {});
    taken.send(openStream());
    // A third of them fails after it has taken.
    if (i % 3 === 0) {
      two.drop();
      continue;
    }
    two.files.keep("log", file);
    two.tcp.keep("door", door.socket);
    two.tcp.keep("client", taken);
    one.drop();
    one = two;
  }
  expect(openNow()).toBe(before);
  const last = await generation3({ ...given, before: one.context });
  const { socket } = last.tcp.take("client")!;
  one.drop();
  client.write("after hundreds");
  expect(await readText(streamsOf(socket).input, 14)).toBe("after hundreds");
});
