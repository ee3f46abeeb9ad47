// wasi:sockets as the host ships it: TCP, UDP and name look-ups, each within the grants of its instance. Owns the
// interfaces and their loading; refuses what was not granted, in WASI's own words; called by the host's plan for
// guests that import it, so that nobody else waits for its code.
import type { Implementations, InstanceContext, Provider } from "../../host/provider.ts";

const version = "0.2.12";

const instantiate = async (context: InstanceContext): Promise<Implementations> => {
  const [{ networkingOf }, { network }, { tcp }, { udp }] = await Promise.all([
    import("./networking.ts"),
    import("./p2/network.ts"),
    import("./p2/tcp.ts"),
    import("./p2/udp.ts"),
  ]);
  const common = networkingOf(context);
  const { network: networks, instanceNetwork, ipNameLookup } = network(common);
  const { tcp: tcps, tcpCreateSocket } = tcp(common);
  const { udp: udps, udpCreateSocket } = udp(common);
  const made: Record<(typeof interfaces)[number], Implementations[string]> = {
    "wasi:sockets/network": networks,
    "wasi:sockets/instance-network": instanceNetwork,
    "wasi:sockets/ip-name-lookup": ipNameLookup,
    "wasi:sockets/tcp": tcps,
    "wasi:sockets/tcp-create-socket": tcpCreateSocket,
    "wasi:sockets/udp": udps,
    "wasi:sockets/udp-create-socket": udpCreateSocket,
  };
  return Object.fromEntries(interfaces.map((name) => [`${name}@${version}`, made[name]]));
};

const interfaces = [
  "wasi:sockets/network",
  "wasi:sockets/instance-network",
  "wasi:sockets/ip-name-lookup",
  "wasi:sockets/tcp",
  "wasi:sockets/tcp-create-socket",
  "wasi:sockets/udp",
  "wasi:sockets/udp-create-socket",
] as const;

export const sockets: Provider = {
  name: "sockets",
  interfaces: interfaces.map((name) => `${name}@${version}`),
  suspending: [],
  // Every guest may import it; what it reaches, each call decides by the grants.
  defaultGranted: "*",
  instantiate,
};
