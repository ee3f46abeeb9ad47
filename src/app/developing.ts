import { resolve } from "node:path";
import type { Digest } from "../base/digest.ts";
import { limits } from "../base/limits.ts";
import { findManifest, readManifests } from "../base/manifest/manifest.ts";
import { printMs } from "../base/quantity.ts";
import { buildProject } from "../builders/project.ts";
import { readStamp, stampBeside } from "../builders/stamp.ts";
import { matchInterface } from "../contract/semver.ts";
import type { InstanceLimits } from "../host/budget.ts";
import type { LinkedPlan } from "../host/plan.ts";
import type { InstanceContext } from "../host/provider.ts";
import { Turns } from "../host/turns.ts";
import { Digests } from "../providers/devserver/digests.ts";
import type { Built, SessionServices, Workspace } from "../providers/devserver/services.ts";
import type { Voices } from "../providers/devserver/voices.ts";
import { runCommand } from "../providers/run/call.ts";
import type { RunServices } from "../providers/run/index.ts";
import { serveComponent } from "../providers/run/serve.ts";
import { limitsOf, openSession, type RunOptions } from "../providers/run/session.ts";
import { openDevServer } from "./devserver.ts";
import { type Linking, loadComponent } from "./link.ts";
import type { Services } from "./services.ts";
import { settingsIn } from "./settings.ts";
import type { Development } from "./workspace.ts";

/** What `loop dev` develops with: the services of building and of running, under one session's watch. */
export interface Developing {
  readonly linking: Linking;
  /** Lets the loop.toml files of a folder be read anew, with what the dev server says besides. */
  readonly reread: (folder: string, development: Development | undefined) => void;
  /** Fills slots that are in use as is chosen now. */
  readonly refill: () => Promise<void>;
  readonly build: Services["build"];
  readonly run: RunServices;
  readonly options: RunOptions;
  /** HOST:PORT for what serves HTTP. */
  readonly address: string;
  readonly voices: Voices;
  readonly caller: InstanceContext;
}

export const sessionServices = (developing: Developing): SessionServices => {
  let development: Development = { standing: new Map(), providers: [] };
  let spoken = "";
  const standing = (component: string) => development.standing.get(component);
  // What computes without end shares the thread with the session that is to replace it.
  const turns = new Turns(() => developing.linking.places.changing);
  // Of fifty members one has changed: the others' components need not be read again with each save.
  const digests = new Digests();
  return {
    async scan(folder) {
      // Whoever looks at the slots meanwhile finds those of what runs.
      developing.reread(spoken || folder, undefined);
      const { workspace, ...said } = await turns.hurried(() => scanned(folder, developing));
      development = said;
      spoken = speakingFor(workspace, folder);
      developing.reread(spoken, said);
      return workspace;
    },
    build: ({ folder, component }, begins, signal) =>
      turns.hurried(() => {
        const identifier = standing(component);
        return identifier === undefined
          ? built(folder, begins, signal, digests, developing)
          : found(identifier, developing);
      }),
    run: (component, starts, signal) => {
      // It hears what loop.toml says at its start, and not what that said when the round began.
      developing.reread(spoken, development);
      return running(standing(component) ?? component, starts, signal, turns, developing);
    },
    settings: (folder) => settingsIn(spoken ? [folder, spoken] : [folder], development.providers),
    refill: () => developing.refill(),
    ...reporting(developing),
  };
};

const reporting = (developing: Developing): Pick<SessionServices, "places" | "explain" | "onResize"> => ({
  places: developing.linking.places,
  explain: (error) => developing.run.explain(error).text,
  onResize: (resized) => {
    process.on("SIGWINCH", resized);
    return () => void process.off("SIGWINCH", resized);
  },
});

/**
 * The folder whose loop.toml files speak: a member that is the application has slots and grants of its own, where the
 * developed folder's counts it as a member. What fills the slot may name any folder, and gives nobody a voice.
 */
const speakingFor = ({ members, application }: Workspace, folder: string): string => {
  const named = members.find(({ name }) => name === application)?.folder ?? folder;
  const developed = findManifest(folder);
  return readManifests(named).some(({ path }) => path === developed) ? named : folder;
};

/** What there is, and what is said besides: all of it by whoever fills the slot, in one breath. */
const scanned = async (
  folder: string,
  { linking }: Developing,
): Promise<Development & { readonly workspace: Workspace }> => {
  const server = await openDevServer(linking);
  try {
    const graph = await server.scan(folder);
    const standing = new Map<string, string>();
    for (const member of graph.members) {
      const origin = await server.load(member);
      if (origin.tag === "made") standing.set(member.component, origin.val);
    }
    const providers = await server.providers(folder);
    return { standing, providers, workspace: { ...graph, commands: await server.commands(folder) } };
  } finally {
    server.drop();
  }
};

/** What somebody else made, as it is now. */
const found = async (identifier: string, { linking }: Developing): Promise<Built> => {
  const startMs = performance.now();
  const { component } = await loadComponent(identifier, linking, linking.decisions());
  const durationMs = Math.round(performance.now() - startMs);
  const inputs = identifier.startsWith("/") ? [identifier] : [];
  return { component: identifier, digest: component.digest, built: false, durationMs, warnings: [], inputs };
};

const built = async (
  folder: string,
  begins: () => void,
  signal: AbortSignal,
  digests: Digests,
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
    digestOfFile: (file) => digests.of(file),
  });
  const warning = outcome.built ? build.remember(outcome) : undefined;
  const inputs = readStamp(stampBeside(outcome.component))?.inputs.map(({ path }) => resolve(folder, path));
  const warnings = warning === undefined ? outcome.warnings : [...outcome.warnings, warning];
  return { ...outcome, warnings, inputs: inputs ?? [] };
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
  // A server has no end of its own: the time is one for each request then.
  const { lifeMsMax, ...bounds } = limitsOf(identifier, options, "loop dev");
  const plan = await run.plan(identifier, {
    ...bounds,
    stoppable: true,
    turns,
    graceMsMax: limits.devGraceMs,
  });
  starts(plan.component.digest);
  const serves = handlers.some((name) => matchInterface(name, plan.world.exports.keys()) !== undefined);
  const { caller, voices } = developing;
  const told = { ...developing, caller: { ...caller, ...voices.application(identifier) } };
  try {
    const lifetime = lifeMsMax === undefined ? {} : { lifeMsMax };
    return await (serves ? serving(plan, signal, told) : commanding(plan, lifetime, signal, told));
  } finally {
    voices.ended();
  }
};

const commanding = async (
  plan: LinkedPlan,
  lifetime: InstanceLimits,
  signal: AbortSignal,
  { run, options, caller }: Developing,
): Promise<number> => {
  const session = await openSession(plan, caller, { ...options, capture: false }, run);
  const { exitCode } = await runCommand(
    plan,
    { ...session, context: { ...session.context, limits: lifetime, stop: signal } },
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
    grace: printMs(limits.devGraceMs),
    json: false,
  };
  const services: RunServices = {
    ...run,
    // The session says when it ends; and the program itself must not begin anew.
    interruptible: (work) => work(signal),
    startWithCheapMemories: async () => {},
  };
  await serveComponent(plan, caller, options, how, services);
  return 0;
};
