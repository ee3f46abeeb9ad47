import type { InstanceContext } from "../../host/provider.ts";
import { holdingOf } from "./holding.ts";
import { networkingOf } from "./networking.ts";
import type { Speaking } from "./p3/message.ts";

/** What WASI 0.3's sockets and HTTP share for one instance. */
export const speakingOf = (context: InstanceContext): Speaking => ({
  ...networkingOf(context),
  ...holdingOf(context),
});
