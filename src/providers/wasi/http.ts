// wasi:http as the host ships it: requests to whom the instance's grants name, and the types of a served
// component's requests and responses (serve.ts). Owns the interfaces and their loading; refuses what was not
// granted, in WASI's own words; called by the host's plan for guests that import it.
import type { Implementations, InstanceContext, Provider } from "../../host/provider.ts";

const version = "0.2.12";

const instantiate = async (context: InstanceContext): Promise<Implementations> => {
  const [{ networkingOf }, { http }] = await Promise.all([import("./networking.ts"), import("./p2/http.ts")]);
  const { types, outgoingHandler } = http(networkingOf(context));
  return {
    [`wasi:http/types@${version}`]: types,
    [`wasi:http/outgoing-handler@${version}`]: outgoingHandler,
  };
};

export const http: Provider = {
  name: "http",
  interfaces: [`wasi:http/types@${version}`, `wasi:http/outgoing-handler@${version}`],
  suspending: [],
  // Every guest may import it; what it reaches, each call decides by the grants.
  defaultGranted: "*",
  instantiate,
};
