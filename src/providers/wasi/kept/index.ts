// loop:kept as the host ships it: files, sockets and timers that an instance keeps for the one that takes its place, as
// WASI 0.2 has them and as 0.3 has them. Owns the WIT mapping, and what of the taker's grants each kind asks for;
// refuses to know names and generations (host/kept.ts) and what is shared (state); called by the host's plan for guests
// that import it.
import type { Implementations, InstanceContext, Provider } from "../../../host/provider.ts";

/** A package of one number, which from 0.3 on is that of WASI. What each has is loaded by guests that import it. */
const packageOf = (
  name: string,
  version: string,
  kinds: readonly string[],
  make: (context: InstanceContext) => Promise<Readonly<Record<string, object>>>,
): Provider => {
  const offered = (kind: string) => `loop:kept/${kind}@${version}`;
  return {
    name,
    interfaces: kinds.map(offered),
    suspending: [],
    // Nothing comes of it but what the taker's own grants cover.
    defaultGranted: "*",
    async instantiate(context) {
      const made = await make(context);
      return Object.fromEntries(kinds.map((kind) => [offered(kind), made[kind]])) as Implementations;
    },
  };
};

export const kept = packageOf("kept", "0.1.0", ["files", "tcp", "udp", "timers"], async (context) => {
  const [{ keptInP2 }, { keptTimers }] = await Promise.all([import("./p2.ts"), import("./timers.ts")]);
  return { ...keptInP2(context), timers: keptTimers(context) };
});

/** Without timers: 0.3's clock has no resource, and goes on by itself. */
export const kept3 = packageOf("kept3", "0.3.0", ["files", "tcp", "udp"], async (context) => {
  const { keptInP3 } = await import("./p3.ts");
  return keptInP3(context);
});
