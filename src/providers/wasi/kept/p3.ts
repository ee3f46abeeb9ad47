import type { InstanceContext } from "../../../host/provider.ts";
import { filingOf } from "../filing.ts";
import { holdingOf } from "../holding.ts";
import { Descriptor } from "../p3/filesystem.ts";
import { TcpSocket } from "../p3/tcp.ts";
import { UdpSocket } from "../p3/udp.ts";
import { speakingOf } from "../speaking.ts";
import { keptFiles } from "./files.ts";
import { keptTcp, keptUdp } from "./sockets.ts";

// What is kept as WASI 0.3 has it.

/** `taken` of loop:kept/tcp@0.3.0. */
interface Taken {
  readonly socket: TcpSocket;
  readonly connections: AsyncIterable<TcpSocket> | undefined;
}

export const keptInP3 = (context: InstanceContext) => {
  const filing = { ...holdingOf(context), ...filingOf(context) };
  const common = speakingOf(context);
  return {
    files: keptFiles<Descriptor>(context, {
      within: (value) => (value instanceof Descriptor ? value.older : undefined),
      around: (descriptor) => new Descriptor(filing, descriptor),
    }),
    tcp: keptTcp<Taken>(context, {
      settled: (value) => (value instanceof TcpSocket && value.settled ? value.socket : undefined),
      taken: (own) => {
        const socket = new TcpSocket(common, own);
        return { socket, connections: own.listener && socket.connections() };
      },
    }),
    udp: keptUdp<UdpSocket>(context, {
      settled: (value) => (value instanceof UdpSocket && value.socket.settled ? value.socket : undefined),
      taken: (own) => {
        // A socket of 0.3 has its peer itself, where 0.2's streams have it.
        if (own.peer) common.network.checkReach(own.peer);
        return new UdpSocket(common, own);
      },
    }),
  };
};
