import { declared } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import type { Networking } from "../networking.ts";
import type { Connection } from "../state/connection.ts";
import { Handle } from "../state/handles.ts";
import { Later } from "../state/later.ts";
import type { Family, Option } from "../state/libc.ts";
import { always, type Event } from "../state/poll.ts";
import { remoteOf, TcpSocket as Socket } from "../state/tcp.ts";
import { InputStream, OutputStream, Pollable } from "./io.ts";
import {
  fromEndpoint,
  type IpSocketAddress,
  type NetworkHandle,
  socketed,
  toEndpoint,
  toRemote,
} from "./network.ts";

// wasi:sockets 0.2: tcp and tcp-create-socket. The states are the WIT's own (TcpSocketOperationalSemantics.md).

type State =
  | { readonly at: "unbound" | "bind-in-progress" | "bound" | "listen-in-progress" | "closed" }
  | { readonly at: "connect-in-progress"; readonly connecting: Later<Connection> }
  | { readonly at: "listening" }
  | { readonly at: "connected"; readonly connection: Connection };

/** Of a socket that was begun elsewhere: by the listener that took it, or by the one whose place this one takes. */
const stateOf = ({ connection, listener }: Socket): State => {
  if (connection) return { at: "connected", connection };
  return { at: listener ? "listening" : "unbound" };
};

export type ShutdownType = "receive" | "send" | "both";

export const nsPerSecond = 1_000_000_000n;
/** What Linux takes; larger values are clamped, as the WIT allows. */
const keepAliveSecondsMax = 32_767;
export const keepAliveCountMax = 127;

/** `tcp-socket`. */
export class TcpSocket extends Handle {
  readonly #common: Networking;
  readonly socket: Socket;
  #state: State;
  readonly #event: Event = {
    ready: () => this.#waitingFor().ready(),
    listen: (wake) => this.#waitingFor().listen(wake),
  };

  constructor(common: Networking, socket: Socket) {
    super(common.handles);
    this.#common = common;
    this.socket = socket;
    this.#state = stateOf(socket);
  }

  /** Connected, or it listens: where a socket stays until its end. */
  get settled(): boolean {
    return this.#state.at === "listening" || this.#state.at === "connected";
  }

  startBind(_network: NetworkHandle, address: IpSocketAddress): void {
    this.#expect("unbound");
    const local = toEndpoint(address, this.socket.family);
    socketed(() => this.socket.bind(local));
    this.#state = { at: "bind-in-progress" };
  }

  finishBind(): void {
    this.#inProgress("bind-in-progress");
    this.#state = { at: "bound" };
  }

  startConnect(_network: NetworkHandle, address: IpSocketAddress): void {
    this.#expect("unbound", "bound");
    const remote = toRemote(address, this.socket.family);
    this.#state = { at: "connect-in-progress", connecting: new Later(this.socket.connect(remote)) };
  }

  finishConnect(): [InputStream, OutputStream] {
    const { connecting } = this.#inProgress("connect-in-progress") as State & { at: "connect-in-progress" };
    if (!connecting.ready) throw declared("would-block");
    this.#state = { at: "closed" };
    const connection = socketed(() => connecting.get());
    this.#state = { at: "connected", connection };
    return streamsOf(this.#common, connection);
  }

  startListen(): void {
    this.#expect("bound");
    socketed(() => this.socket.listen());
    this.#state = { at: "listen-in-progress" };
  }

  finishListen(): void {
    this.#inProgress("listen-in-progress");
    this.#state = { at: "listening" };
  }

  accept(): [TcpSocket, InputStream, OutputStream] {
    this.#expect("listening");
    const accepted = socketed(() => this.socket.accept());
    if (!accepted) throw declared("would-block");
    return [new TcpSocket(this.#common, accepted), ...streamsOf(this.#common, accepted.connection!)];
  }

  localAddress(): IpSocketAddress {
    if (this.#state.at === "bind-in-progress") throw declared("concurrency-conflict");
    const local = this.#open() && socketed(() => this.socket.local);
    if (!local) throw declared("invalid-state");
    return fromEndpoint(local);
  }

  remoteAddress(): IpSocketAddress {
    if (this.#state.at !== "connected") throw declared("invalid-state");
    return fromEndpoint(remoteOf(this.#state.connection));
  }

  isListening(): boolean {
    return this.#state.at === "listening";
  }

  addressFamily(): Family {
    return this.socket.family;
  }

  setListenBacklogSize(value: bigint): void {
    if (value === 0n) throw declared("invalid-argument");
    const { at } = this.#state;
    if (at === "listening" || at === "listen-in-progress") throw declared("not-supported");
    if (at === "connected" || at === "connect-in-progress" || at === "closed")
      throw declared("invalid-state");
    this.socket.backlog = Math.min(Number(value), limits.acceptQueueMax);
  }

  keepAliveEnabled(): boolean {
    return this.#get("keepAlive") !== 0;
  }

  setKeepAliveEnabled(value: boolean): void {
    this.#set("keepAlive", value ? 1 : 0);
  }

  keepAliveIdleTime(): bigint {
    return BigInt(this.#get("idle")) * nsPerSecond;
  }

  setKeepAliveIdleTime(value: bigint): void {
    this.#set("idle", seconds(value));
  }

  keepAliveInterval(): bigint {
    return BigInt(this.#get("interval")) * nsPerSecond;
  }

  setKeepAliveInterval(value: bigint): void {
    this.#set("interval", seconds(value));
  }

  keepAliveCount(): number {
    return this.#get("count");
  }

  setKeepAliveCount(value: number): void {
    this.#set("count", Math.min(positive(value), keepAliveCountMax));
  }

  hopLimit(): number {
    return this.#get("hops");
  }

  setHopLimit(value: number): void {
    this.#set("hops", positive(value));
  }

  receiveBufferSize(): bigint {
    return BigInt(this.#get("receiveBuffer"));
  }

  setReceiveBufferSize(value: bigint): void {
    this.#set("receiveBuffer", bufferSize(value));
  }

  sendBufferSize(): bigint {
    return BigInt(this.#get("sendBuffer"));
  }

  setSendBufferSize(value: bigint): void {
    this.#set("sendBuffer", bufferSize(value));
  }

  subscribe(): Pollable {
    return new Pollable(this.#common, this.#event);
  }

  shutdown(which: ShutdownType): void {
    if (this.#state.at !== "connected") throw declared("invalid-state");
    if (which !== "send") this.#state.connection.endReceiving();
    if (which !== "receive") this.#state.connection.endSending();
  }

  protected override release(): void {
    this.socket.release();
  }

  #waitingFor(): Event {
    if (this.#state.at === "connect-in-progress") return this.#state.connecting.event;
    if (this.#state.at === "listening") return this.socket.listener!.event;
    return always;
  }

  #open(): boolean {
    return this.#state.at !== "closed";
  }

  #expect(...states: State["at"][]): void {
    if (this.#state.at.endsWith("-in-progress")) throw declared("concurrency-conflict");
    if (!states.includes(this.#state.at)) throw declared("invalid-state");
  }

  #inProgress(at: State["at"]): State {
    if (this.#state.at !== at) throw declared("not-in-progress");
    return this.#state;
  }

  #get(option: Option): number {
    if (!this.#open()) throw declared("invalid-state");
    return socketed(() => this.socket.options.get(option));
  }

  #set(option: Option, value: number): void {
    if (!this.#open()) throw declared("invalid-state");
    socketed(() => this.socket.options.set(option, value));
  }
}

/** Handles of both ends, for one instance. */
export const streamsOf = (common: Networking, { input, output }: Connection): [InputStream, OutputStream] => [
  new InputStream(common, input),
  new OutputStream(common, output),
];

export const positive = (value: number): number => {
  if (value === 0) throw declared("invalid-argument");
  return value;
};

/** Whole seconds, rounded up: the system counts no finer. */
export const seconds = (ns: bigint): number => {
  if (ns === 0n) throw declared("invalid-argument");
  const whole = (ns + nsPerSecond - 1n) / nsPerSecond;
  return whole > keepAliveSecondsMax ? keepAliveSecondsMax : Number(whole);
};

export const bufferSize = (value: bigint): number => {
  if (value === 0n) throw declared("invalid-argument");
  const max = limits.socketBufferBytesMax;
  return value > max ? max : Number(value);
};

export const tcp = (common: Networking) => ({
  tcp: { TcpSocket },
  tcpCreateSocket: {
    createTcpSocket: (family: Family) =>
      new TcpSocket(
        common,
        socketed(() => new Socket(common.network, family)),
      ),
  },
});
