import type { Socket, TCPSocketListener } from "bun";
import { addressText, parseAddress } from "../../../base/address.ts";
import { limits } from "../../../base/limits.ts";
import { Claims } from "../../../host/claims.ts";
import { Connection, connectionHandler } from "./connection.ts";
import { bindSocket, boundTo, closeSocket, connectSocket, createSocket, type Family } from "./libc.ts";
import { type Endpoint, endpointText, type Network } from "./network.ts";
import { Options } from "./options.ts";
import { type Event, Listeners } from "./poll.ts";
import { refusal } from "./refusal.ts";

/** How long a bound socket that connects goes between looks whether it has; the engine only watches connected ones. */
const connectPollMsMax = 16;

/** What of the network its instance has to be granted for a socket that was begun already. */
interface Admission {
  readonly to: "reach" | "listen";
  readonly endpoint: Endpoint;
}

/** What a socket begins with that is made of another: of the listener that took it, or of that of another instance. */
interface Begun {
  readonly connection: Connection | undefined;
  readonly listener?: Listener | undefined;
  readonly admission: Admission;
  readonly options: Options;
}

/** A TCP socket from nothing to a connection or a listener. Throws refusals by errno. */
export class TcpSocket {
  readonly family: Family;
  readonly options: Options;
  readonly #network: Network;
  readonly #release: () => void;
  /** A descriptor of libc's that holds the local address until something better has it. */
  #bound: number | undefined;
  #wanted: Endpoint | undefined;
  #listener: Listener | undefined;
  #connection: Connection | undefined;
  #admission: Admission | undefined;
  /** Ends its claim to the one or the other. */
  #giveUp: (() => void) | undefined;
  #users = 1;
  #closed = false;
  backlog: number = limits.acceptQueueMax;

  /** EMFILE where the instance holds too many. */
  constructor(network: Network, family: Family, begun?: Begun) {
    if (!network.sockets.tryTake()) throw refusal("EMFILE", "too many sockets");
    this.#network = network;
    this.family = family;
    this.#release = network.hold(() => this.close());
    const live = () => this.#connection?.fd ?? this.#listener?.fd ?? this.#bound;
    this.options = begun ? begun.options.inherit(live) : new Options("tcp", family, live);
    this.#connection = begun?.connection;
    this.#listener = begun?.listener;
    this.#admission = begun?.admission;
    this.#giveUp = (begun?.connection ?? begun?.listener)?.claims.claim();
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  get listener(): Listener | undefined {
    return this.#listener;
  }

  get local(): Endpoint | undefined {
    if (this.#connection) return endpoint(this.#connection.local);
    if (this.#listener) return this.#listener.local;
    return this.#bound === undefined ? undefined : boundTo(this.#bound);
  }

  /** Takes the local address. EACCES where nothing that was granted needs it. */
  bind(local: Endpoint): void {
    // A client may choose its own address as long as the system picks the port: nobody can be waited for there.
    const asClient = local.port === 0 && this.#network.granted;
    if (!asClient) this.#network.checkListen(local);
    const fd = createSocket("tcp", this.family);
    try {
      this.options.apply(fd);
      bindSocket(fd, local);
    } catch (error) {
      closeSocket(fd);
      throw error;
    }
    this.#bound = fd;
    this.#wanted = local;
  }

  /** Begins to take connections at the bound address. */
  listen(): void {
    const local = this.#bound === undefined ? undefined : boundTo(this.#bound);
    if (!local || !this.#wanted) throw refusal("ENOTCONN", "the socket is not bound");
    this.#network.checkListen(this.#wanted);
    this.#network.onUse?.("listen", endpointText(local.address, local.port));
    // Both have SO_REUSEADDR, so the listener takes the port while it is still held, and nobody comes between.
    this.#listener = new Listener(local, this.backlog);
    this.#giveUp = this.#listener.claims.claim();
    this.#admission = { to: "listen", endpoint: this.#wanted };
    this.options.apply(this.#listener.fd);
    this.#dropBound();
  }

  /** A connection that waits at its listener; undefined where there is none. EMFILE, and that one is ended. */
  accept(): TcpSocket | undefined {
    const connection = this.#listener?.accept();
    if (!connection) return undefined;
    try {
      const begun = { connection, admission: this.#admission!, options: this.options };
      const accepted = new TcpSocket(this.#network, this.family, begun);
      // By its address alone: each connection comes from another port.
      connection.watch(this.#network.onUse, connection.remote.address, "accept");
      return accepted;
    } catch (error) {
      connection.terminate();
      throw error;
    }
  }

  /**
   * The same connection or listener for another instance, which counts it as its own. EACCES where that one's grants
   * do not cover it, EMFILE where it holds too many, ENOTCONN where this is neither yet.
   */
  sharedWith(network: Network): TcpSocket {
    const admission = this.#admission;
    if (!admission || this.#closed) throw refusal("ENOTCONN", "the socket is neither connected nor listens");
    if (admission.to === "listen") network.checkListen(admission.endpoint);
    else {
      network.learn(admission.endpoint.address, this.#network);
      network.checkReach(admission.endpoint);
    }
    const { family, options } = this;
    const begun = { connection: this.#connection, listener: this.#listener, admission, options };
    return new TcpSocket(network, family, begun);
  }

  /** EACCES unless the address was granted; else the system's answer. */
  async connect(remote: Endpoint): Promise<Connection> {
    if (this.#network.asks) await this.#network.admit(remote);
    else this.#network.checkReach(remote);
    const connection =
      this.#bound === undefined ? await this.#connectUnbound(remote) : await this.#connectBound(remote);
    if (this.#closed) {
      connection.terminate();
      throw refusal("ECONNABORTED", "the socket was dropped");
    }
    connection.watch(this.#network.onUse, endpointText(remote.address, remote.port));
    this.#connection = connection;
    this.#giveUp = connection.claims.claim();
    this.#admission = { to: "reach", endpoint: remote };
    return connection;
  }

  async #connectUnbound(remote: Endpoint): Promise<Connection> {
    const connection = await openConnection({ hostname: hostText(remote), port: remote.port });
    if (connection.fd !== undefined) this.options.apply(connection.fd);
    return connection;
  }

  async #connectBound(remote: Endpoint): Promise<Connection> {
    for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, connectPollMsMax)) {
      if (this.#bound === undefined) throw refusal("ECONNABORTED", "the socket was dropped");
      if (connectSocket(this.#bound, remote)) break;
      await Bun.sleep(waitMs);
    }
    const fd = this.#bound;
    // The engine owns it from here.
    this.#bound = undefined;
    return openConnection({ fd });
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
    this.#dropBound();
    this.#giveUp?.();
    this.#network.sockets.give();
  }

  #dropBound(): void {
    if (this.#bound !== undefined) closeSocket(this.#bound);
    this.#bound = undefined;
  }
}

/** Connects through the engine; the connection is paused by back-pressure alone. Throws the system's errors. */
export const openConnection = async (
  where: { readonly hostname: string; readonly port: number } | { readonly fd: number },
): Promise<Connection> => {
  const socket = await Bun.connect<Connection>({
    ...(where as { hostname: string; port: number }),
    allowHalfOpen: true,
    socket: { ...connectionHandler, open: begin },
  });
  return socket.data;
};

/** Bytes may come with the opening, so the connection is made in it. */
const begin = (socket: Socket<Connection>): void => {
  socket.data = new Connection(socket);
};

/** As the engine wants a host: no brackets, the interface after %. */
const hostText = ({ address, scope }: Endpoint): string =>
  `${addressText(address)}${scope ? `%${scope}` : ""}`;

const endpoint = ({ address, port }: { readonly address: string; readonly port: number }): Endpoint => {
  const [plain, zone] = address.split("%");
  return { address: parseAddress(plain!) ?? new Uint8Array(4), port, scope: Number(zone) || 0 };
};

export const remoteOf = (connection: Connection): Endpoint => endpoint(connection.remote);

/** A listening socket: connections wait in a bounded queue until the guest takes them. */
export class Listener {
  readonly local: Endpoint;
  /** Of the instances that have it: it is closed after the last. */
  readonly claims = new Claims(() => this.close());
  readonly #server: TCPSocketListener<Connection>;
  readonly #waiting: Connection[] = [];
  readonly #listeners = new Listeners();
  readonly event: Event = {
    ready: () => this.#waiting.length > 0,
    listen: (wake) => this.#listeners.add(wake),
  };

  constructor(local: Endpoint, backlog: number) {
    this.#server = Bun.listen<Connection>({
      hostname: hostText(local),
      port: local.port,
      allowHalfOpen: true,
      socket: {
        ...connectionHandler,
        open: (socket) => {
          begin(socket);
          if (this.#waiting.length >= backlog) socket.data.terminate();
          else this.#waiting.push(socket.data);
          this.#listeners.wakeAll();
        },
      },
    });
    this.local = { ...local, port: this.#server.port };
  }

  get fd(): number {
    return (this.#server as unknown as { fd: number }).fd;
  }

  /** A connection that waits; undefined where there is none. */
  accept(): Connection | undefined {
    return this.#waiting.shift();
  }

  close(): void {
    this.#server.stop();
    for (const connection of this.#waiting.splice(0)) connection.terminate();
  }
}
