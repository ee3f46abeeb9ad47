import type { World } from "../../contract/model.ts";
import { matchInterface } from "../../contract/semver.ts";
import type { Instance } from "../../host/instance.ts";
import { networkingOf } from "./networking.ts";
import { type Respond, ResponseOutparam } from "./p2/http.ts";
import { IncomingRequest, type Received } from "./p2/requests.ts";

/** What answers one request after the other. */
export interface Seat {
  readonly instance: Instance;
  /** As `Handling`, with the instance that sits here then. */
  handle(received: Received, respond: Respond): unknown;
  /** It has done enough, and is given no request any more. */
  readonly worn: boolean;
  /** Nobody is given it any more. */
  drop(): void;
}

/**
 * Gives an instance one request. `respond` is called at most once; the call ends, at once or by a promise, when the
 * instance is free for the next. Throws what the instance ended with.
 */
export type Handling = (instance: Instance, received: Received, respond: Respond) => unknown;

/** A seat that goes with its instance. */
export const seatOf = (instance: Instance, handling: Handling): Seat => ({
  instance,
  handle: (received, respond) => handling(instance, received, respond),
  get worn() {
    return instance.worn;
  },
  drop: () => instance.drop(),
});

/** What makes a component a server: WASI 0.3's interface, and 0.2's. */
const handlers = ["wasi:http/handler@0.3.0", "wasi:http/incoming-handler@0.2.0"] as const;

/** How a component handles requests, by the newer of what it exports. */
export const handlerOf = ({ exports }: World): string | undefined =>
  handlers.map((name) => matchInterface(name, exports.keys())).find((name) => name !== undefined);

/** Undefined where it handles nothing. */
export const handlingOf = async (world: World): Promise<Handling | undefined> => {
  const exported = handlerOf(world);
  if (exported === undefined) return undefined;
  if (matchInterface(handlers[0], [exported]) === undefined) return incomingHandling(exported);
  return (await import("./p3/handler.ts")).handling(exported);
};

/** WASI 0.2's way: the answer comes through a parameter. */
const incomingHandling =
  (exported: string): Handling =>
  (instance, received, respond) => {
    const common = networkingOf(instance.context);
    return instance.callNow(exported, "handle", [
      new IncomingRequest(common, received),
      new ResponseOutparam(common, respond),
    ]);
  };
