// A component that exports wasi:http/handler or wasi:http/incoming-handler as a server. Owns its instances and its
// end; refuses components that handle nothing; called by whoever offers `loop serve` or hosts a handler of its own.
import { errno, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Swappable } from "../../host/places.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { InstanceContext } from "../../host/provider.ts";
import { Generations } from "./generations.ts";
import { type Address, type Listening, listenPlain } from "./listening.ts";
import { Serving, type Witness } from "./serving.ts";

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
  /** What serves, and gives way to another between two requests. */
  readonly place: Swappable;
  /** No more requests; those begun have so many milliseconds to be answered. How many had not been. */
  stop(graceMs?: number): Promise<number>;
}

/**
 * Serves until it is stopped. Faults: LK0305 the component handles no requests, LK0009 the address cannot be had;
 * and those of instantiating, so that a component that cannot start is known before the first request.
 */
export const serve = async (plan: LinkedPlan, options: ServeOptions): Promise<Server> => {
  const start = (before: InstanceContext | undefined) =>
    plan.instantiate({ ...options.contextOf(), ...(before && { before }) });
  const generations = await Generations.begin(plan, start, {
    reuse: options.reuse,
    instancesMax: options.instancesMax ?? limits.serveInstancesMax,
    report: options.report,
  });
  const serving = new Serving(generations, options);
  try {
    return serverOf(await listen(options, serving), serving, generations);
  } catch (error) {
    serving.close();
    generations.close();
    throw error;
  }
};

const serverOf = (listening: Listening, serving: Serving, generations: Generations): Server => {
  const pending = () => Math.max(serving.pending, listening.busy);
  return {
    url: listening.url,
    port: listening.port,
    get instances() {
      return generations.live;
    },
    place: generations,
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
      generations.close();
      return left;
    },
  };
};

/** Requests end without a word to us once their last bytes are with the system. */
const stopPollMs = 10;

/** Why an address cannot be had, in words. */
const unheard: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there",
  EADDRNOTAVAIL: "it is no address of this machine",
  EACCES: "that port needs rights that you do not have",
};

const listen = async (options: ServeOptions, serving: Serving): Promise<Listening> => {
  const { hostname, port } = options;
  try {
    if (options.trailers) return await (await import("./trailing.ts")).listenTrailing(options, serving);
    return listenPlain(options, serving);
  } catch (error) {
    const code = errno(error);
    if (code === undefined) throw error;
    throw fault(
      "LK0009",
      `Cannot listen at ${hostname}:${port}: ${unheard[code] ?? (error as Error).message}`,
      {
        hint: "loop serve COMPONENT --addr 127.0.0.1:0",
        cause: error,
      },
    );
  }
};
