import { DeclaredError, Fault, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { timed } from "../base/timings.ts";
import { type CommandDescription, commandSlot } from "../contract/description.ts";
import { arrived } from "../host/crossing.ts";
import type { LinkedPlan } from "../host/plan.ts";
import { GuestExit } from "../host/provider.ts";
import type { Registered } from "../providers/devserver/registry.ts";
import type { Filling } from "../slots/declaration.ts";
import type { Decision } from "../slots/precedence.ts";
import { denialText } from "../trust/report.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import type { Denial } from "../trust/written.ts";
import { commandContract, developmentSlot, type ShippedCommand } from "./catalog.ts";
import { describedAs } from "./commands.ts";
import { grantsOf, loadComponent, planFilling, type SlotChoice, slotDenials } from "./link.ts";
import { globalOptions } from "./options.ts";
import { parseWords, type Values } from "./parse.ts";
import type { Program } from "./program.ts";

/** What runs a command: a component, in which slot, with what grants. */
interface Chosen {
  readonly slot: string;
  readonly filling: Filling;
  readonly decision: SlotChoice;
  readonly shipped: ShippedCommand | undefined;
  /** Who chose it, where no source of the slot's did. */
  readonly by?: string;
}

/**
 * Calls the component that fills a command's slot with the words after the command's name; answers its exit
 * code. Faults: those of the words, of the slot, of loading and linking, and what the command answers.
 */
export const dispatch = async (
  program: Program,
  name: string,
  words: readonly string[],
  /** Where it is one of the workspace's own. */
  registered?: Registered,
): Promise<number> => {
  const chosen = registered ? await chooseRegistered(program, registered) : choose(program, name);
  return within(chosen, () => dispatchTo(program, chosen, name, words));
};

/** What goes wrong with a filling from elsewhere says how it came there, and how a person gets rid of it. */
const within = async (chosen: Chosen, work: () => Promise<number>): Promise<number> => {
  try {
    return await work();
  } catch (error) {
    const { shipped, slot, decision, filling, by } = chosen;
    // A slip in the words is the person's own, whoever runs the command.
    if (shipped || !(error instanceof Fault) || error.code.startsWith("LK000")) throw error;
    if (error.causes.some((cause) => cause.slot === slot)) throw error;
    const hint =
      decision.source === "remembered"
        ? `loop --builtin slot reset ${slot}`
        : `loop slot explain ${by === undefined ? slot : developmentSlot}`;
    throw new Fault(error.code, error.message, {
      hint: error.hint ?? hint,
      causes: [
        ...error.causes,
        { slot, component: filling.identifier, message: `Chosen by ${by ?? sourceText[decision.source]}` },
      ],
      cause: error,
    });
  }
};

const sourceText: Readonly<Record<Decision["source"], string>> = {
  flag: "--slot",
  environment: "LOOP_SLOTS",
  workspace: "loop.toml",
  remembered: "loop slot set",
  fork: "this fork of loop",
  "built-in": "loop itself",
};

const dispatchTo = async (
  program: Program,
  chosen: Chosen,
  name: string,
  words: readonly string[],
): Promise<number> => {
  // The words are read before anything is loaded where the description is at hand: a slip costs no start.
  const known = chosen.shipped?.description;
  const early = known && parse(known, words);
  const { component } = await loadComponent(chosen.filling.identifier, program);
  const description = known ?? describedAs(name, chosen.filling.identifier, component.bytes);
  const values = early ?? parse(description, words);
  const plan = await planFilling(component, chosen.decision, chosen.filling, program);
  return call(program, plan, component, chosen, invocationOf(program, description, values));
};

const choose = (program: Program, name: string): Chosen => {
  const slot = commandSlot(name);
  const shipped = program.shipped.get(name);
  const { choosingCommands: choosing } = program;
  if (!choosing) {
    if (!shipped)
      throw fault("LK0001", `There is no shipped command "${name}"`, { hint: "loop --builtin --help" });
    const filling = { identifier: shipped.identifier, grants: shipped.description.capabilities };
    return {
      slot,
      filling,
      shipped,
      decision: { slot: { name: slot }, source: "built-in", config: {} },
    };
  }
  const decision = choosing.use(slot);
  const filling = decision.fillings[0]!;
  // Whoever chose it, what the executable ships keeps what it needs.
  if (filling.identifier === shipped?.identifier)
    return { slot, decision, shipped, filling: { ...filling, grants: shipped.description.capabilities } };
  return { slot, filling, decision, shipped: undefined };
};

const chooseRegistered = async (program: Program, registered: Registered): Promise<Chosen> => {
  const slot = commandSlot(registered.name);
  const filling = await program.bring(registered);
  return {
    slot,
    filling,
    shipped: undefined,
    by: "the workspace's dev server",
    decision: { slot: { name: slot }, source: "built-in", config: {} },
  };
};

const parse = (description: CommandDescription, words: readonly string[]): Values =>
  parseWords({ ...description, options: [...description.options, ...globalOptions] }, words);

const invocationOf = (program: Program, description: CommandDescription, { values, rest }: Values) => ({
  command: description.name,
  arguments: [...values].map(([name, given]) => ({ name, values: [...given] })),
  rest: [...rest],
  json: program.options.json,
  interactive: program.interactive,
});

const call = async (
  program: Program,
  plan: LinkedPlan,
  component: VerifiedComponent,
  chosen: Chosen,
  invocation: ReturnType<typeof invocationOf>,
): Promise<number> => {
  const { identifier, digest } = component;
  const denials: Denial[] = [];
  const instance = await plan.instantiate({
    component: { identifier, digest },
    args: [invocation.command],
    grants: grantsOf(chosen.filling),
    onDenied: (denial) => {
      const known = denials.some(({ wanted }) => wanted === denial.wanted);
      if (!known && denials.length < limits.denialsMax) denials.push(denial);
    },
    stdio: program.stdio,
    onDrop: () => {},
  });
  let good = false;
  try {
    const code = (await timed("command", () =>
      instance.call(commandContract, "run", [invocation]),
    )) as number;
    good = code === 0;
    return code;
  } catch (error) {
    if (!(error instanceof GuestExit)) throw error instanceof DeclaredError ? answered(error, chosen) : error;
    good = error.exitCode === 0;
    return error.exitCode;
  } finally {
    instance.drop();
    await program.stdio.stdout.flush();
    const told = denials.filter(({ mild }) => !mild || !good);
    if (told.length > 0)
      await program.say(denialText(identifier, slotDenials(told, chosen.decision, chosen.filling)));
  }
};

/** What a command answered as its err: of a shipped one a person need not know that it is a component. */
const answered = (error: DeclaredError, { slot, filling, shipped }: Chosen): Fault => {
  const answer = arrived(error);
  if (shipped) return answer;
  return answer.within({
    slot,
    component: filling.identifier,
    phase: "call",
    message: "It answered with this",
  });
};
