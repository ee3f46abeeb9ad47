// wasi:http 0.3 as the host ships it: requests to whom the instance's grants name, and the types of a served
// component's requests and responses (serve.ts). Owns the interfaces and their loading; refuses what was not
// granted, in WASI's own words; called by the host's plan for guests that import it.
import type { Implementations, InstanceContext, Provider } from "../../host/provider.ts";
import { version3 } from "./wasi3.ts";

const instantiate = async (context: InstanceContext): Promise<Implementations> => {
  const [{ speakingOf }, { http }] = await Promise.all([import("./speaking.ts"), import("./p3/http.ts")]);
  const { types, client } = http(speakingOf(context));
  return { [`wasi:http/types@${version3}`]: types, [`wasi:http/client@${version3}`]: client };
};

export const http3: Provider = {
  name: "http3",
  interfaces: [`wasi:http/types@${version3}`, `wasi:http/client@${version3}`],
  suspending: [],
  // Every guest may import it; what it reaches, each call decides by the grants.
  defaultGranted: "*",
  instantiate,
};
