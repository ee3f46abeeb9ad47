import { readFileSync } from "node:fs";
import type { Digest } from "../base/digest.ts";
import { limits } from "../base/limits.ts";
import { findManifest } from "../base/manifest/manifest.ts";
import { buildProject } from "../builders/project.ts";
import { matchInterface } from "../contract/semver.ts";
import type { LinkedPlan } from "../host/plan.ts";
import type { InstanceContext } from "../host/provider.ts";
import { Turns } from "../host/turns.ts";
import { type Graph, scan } from "../providers/devserver/graph.ts";
import type { Built, SessionServices } from "../providers/devserver/session.ts";
import type { Voices } from "../providers/devserver/voices.ts";
import { runCommand } from "../providers/run/call.ts";
import type { RunServices } from "../providers/run/index.ts";
import { limitsOfServer, serveComponent } from "../providers/run/serve.ts";
import { limitsOf, openSession, type RunOptions } from "../providers/run/session.ts";
import { developmentSlot } from "./catalog.ts";
import { type Linking, loadComponent, planFilling } from "./link.ts";
import type { Services } from "./services.ts";

/** What `loop dev` develops with: the services of building and of running, under one session's watch. */
export interface Developing {
  readonly linking: Linking;
  /** Lets the loop.toml files be read anew. */
  readonly reread: () => void;
  readonly build: Services["build"];
  readonly run: RunServices;
  readonly options: RunOptions;
  /** HOST:PORT for what serves HTTP. */
  readonly address: string;
  readonly voices: Voices;
  readonly caller: InstanceContext;
}

export const sessionServices = (developing: Developing): SessionServices => {
  const { places } = developing.linking;
  // What computes without end shares the thread with the session that is to replace it.
  const turns = new Turns(() => places.changing);
  return {
    scan: (folder) => turns.hurried(() => scanned(folder, developing)),
    build: (folder, begins, signal) => turns.hurried(() => built(folder, begins, signal, developing)),
    run: (identifier, starts, signal) => running(identifier, starts, signal, turns, developing),
    settings: (folder) => settingsOf(folder),
    places,
    explain: (error) => developing.run.explain(error).text,
    onResize: (resized) => {
      process.on("SIGWINCH", resized);
      return () => void process.off("SIGWINCH", resized);
    },
  };
};

/** The text of the loop.toml that speaks for the folder; none where it is gone. */
const settingsOf = (folder: string): string => {
  const path = findManifest(folder);
  try {
    return path === undefined ? "" : readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

/** By what fills the slot, or else by loop's own reading of loop.toml files. */
const scanned = async (folder: string, { linking, caller, reread }: Developing): Promise<Graph> => {
  reread();
  const decision = linking.slots().use(developmentSlot);
  const [filling] = decision.fillings;
  if (!filling || filling.identifier.startsWith("builtin:")) return scan(folder);
  const { component } = await loadComponent(filling.identifier, linking);
  const plan = await planFilling(component, decision, filling, linking);
  const { identifier, digest } = component;
  const instance = await plan.instantiate({
    component: { identifier, digest },
    args: [],
    // It reads the workspace, and no more than what it was granted besides.
    grants: (await import("./link.ts")).grantsOf(filling),
    stdio: caller.stdio,
    onDrop: () => {},
  });
  try {
    return (await instance.call(decision.slot.contract, "scan", [folder])) as Graph;
  } finally {
    instance.drop();
  }
};

const built = async (
  folder: string,
  begins: () => void,
  signal: AbortSignal,
  { build }: Developing,
): Promise<Built> => {
  const outcome = await buildProject(folder, {
    builderFor: async (language) => {
      const builder = await build.builderFor(language);
      return {
        ...builder,
        build: (request) => {
          begins();
          return builder.build(request);
        },
      };
    },
    signal,
    quick: true,
  });
  const warning = outcome.built ? build.remember(outcome) : undefined;
  return warning === undefined ? outcome : { ...outcome, warnings: [...outcome.warnings, warning] };
};

const handlers = ["wasi:http/handler@0.3.0", "wasi:http/incoming-handler@0.2.0"];

const running = async (
  identifier: string,
  starts: (digest: Digest) => void,
  signal: AbortSignal,
  turns: Turns,
  developing: Developing,
): Promise<number> => {
  const { run, options } = developing;
  const bounds = {
    ...limitsOf(identifier, options),
    stoppable: true,
    turns,
    graceMsMax: limits.devGraceMs,
  };
  const plan = await run.plan(identifier, bounds);
  starts(plan.component.digest);
  const serves = handlers.some((name) => matchInterface(name, plan.world.exports.keys()) !== undefined);
  const { caller, voices } = developing;
  const told = { ...developing, caller: { ...caller, ...voices.application(identifier) } };
  try {
    return await (serves ? serving(plan, signal, told) : commanding(plan, signal, told));
  } finally {
    voices.ended();
  }
};

const commanding = async (
  plan: LinkedPlan,
  signal: AbortSignal,
  { run, options, caller }: Developing,
): Promise<number> => {
  const session = await openSession(plan, caller, { ...options, capture: false }, run);
  const { exitCode } = await runCommand(
    plan,
    { ...session, context: { ...session.context, stop: signal } },
    run,
  );
  return exitCode;
};

const serving = async (
  plan: LinkedPlan,
  signal: AbortSignal,
  { run, options, address, caller }: Developing,
): Promise<number> => {
  const how = {
    address,
    perRequest: false,
    instances: undefined,
    trailers: false,
    grace: `${limits.devGraceMs}ms`,
    json: false,
  };
  const services: RunServices = {
    ...run,
    // The session says when it ends; and the program itself must not begin anew.
    interruptible: (work) => work(signal),
    startWithCheapMemories: async () => {},
  };
  await serveComponent(plan, caller, { ...options, ...limitsOfServer({}) }, how, services);
  return 0;
};
