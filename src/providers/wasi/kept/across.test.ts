import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { hostFolder, textOf } from "../fixture.ts";
import { bytes, loopback, reading, readText, streamsOf, successive, text } from "./fixture.ts";

// From one generation of WASI to the other: what lies on a shelf is the state, which both have.

const folder = hostFolder();
const { generation, generation3, talking3, connect } = successive();

const readable = { read: true };
const all = "127.0.0.1,listen=127.0.0.1:0";

test("what one of 0.2 keeps one of 0.3 takes, with what was read ahead", async () => {
  writeFileSync(folder.at("log"), "one two");
  const given = { folders: [folder.grant()], network: all };
  const one = await generation(given);
  one.files.keep("log", one.getDirectories()[0]![0].openAt({}, "log", {}, readable));
  const listener = one.createTcpSocket("ipv4");
  listener.startBind(one.instanceNetwork(), loopback());
  listener.finishBind();
  listener.startListen();
  listener.finishListen();
  const { port } = listener.localAddress().val;
  const client = await connect(port);
  await listener.subscribe().block();
  const [server, input, output] = listener.accept();
  client.write("abc");
  // A look reads all of it off the socket.
  await input.subscribe().block();
  expect(text(input.read(1n))).toBe("a");
  await output.blockingWriteAndFlush(bytes("from 0.2, "));
  one.tcp.keep("client", server);
  one.tcp.keep("door", listener);
  const socket = one.createUdpSocket("ipv4");
  socket.startBind(one.instanceNetwork(), loopback());
  await socket.subscribe().block();
  socket.finishBind();
  one.udp.keep("port", socket);
  const two = await generation3({ ...given, before: one.context });
  const [taken, door] = [two.tcp.take("client")!.socket, two.tcp.take("door")!];
  const datagrams = two.udp.take("port")!;
  const file = two.files.take("log")!;
  one.drop();
  expect(await textOf(file.readViaStream(4n)[0])).toBe("two");
  const streams = streamsOf(taken);
  expect(await readText(streams.input, 2)).toBe("bc");
  streams.output.push(bytes("from 0.3"));
  expect(await client.until("from 0.3")).toBe("from 0.2, from 0.3");
  const late = await connect(port);
  const accepted = (await reading(door.connections!).next()).value!;
  expect(accepted.getRemoteAddress().val.port).toBe(late.localPort);
  expect(datagrams.getLocalAddress().val.port).toBeGreaterThan(0);
});

test("what one of 0.3 keeps one of 0.2 takes", async () => {
  writeFileSync(folder.at("log"), "one two");
  const given = { folders: [folder.grant()], network: all };
  const one = await generation3(given);
  one.files.keep("log", one.getDirectories()[0]![0].openAt({}, "log", {}, readable));
  const { server, listener, port, client } = await talking3(one);
  const { input, output } = streamsOf(server);
  client.write("abc");
  expect(await readText(input, 1)).toBe("a");
  output.push(bytes("from 0.3, "));
  await client.until("from 0.3, ");
  one.tcp.keep("client", server);
  one.tcp.keep("door", listener);
  const socket = one.UdpSocket.create("ipv4");
  await socket.bind(loopback());
  one.udp.keep("port", socket);
  const two = await generation({ ...given, before: one.context });
  const { streams } = two.tcp.take("client")!;
  const { socket: door } = two.tcp.take("door")!;
  const [datagrams, file] = [two.udp.take("port")!, two.files.take("log")!];
  one.drop();
  expect(text(file.read(9n, 4n)[0])).toBe("two");
  const [theirs, ours] = streams!;
  let read = "";
  while (read.length < 2) read += text(await theirs.blockingRead(9n));
  expect(read).toBe("bc");
  await ours.blockingWriteAndFlush(bytes("from 0.2"));
  expect(await client.until("from 0.2")).toBe("from 0.3, from 0.2");
  const late = await connect(port);
  await door.subscribe().block();
  expect(door.accept()[0].remoteAddress().val.port).toBe(late.localPort);
  expect(datagrams.localAddress().val.port).toBeGreaterThan(0);
});
