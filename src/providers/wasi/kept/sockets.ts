import { Shelves, unfit } from "../../../host/kept.ts";
import type { InstanceContext } from "../../../host/provider.ts";
import { networkingOf } from "../networking.ts";
import { type Endpoint, endpointText, type Network } from "../state/network.ts";
import type { TcpSocket } from "../state/tcp.ts";
import type { UdpSocket } from "../state/udp.ts";
import { taking } from "./taking.ts";

const tcpShelves = new Shelves<TcpSocket>();
const udpShelves = new Shelves<UdpSocket>();

/** What of either kind is shared. */
interface Shared<S> {
  readonly local: Endpoint | undefined;
  retain(): S;
  release(): void;
  sharedWith(network: Network): S;
}

/** The sockets of a generation of WASI, over those of the state. */
export interface Sockets<S, T> {
  /** Undefined of one that is nothing to go on with yet, and of what a component serves in the host's place. */
  settled(value: unknown): S | undefined;
  taken(socket: S): T;
}

const keptSockets = <S extends Shared<S>, T>(
  context: InstanceContext,
  { what, shelves }: { readonly what: string; readonly shelves: Shelves<S> },
  { settled, taken }: Sockets<S, T>,
) => {
  const shelf = shelves.of(context);
  const { network } = networkingOf(context);
  return {
    keep(name: string, value: unknown): void {
      const socket = settled(value);
      if (!socket) throw unfit();
      shelf.keep(name, socket, () => {
        socket.retain();
        return () => socket.release();
      });
    },
    take(name: string): T | undefined {
      const kept = shelf.find(name);
      if (!kept) return undefined;
      return taking(what, () => {
        const own = kept.sharedWith(network);
        const { local } = own;
        try {
          const made = taken(own);
          context.audit?.({
            capability: "network",
            action: "take",
            target: local ? endpointText(local.address, local.port) : "a socket",
          });
          return made;
        } catch (error) {
          own.release();
          throw error;
        }
      });
    },
    forget: (name: string) => shelf.forget(name),
  };
};

/** `tcp` of loop:kept for one instance. What one generation keeps, the other takes. */
export const keptTcp = <T>(context: InstanceContext, sockets: Sockets<TcpSocket, T>) =>
  keptSockets(context, { what: "a TCP socket", shelves: tcpShelves }, sockets);

/** `udp` of loop:kept for one instance. What one generation keeps, the other takes. */
export const keptUdp = <T>(context: InstanceContext, sockets: Sockets<UdpSocket, T>) =>
  keptSockets(context, { what: "a UDP socket", shelves: udpShelves }, sockets);
