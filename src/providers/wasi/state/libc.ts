import { fromGroups } from "../../../base/address.ts";
import type { Endpoint } from "./network.ts";
import { refusal } from "./refusal.ts";

// What the engine's sockets cannot do and libc can: options, and a local address for a socket that connects. The
// numbers are each system's own (sys/socket.h, netinet/in.h, netinet/tcp.h, errno.h). On Windows there is none of
// this, and the answer is ENOTSUP.

export type Family = "ipv4" | "ipv6";
export type Kind = "tcp" | "udp";

/** Socket options by our names; each is an int, times in seconds. */
export type Option = "keepAlive" | "idle" | "interval" | "count" | "hops" | "receiveBuffer" | "sendBuffer";

interface Numbers {
  readonly library: string;
  readonly errnoSymbol: "__errno_location" | "__error";
  readonly inet6: number;
  readonly socketLevel: number;
  readonly reuseAddress: number;
  readonly nonBlock: number;
  readonly only6: number;
  readonly options: (family: Family) => Readonly<Record<Option, readonly [level: number, name: number]>>;
  readonly errors: Readonly<Record<number, string>>;
  /** A sockaddr begins with its length, and the family has one byte. */
  readonly lengthFirst: boolean;
  /** The system doubles the buffer sizes that it is asked for, and answers with the double. */
  readonly doubles: boolean;
}

const levelTcp = 6;
const levelFour = 0;
const levelSix = 41;

const systems: Partial<Record<NodeJS.Platform, Numbers>> = {
  linux: {
    library: "libc.so.6",
    errnoSymbol: "__errno_location",
    inet6: 10,
    socketLevel: 1,
    reuseAddress: 2,
    nonBlock: 0o4000,
    only6: 26,
    options: (family) => ({
      keepAlive: [1, 9],
      idle: [levelTcp, 4],
      interval: [levelTcp, 5],
      count: [levelTcp, 6],
      hops: family === "ipv4" ? [levelFour, 2] : [levelSix, 16],
      receiveBuffer: [1, 8],
      sendBuffer: [1, 7],
    }),
    errors: {
      1: "EPERM",
      13: "EACCES",
      22: "EINVAL",
      24: "EMFILE",
      97: "EAFNOSUPPORT",
      98: "EADDRINUSE",
      99: "EADDRNOTAVAIL",
      101: "ENETUNREACH",
      103: "ECONNABORTED",
      104: "ECONNRESET",
      105: "ENOBUFS",
      106: "EISCONN",
      110: "ETIMEDOUT",
      111: "ECONNREFUSED",
      113: "EHOSTUNREACH",
      114: "EALREADY",
      115: "EINPROGRESS",
    },
    lengthFirst: false,
    doubles: true,
  },
  darwin: {
    library: "libSystem.B.dylib",
    errnoSymbol: "__error",
    inet6: 30,
    socketLevel: 0xffff,
    reuseAddress: 4,
    nonBlock: 4,
    only6: 27,
    options: (family) => ({
      keepAlive: [0xffff, 8],
      idle: [levelTcp, 0x10],
      interval: [levelTcp, 0x101],
      count: [levelTcp, 0x102],
      hops: family === "ipv4" ? [levelFour, 4] : [levelSix, 4],
      receiveBuffer: [0xffff, 0x1002],
      sendBuffer: [0xffff, 0x1001],
    }),
    errors: {
      1: "EPERM",
      13: "EACCES",
      22: "EINVAL",
      24: "EMFILE",
      36: "EINPROGRESS",
      37: "EALREADY",
      47: "EAFNOSUPPORT",
      48: "EADDRINUSE",
      49: "EADDRNOTAVAIL",
      51: "ENETUNREACH",
      53: "ECONNABORTED",
      54: "ECONNRESET",
      55: "ENOBUFS",
      56: "EISCONN",
      60: "ETIMEDOUT",
      61: "ECONNREFUSED",
      65: "EHOSTUNREACH",
    },
    lengthFirst: true,
    doubles: false,
  },
};

const inet4 = 2;
const kinds = { tcp: 1, udp: 2 } as const;
const setFlags = 4;
const getFlags = 3;

/** Loaded where it is used: few guests set options, and every one that has sockets would pay for it. */
const ffi = () => process.getBuiltinModule("bun:ffi") as typeof import("bun:ffi");

const open = ({ dlopen }: ReturnType<typeof ffi>, library: string, errnoSymbol: Numbers["errnoSymbol"]) => ({
  ...dlopen(library, {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
    getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
    setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
    getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
  }).symbols,
  errnoAt: dlopen(library, { [errnoSymbol]: { args: [], returns: "ptr" } }).symbols[errnoSymbol]!,
});

let loaded: { readonly numbers: Numbers; readonly c: ReturnType<typeof open> } | undefined;

/** Opened at the first use and kept: its functions belong to the process. */
const system = (): NonNullable<typeof loaded> => {
  if (loaded) return loaded;
  const numbers = systems[process.platform];
  if (!numbers) throw refusal("ENOTSUP", `sockets have no options on ${process.platform}`);
  loaded = { numbers, c: open(ffi(), numbers.library, numbers.errnoSymbol) };
  return loaded;
};

const lastError = (c: ReturnType<typeof open>): number => ffi().read.i32(c.errnoAt() as never, 0);

const check = (answer: number, call: string): number => {
  if (answer >= 0) return answer;
  const { c, numbers } = system();
  const number = lastError(c);
  throw refusal(numbers.errors[number] ?? "EIO", `${call} failed with ${number}`);
};

const socketAddress = ({ address, port, scope = 0 }: Endpoint): Uint8Array => {
  const { numbers } = system();
  const bytes = new Uint8Array(address.length === 4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  const family = address.length === 4 ? inet4 : numbers.inet6;
  if (numbers.lengthFirst) bytes.set([bytes.length, family]);
  else view.setUint16(0, family, true);
  view.setUint16(2, port);
  bytes.set(address, address.length === 4 ? 4 : 8);
  if (address.length === 16) view.setUint32(24, scope, true);
  return bytes;
};

/** A new socket that never blocks. IPv6 ones do not speak IPv4 beside. */
export const createSocket = (kind: Kind, family: Family): number => {
  const { c, numbers } = system();
  const fd = check(c.socket(family === "ipv4" ? inet4 : numbers.inet6, kinds[kind], 0), "socket");
  c.fcntl(fd, setFlags, c.fcntl(fd, getFlags, 0) | numbers.nonBlock);
  c.fcntl(fd, 2, 1);
  if (family === "ipv6") setInt(fd, levelSix, numbers.only6, 1);
  return fd;
};

export const closeSocket = (fd: number): void => void system().c.close(fd);

/** Binds, so that a port lately used by a connection that is over can be had again. */
export const bindSocket = (fd: number, local: Endpoint): void => {
  const { c, numbers } = system();
  setInt(fd, numbers.socketLevel, numbers.reuseAddress, 1);
  const address = socketAddress(local);
  check(c.bind(fd, address, address.length), "bind");
};

/** Where a socket is bound. */
export const boundTo = (fd: number): Endpoint => {
  const { c } = system();
  const bytes = new Uint8Array(28);
  const length = new Uint32Array([bytes.length]);
  check(c.getsockname(fd, bytes, length), "getsockname");
  const view = new DataView(bytes.buffer);
  const port = view.getUint16(2);
  if (length[0] === 16) return { address: bytes.slice(4, 8), port };
  return { address: bytes.slice(8, 24), port, scope: view.getUint32(24, true) };
};

/** Asks for a connection: false while it is under way; asked again, true once it is there. */
export const connectSocket = (fd: number, remote: Endpoint): boolean => {
  const { c, numbers } = system();
  const address = socketAddress(remote);
  if (c.connect(fd, address, address.length) === 0) return true;
  const name = numbers.errors[lastError(c)];
  if (name === "EISCONN") return true;
  if (name === "EINPROGRESS" || name === "EALREADY") return false;
  throw refusal(name ?? "EIO", "connect failed");
};

/** Gives a datagram socket no peer again. */
export const disconnectSocket = (fd: number): void => {
  const { c } = system();
  // AF_UNSPEC is 0 everywhere.
  const address = new Uint8Array(16);
  check(c.connect(fd, address, address.length), "connect");
};

const setInt = (fd: number, level: number, name: number, value: number): void =>
  void check(system().c.setsockopt(fd, level, name, new Int32Array([value]), 4), "setsockopt");

export const setOption = (fd: number, family: Family, option: Option, value: number): void => {
  const { numbers } = system();
  const [level, name] = numbers.options(family)[option];
  setInt(fd, level, name, isBuffer(option) && numbers.doubles ? Math.ceil(value / 2) : value);
};

export const getOption = (fd: number, family: Family, option: Option): number => {
  const { c, numbers } = system();
  const [level, name] = numbers.options(family)[option];
  const value = new Int32Array(1);
  check(c.getsockopt(fd, level, name, value, new Uint32Array([4])), "getsockopt");
  return value[0]!;
};

const isBuffer = (option: Option): boolean => option === "receiveBuffer" || option === "sendBuffer";

/** `::` and `0.0.0.0`. */
export const anyAddress = (family: Family) =>
  family === "ipv4" ? new Uint8Array(4) : fromGroups([0, 0, 0, 0, 0, 0, 0, 0]);
