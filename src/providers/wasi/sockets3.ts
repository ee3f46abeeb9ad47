// wasi:sockets 0.3 as the host ships it: TCP, UDP and name look-ups, each within the grants of its instance, which
// are those of 0.2. Owns the interfaces and their loading; refuses what was not granted, in WASI's own words; called
// by the host's plan for guests that import it.
import type { Implementations, InstanceContext, Provider } from "../../host/provider.ts";
import { version3 } from "./wasi3.ts";

const instantiate = async (context: InstanceContext): Promise<Implementations> => {
  const [{ speakingOf }, { ipNameLookup }, { tcpSocket }, { udpSocket }] = await Promise.all([
    import("./speaking.ts"),
    import("./p3/network.ts"),
    import("./p3/tcp.ts"),
    import("./p3/udp.ts"),
  ]);
  const common = speakingOf(context);
  return {
    [`wasi:sockets/types@${version3}`]: { TcpSocket: tcpSocket(common), UdpSocket: udpSocket(common) },
    [`wasi:sockets/ip-name-lookup@${version3}`]: ipNameLookup(common),
  };
};

export const sockets3: Provider = {
  name: "sockets3",
  interfaces: [`wasi:sockets/types@${version3}`, `wasi:sockets/ip-name-lookup@${version3}`],
  suspending: ["wasi:sockets/types#[method]udp-socket.bind", "wasi:sockets/types#[method]udp-socket.connect"],
  // Every guest may import it; what it reaches, each call decides by the grants.
  defaultGranted: "*",
  instantiate,
};
