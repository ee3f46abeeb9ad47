import { fault } from "../../base/fault.ts";
import type { InstanceLimits } from "../../host/budget.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { InstanceContext } from "../../host/provider.ts";
import type { RunServices } from "./index.ts";
import { openSession, type RunOptions } from "./session.ts";

/** `loop:run/runner#serving` in the JS mapping. */
export interface Serving {
  /** HOST:PORT. */
  readonly address: string;
  readonly perRequest: boolean;
  readonly instances: number | undefined;
}

/** A server of one component, as whoever serves HTTP here makes it. */
export type MakeServer = (
  plan: LinkedPlan,
  options: {
    readonly hostname: string;
    readonly port: number;
    readonly reuse: boolean;
    readonly instancesMax: number | undefined;
    contextOf(): InstanceContext;
    report(error: unknown): void;
  },
) => Promise<{ readonly url: string; stop(now?: boolean): Promise<void> }>;

/** How long requests that are under way at an interrupt may take; within what an interrupted program has. */
const graceMs = 700;

/** A limit on a run's time is one on each request's: a server has no end of its own. */
export const limitsOfServer = ({ lifeMsMax, ...limits }: InstanceLimits): InstanceLimits => ({
  ...limits,
  ...(lifeMsMax !== undefined && { callMsMax: lifeMsMax }),
});

/** Serves until it is interrupted. Faults: LK0004 the address, LK0009 it cannot be had, LK0305 no handler. */
export const serveComponent = async (
  plan: LinkedPlan,
  caller: InstanceContext,
  { timeout: _, ...options }: RunOptions,
  { address, perRequest, instances }: Serving,
  services: Pick<RunServices, "folder" | "grants" | "serve" | "interruptible">,
): Promise<void> => {
  const say = (text: string) => void caller.stdio.stderr.write(new TextEncoder().encode(text));
  const { hostname, port } = parseAddr(address);
  const { context } = await openSession(plan, caller, { ...options, capture: false }, services);
  const server = await services.serve(plan, {
    hostname,
    port,
    reuse: !perRequest,
    instancesMax: instances,
    contextOf: () => context,
    report: (error) => say(`loop: ${error instanceof Error ? error.message : String(error)}\n`),
  });
  say(`Serving ${plan.component.identifier} at ${server.url}\n`);
  await services.interruptible(
    (signal) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
  );
  await Promise.race([server.stop(), Bun.sleep(graceMs)]);
  await server.stop(true);
};

/** `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`. */
const parseAddr = (text: string): { readonly hostname: string; readonly port: number } => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  if (!match || Number(match[3]) > 65_535)
    throw fault("LK0004", `An address to serve at is HOST:PORT, and "${text}" was written`, {
      hint: "--addr 127.0.0.1:8080",
    });
  return { hostname: match[1] ?? match[2]!, port: Number(match[3]) };
};
