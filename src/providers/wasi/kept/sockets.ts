import { Shelves, unfit } from "../../../host/kept.ts";
import type { InstanceContext } from "../../../host/provider.ts";
import { networkingOf } from "../networking.ts";
import type { InputStream, OutputStream } from "../p2/io.ts";
import { type Settled, streamsOf, TcpSocket } from "../p2/tcp.ts";
import { UdpSocket } from "../p2/udp.ts";
import { endpointText } from "../state/network.ts";
import type { TcpSocket as TcpState } from "../state/tcp.ts";
import type { UdpSocket as UdpState } from "../state/udp.ts";
import { taking } from "./taking.ts";

interface KeptConnection {
  readonly socket: TcpState;
  readonly settled: Settled;
}

const tcpShelves = new Shelves<KeptConnection>();
const udpShelves = new Shelves<UdpState>();

/** `taken` of loop:kept/tcp. */
interface Taken {
  readonly socket: TcpSocket;
  readonly streams: [InputStream, OutputStream] | undefined;
}

/** Open until the answer is called. */
const holding = (socket: TcpState | UdpState) => () => {
  socket.retain();
  return () => socket.release();
};

/** A socket of the taker's own; whoever has none of it lets go of it. */
const owning = <S extends TcpState | UdpState, T>(socket: S, make: () => T): T => {
  try {
    return make();
  } catch (error) {
    socket.release();
    throw error;
  }
};

const told = ({ audit }: InstanceContext, { local }: TcpState | UdpState): void =>
  audit?.({
    capability: "network",
    action: "take",
    target: local ? endpointText(local.address, local.port) : "a socket",
  });

/** loop:kept/tcp for one instance. */
export const keptTcp = (context: InstanceContext) => {
  const shelf = tcpShelves.of(context);
  const common = networkingOf(context);
  return {
    keep(name: string, value: unknown): void {
      // A component that serves sockets in the host's place has some of its own.
      if (!(value instanceof TcpSocket) || !value.settled) throw unfit();
      const { socket, settled } = value;
      shelf.keep(name, { socket, settled }, holding(socket));
    },
    take(name: string): Taken | undefined {
      const kept = shelf.find(name);
      if (!kept) return undefined;
      const { settled } = kept;
      return taking("a TCP socket", () => {
        const own = kept.socket.sharedWith(common.network);
        return owning(own, () => {
          const socket = new TcpSocket(common, own, settled);
          const streams = settled.at === "connected" ? streamsOf(common, settled) : undefined;
          told(context, own);
          return { socket, streams };
        });
      });
    },
    forget: (name: string) => shelf.forget(name),
  };
};

/** loop:kept/udp for one instance. */
export const keptUdp = (context: InstanceContext) => {
  const shelf = udpShelves.of(context);
  const common = networkingOf(context);
  return {
    keep(name: string, value: unknown): void {
      if (!(value instanceof UdpSocket) || !value.socket.settled) throw unfit();
      shelf.keep(name, value.socket, holding(value.socket));
    },
    take(name: string): UdpSocket | undefined {
      const kept = shelf.find(name);
      if (!kept) return undefined;
      return taking("a UDP socket", () => {
        const own = kept.sharedWith(common.network);
        return owning(own, () => {
          told(context, own);
          return new UdpSocket(common, own);
        });
      });
    },
    forget: (name: string) => shelf.forget(name),
  };
};
