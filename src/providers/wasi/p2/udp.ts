import { declared, errno } from "../../../base/fault.ts";
import type { Networking } from "../networking.ts";
import { Handle, trap } from "../state/handles.ts";
import { Later } from "../state/later.ts";
import type { Family, Option } from "../state/libc.ts";
import type { Endpoint } from "../state/network.ts";
import { always, type Event } from "../state/poll.ts";
import { UdpSocket as Socket, sameEndpoint } from "../state/udp.ts";
import { Pollable } from "./io.ts";
import {
  fromEndpoint,
  type IpSocketAddress,
  type NetworkHandle,
  socketed,
  toEndpoint,
  toRemote,
} from "./network.ts";
import { bufferSize } from "./tcp.ts";

// wasi:sockets 0.2: udp and udp-create-socket.

export interface IncomingDatagram {
  readonly data: Uint8Array;
  readonly remoteAddress: IpSocketAddress;
}

export interface OutgoingDatagram {
  readonly data: Uint8Array;
  readonly remoteAddress?: IpSocketAddress | undefined;
}

/** Datagrams that one `send` may bring. */
const sendMax = 64;

/** What a pair of streams is about: whom it talks to, and whether a newer pair has replaced it. */
interface Association {
  readonly remote: Endpoint | undefined;
  readonly current: () => boolean;
}

/** `udp-socket`. */
export class UdpSocket extends Handle {
  readonly #common: Networking;
  readonly socket: Socket;
  #binding: Later<void> | undefined;
  #bound: boolean;
  #association: Association | undefined;

  constructor(common: Networking, socket: Socket) {
    super(common.handles);
    this.#common = common;
    this.socket = socket;
    this.#bound = socket.settled;
  }

  startBind(_network: NetworkHandle, address: IpSocketAddress): void {
    const local = toEndpoint(address, this.socket.family);
    if (this.#binding) throw declared("concurrency-conflict");
    if (this.#bound) throw declared("invalid-state");
    this.#binding = new Later(this.socket.bind(local));
  }

  finishBind(): void {
    const binding = this.#binding;
    if (!binding) throw declared("not-in-progress");
    if (!binding.ready) throw declared("would-block");
    this.#binding = undefined;
    socketed(() => binding.get());
    this.#bound = true;
  }

  stream(remoteAddress: IpSocketAddress | undefined): [IncomingDatagramStream, OutgoingDatagramStream] {
    if (!this.#bound) throw declared("invalid-state");
    const remote = remoteAddress && toRemote(remoteAddress, this.socket.family);
    socketed(() => this.socket.associate(remote));
    const association: Association = { remote, current: () => this.#association === association };
    this.#association = association;
    return [
      new IncomingDatagramStream(this.#common, this.socket, association),
      new OutgoingDatagramStream(this.#common, this.socket, association),
    ];
  }

  localAddress(): IpSocketAddress {
    const local = this.socket.local;
    if (!local || !this.#bound) throw declared("invalid-state");
    return fromEndpoint(local);
  }

  remoteAddress(): IpSocketAddress {
    const remote = this.#association?.remote;
    if (!remote) throw declared("invalid-state");
    return fromEndpoint(remote);
  }

  addressFamily(): Family {
    return this.socket.family;
  }

  unicastHopLimit(): number {
    return this.#get("hops");
  }

  setUnicastHopLimit(value: number): void {
    if (value === 0) throw declared("invalid-argument");
    this.#set("hops", value);
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
    return new Pollable(this.#common, this.#binding?.event ?? always);
  }

  protected override release(): void {
    this.socket.release();
  }

  #get(option: Option): number {
    return socketed(() => this.socket.options.get(option));
  }

  #set(option: Option, value: number): void {
    socketed(() => this.socket.options.set(option, value));
  }
}

abstract class DatagramStream extends Handle {
  protected readonly common: Networking;
  protected readonly socket: Socket;
  protected readonly association: Association;

  constructor(common: Networking, socket: Socket, association: Association) {
    super(common.handles);
    this.common = common;
    this.socket = socket;
    this.association = association;
  }

  protected checkCurrent(): void {
    if (!this.association.current()) throw declared("invalid-state");
  }

  protected abstract readonly event: Event;

  subscribe(): Pollable {
    return new Pollable(this.common, this.event);
  }
}

/** `incoming-datagram-stream`. */
export class IncomingDatagramStream extends DatagramStream {
  protected readonly event = this.socket.received;

  receive(maxResults: bigint): IncomingDatagram[] {
    this.checkCurrent();
    const came = socketed(() => this.socket.receive(Number(maxResults), this.association.remote));
    return came.map(({ bytes, remote }) => ({ data: bytes, remoteAddress: fromEndpoint(remote) }));
  }
}

/** `outgoing-datagram-stream`. */
export class OutgoingDatagramStream extends DatagramStream {
  protected readonly event = this.socket.writable;
  #permitted = 0;

  checkSend(): bigint {
    this.checkCurrent();
    this.#permitted = this.socket.writable.ready() ? sendMax : 0;
    return BigInt(this.#permitted);
  }

  /** How many went; an error only where the first did not. */
  send(datagrams: readonly OutgoingDatagram[]): bigint {
    this.checkCurrent();
    if (datagrams.length > this.#permitted)
      trap(`The component sent ${datagrams.length} datagrams where ${this.#permitted} were permitted`);
    let sent = 0;
    for (const datagram of datagrams) {
      try {
        if (!this.#send(datagram)) break;
      } catch (error) {
        if (
          sent > 0 &&
          (errno(error) !== undefined || typeof (error as { payload?: unknown }).payload === "string")
        )
          break;
        return socketed(() => {
          throw error;
        });
      }
      sent++;
    }
    this.#permitted -= sent;
    return BigInt(sent);
  }

  #send({ data, remoteAddress }: OutgoingDatagram): boolean {
    const named = remoteAddress && toRemote(remoteAddress, this.socket.family);
    const remote = named ?? this.association.remote;
    if (!remote || (named && this.association.remote && !sameEndpoint(named, this.association.remote)))
      throw declared("invalid-argument");
    return this.socket.send(data, remote);
  }
}

export const udp = (common: Networking) => ({
  udp: { UdpSocket, IncomingDatagramStream, OutgoingDatagramStream },
  udpCreateSocket: {
    createUdpSocket: (family: Family) =>
      new UdpSocket(
        common,
        socketed(() => new Socket(common.network, family)),
      ),
  },
});
