import { expect, test } from "bun:test";
import type { Use } from "../../host/audit.ts";
import { bufferStdio } from "./buffer.ts";
import { hostFolder, provide, provideSockets } from "./fixture.ts";
import type { IpSocketAddress } from "./p2/network.ts";

// What an audit is told, where no front-door test shows it.

const noted = () => {
  const uses: Use[] = [];
  return {
    audit: (use: Use) => void uses.push(use),
    /** "network accept 127.0.0.1", "stdio write standard output 5". */
    uses: () =>
      uses.map(({ capability, action, target, bytes }) =>
        [capability, action, target, bytes].join(" ").trim(),
      ),
  };
};
const bytes = (text: string) => new TextEncoder().encode(text);
const four = (port: number): IpSocketAddress => ({ tag: "ipv4", val: { port, address: [127, 0, 0, 1] } });
const folder = hostFolder();

test("the bytes of each standard stream", () => {
  const { audit, uses } = noted();
  const { getStdin, getStdout, getStderr, drop } = provide({ stdio: bufferStdio("in"), audit });
  getStdin().read(10n);
  getStdout().write(bytes("five!"));
  getStdout().flush();
  getStderr().blockingWriteAndFlush(bytes("no"));
  expect(uses()).toEqual([
    "stdio read standard input 2",
    "stdio write standard output 5",
    "stdio write standard error 2",
  ]);
  drop();
});

test("times and sizes that are set", () => {
  const { audit, uses } = noted();
  const { getDirectories, drop } = provide({ folders: [folder.grant()], audit });
  const root = getDirectories()[0]![0];
  folder.write(root, "a", "content");
  const file = root.openAt({}, "a", {}, { write: true });
  file.setTimes({ tag: "now" }, { tag: "no-change" });
  file.setSize(3n);
  root.setTimesAt({}, "a", { tag: "no-change" }, { tag: "now" });
  expect(uses().slice(-3)).toEqual([
    "files set times /data/a",
    "files set size /data/a",
    "files set times /data/a",
  ]);
  drop();
});

test("connections that were accepted, by their address, and what went over them", async () => {
  const { audit, uses } = noted();
  const server = await provideSockets({ network: "listen=127.0.0.1:0", audit });
  const client = await provideSockets({ network: "127.0.0.1" });
  const listener = server.createTcpSocket("ipv4");
  listener.startBind(server.instanceNetwork(), four(0));
  listener.finishBind();
  listener.startListen();
  listener.finishListen();
  const to = listener.localAddress();
  const socket = client.createTcpSocket("ipv4");
  socket.startConnect(client.instanceNetwork(), to);
  await socket.subscribe().block();
  const [, output] = socket.finishConnect();
  await listener.subscribe().block();
  const [, input, back] = listener.accept();
  output.write(bytes("ping!"));
  await input.blockingRead(10n);
  back.write(bytes("ok"));
  expect(uses()).toEqual([
    `network listen 127.0.0.1:${to.val.port}`,
    "network accept 127.0.0.1",
    "network receive 127.0.0.1 5",
    "network send 127.0.0.1 2",
  ]);
  client.drop();
  server.drop();
});

test("datagrams that were received, when the guest takes them", async () => {
  const { audit, uses } = noted();
  const made = await provideSockets({ network: "127.0.0.1,listen=127.0.0.1:0", audit });
  const open = async () => {
    const socket = made.createUdpSocket("ipv4");
    socket.startBind(made.instanceNetwork(), four(0));
    await socket.subscribe().block();
    socket.finishBind();
    const [input, output] = socket.stream(undefined);
    return { input, output, address: socket.localAddress() };
  };
  const [one, other] = [await open(), await open()];
  one.output.checkSend();
  one.output.send([{ data: bytes("datagram"), remoteAddress: other.address }]);
  await other.input.subscribe().block();
  expect(uses().filter((use) => use.includes("receive"))).toEqual([]);
  expect(other.input.receive(10n)).toHaveLength(1);
  expect(uses().slice(-2)).toEqual([
    `network send 127.0.0.1:${other.address.val.port} 8`,
    `network receive 127.0.0.1:${one.address.val.port} 8`,
  ]);
  made.drop();
});
