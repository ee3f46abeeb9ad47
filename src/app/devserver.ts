import type { Digest } from "../base/digest.ts";
import { DeclaredError, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { shellWord } from "../base/word.ts";
import { arrived } from "../host/crossing.ts";
import type { Instance } from "../host/instance.ts";
import type { LinkedPlan } from "../host/plan.ts";
import type { Graph, Member } from "../providers/devserver/graph.ts";
import type { Origin, Provided } from "../providers/devserver/loader.ts";
import type { Registered } from "../providers/devserver/registry.ts";
import type { Decision } from "../slots/precedence.ts";
import { commandsContract, developmentContract, developmentSlot, loaderContract } from "./catalog.ts";
import { arriving, grantsOf, type Linking, loadComponent, planFilling } from "./link.ts";

// Whoever says what there is to develop: loop itself, or what fills the slot `devserver`, asked by the same interfaces.

export interface DevServer {
  scan(folder: string): Promise<Graph>;
  load(member: Member): Promise<Origin>;
  providers(folder: string): Promise<readonly Provided[]>;
  commands(folder: string): Promise<readonly Registered[]>;
  /** Nothing is asked after it. */
  drop(): void;
}

/** What fills the slot instead of loop itself. Faults: those of the slot. */
export const fillingHere = ({ choosing }: Pick<Linking, "choosing">) => {
  const decision = choosing?.use(developmentSlot);
  const [filling] = decision?.fillings ?? [];
  return !decision || !filling || filling.identifier.startsWith("builtin:")
    ? undefined
    : { decision, filling };
};

/** Faults: those of the slot, of loading and linking, and LK0402. What it answers is checked: LK0451. */
export const openDevServer = async (linking: Linking): Promise<DevServer> => {
  const chosen = fillingHere(linking);
  if (!chosen) return own;
  const { decision, filling } = chosen;
  const { component } = await loadComponent(filling.identifier, linking);
  const plan = await planFilling(component, decision, filling, arriving(linking));
  await requireFit(plan, decision);
  const { identifier, digest } = component;
  const instance = await plan.instantiate({
    component: { identifier, digest },
    args: [],
    // It says what there is, and does no more than what it was granted besides.
    grants: grantsOf(filling),
    // What is asked of loop may be a list for another program.
    stdio: { ...linking.stdio, stdout: linking.stdio.stderr },
    onDrop: () => {},
  });
  return asked(instance);
};

/** loop's own answers. */
const own: DevServer = {
  scan: async (folder) => (await import("../providers/devserver/graph.ts")).scan(folder),
  load: async () => (await import("../providers/devserver/loader.ts")).load(),
  providers: async () => (await import("../providers/devserver/loader.ts")).providers(),
  commands: async (folder) => (await import("../providers/devserver/registry.ts")).commands(folder),
  drop() {},
};

const asked = async (instance: Instance): Promise<DevServer> => {
  const checks = await import("../providers/devserver/answers.ts");
  const ask = async <T>(contract: string, func: string, arg: unknown): Promise<T> => {
    try {
      return (await instance.callWithin(limits.devAnswerMsMax, contract, func, [arg])) as T;
    } catch (error) {
      if (!(error instanceof DeclaredError)) throw error;
      const { identifier: component } = instance.context.component;
      throw arrived(error).within({ slot: developmentSlot, component, phase: "call", message: `In ${func}` });
    }
  };
  const loads = instance.exports(loaderContract);
  const registers = instance.exports(commandsContract);
  return {
    scan: async (folder) => checks.checkedGraph(await ask(developmentContract, "scan", folder)),
    load: async (member) =>
      loads ? checks.checkedOrigin(await ask(loaderContract, "load", member)) : own.load(member),
    providers: async (folder) =>
      loads ? checks.checkedProviders(await ask(loaderContract, "providers", folder)) : own.providers(folder),
    commands: async (folder) =>
      registers ? checks.checkedCommands(await ask(commandsContract, "list", folder)) : own.commands(folder),
    drop: () => instance.drop(),
  };
};

/** Components that were compared, by digest: a session asks with every change. */
const fitting = new Set<Digest>();

/** What a loop.toml names was compared by nobody yet. Fault LK0402. */
const requireFit = async ({ component, world }: LinkedPlan, { slot }: Decision): Promise<void> => {
  const { digest, identifier } = component;
  if (fitting.has(digest)) return;
  const found = await (await import("./examine.ts")).misfits(slot, world);
  if (found.length > 0)
    throw fault(
      "LK0402",
      `${identifier} does not fit the slot ${slot.name}: ${found.slice(0, 3).join("; ")}`,
      {
        hint: `loop inspect ${shellWord(identifier)} --wit`,
      },
    );
  fitting.add(digest);
};
