import { afterEach } from "bun:test";
import { readdirSync } from "node:fs";
import type { Denial } from "../../../trust/written.ts";
import { contextOf, type Given } from "../fixture.ts";
import { wasi } from "../index.ts";
import type { standardStreams } from "../p2/cli.ts";
import type { monotonicClock } from "../p2/clocks.ts";
import type { filesystem } from "../p2/filesystem.ts";
import type { io } from "../p2/io.ts";
import type { IpSocketAddress, network } from "../p2/network.ts";
import type { tcp } from "../p2/tcp.ts";
import type { udp } from "../p2/udp.ts";
import type { filesystem as filesystem3 } from "../p3/filesystem.ts";
import type { GuestStream } from "../p3/pipe.ts";
import type { TcpSocket, tcpSocket } from "../p3/tcp.ts";
import type { udpSocket } from "../p3/udp.ts";
import { sockets } from "../sockets.ts";
import { sockets3 } from "../sockets3.ts";
import { wasi3 } from "../wasi3.ts";
import { kept, kept3 } from "./index.ts";
import type { keptInP2 } from "./p2.ts";
import type { keptInP3 } from "./p3.ts";
import type { keptTimers } from "./timers.ts";

// What the tests here share: instances that follow each other in a place, as a guest's glue calls what is theirs, and
// a client of the machine's own.

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (data: Uint8Array) => new TextDecoder().decode(data);
export const loopback = (port = 0): IpSocketAddress => ({
  tag: "ipv4",
  val: { port, address: [127, 0, 0, 1] },
});

/** Descriptors that this process has open. */
export const openNow = () => readdirSync("/proc/self/fd").length;

/** Interfaces of an instance, by short names. */
const interfacesOf = (made: object, versions: Readonly<Record<string, string>>) => {
  const all = made as Readonly<Record<string, unknown>>;
  return <T>(name: string) =>
    Object.entries(versions)
      .map(([namespace, version]) => all[`${namespace}:${name}@${version}`])
      .find((found) => found !== undefined) as T;
};

/** `wasi:sockets/types` of 0.3. */
interface Sockets3 {
  readonly TcpSocket: ReturnType<typeof tcpSocket>;
  readonly UdpSocket: ReturnType<typeof udpSocket>;
}

/** Instances that follow each other, which end with the test; of both generations of WASI. */
export const successive = () => {
  const drops: (() => void)[] = [];
  afterEach(() => {
    for (const drop of drops.splice(0).reverse()) drop();
  });
  /** An instance, and what it was denied. */
  const begin = (given: Given) => {
    const denied: Denial[] = [];
    const { context, drop } = contextOf({ onDenied: (denial) => denied.push(denial), ...given });
    drops.push(drop);
    return { context, drop, denied };
  };
  /** A client, and what it has heard. */
  const connect = async (port: number) => {
    let heard = "";
    let ended = false;
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data(_, data) {
          heard += data.toString();
        },
        close() {
          ended = true;
        },
      },
    });
    drops.push(() => socket.terminate());
    return Object.assign(socket, {
      async until(wanted: string) {
        while (!heard.endsWith(wanted)) await Bun.sleep(1);
        return heard;
      },
      hasEnded: () => ended,
    });
  };
  return {
    drops,
    connect,

    /** A server of 0.3 with a client. */
    async talking3(one: Sockets3) {
      const { listener, connections, port } = listening3(one);
      const client = await connect(port);
      const server = (await connections.next()).value!;
      return { listener, connections, port, client, server };
    },

    /** One instance with WASI 0.2, and what it was denied. */
    async generation(given: Given = {}) {
      const begun = begin(given);
      const made = await Promise.all([wasi, sockets, kept].map((one) => one.instantiate(begun.context)));
      const at = interfacesOf(Object.assign({}, ...made), { wasi: "0.2.12", loop: "0.1.0" });
      return {
        ...begun,
        files: at<ReturnType<typeof keptInP2>["files"]>("kept/files"),
        tcp: at<ReturnType<typeof keptInP2>["tcp"]>("kept/tcp"),
        udp: at<ReturnType<typeof keptInP2>["udp"]>("kept/udp"),
        timers: at<ReturnType<typeof keptTimers>>("kept/timers"),
        clock: at<ReturnType<typeof monotonicClock>>("clocks/monotonic-clock"),
        ...at<ReturnType<typeof io>["poll"]>("io/poll"),
        ...at<ReturnType<typeof standardStreams>["stdin"]>("cli/stdin"),
        ...at<ReturnType<typeof filesystem>["preopens"]>("filesystem/preopens"),
        ...at<ReturnType<typeof network>["instanceNetwork"]>("sockets/instance-network"),
        ...at<ReturnType<typeof tcp>["tcpCreateSocket"]>("sockets/tcp-create-socket"),
        ...at<ReturnType<typeof udp>["udpCreateSocket"]>("sockets/udp-create-socket"),
      };
    },

    /** As `generation`, with WASI 0.3. */
    async generation3(given: Given = {}) {
      const begun = begin(given);
      const made = await Promise.all([wasi3, sockets3, kept3].map((one) => one.instantiate(begun.context)));
      const at = interfacesOf(Object.assign({}, ...made), { wasi: "0.3.0", loop: "0.3.0" });
      return {
        ...begun,
        files: at<ReturnType<typeof keptInP3>["files"]>("kept/files"),
        tcp: at<ReturnType<typeof keptInP3>["tcp"]>("kept/tcp"),
        udp: at<ReturnType<typeof keptInP3>["udp"]>("kept/udp"),
        ...at<ReturnType<typeof filesystem3>["preopens"]>("filesystem/preopens"),
        ...at<Sockets3>("sockets/types"),
      };
    },
  };
};

/** What a guest writes as long as it likes: it is open until it says otherwise. */
export const openStream = () => {
  const pieces: Uint8Array[] = [];
  let wake = () => {};
  let ended = false;
  const lifted: GuestStream = {
    async read() {
      while (pieces.length === 0 && !ended) await new Promise<void>((resolve) => (wake = resolve));
      const value = pieces.shift();
      return value ? { value, done: false } : { done: true };
    },
    [Symbol.dispose]: () => end(),
  };
  const end = () => {
    ended = true;
    wake();
  };
  return Object.assign(lifted, {
    end,
    push(piece: Uint8Array) {
      pieces.push(piece);
      wake();
    },
  });
};

/** A stream of the host's as the linker reads it: so many at most, and a read may be taken back. */
interface Read<T> {
  next(count?: number): Promise<{ readonly done?: boolean; readonly value: T | undefined }>;
  cancel(): void;
}
export const reading = <T>(stream: AsyncIterable<T>) => stream[Symbol.asyncIterator]() as unknown as Read<T>;

/** So many bytes of it, as text. */
export const readText = async (of: Read<Uint8Array>, length: number) => {
  let read = "";
  while (read.length < length) {
    const { done, value } = await of.next(length - read.length);
    if (done) throw new Error(`It ended after ${read}`);
    read += text(value!);
  }
  return read;
};

/** Both directions of a connection, as a guest begins them. */
export const streamsOf = (socket: TcpSocket) => {
  const output = openStream();
  const sent = socket.send(output);
  return { input: reading(socket.receive()[0]), output, sent };
};

/** A socket of 0.3 that listens. */
export const listening3 = (one: Sockets3) => {
  const listener = one.TcpSocket.create("ipv4");
  listener.bind(loopback());
  return { listener, connections: reading(listener.listen()), port: listener.getLocalAddress().val.port };
};

type Successive = ReturnType<typeof successive>;
export type Generation = Awaited<ReturnType<Successive["generation"]>>;
export type Generation3 = Awaited<ReturnType<Successive["generation3"]>>;
