// A component that exports wasi:http/handler or wasi:http/incoming-handler as a server. Owns its instances and its
// end; refuses components that handle nothing; called by whoever offers `loop serve` or hosts a handler of its own.
import { errno, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { matchInterface } from "../../contract/semver.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { InstanceContext } from "../../host/provider.ts";
import { type Address, type Listening, listenPlain } from "./listening.ts";
import { Pool } from "./pool.ts";
import { type Handling, incomingHandling, Serving, type Witness } from "./serving.ts";

/** What makes a component a server: WASI 0.3's interface, and 0.2's. */
const handler = "wasi:http/handler@0.3.0";
const incomingHandler = "wasi:http/incoming-handler@0.2.0";

/** How the component is called, by the newer of what it exports; undefined where it handles nothing. */
const handlingOf = async ({ world }: LinkedPlan): Promise<Handling | undefined> => {
  const newer = matchInterface(handler, world.exports.keys());
  if (newer !== undefined) return (await import("./p3/handler.ts")).handling(newer);
  const older = matchInterface(incomingHandler, world.exports.keys());
  return older === undefined ? undefined : incomingHandling(older);
};

export interface ServeOptions extends Address, Witness {
  /** Instances serve one request after the other; else every request has an instance of its own. */
  readonly reuse: boolean;
  /** Instances alive at once, `serveInstancesMax` where it is absent. */
  readonly instancesMax?: number | undefined;
  /** Passes trailers both ways, over a slower server. */
  readonly trailers?: boolean | undefined;
  /** A new context for each instance. */
  contextOf(): InstanceContext;
}

export interface Server {
  /** "http://127.0.0.1:8080/". */
  readonly url: string;
  readonly port: number;
  /** Instances alive now. */
  readonly instances: number;
  /** Requests begun and not yet answered to their end. */
  readonly pending: number;
  /** No more requests; those begun have so many milliseconds to be answered. How many had not been. */
  stop(graceMs?: number): Promise<number>;
}

/**
 * Serves until it is stopped. Faults: LK0305 the component handles no requests, LK0009 the address cannot be had;
 * and those of instantiating, so that a component that cannot start is known before the first request.
 */
export const serve = async (plan: LinkedPlan, options: ServeOptions): Promise<Server> => {
  const handling = await handlingOf(plan);
  if (!handling)
    throw fault(
      "LK0305",
      `${plan.component.identifier} does not export wasi:http/handler or wasi:http/incoming-handler; it exports: ${[...plan.world.exports.keys()].join(", ") || "nothing"}`,
      { hint: `loop run ${plan.component.identifier}` },
    );
  const pool = new Pool({
    make: () => plan.instantiate(options.contextOf()),
    reuse: options.reuse,
    instancesMax: options.instancesMax ?? limits.serveInstancesMax,
  });
  const serving = new Serving(pool, handling, options);
  try {
    await pool.begin();
    return serverOf(await listen(options, serving), serving, pool);
  } catch (error) {
    serving.close();
    pool.close();
    throw error;
  }
};

const serverOf = (listening: Listening, serving: Serving, pool: Pool): Server => {
  const pending = () => Math.max(serving.pending, listening.busy);
  return {
    url: listening.url,
    port: listening.port,
    get instances() {
      return pool.live;
    },
    get pending() {
      return pending();
    },
    async stop(graceMs = 0) {
      serving.stop();
      listening.stop(false);
      const endMs = performance.now() + graceMs;
      while (pending() > 0 && performance.now() < endMs) await Bun.sleep(stopPollMs);
      const left = pending();
      listening.stop(true);
      serving.close();
      pool.close();
      return left;
    },
  };
};

/** Requests end without a word to us once their last bytes are with the system. */
const stopPollMs = 10;

const listen = async (options: ServeOptions, serving: Serving): Promise<Listening> => {
  const { hostname, port } = options;
  try {
    if (options.trailers) return await (await import("./trailing.ts")).listenTrailing(options, serving);
    return listenPlain(options, serving);
  } catch (error) {
    const code = errno(error);
    if (code === undefined) throw error;
    throw fault("LK0009", `Cannot listen at ${hostname}:${port}: ${(error as Error).message}`, {
      hint: "loop serve COMPONENT --addr 127.0.0.1:0",
      cause: error,
    });
  }
};
