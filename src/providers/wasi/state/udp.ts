import type { udp } from "bun";
import { addressText, parseAddress } from "../../../base/address.ts";
import { errno } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import { Claims } from "../../../host/claims.ts";
import { boundTo, connectSocket, disconnectSocket, type Family } from "./libc.ts";
import { type Endpoint, endpointText, type Network } from "./network.ts";
import { Options } from "./options.ts";
import { type Event, Listeners } from "./poll.ts";
import { refusal } from "./refusal.ts";

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly remote: Endpoint;
}

/** What a socket begins with that is of another instance's. */
interface Begun {
  readonly port: Port;
  readonly wanted: Endpoint;
  readonly options: Options;
}

/** A UDP socket, as one instance may use it. */
export class UdpSocket {
  readonly family: Family;
  readonly options: Options;
  readonly #network: Network;
  readonly #release: () => void;
  readonly #port: Port;
  readonly #giveUp: () => void;
  readonly #unhear: () => void;
  #wanted: Endpoint | undefined;
  #users = 1;
  #closed = false;
  readonly received: Event = {
    ready: () => this.#port.holds(this.#hears) || this.#closed,
    listen: (wake) => this.#port.listeners.add(wake),
  };
  readonly writable: Event = {
    ready: () => !this.#port.blocked || this.#closed,
    listen: (wake) => this.#port.listeners.add(wake),
  };

  /** EMFILE where the instance holds too many. */
  constructor(network: Network, family: Family, begun?: Begun) {
    if (!network.sockets.tryTake()) throw refusal("EMFILE", "too many sockets");
    this.#network = network;
    this.family = family;
    this.#release = network.hold(() => this.close());
    this.#port = begun?.port ?? new Port();
    this.#wanted = begun?.wanted;
    const live = () => this.#port.fd;
    this.options = begun ? begun.options.inherit(live) : new Options("udp", family, live);
    this.#giveUp = this.#port.claims.claim();
    this.#unhear = this.#port.hear(this.#hears);
  }

  /** Bound, and not yet closed. */
  get settled(): boolean {
    return this.#wanted !== undefined && this.#port.fd !== undefined && !this.#closed;
  }

  get local(): Endpoint | undefined {
    return this.#port.local;
  }

  /** Whom alone it talks to. */
  get peer(): Endpoint | undefined {
    return this.#port.peer;
  }

  /** EACCES where nothing that was granted needs it; else the system's answer. */
  async bind(local: Endpoint): Promise<void> {
    this.#checkBind(this.#network, local);
    const bound = this.#port.bind(local);
    // Who is heard depends on it, and datagrams come before the engine says that it is done.
    this.#wanted = local;
    try {
      await bound;
    } catch (error) {
      this.#wanted = undefined;
      throw error;
    }
    if (this.#port.fd !== undefined) this.options.apply(this.#port.fd);
  }

  /** EACCES unless the socket may send there, and the rest as `Port.associate`. */
  associate(remote: Endpoint | undefined): void {
    if (remote) this.#network.checkReach(remote);
    this.#port.associate(remote);
  }

  /** Datagrams that have come, `max` at most; those of `only` alone where it is given. The system's errors. */
  receive(max: number, only?: Endpoint): Datagram[] {
    if (only) this.#port.drop((remote) => this.#hears(remote) && !sameEndpoint(remote, only));
    const taken = this.#port.take(max, this.#hears);
    for (const { bytes, remote } of taken)
      this.#network.onUse?.("receive", endpointText(remote.address, remote.port), bytes.length);
    return taken;
  }

  /** False where the system has no room for it now. EACCES, EMSGSIZE, or the system's answer. */
  send(bytes: Uint8Array, remote: Endpoint): boolean {
    if (!this.settled) throw refusal("ENOTCONN", "the socket is not bound");
    this.#network.checkReach(remote);
    if (bytes.length > limits.datagramBytesMax) throw refusal("EMSGSIZE", "the datagram is too large");
    const sent = this.#port.send(bytes, remote);
    if (sent) this.#network.onUse?.("send", endpointText(remote.address, remote.port), bytes.length);
    return sent;
  }

  /**
   * The same socket for another instance, which counts it as its own. EACCES where that one's grants do not cover it,
   * EMFILE where it holds too many, ENOTCONN where it is not bound.
   */
  sharedWith(network: Network): UdpSocket {
    const wanted = this.#wanted;
    if (!wanted || !this.settled) throw refusal("ENOTCONN", "the socket is not bound");
    this.#checkBind(network, wanted);
    if (this.peer) network.learn(this.peer.address, this.#network);
    return new UdpSocket(network, this.family, { port: this.#port, wanted, options: this.options });
  }

  /** One more has it; it is closed when the last one lets go. */
  retain(): this {
    this.#users++;
    return this;
  }

  release(): void {
    this.#users--;
    if (this.#users === 0) this.close();
  }

  /** Whoever has it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release();
    this.#unhear();
    this.#giveUp();
    this.#network.sockets.give();
    this.#port.listeners.wakeAll();
  }

  /** A client may have whichever port is free, as long as something was granted that it could reach from there. */
  #checkBind(network: Network, local: Endpoint): void {
    const listens = network.mayListen(local.address, local.port);
    if (!listens && !(local.port === 0 && network.granted)) network.checkListen(local);
  }

  /** Who listens hears everybody; a client hears whom it may write to. */
  readonly #hears: Hears = ({ address, port }) => {
    const wanted = this.#wanted;
    if (!wanted) return false;
    return this.#network.mayListen(wanted.address, wanted.port) || this.#network.mayReach(address, port);
  };
}

/** Whether datagrams of somebody may be received. */
type Hears = (remote: Endpoint) => boolean;

/**
 * What the system has of a socket, which instances that follow each other share. Datagrams received wait in a bounded
 * queue; what is over is dropped, as networks do.
 */
class Port {
  readonly listeners = new Listeners();
  readonly claims = new Claims(() => this.#close());
  readonly #hearers = new Set<Hears>();
  #waiting: Datagram[] = [];
  #socket: udp.Socket<"uint8array"> | undefined;
  #blocked = false;
  #closed = false;
  #associated = false;
  #peer: Endpoint | undefined;
  #waking = false;
  /** What the system said of a datagram that its peer did not take. */
  #failure: unknown;

  get fd(): number | undefined {
    return (this.#socket as { fd?: number } | undefined)?.fd;
  }

  /** Whether there is something to be received by one who hears so, or told. */
  holds(hears: Hears): boolean {
    return this.#failure !== undefined || this.#waiting.some(({ remote }) => hears(remote));
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  get peer(): Endpoint | undefined {
    return this.#peer;
  }

  get local(): Endpoint | undefined {
    // With a peer, a socket that was bound to any address has the one that leads there.
    if (this.#associated && this.fd !== undefined) return boundTo(this.fd);
    const address = this.#socket && parseAddress(this.#socket.address.address.split("%")[0]!);
    return address && { address, port: this.#socket!.port };
  }

  /** One more hears; the answer ends that, and what nobody hears any more is dropped. */
  hear(hears: Hears): () => void {
    this.#hearers.add(hears);
    return () => {
      this.#hearers.delete(hears);
      this.drop((remote) => !this.#isHeard(remote));
    };
  }

  async bind(local: Endpoint): Promise<void> {
    const socket = await Bun.udpSocket<"uint8array">({
      hostname: addressText(local.address),
      port: local.port,
      binaryType: "uint8array",
      socket: {
        data: (_, bytes, port, address) => this.#arrive(bytes, port, address),
        drain: () => {
          this.#blocked = false;
          this.listeners.wakeAll();
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
  }

  /**
   * Gives the socket a peer, or none. The system's answer. Only Linux lets a socket with a peer be sent from as the
   * engine sends; elsewhere the peer is known to the streams alone, and what it refuses is not told.
   */
  associate(remote: Endpoint | undefined): void {
    this.#pair(remote);
    this.#peer = remote;
  }

  #pair(remote: Endpoint | undefined): void {
    const { fd } = this;
    if (process.platform !== "linux" || fd === undefined || !(remote || this.#associated)) return;
    if (remote) reconnect(fd, remote);
    else disconnectSocket(fd);
    this.#associated = remote !== undefined;
    this.#failure = undefined;
  }

  /** At most `max` of the datagrams that one who hears so may have. Throws what the system told. */
  take(max: number, hears: Hears): Datagram[] {
    if (this.#failure !== undefined && !this.#waiting.some(({ remote }) => hears(remote))) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
    const taken: Datagram[] = [];
    this.#waiting = this.#waiting.filter((datagram) => {
      if (taken.length >= max || !hears(datagram.remote)) return true;
      taken.push(datagram);
      return false;
    });
    return taken;
  }

  drop(unwanted: Hears): void {
    this.#waiting = this.#waiting.filter(({ remote }) => !unwanted(remote));
  }

  send(bytes: Uint8Array, remote: Endpoint): boolean {
    const sent = this.#socket!.send(bytes, remote.port, addressText(remote.address));
    if (!sent) this.#blocked = true;
    return sent;
  }

  #isHeard(remote: Endpoint): boolean {
    return [...this.#hearers].some((hears) => hears(remote));
  }

  #close(): void {
    this.#closed = true;
    this.#socket?.close();
    this.#waiting = [];
  }

  #arrive(bytes: Uint8Array, port: number, text: string): void {
    const address = parseAddress(text.split("%")[0]!);
    if (this.#closed || !address || this.#waiting.length >= limits.datagramsMax) return;
    const remote = { address, port };
    if (!this.#isHeard(remote)) return;
    this.#waiting.push({ bytes: bytes.slice(), remote });
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
      this.listeners.wakeAll();
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
