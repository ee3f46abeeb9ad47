import { declared } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import { fromEndpoint, type IpSocketAddress, toEndpoint, toRemote } from "../p2/network.ts";
import { bufferSize, keepAliveCountMax, nsPerSecond, positive, seconds } from "../p2/tcp.ts";
import type { Connection } from "../state/connection.ts";
import { Handle } from "../state/handles.ts";
import type { Family, Option } from "../state/libc.ts";
import { remoteOf, TcpSocket as Socket } from "../state/tcp.ts";
import { type ErrorCode, errorCode, invalidState, refusable, type Sockets } from "./network.ts";
import { drainInto, type GuestStream, type Outcome, outcome, produced, type Reading } from "./pipe.ts";

// wasi:sockets 0.3: tcp-socket. The states are the WIT's own, without those in between that 0.2 has.

type State = "unbound" | "bound" | "listening" | "connecting" | "connected" | "closed";
type Ended = Promise<Outcome<ErrorCode>>;

/** `tcp-socket`. */
export class TcpSocket extends Handle {
  readonly socket: Socket;
  readonly #common: Sockets;
  #state: State;
  #sends = false;
  #receives = false;
  /** The handle and the streams; the last of them closes the connection. */
  #users = 1;

  constructor(common: Sockets, socket: Socket) {
    super(common.handles);
    this.#common = common;
    this.socket = socket;
    this.#state = stateOf(socket);
  }

  /** Connected, or it listens: where a socket stays until its end. */
  get settled(): boolean {
    return this.#state === "connected" || this.#state === "listening";
  }

  bind(address: IpSocketAddress): void {
    refusable(() => {
      const local = toEndpoint(address, this.socket.family);
      this.#expect("unbound");
      this.socket.bind(local);
      this.#state = "bound";
    });
  }

  connect(address: IpSocketAddress): Promise<void> {
    return refusable(async () => {
      const remote = toRemote(address, this.socket.family);
      this.#expect("unbound", "bound");
      this.#state = "connecting";
      try {
        await this.socket.connect(remote);
        this.#state = "connected";
      } catch (error) {
        this.#state = "closed";
        throw error;
      }
    });
  }

  listen(): AsyncIterable<TcpSocket> {
    return refusable(() => {
      this.#expect("unbound", "bound");
      const { family } = this.socket;
      if (this.#state === "unbound")
        this.socket.bind({ address: new Uint8Array(family === "ipv4" ? 4 : 16), port: 0 });
      this.#state = "bound";
      this.socket.listen();
      this.#state = "listening";
      return this.connections();
    });
  }

  /** Who waits at it, and who comes later. */
  connections(): AsyncIterable<TcpSocket> {
    const [connections] = produced(this.#common.transit, (reading) => this.#accept(reading), errorCode);
    return connections;
  }

  /** The next connection; it waits until there is one. What nobody waits for is left for whoever has the listener next. */
  async #accept({ withdrawn }: Reading): Promise<TcpSocket | undefined> {
    for (;;) {
      await this.#common.waits.poll([this.socket.listener!.event, withdrawn]);
      if (withdrawn.ready()) return undefined;
      try {
        const socket = this.socket.accept();
        if (socket) return new TcpSocket(this.#common, socket);
      } catch (error) {
        // One connection too many is the end of that one, not of the listener.
        if (errorCode(error) === undefined) throw error;
      }
    }
  }

  send(data: GuestStream): Ended {
    const work = async () => {
      let letGo = () => {};
      try {
        const connection = this.#connected("sends");
        letGo = this.#retained();
        await drainInto(this.#common, data, connection);
        // Where its instance has ended it is the end of one that has the connection, and not of what is sent.
        if (!this.#common.transit.ended) connection.endSending();
      } finally {
        data[Symbol.dispose]();
        letGo();
      }
    };
    return outcome(work(), errorCode);
  }

  receive(): [AsyncIterable<Uint8Array>, Ended] {
    try {
      const connection = this.#connected("receives");
      const letGo = this.#retained();
      const { transit } = this.#common;
      return produced(
        transit,
        (reading) => this.#received(connection, reading),
        errorCode,
        () => {
          if (!transit.ended) connection.endReceiving();
          letGo();
        },
      );
    } catch (error) {
      const err = errorCode(error);
      if (err === undefined) throw error;
      const [nothing] = produced<Uint8Array, ErrorCode>(
        this.#common.transit,
        async () => undefined,
        errorCode,
      );
      return [nothing, Promise.resolve({ tag: "err", val: err })];
    }
  }

  /** What nobody has read yet; no more than the guest takes, so that the rest is there for whoever has the connection next. */
  async #received({ input }: Connection, { count, withdrawn }: Reading): Promise<Uint8Array | undefined> {
    const max = Math.max(1, Math.min(count ?? limits.asyncReadBytesMax, limits.asyncReadBytesMax));
    for (;;) {
      const bytes = input.read(max);
      if (bytes === undefined || bytes.length > 0) return bytes;
      await this.#common.waits.poll([input.event, withdrawn]);
      if (withdrawn.ready()) return undefined;
    }
  }

  getLocalAddress(): IpSocketAddress {
    return refusable(() => fromEndpoint((this.#open && this.socket.local) || invalidState()));
  }

  getRemoteAddress(): IpSocketAddress {
    return refusable(() => {
      if (this.#state !== "connected") invalidState();
      return fromEndpoint(remoteOf(this.socket.connection!));
    });
  }

  getIsListening(): boolean {
    return this.#state === "listening";
  }

  getAddressFamily(): Family {
    return this.socket.family;
  }

  setListenBacklogSize(value: bigint): void {
    refusable(() => {
      if (value === 0n) throw declared("invalid-argument");
      if (this.#state === "listening") throw declared("not-supported");
      this.#expect("unbound", "bound");
      this.socket.backlog = Math.min(Number(value), limits.acceptQueueMax);
    });
  }

  getKeepAliveEnabled(): boolean {
    return this.#get("keepAlive") !== 0;
  }

  setKeepAliveEnabled(value: boolean): void {
    this.#set("keepAlive", () => (value ? 1 : 0));
  }

  getKeepAliveIdleTime(): bigint {
    return BigInt(this.#get("idle")) * nsPerSecond;
  }

  setKeepAliveIdleTime(value: bigint): void {
    this.#set("idle", () => seconds(value));
  }

  getKeepAliveInterval(): bigint {
    return BigInt(this.#get("interval")) * nsPerSecond;
  }

  setKeepAliveInterval(value: bigint): void {
    this.#set("interval", () => seconds(value));
  }

  getKeepAliveCount(): number {
    return this.#get("count");
  }

  setKeepAliveCount(value: number): void {
    this.#set("count", () => Math.min(positive(value), keepAliveCountMax));
  }

  getHopLimit(): number {
    return this.#get("hops");
  }

  setHopLimit(value: number): void {
    this.#set("hops", () => positive(value));
  }

  getReceiveBufferSize(): bigint {
    return BigInt(this.#get("receiveBuffer"));
  }

  setReceiveBufferSize(value: bigint): void {
    this.#set("receiveBuffer", () => bufferSize(value));
  }

  getSendBufferSize(): bigint {
    return BigInt(this.#get("sendBuffer"));
  }

  setSendBufferSize(value: bigint): void {
    this.#set("sendBuffer", () => bufferSize(value));
  }

  protected override release(): void {
    this.#leave();
  }

  #retained(): () => void {
    this.#users++;
    return () => this.#leave();
  }

  #leave(): void {
    this.#users--;
    if (this.#users === 0) this.socket.release();
  }

  get #open(): boolean {
    return this.#state !== "closed";
  }

  /** The connection, for the one stream of each direction that there may be. */
  #connected(once: "sends" | "receives"): Connection {
    if (this.#state !== "connected" || (once === "sends" ? this.#sends : this.#receives)) invalidState();
    if (once === "sends") this.#sends = true;
    else this.#receives = true;
    return this.socket.connection!;
  }

  #expect(...states: State[]): void {
    if (!states.includes(this.#state)) invalidState();
  }

  #get(option: Option): number {
    return refusable(() => (this.#open ? this.socket.options.get(option) : invalidState()));
  }

  #set(option: Option, value: () => number): void {
    refusable(() => (this.#open ? this.socket.options.set(option, value()) : invalidState()));
  }
}

/** Of a socket that was begun elsewhere: by the listener that took it, or by the one whose place this one takes. */
const stateOf = ({ connection, listener }: Socket): State => {
  if (connection) return "connected";
  return listener ? "listening" : "unbound";
};

/** The class as an instance sees it: it makes sockets of its own, and all of ours are of it. */
export const tcpSocket = (common: Sockets) =>
  class extends TcpSocket {
    static create(family: Family): TcpSocket {
      return refusable(() => new TcpSocket(common, new Socket(common.network, family)));
    }
    static override [Symbol.hasInstance](value: unknown): boolean {
      return Function.prototype[Symbol.hasInstance].call(TcpSocket, value);
    }
  };
