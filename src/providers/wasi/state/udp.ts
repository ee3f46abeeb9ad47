import type { udp } from "bun";
import { addressText, parseAddress } from "../../../base/address.ts";
import { errno } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import { boundTo, connectSocket, disconnectSocket, type Family } from "./libc.ts";
import { type Endpoint, endpointText, type Network } from "./network.ts";
import { Options } from "./options.ts";
import { type Event, Listeners } from "./poll.ts";
import { refusal } from "./refusal.ts";

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly remote: Endpoint;
}

/** A UDP socket. Datagrams received wait in a bounded queue; what is over is dropped, as networks do. */
export class UdpSocket {
  readonly family: Family;
  readonly options: Options;
  readonly #network: Network;
  readonly #release: () => void;
  readonly #listeners = new Listeners();
  #waiting: Datagram[] = [];
  #socket: udp.Socket<"uint8array"> | undefined;
  /** Whoever writes to it is heard; else only whom it may write to. */
  #open = false;
  #blocked = false;
  #closed = false;
  #associated = false;
  #waking = false;
  /** What the system said of a datagram that its peer did not take. */
  #failure: unknown;
  readonly received: Event = {
    ready: () => this.#waiting.length > 0 || this.#failure !== undefined || this.#closed,
    listen: (wake) => this.#listeners.add(wake),
  };
  readonly writable: Event = {
    ready: () => !this.#blocked || this.#closed,
    listen: (wake) => this.#listeners.add(wake),
  };

  /** EMFILE where the instance holds too many. */
  constructor(network: Network, family: Family) {
    if (!network.sockets.tryTake()) throw refusal("EMFILE", "too many sockets");
    this.#network = network;
    this.family = family;
    this.#release = network.hold(() => this.close());
    this.options = new Options("udp", family, () => this.#fd);
  }

  get #fd(): number | undefined {
    return (this.#socket as { fd?: number } | undefined)?.fd;
  }

  get local(): Endpoint | undefined {
    // With a peer, a socket that was bound to any address has the one that leads there.
    if (this.#associated && this.#fd !== undefined) return boundTo(this.#fd);
    const address = this.#socket && parseAddress(this.#socket.address.address.split("%")[0]!);
    return address && { address, port: this.#socket!.port };
  }

  /** EACCES where nothing that was granted needs it; else the system's answer. */
  async bind(local: Endpoint): Promise<void> {
    const listens = this.#network.mayListen(local.address, local.port);
    if (!listens && !(local.port === 0 && this.#network.granted)) this.#network.checkListen(local);
    const socket = await Bun.udpSocket<"uint8array">({
      hostname: addressText(local.address),
      port: local.port,
      binaryType: "uint8array",
      socket: {
        data: (_, bytes, port, address) => this.#arrive(bytes, port, address),
        drain: () => {
          this.#blocked = false;
          this.#listeners.wakeAll();
        },
        // The engine passes the error alone, whatever its types say of a socket before it.
        error: (...told: readonly unknown[]) => this.#fail(told.at(-1)),
      },
    });
    if (this.#closed) {
      socket.close();
      throw refusal("ECONNABORTED", "the socket was dropped");
    }
    this.#socket = socket;
    this.#open = listens;
    if (this.#fd !== undefined) this.options.apply(this.#fd);
  }

  /**
   * Gives the socket a peer, or none. EACCES unless it may send there, or the system's answer. Only Linux lets a socket
   * with a peer be sent from as the engine sends; elsewhere the peer is known to the streams alone, and what it refuses
   * is not told.
   */
  associate(remote: Endpoint | undefined): void {
    if (remote) this.#network.checkReach(remote);
    const fd = this.#fd;
    if (process.platform !== "linux" || fd === undefined || !(remote || this.#associated)) return;
    if (remote) reconnect(fd, remote);
    else disconnectSocket(fd);
    this.#associated = remote !== undefined;
    this.#failure = undefined;
  }

  /** Datagrams that have come, `max` at most; those of `only` alone where it is given. The system's errors. */
  receive(max: number, only?: Endpoint): Datagram[] {
    if (this.#failure !== undefined && this.#waiting.length === 0) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
    if (only) this.#waiting = this.#waiting.filter(({ remote }) => sameEndpoint(remote, only));
    const taken = this.#waiting.splice(0, max);
    for (const { bytes, remote } of taken)
      this.#network.onUse?.("receive", endpointText(remote.address, remote.port), bytes.length);
    return taken;
  }

  /** False where the system has no room for it now. EACCES, EMSGSIZE, or the system's answer. */
  send(bytes: Uint8Array, remote: Endpoint): boolean {
    if (!this.#socket) throw refusal("ENOTCONN", "the socket is not bound");
    this.#network.checkReach(remote);
    if (bytes.length > limits.datagramBytesMax) throw refusal("EMSGSIZE", "the datagram is too large");
    const sent = this.#socket.send(bytes, remote.port, addressText(remote.address));
    if (!sent) this.#blocked = true;
    else this.#network.onUse?.("send", endpointText(remote.address, remote.port), bytes.length);
    return sent;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release();
    this.#socket?.close();
    this.#waiting = [];
    this.#network.sockets.give();
    this.#listeners.wakeAll();
  }

  #arrive(bytes: Uint8Array, port: number, text: string): void {
    const address = parseAddress(text.split("%")[0]!);
    if (this.#closed || !address || this.#waiting.length >= limits.datagramsMax) return;
    if (!this.#open && !this.#network.mayReach(address, port)) return;
    this.#waiting.push({ bytes: bytes.slice(), remote: { address, port } });
    this.#wakeSoon();
  }

  /** A datagram that could not be delivered is an error of a socket that has a peer, and of no other. */
  #fail(error: unknown): void {
    if (!this.#associated) return;
    this.#failure = error;
    this.#wakeSoon();
  }

  /** Datagrams come in bursts: who waits for the first finds those that came with it. */
  #wakeSoon(): void {
    if (this.#waking) return;
    this.#waking = true;
    setImmediate(() => {
      this.#waking = false;
      this.#listeners.wakeAll();
    });
  }
}

/** Linux keeps the local address that led to the one before, and has to be told to forget it where it leads nowhere. */
const reconnect = (fd: number, remote: Endpoint): void => {
  try {
    connectSocket(fd, remote);
  } catch (error) {
    if (errno(error) !== "EINVAL") throw error;
    disconnectSocket(fd);
    connectSocket(fd, remote);
  }
};

export const sameEndpoint = (one: Endpoint, two: Endpoint): boolean =>
  one.port === two.port &&
  one.address.length === two.address.length &&
  one.address.every((byte, at) => byte === two.address[at]);
