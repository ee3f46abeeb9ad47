import { declared } from "../../../base/fault.ts";
import { fromEndpoint, type IpSocketAddress, toEndpoint, toRemote } from "../p2/network.ts";
import { bufferSize, positive } from "../p2/tcp.ts";
import { Handle } from "../state/handles.ts";
import type { Family, Option } from "../state/libc.ts";
import type { Endpoint } from "../state/network.ts";
import { UdpSocket as Socket, sameEndpoint } from "../state/udp.ts";
import { invalidState, refusable, type Sockets } from "./network.ts";

// wasi:sockets 0.3: udp-socket. `bind` and `connect` are synchronous there; the engine binds asynchronously, so they
// suspend their guest.

/** `udp-socket`. */
export class UdpSocket extends Handle {
  readonly socket: Socket;
  readonly #common: Sockets;
  #bound: "no" | "now" | "yes";
  #remote: Endpoint | undefined;

  constructor(common: Sockets, socket: Socket) {
    super(common.handles);
    this.#common = common;
    this.socket = socket;
    this.#bound = socket.settled ? "yes" : "no";
    this.#remote = socket.peer;
  }

  bind(address: IpSocketAddress): Promise<void> {
    return refusable(async () => {
      const local = toEndpoint(address, this.socket.family);
      if (this.#bound !== "no") invalidState();
      await this.#bind(local);
    });
  }

  connect(address: IpSocketAddress): Promise<void> {
    return refusable(async () => {
      const remote = toRemote(address, this.socket.family);
      this.#common.network.checkReach(remote);
      await this.#bindAnywhere();
      this.socket.associate(remote);
      this.#remote = remote;
    });
  }

  disconnect(): void {
    refusable(() => {
      if (!this.#remote) invalidState();
      this.socket.associate(undefined);
      this.#remote = undefined;
    });
  }

  send(data: Uint8Array, address: IpSocketAddress | undefined): Promise<void> {
    return refusable(async () => {
      const named = address && toRemote(address, this.socket.family);
      const remote = named ?? this.#remote;
      if (!remote || (named && this.#remote && !sameEndpoint(named, this.#remote)))
        throw declared("invalid-argument");
      this.#common.network.checkReach(remote);
      await this.#bindAnywhere();
      while (!this.socket.send(data, remote)) await this.#common.waits.until(this.socket.writable);
    });
  }

  receive(): Promise<[Uint8Array, IpSocketAddress]> {
    return refusable(async (): Promise<[Uint8Array, IpSocketAddress]> => {
      if (this.#bound === "no") invalidState();
      for (;;) {
        await this.#common.waits.until(this.socket.received);
        const [datagram] = this.socket.receive(1, this.#remote);
        if (datagram) return [datagram.bytes, fromEndpoint(datagram.remote)];
      }
    });
  }

  getLocalAddress(): IpSocketAddress {
    return refusable(() => fromEndpoint((this.#bound === "yes" && this.socket.local) || invalidState()));
  }

  getRemoteAddress(): IpSocketAddress {
    return refusable(() => fromEndpoint(this.#remote ?? invalidState()));
  }

  getAddressFamily(): Family {
    return this.socket.family;
  }

  getUnicastHopLimit(): number {
    return this.#get("hops");
  }

  setUnicastHopLimit(value: number): void {
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
    this.socket.release();
  }

  async #bindAnywhere(): Promise<void> {
    if (this.#bound === "no")
      await this.#bind({ address: new Uint8Array(this.socket.family === "ipv4" ? 4 : 16), port: 0 });
  }

  async #bind(local: Endpoint): Promise<void> {
    this.#bound = "now";
    try {
      await this.socket.bind(local);
      this.#bound = "yes";
    } catch (error) {
      this.#bound = "no";
      throw error;
    }
  }

  #get(option: Option): number {
    return refusable(() => this.socket.options.get(option));
  }

  #set(option: Option, value: () => number): void {
    refusable(() => this.socket.options.set(option, value()));
  }
}

/** The class as an instance sees it: it makes sockets of its own, and all of ours are of it. */
export const udpSocket = (common: Sockets) =>
  class extends UdpSocket {
    static create(family: Family): UdpSocket {
      return refusable(() => new UdpSocket(common, new Socket(common.network, family)));
    }
    static override [Symbol.hasInstance](value: unknown): boolean {
      return Function.prototype[Symbol.hasInstance].call(UdpSocket, value);
    }
  };
