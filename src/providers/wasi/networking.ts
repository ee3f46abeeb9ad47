import type { InstanceContext } from "../../host/provider.ts";
import { heldOf } from "./held.ts";
import type { Held } from "./p2/io.ts";
import { Network } from "./state/network.ts";

/** What sockets and HTTP share for one instance, beside what all of WASI does. */
export interface Networking extends Held {
  readonly network: Network;
}

const known = new WeakMap<InstanceContext, Networking>();

export const networkingOf = (context: InstanceContext): Networking => {
  const made = known.get(context);
  if (made) return made;
  const common: Networking = {
    ...heldOf(context),
    network: new Network(context.grants.network ?? [], {
      onUse:
        context.audit &&
        ((action, target, bytes) =>
          context.audit!({ capability: "network", action, target, ...(bytes !== undefined && { bytes }) })),
      ask: context.ask && ((value) => context.ask!({ kind: "net", value })),
      onDenied: (value) => context.onDenied?.({ wanted: value, grant: { kind: "net", value } }),
    }),
  };
  known.set(context, common);
  context.onDrop(() => common.network.closeAll());
  return common;
};
