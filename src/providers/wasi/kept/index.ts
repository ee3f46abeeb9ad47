// loop:kept as the host ships it: files, sockets and timers that an instance keeps for the one that takes its place.
// Owns the WIT mapping, and what of the taker's grants each kind asks for; refuses to know names and generations
// (host/kept.ts) and what is shared (state); called by the host's plan for guests that import it.
import type { Implementations, InstanceContext, Provider } from "../../../host/provider.ts";

const version = "0.1.0";

const instantiate = async (context: InstanceContext): Promise<Implementations> => {
  const [{ keptFiles }, { keptTcp, keptUdp }, { keptTimers }] = await Promise.all([
    import("./files.ts"),
    import("./sockets.ts"),
    import("./timers.ts"),
  ]);
  const made: Record<(typeof interfaces)[number], object> = {
    "loop:kept/files": keptFiles(context),
    "loop:kept/tcp": keptTcp(context),
    "loop:kept/udp": keptUdp(context),
    "loop:kept/timers": keptTimers(context),
  };
  return Object.fromEntries(
    interfaces.map((name) => [`${name}@${version}`, made[name] as Implementations[string]]),
  );
};

const interfaces = ["loop:kept/files", "loop:kept/tcp", "loop:kept/udp", "loop:kept/timers"] as const;

export const kept: Provider = {
  name: "kept",
  interfaces: interfaces.map((name) => `${name}@${version}`),
  suspending: [],
  // Nothing comes of it but what the taker's own grants cover.
  defaultGranted: "*",
  instantiate,
};
