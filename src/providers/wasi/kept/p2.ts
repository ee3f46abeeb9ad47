import type { InstanceContext } from "../../../host/provider.ts";
import { networkingOf } from "../networking.ts";
import { Descriptor } from "../p2/filesystem.ts";
import type { InputStream, OutputStream } from "../p2/io.ts";
import { streamsOf, TcpSocket } from "../p2/tcp.ts";
import { UdpSocket } from "../p2/udp.ts";
import { keptFiles } from "./files.ts";
import { keptTcp, keptUdp } from "./sockets.ts";

// What is kept as WASI 0.2 has it.

/** `taken` of loop:kept/tcp@0.1.0. */
interface Taken {
  readonly socket: TcpSocket;
  readonly streams: [InputStream, OutputStream] | undefined;
}

export const keptInP2 = (context: InstanceContext) => {
  const common = networkingOf(context);
  return {
    files: keptFiles<Descriptor>(context, {
      within: (value) => (value instanceof Descriptor ? value : undefined),
      around: (descriptor) => descriptor,
    }),
    tcp: keptTcp<Taken>(context, {
      settled: (value) => (value instanceof TcpSocket && value.settled ? value.socket : undefined),
      taken: (own) => ({
        socket: new TcpSocket(common, own),
        streams: own.connection && streamsOf(common, own.connection),
      }),
    }),
    udp: keptUdp<UdpSocket>(context, {
      settled: (value) => (value instanceof UdpSocket && value.socket.settled ? value.socket : undefined),
      taken: (own) => new UdpSocket(common, own),
    }),
  };
};
