// loop:run: starts components for a command. Owns the running of one component, from its plan to its exit code;
// refuses to choose what it may do (grants come with the call) and what serves its imports (the app's table
// does); listed in the app's table.

import type { InstanceLimits } from "../../host/budget.ts";
import { answering } from "../../host/crossing.ts";
import type { Swaps } from "../../host/places.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { LogSink, OutputSink, Provider, Stdio, Voice } from "../../host/provider.ts";
import type { Grants } from "../../trust/grants.ts";
import type { VerifiedComponent } from "../../trust/verify.ts";
import type { FlagGrants, WrittenGrant } from "../../trust/written.ts";
import { type Drawing, invokeExport, runCommand } from "./call.ts";
import { limitsOfServer, type MakeServer, type Serving, serveComponent, serveHint } from "./serve.ts";
import { limitsOf, openSession, type RunOptions } from "./session.ts";

/** Questions to a person, and the terminal as it is left to the component. */
export interface Asking {
  readonly stdin: Stdio["stdin"];
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
  readonly ask: (grant: WrittenGrant) => Promise<boolean>;
}

/** What the composition root gives. */
export interface RunServices {
  /** Identifier → linked plan for instances with these limits, by the one path that every component takes. */
  readonly plan: (identifier: string, limits: InstanceLimits) => Promise<LinkedPlan>;
  /** Absolute; files of audits and recordings are relative to it. */
  readonly folder: string;
  /** What a component may do, from the flags of one run and whoever else grants it something. */
  readonly grants: (
    component: VerifiedComponent,
    flags: FlagGrants,
  ) => Promise<{ readonly grants: Grants; readonly unmet: readonly WrittenGrant[] }>;
  /** What draws with a component, loaded when one does. */
  readonly drawing: () => Promise<Drawing>;
  /** How the application itself is swapped while it runs. */
  readonly swaps: Swaps;
  /**
   * Asks for what turns out to be missing while a component runs; undefined where nobody can be asked. What the
   * component reads and writes then are the answer's streams.
   */
  readonly asking: (
    component: VerifiedComponent,
    flags: FlagGrants,
    stdio: Stdio,
  ) => Promise<Asking | undefined>;
  /** The voice of a component, which others may listen to; `log` is a person's where this has none. */
  readonly hear: (
    component: string,
    voice: Omit<Voice, "log"> & { readonly log?: LogSink | undefined },
  ) => Voice;
  /** Serves HTTP with a component; the sibling that can is no business of this folder. */
  readonly serve: MakeServer;
  /**
   * Runs work until it ends or a person interrupts it, which the signal says: it has `graceMs` to end then. Where a guest
   * may keep the thread meanwhile (`held`), the process ends all the same.
   */
  readonly interruptible: <T>(
    work: (signal: AbortSignal) => Promise<T>,
    how: { readonly graceMs: number; readonly held: boolean },
  ) => Promise<T>;
  /** An error as it is printed for a person, and as the fields of a JSON document. */
  readonly explain: (error: unknown) => { readonly text: string; readonly document: object };
  /** Begins the program anew where that makes instances cheap; comes back where it does not. */
  readonly startWithCheapMemories: () => Promise<void>;
}

export const runProvider = (services: RunServices): Provider => ({
  name: "run",
  interfaces: ["loop:run/runner@0.1.0"],
  suspending: ["loop:run/runner#run", "loop:run/runner#invoke", "loop:run/runner#serve"],
  defaultGranted: [],
  instantiate: (context) => ({
    "loop:run/runner@0.1.0": {
      run: answering(async (identifier: string, options: RunOptions) => {
        const plan = await services.plan(identifier, limitsOf(identifier, options));
        return runCommand(plan, await openSession(plan, context, options, services), services);
      }),
      invoke: answering(async (identifier: string, expression: string, options: RunOptions) => {
        const plan = await services.plan(identifier, limitsOf(identifier, options));
        return invokeExport(plan, expression, await openSession(plan, context, options, services));
      }),
      serve: answering(async (identifier: string, options: RunOptions, serving: Serving) => {
        const plan = await services.plan(
          identifier,
          limitsOfServer(limitsOf(identifier, options, serveHint(identifier))),
        );
        return serveComponent(plan, context, options, serving, services);
      }),
    },
  }),
});
