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
import type { tcpSocket } from "../p3/tcp.ts";
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
  return {
    drops,

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
        ...at<{
          readonly TcpSocket: ReturnType<typeof tcpSocket>;
          readonly UdpSocket: ReturnType<typeof udpSocket>;
        }>("sockets/types"),
      };
    },

    /** A client, and what it has heard. */
    async connect(port: number) {
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
        get ended() {
          return ended;
        },
      });
    },
  };
};

type Successive = ReturnType<typeof successive>;
export type Generation = Awaited<ReturnType<Successive["generation"]>>;
export type Generation3 = Awaited<ReturnType<Successive["generation3"]>>;
