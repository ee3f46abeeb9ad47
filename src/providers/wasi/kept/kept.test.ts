import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Fault } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import { bufferStdio } from "../buffer.ts";
import { errOf, type Given, hostFolder } from "../fixture.ts";
import { networkingOf } from "../networking.ts";
import type { Descriptor } from "../p2/filesystem.ts";
import type { TcpSocket } from "../p2/tcp.ts";
import { bytes, loopback as four, type Generation, openNow, successive, text } from "./fixture.ts";

// Instances that follow each other in a place, as a guest's glue calls what is theirs.

const folder = hostFolder();
const { drops, generation, connect } = successive();

const readable = { read: true };
const all = "127.0.0.1,listen=127.0.0.1:0";

/** A file of the granted folder, opened and kept as "log". */
const withFile = async (flags = readable, given: Given = { folders: [folder.grant()] }) => {
  const one = await generation(given);
  const [root] = one.getDirectories()[0]!;
  const file = root.openAt({}, "log", {}, flags);
  one.files.keep("log", file);
  return { one, root, file };
};

test("a file is read on by the next one, though its name is gone and the one before as well", async () => {
  writeFileSync(folder.at("log"), "one two three");
  const { one, file } = await withFile();
  expect(text(file.read(4n, 0n)[0])).toBe("one ");
  rmSync(folder.at("log"));
  const two = await generation({ folders: [folder.grant()], before: one.context });
  const taken = two.files.take("log")!;
  expect(taken.isSameObject(file)).toBe(true);
  one.drop();
  expect(text(taken.read(100n, 4n)[0])).toBe("two three");
  expect(text(taken.readViaStream(8n).read(100n))).toBe("three");
});

test("a folder is gone on with, under the name that it has by then", async () => {
  mkdirSync(folder.at("a"));
  const one = await generation({ folders: [folder.grant()] });
  const [root] = one.getDirectories()[0]!;
  one.files.keep("a", root.openAt({}, "a", {}, { mutateDirectory: true }));
  renameSync(folder.at("a"), folder.at("b"));
  const two = await generation({ folders: [folder.grant()], before: one.context });
  const taken = two.files.take("a")!;
  one.drop();
  folder.write(taken, "new", "content");
  expect(readFileSync(folder.at("b/new"), "utf8")).toBe("content");
});

test("what is kept stays though its handle is dropped, until it is forgotten or nobody took it", async () => {
  writeFileSync(folder.at("log"), "text");
  const before = openNow();
  const { one, file } = await withFile();
  file[Symbol.dispose]();
  const two = await generation({ folders: [folder.grant()], before: one.context });
  expect(text(two.files.take("log")!.read(9n, 0n)[0])).toBe("text");
  one.files.forget("log");
  expect(two.files.take("log")).toBeUndefined();
  one.drop();
  two.drop();
  expect(openNow()).toBe(before);
});

test("one that took and failed leaves the one before with all that it had", async () => {
  writeFileSync(folder.at("log"), "text");
  const { one, file } = await withFile(readable, { folders: [folder.grant()], network: all });
  const { server, listener, client } = await talking(one);
  one.tcp.keep("server", server.socket);
  one.tcp.keep("listener", listener);
  const failed = await generation({ folders: [folder.grant()], network: all, before: one.context });
  expect([failed.files.take("log"), failed.tcp.take("server"), failed.tcp.take("listener")]).not.toContain(
    undefined,
  );
  failed.drop();
  expect(text(file.read(9n, 0n)[0])).toBe("text");
  client.write("still here");
  expect(text(await server.input.blockingRead(99n))).toBe("still here");
  const another = await connect(listener.localAddress().val.port);
  await listener.subscribe().block();
  listener.accept();
  another.end();
});

const listening = (one: Generation): TcpSocket => {
  const listener = one.createTcpSocket("ipv4");
  listener.startBind(one.instanceNetwork(), four());
  listener.finishBind();
  listener.startListen();
  listener.finishListen();
  return listener;
};

const accepted = async (listener: TcpSocket) => {
  await listener.subscribe().block();
  const [socket, input, output] = listener.accept();
  return { socket, input, output };
};

/** A server with a client. */
const talking = async (one: Generation) => {
  const listener = listening(one);
  const client = await connect(listener.localAddress().val.port);
  return { listener, client, server: await accepted(listener) };
};

test("a connection goes on with what was read ahead, what is on its way and what is still to be sent", async () => {
  const one = await generation({ network: all });
  const { server, client } = await talking(one);
  client.write("abcdef");
  // A look alone takes bytes off the socket; the guest has read the first of them.
  await server.input.subscribe().block();
  expect(text(server.input.read(2n))).toBe("ab");
  await server.output.blockingWriteAndFlush(bytes("from one, "));
  one.tcp.keep("client", server.socket);
  client.write("ghi");
  const two = await generation({ network: all, before: one.context });
  const { socket, streams } = two.tcp.take("client")!;
  one.drop();
  const [input, output] = streams!;
  let read = "";
  while (read.length < 7) read += text(await input.blockingRead(99n));
  expect(read).toBe("cdefghi");
  await output.blockingWriteAndFlush(bytes("from two"));
  expect(await client.until("from two")).toBe("from one, from two");
  expect(socket.remoteAddress().val.port).toBe(client.localPort);
  socket.shutdown("send");
});

test("bytes that the system had no room for are sent though who wrote them is gone", async () => {
  const one = await generation({ network: all });
  const { server, client } = await talking(one);
  client.pause();
  let written = 0;
  for (let free = server.output.checkWrite(); free > 0n; free = server.output.checkWrite()) {
    server.output.write(new Uint8Array(Number(free)));
    written += Number(free);
  }
  one.tcp.keep("client", server.socket);
  const two = await generation({ network: all, before: one.context });
  const [, output] = two.tcp.take("client")!.streams!;
  one.drop();
  client.resume();
  await output.blockingWriteAndFlush(bytes("end"));
  expect((await client.until("end")).length).toBe(written + 3);
});

test("who waits to be accepted is accepted by the next one, and who comes later as well", async () => {
  const one = await generation({ network: all });
  const listener = listening(one);
  const { port } = listener.localAddress().val;
  one.tcp.keep("door", listener);
  const early = await connect(port);
  await listener.subscribe().block();
  const two = await generation({ network: all, before: one.context });
  const { socket, streams } = two.tcp.take("door")!;
  one.drop();
  expect([streams, socket.isListening(), socket.localAddress()]).toEqual([undefined, true, four(port)]);
  const late = await connect(port);
  for (const client of [early, late]) {
    const { input } = await accepted(socket);
    client.write("hello");
    expect(text(await input.blockingRead(99n))).toBe("hello");
  }
});

test("datagrams that come in between are received by the next one", async () => {
  const one = await generation({ network: all });
  const socket = one.createUdpSocket("ipv4");
  socket.startBind(one.instanceNetwork(), four());
  await socket.subscribe().block();
  socket.finishBind();
  one.udp.keep("port", socket);
  const { port } = socket.localAddress().val;
  const sender = await Bun.udpSocket({ hostname: "127.0.0.1" });
  drops.push(() => sender.close());
  sender.send("between", port, "127.0.0.1");
  await socket.stream(undefined)[0].subscribe().block();
  const two = await generation({ network: all, before: one.context });
  const taken = two.udp.take("port")!;
  one.drop();
  const [incoming, outgoing] = taken.stream(undefined);
  expect(incoming.receive(9n).map(({ data }) => text(data))).toEqual(["between"]);
  sender.send("after", port, "127.0.0.1");
  await incoming.subscribe().block();
  expect(incoming.receive(9n).map(({ data }) => text(data))).toEqual(["after"]);
  outgoing.checkSend();
  expect(outgoing.send([{ data: bytes("back"), remoteAddress: four(sender.port) }])).toBe(1n);
});

test("a datagram that the next one may not hear waits for the one before, and goes with it", async () => {
  const one = await generation({ network: "127.0.0.1,listen=127.0.0.1:0" });
  const socket = one.createUdpSocket("ipv4");
  socket.startBind(one.instanceNetwork(), four());
  await socket.subscribe().block();
  socket.finishBind();
  one.udp.keep("port", socket);
  const sender = await Bun.udpSocket({ hostname: "127.0.0.1" });
  drops.push(() => sender.close());
  const [mine] = socket.stream(undefined);
  const take = async () => {
    const two = await generation({ network: "10.0.0.1", before: one.context });
    return { two, stream: two.udp.take("port") };
  };
  // The port was whichever was free, as a client has it, so whoever was granted anything at all may go on with it.
  expect((await take()).stream).toBeDefined();
  sender.send("for one", socket.localAddress().val.port, "127.0.0.1");
  await mine.subscribe().block();
  const { two, stream } = await take();
  const [theirs] = stream!.stream(undefined);
  expect([theirs.subscribe().ready(), theirs.receive(9n)]).toEqual([false, []]);
  two.drop();
  expect(mine.receive(9n).map(({ data }) => text(data))).toEqual(["for one"]);
});

test("a timer rings at its moment in the next one, on a clock that goes on", async () => {
  const one = await generation();
  const start = one.clock.now();
  one.timers.keep("bell", one.clock.subscribeDuration(60_000_000n));
  await Bun.sleep(20);
  const two = await generation({ before: one.context });
  const bell = two.timers.take("bell")!;
  one.drop();
  const early = bell.ready();
  expect(early && two.clock.now() - start < 60_000_000n).toBe(false);
  await bell.block();
  const passed = two.clock.now() - start;
  expect(passed >= 60_000_000n).toBe(true);
  // An instant of the one before is the same instant.
  expect(two.clock.subscribeInstant(start + 60_000_000n).ready()).toBe(true);
  expect(two.clock.subscribeInstant(two.clock.now() + 60_000_000_000n).ready()).toBe(false);
  // Who stands in no place has a clock of its own.
  expect((await generation()).clock.now() < passed).toBe(true);
});

test("what one only looked for on standard input is read by the next", async () => {
  const stdio = bufferStdio("typed ahead");
  const one = await generation({ stdio });
  expect(one.getStdin().subscribe().ready()).toBe(true);
  expect(text(one.getStdin().read(6n))).toBe("typed ");
  const two = await generation({ stdio, before: one.context });
  one.drop();
  expect(text(two.getStdin().read(99n))).toBe("ahead");
  // Another stream is another stream.
  const three = await generation({ stdio: bufferStdio("else"), before: two.context });
  expect(text(three.getStdin().read(99n))).toBe("else");
});

test("a file that the next one was not granted is not given, and that is told", async () => {
  mkdirSync(folder.at("in"));
  writeFileSync(folder.at("log"), "text");
  const { one } = await withFile();
  const inner = { host: folder.at("in"), guest: "/data", readOnly: false };
  for (const folders of [[], [inner]]) {
    const two = await generation({ folders, before: one.context });
    expect(two.files.take("log")).toBeUndefined();
    expect(two.denied).toEqual([
      { wanted: `to go on with ${folder.at("log")}`, grant: { kind: "dir", value: folder.at() } },
    ]);
    two.drop();
  }
  // It lies there now.
  renameSync(folder.at("log"), folder.at("in/log"));
  const three = await generation({ folders: [inner], before: one.context });
  expect(text(three.files.take("log")!.read(9n, 0n)[0])).toBe("text");
  expect(three.denied).toEqual([]);
});

test("a file that was opened to be written is not given to one that may only read, and nothing else lets it write", async () => {
  writeFileSync(folder.at("log"), "text");
  const { one, root } = await withFile({ read: true, write: true } as never);
  one.files.keep("read", root.openAt({}, "log", {}, readable));
  one.files.keep("root", root);
  const two = await generation({ folders: [folder.grant(true)], before: one.context });
  expect(two.files.take("log")).toBeUndefined();
  expect(two.denied).toEqual([
    { wanted: "to change /data/log", grant: { kind: "dir", value: `${folder.at()}::/data` } },
  ]);
  const read = two.files.take("read")!;
  expect(await errOf(() => read.write(bytes("x"), 0n))).toBe("bad-descriptor");
  expect(await errOf(() => read.setTimes({ tag: "now" }, { tag: "now" }))).toBe("read-only");
  const taken: Descriptor = two.files.take("root")!;
  expect(await errOf(() => taken.unlinkFileAt("log"))).toBe("read-only");
});

test("a socket that the next one was not granted is not given, and that is told", async () => {
  const one = await generation({ network: all });
  const { listener, server } = await talking(one);
  const client = one.createTcpSocket("ipv4");
  client.startConnect(one.instanceNetwork(), listener.localAddress());
  await client.subscribe().block();
  client.finishConnect();
  const socket = one.createUdpSocket("ipv4");
  socket.startBind(one.instanceNetwork(), four());
  await socket.subscribe().block();
  socket.finishBind();
  for (const [name, kept] of Object.entries({ listener, server: server.socket, client }))
    one.tcp.keep(name, kept);
  one.udp.keep("udp", socket);
  const taken = (two: Generation) =>
    ["listener", "server", "client"].filter((name) => two.tcp.take(name) !== undefined);
  const nothing = await generation({ before: one.context });
  expect([taken(nothing), nothing.udp.take("udp")]).toEqual([[], undefined]);
  const address = `127.0.0.1:${listener.localAddress().val.port}`;
  const wanted = ["listen=127.0.0.1:0", "listen=127.0.0.1:0", address, "listen=127.0.0.1:0"];
  expect(nothing.denied.map(({ grant }) => grant)).toEqual(wanted.map((value) => ({ kind: "net", value })));
  const reaches = await generation({ network: "127.0.0.1", before: one.context });
  expect(taken(reaches)).toEqual(["client"]);
  const listens = await generation({ network: "listen=127.0.0.1:0", before: one.context });
  expect(taken(listens)).toEqual(["listener", "server"]);
  expect(listens.udp.take("udp")).toBeDefined();
});

test("a name that was granted covers what the one before looked up by it", async () => {
  const one = await generation({ network: all });
  const { port } = listening(one).localAddress().val;
  const client = await generation({ network: "localhost" });
  await networkingOf(client.context).network.lookUp("localhost");
  const socket = client.createTcpSocket("ipv4");
  socket.startConnect(client.instanceNetwork(), four(port));
  await socket.subscribe().block();
  socket.finishConnect();
  client.tcp.keep("server", socket);
  const two = await generation({ network: "localhost", before: client.context });
  expect(two.tcp.take("server")).toBeDefined();
  const other = await generation({ network: "example.com", before: client.context });
  expect(other.tcp.take("server")).toBeUndefined();
});

test("names have bounds, one name keeps one thing, and kinds have names of their own", async () => {
  const one = await generation();
  const timer = () => one.clock.subscribeDuration(1n);
  expect(await errOf(() => one.timers.keep("", timer()))).toBe("bad-name");
  expect(await errOf(() => one.timers.keep("é".repeat(65), timer()))).toBe("bad-name");
  one.timers.keep("é".repeat(64), timer());
  for (let i = 1; i < limits.keptNamesMax; i++) one.timers.keep(`${i}`, timer());
  expect(await errOf(() => one.timers.keep("one more", timer()))).toBe("too-many");
  one.timers.keep("1", timer());
  one.timers.forget("2");
  one.timers.keep("one more", timer());
  const two = await generation({ before: one.context });
  expect([two.files.take("1"), two.tcp.take("1"), two.udp.take("1")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect(two.timers.take("1")).toBeDefined();
});

test("only the next one in the place takes, and what is nothing to go on with is not kept", async () => {
  writeFileSync(folder.at("log"), "text");
  const { one, file } = await withFile();
  // Another instance with all the same grants, and the same component.
  expect((await generation({ folders: [folder.grant()] })).files.take("log")).toBeUndefined();
  expect(one.files.take("log")).toBeUndefined();
  const two = await generation({ folders: [folder.grant()], before: one.context });
  const three = await generation({ folders: [folder.grant()], before: two.context });
  expect(three.files.take("log")).toBeUndefined();
  two.files.keep("log", two.files.take("log")!);
  one.drop();
  expect(text(three.files.take("log")!.read(9n, 0n)[0])).toBe("text");
  expect(two.files.take("log")).toBeUndefined();
  expect(await errOf(() => two.tcp.keep("unbound", two.createTcpSocket("ipv4")))).toBe("unfit");
  expect(await errOf(() => two.udp.keep("unbound", two.createUdpSocket("ipv4")))).toBe("unfit");
  expect(await errOf(() => two.timers.keep("file", file.readViaStream(0n).subscribe()))).toBe("unfit");
  // What a component that serves files in the host's place makes is not the host's to hand over.
  expect(await errOf(() => two.files.keep("foreign", {}))).toBe("unfit");
});

test("what is taken counts for the taker, and for nobody twice once the one before is gone", async () => {
  writeFileSync(folder.at("log"), "text");
  const { one, root } = await withFile();
  const opened = () => {
    let count = 0;
    for (; count < limits.openFilesMax; count++)
      try {
        root.openAt({}, "log", {}, readable);
      } catch {
        break;
      }
    return count;
  };
  expect(opened()).toBe(limits.openFilesMax - 2);
  const two = await generation({ folders: [folder.grant()], before: one.context });
  let taken = 0;
  try {
    for (; taken <= limits.openFilesMax; taken++) two.files.take("log");
  } catch (error) {
    expect((error as Fault).code).toBe("LK0204");
  }
  expect(taken).toBe(limits.openFilesMax);
});

test("a thousand that follow each other leave no file and no socket behind", async () => {
  writeFileSync(folder.at("log"), "text");
  const given = { folders: [folder.grant()], network: all };
  let { one, root } = await withFile(readable, given);
  root[Symbol.dispose]();
  const { listener, server, client } = await talking(one);
  one.tcp.keep("door", listener);
  one.tcp.keep("client", server.socket);
  const before = openNow();
  for (let i = 0; i < 1000; i++) {
    const two = await generation({ ...given, before: one.context });
    const file = two.files.take("log")!;
    const [door, taken] = [two.tcp.take("door")!.socket, two.tcp.take("client")!];
    // A third of them fails after it has taken.
    if (i % 3 === 0) {
      two.drop();
      continue;
    }
    two.files.keep("log", file);
    two.tcp.keep("door", door);
    two.tcp.keep("client", taken.socket);
    one.drop();
    one = two;
  }
  expect(openNow()).toBe(before);
  const last = await generation({ ...given, before: one.context });
  const [input] = last.tcp.take("client")!.streams!;
  client.write("after a thousand");
  expect(text(await input.blockingRead(99n))).toBe("after a thousand");
  expect(last.tcp.take("door")!.socket.localAddress()).toEqual(four(client.remotePort));
});
