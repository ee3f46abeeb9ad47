import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { parseMs, printMs } from "../../base/quantity.ts";
import { shellWord } from "../../base/word.ts";
import type { InstanceLimits } from "../../host/budget.ts";
import { hasState } from "../../host/handover.ts";
import { applicationPlace, placeOf, type Swappable, type Swaps } from "../../host/places.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { InstanceContext } from "../../host/provider.ts";
import { Turns } from "../../host/turns.ts";
import { denialText } from "../../trust/report.ts";
import type { Denial } from "../../trust/written.ts";
import type { RunServices } from "./index.ts";
import { Lines } from "./log.ts";
import { limitsOf, openSession, type RunOptions } from "./session.ts";

/** `loop:run/runner#serving` in the JS mapping. */
export interface Serving {
  /** HOST:PORT. */
  readonly address: string;
  readonly perRequest: boolean;
  readonly instances: number | undefined;
  readonly trailers: boolean;
  readonly grace: string | undefined;
  readonly json: boolean;
}

/** A server of one component, as whoever serves HTTP here makes it. */
export type MakeServer = (
  plan: LinkedPlan,
  options: {
    readonly hostname: string;
    readonly port: number;
    readonly reuse: boolean;
    readonly instancesMax: number | undefined;
    readonly trailers: boolean;
    contextOf(): InstanceContext;
    report(error: unknown): void;
    handled: ((one: { method: string; target: string; status: number; ms: number }) => void) | undefined;
  },
) => Promise<{
  readonly url: string;
  readonly pending: number;
  readonly place: Swappable;
  stop(graceMs: number): Promise<number>;
}>;

/**
 * A limit on a run's time is one on each request's: a server has no end of its own. What is metered for it lets other
 * requests, and an interruption, have their turn.
 */
export const limitsOfServer = ({ lifeMsMax, ...limits }: InstanceLimits): InstanceLimits => ({
  ...limits,
  ...(lifeMsMax !== undefined && { callMsMax: lifeMsMax, turns: new Turns() }),
});

/** What a server is started again by, for a hint. */
export const serveHint = (identifier: string): string => `loop serve ${shellWord(identifier)}`;

/** Beyond the requests' own time, for what comes after them: the audit, the last lines. */
const endMsMax = 2000;

type Services = Pick<
  RunServices,
  | "hear"
  | "folder"
  | "grants"
  | "asking"
  | "serve"
  | "swaps"
  | "interruptible"
  | "explain"
  | "startWithCheapMemories"
>;

/** Serves until it is interrupted. Faults: LK0004 the address, LK0009 it cannot be had, LK0305 no handler. */
export const serveComponent = async (
  plan: LinkedPlan,
  caller: InstanceContext,
  { timeout, ...options }: RunOptions,
  { address, perRequest, instances, trailers, grace, json }: Serving,
  services: Services,
): Promise<void> => {
  const { hostname, port } = parseAddr(address);
  const { identifier } = plan.component;
  if (perRequest && hasState(plan.world))
    throw fault(
      "LK0004",
      `${identifier} exports loop:core/handover, so one instance of it is for all requests, and --per-request gives each one of its own`,
      { hint: serveHint(identifier) },
    );
  const graceMs = Math.min(
    grace === undefined ? limits.serveGraceMsDefault : parseMs(grace, "--grace"),
    limits.timerMsMax - endMsMax,
  );
  // Before anything is asked or opened: it may not come back.
  await services.startWithCheapMemories();
  const unread = Promise.withResolvers<void>();
  const voice = voiceOf(identifier, caller, json, services, unread.resolve);
  // Standard output is the log's.
  const stdio = json ? { ...caller.stdio, stdout: caller.stdio.stderr } : caller.stdio;
  const { context, finish } = await openSession(
    plan,
    { ...caller, stdio },
    { ...options, capture: false },
    services,
    voice.denied,
  );
  const served = {
    ...context,
    limits: limitsOfServer(limitsOf(identifier, { ...options, timeout }, serveHint(identifier))),
  };
  const server = await services.serve(plan, {
    hostname,
    port,
    reuse: !perRequest,
    instancesMax: instances,
    trailers,
    contextOf: () => served,
    report: voice.failed,
    handled: voice.handled,
  });
  const leave = beSwapped(server.place, served, services.swaps);
  const work = async (signal: AbortSignal) => {
    voice.serving(server.url);
    const interrupted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    await Promise.race([interrupted, unread.promise]);
    leave();
    voice.stopping(server.pending, graceMs);
    voice.stopped(await server.stop(graceMs), graceMs);
    await finish(true);
  };
  // What takes turns keeps nobody from hearing.
  await services.interruptible(work, {
    graceMs: graceMs + endMsMax,
    held: served.limits.turns === undefined,
  });
};

/** What comes has the grants, the streams and the limits of this run. The answer ends that others may come. */
const beSwapped = (place: Swappable, context: InstanceContext, swaps: Swaps): (() => void) =>
  swaps.places.add(
    placeOf(applicationPlace, place, swaps, context, (plan, context) => plan.instantiate(context)),
  );

/** What is said of a server: sentences on standard error, or with --json events on standard output. */
const voiceOf = (
  component: string,
  { stdio }: InstanceContext,
  json: boolean,
  { explain }: Pick<RunServices, "explain">,
  gone: () => void,
) => {
  const lines = new Lines(json ? stdio.stdout : stdio.stderr, gone);
  let requests = 0;
  let errors = 0;
  const event = (name: string, more: object) => {
    const dropped = lines.takeDropped();
    if (dropped > 0) lines.write(`${JSON.stringify({ event: "dropped", lines: dropped })}\n`);
    lines.write(`${JSON.stringify({ event: name, time: new Date().toISOString(), ...more })}\n`);
  };
  return {
    serving(url: string) {
      if (json) event("serving", { component, url });
      else lines.write(`Serving ${component} at ${url}\n`);
    },
    denied(denial: Denial) {
      if (json) event("denied", { wanted: denial.wanted, grant: denial.grant });
      else lines.write(denialText(component, [denial], "serve"));
    },
    failed(error: unknown) {
      errors++;
      const { text, document } = explain(error);
      if (json) event("error", document);
      else lines.write(text);
    },
    handled: json
      ? (one: { method: string; target: string; status: number; ms: number }) => {
          requests++;
          event("request", { ...one, ms: Math.round(one.ms * 1000) / 1000 });
        }
      : undefined,
    stopping(pending: number, graceMs: number) {
      if (json) event("stopping", { pending, graceMs });
      else if (pending > 0)
        lines.write(
          `Stopping: ${counted(pending)} under way, at most ${printMs(graceMs)} more; interrupt again to stop at once\n`,
        );
    },
    stopped(cut: number, graceMs: number) {
      if (json) event("stopped", { requests, errors, cut });
      else if (cut > 0)
        lines.write(
          `loop: ${counted(cut)} not answered within ${printMs(graceMs)}; loop serve ${component} --grace ${printMs(graceMs * 2)}\n`,
        );
    },
  };
};

const counted = (requests: number): string =>
  requests === 1 ? "1 request was" : `${requests} requests were`;

/** `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`. */
const parseAddr = (text: string): { readonly hostname: string; readonly port: number } => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text);
  if (!match || Number(match[3]) > 65_535)
    throw fault("LK0004", `An address to serve at is HOST:PORT, and "${text}" was written`, {
      hint: "--addr 127.0.0.1:8080",
    });
  return { hostname: match[1] ?? match[2]!, port: Number(match[3]) };
};
