import type { InstanceContext } from "../../host/provider.ts";
import { heldOf } from "./held.ts";
import type { Held } from "./p2/io.ts";
import { Network } from "./state/network.ts";

/** What sockets and HTTP share for one instance, beside what all of WASI does. */
export interface Common extends Held {
  readonly network: Network;
}

const known = new WeakMap<InstanceContext, Common>();

export const commonOf = (context: InstanceContext): Common => {
  const made = known.get(context);
  if (made) return made;
  const common: Common = { ...heldOf(context), network: new Network(context.grants.network ?? []) };
  known.set(context, common);
  context.onDrop(() => common.network.closeAll());
  return common;
};
