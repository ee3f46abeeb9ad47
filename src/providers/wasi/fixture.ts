import { afterEach, beforeEach } from "bun:test";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeclaredError } from "../../base/fault.ts";
import type { Audit } from "../../host/audit.ts";
import type { InstanceContext } from "../../host/provider.ts";
import type { FolderGrant } from "../../trust/grants.ts";
import { parseNetwork } from "../../trust/network.ts";
import { bufferStdio } from "./buffer.ts";
import { http } from "./http.ts";
import { wasi } from "./index.ts";
import type { environment, exit, standardStreams, terminals } from "./p2/cli.ts";
import type { monotonicClock, timezone, wallClock } from "./p2/clocks.ts";
import type { filesystem } from "./p2/filesystem.ts";
import type { http as httpOf } from "./p2/http.ts";
import type { io } from "./p2/io.ts";
import type { network } from "./p2/network.ts";
import type { insecure, insecureSeed, random } from "./p2/random.ts";
import type { tcp } from "./p2/tcp.ts";
import type { udp } from "./p2/udp.ts";
import type { GuestStream } from "./p3/pipe.ts";
import { sockets } from "./sockets.ts";

// What the tests here share: one instance's WASI without a guest, called as the linker's glue would call it.

export interface Given {
  readonly args?: readonly string[];
  readonly env?: readonly (readonly [string, string])[];
  readonly folders?: readonly FolderGrant[];
  readonly stdio?: InstanceContext["stdio"];
  /** As a person writes it: "127.0.0.1:*,listen=127.0.0.1:0". */
  readonly network?: string;
  readonly audit?: Audit;
  /** Whose place it is to take. */
  readonly before?: InstanceContext;
  readonly onDenied?: InstanceContext["onDenied"];
}

/** A context with what is given and nothing else, and what dropping its instance does. */
export const contextOf = ({
  args = [],
  env = [],
  folders = [],
  stdio = bufferStdio(),
  network,
  audit,
  before,
  onDenied,
}: Given = {}) => {
  const releases: (() => void)[] = [];
  const context: InstanceContext = {
    component: { identifier: "test.wasm", digest: "sha256:00" },
    args,
    grants: {
      env,
      folders,
      capabilities: new Set(),
      network: network === undefined ? [] : parseNetwork(network),
    },
    stdio,
    ...(audit && { audit }),
    ...(before && { before }),
    ...(onDenied && { onDenied }),
    onDrop: (release) => void releases.push(release),
  };
  const drop = () => {
    for (const release of releases.splice(0).reverse()) release();
  };
  return { context, drop };
};

/** One instance's interfaces, by short names. */
export const provide = (given: Given = {}) => {
  const { context, drop } = contextOf(given);
  const made = wasi.instantiate(context) as Record<string, unknown>;
  const at = <T>(name: string) => made[`wasi:${name}@0.2.12`] as T;
  type Io = ReturnType<typeof io>;
  type Standard = ReturnType<typeof standardStreams>;
  type Terminals = ReturnType<typeof terminals>;
  type Files = ReturnType<typeof filesystem>;
  return {
    drop,
    ...at<Io["poll"]>("io/poll"),
    ...at<Io["streams"]>("io/streams"),
    ...at<ReturnType<typeof environment>>("cli/environment"),
    ...at<typeof exit>("cli/exit"),
    ...at<Standard["stdin"]>("cli/stdin"),
    ...at<Standard["stdout"]>("cli/stdout"),
    ...at<Standard["stderr"]>("cli/stderr"),
    ...at<Terminals["stdin"]>("cli/terminal-stdin"),
    ...at<Terminals["stdout"]>("cli/terminal-stdout"),
    ...at<Terminals["stderr"]>("cli/terminal-stderr"),
    ...at<ReturnType<typeof random>>("random/random"),
    ...at<ReturnType<typeof insecure>>("random/insecure"),
    ...at<ReturnType<typeof insecureSeed>>("random/insecure-seed"),
    ...at<Files["types"]>("filesystem/types"),
    ...at<Files["preopens"]>("filesystem/preopens"),
    monotonic: at<ReturnType<typeof monotonicClock>>("clocks/monotonic-clock"),
    wall: at<ReturnType<typeof wallClock>>("clocks/wall-clock"),
    timezone: at<ReturnType<typeof timezone>>("clocks/timezone"),
  };
};

/** One instance's sockets, by short names. */
export const provideSockets = async (given: Given = {}) => {
  const { context, drop } = contextOf(given);
  const made = await sockets.instantiate(context);
  type Network = ReturnType<typeof network>;
  const at = <T>(name: string) => made[`wasi:sockets/${name}@0.2.12`] as T;
  return {
    drop,
    context,
    ...at<Network["network"]>("network"),
    ...at<Network["instanceNetwork"]>("instance-network"),
    ...at<Network["ipNameLookup"]>("ip-name-lookup"),
    ...at<ReturnType<typeof tcp>["tcpCreateSocket"]>("tcp-create-socket"),
    ...at<ReturnType<typeof udp>["udpCreateSocket"]>("udp-create-socket"),
  };
};

/** One instance's HTTP, by short names. */
export const provideHttp = async (given: Given = {}) => {
  const { context, drop } = contextOf(given);
  const made = await http.instantiate(context);
  type Http = ReturnType<typeof httpOf>;
  const types = made["wasi:http/types@0.2.12"] as Http["types"];
  const handler = made["wasi:http/outgoing-handler@0.2.12"] as Http["outgoingHandler"];
  return { drop, context, ...types, ...handler };
};

/** What a guest writes, piece by piece, as the linker lifts it. */
export const guestStream = (...pieces: string[]) => {
  const rest = pieces.map((piece) => Array.from(new TextEncoder().encode(piece)));
  const state = { dropped: false };
  const lifted: GuestStream = {
    async read({ count, rejectLength }) {
      const next = state.dropped ? undefined : rest.shift();
      if (!next) return { done: true };
      if (rejectLength !== undefined && next.length > rejectLength)
        return { done: true, rejectedLength: next.length };
      if (next.length > count) rest.unshift(next.splice(count));
      return { value: next, done: false };
    },
    [Symbol.dispose]() {
      state.dropped = true;
    },
  };
  return Object.assign(lifted, { state });
};

/** All that a guest reads of a stream. */
export const textOf = async (bytes: AsyncIterable<Uint8Array>): Promise<string> => {
  const all: Uint8Array[] = [];
  for await (const piece of bytes) all.push(piece);
  return Buffer.concat(all).toString();
};

/** The WIT err that work ends with; fails where it ends well or otherwise. */
export const errOf = async (work: () => unknown): Promise<unknown> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof DeclaredError) return error.payload;
    throw error;
  }
  throw new Error("An err was looked for, and the call ended well");
};

type Root = ReturnType<ReturnType<typeof provide>["getDirectories"]>[number][0];

/** A folder of the host, made anew for each test, and what tests do with it. */
export const hostFolder = () => {
  let path = "";
  beforeEach(() => {
    path = realpathSync(mkdtempSync(join(tmpdir(), "loop-wasi-")));
  });
  afterEach(() => rmSync(path, { recursive: true, force: true }));
  const grant = (readOnly = false): FolderGrant => ({ host: path, guest: "/data", readOnly });
  return {
    grant,
    /** A place in it, by the host's path. */
    at: (name = "") => join(path, name),
    /** An instance to which it is granted, and the descriptor of it. */
    start(more: { readOnly?: boolean } = {}) {
      const made = provide({ folders: [grant(more.readOnly)] });
      return { ...made, root: made.getDirectories()[0]![0] };
    },
    /** Writes a file as a guest does. */
    write(root: Root, name: string, content: string) {
      const file = root.openAt({}, name, { create: true, truncate: true }, { write: true });
      file.write(new TextEncoder().encode(content), 0n);
      file[Symbol.dispose]();
    },
    /** Types of the entries by name. */
    list(root: Root) {
      const stream = root.readDirectory();
      const entries: Record<string, string> = {};
      for (let entry = stream.readDirectoryEntry(); entry; entry = stream.readDirectoryEntry())
        entries[entry.name] = entry.type;
      return entries;
    },
    /** Flags by name, all set. */
    flags: (...names: string[]): Record<string, boolean> =>
      Object.fromEntries(names.map((name) => [name, true])),
  };
};

/** A request whose body does not end before it is told to; what has been answered by then. */
export const upload = (port: number, path: string) => {
  let text = "";
  const closed = Promise.withResolvers<string>();
  const socket = connect(port, "127.0.0.1");
  socket.on("data", (bytes) => {
    text += bytes.toString("latin1");
  });
  socket.on("close", () => closed.resolve(text));
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`,
  );
  return {
    socket,
    closed: closed.promise,
    seen: () => text,
    end: () => void socket.write("0\r\n\r\n"),
  };
};
