import { DeclaredError, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { timed } from "../../base/timings.ts";
import { matchInterface } from "../../contract/semver.ts";
import type { Instance } from "../../host/instance.ts";
import { Live } from "../../host/live.ts";
import { applicationPlace, placeOf } from "../../host/places.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import { GuestExit, type InstanceContext } from "../../host/provider.ts";
import { denialText } from "../../trust/report.ts";
import type { RunServices } from "./index.ts";
import { requireWindows } from "./screen.ts";
import type { Session } from "./session.ts";

/** What makes a component a command, the newest generation first. */
const wasiRuns = ["wasi:cli/run@0.3.0", "wasi:cli/run@0.2.0"];
/** What the examples of the public graphics proposals export: a loop of their own, in the world itself. */
const graphicsStart = "start";
const graphicsPackages = /^(wasi:(webgpu|surface|graphics-context|frame-buffer)|wasi-gfx:[a-z-]+)\//;
const windowApp = "loop:window/app@0.1.0";

/** Draws with a component; the sibling that can is no business of this folder. */
export interface Drawing {
  /** Begins it; its exit code where it ends right there. */
  begin(instance: Instance): Promise<number | undefined>;
  /** Draws until it ends, with its exit code. */
  drive(live: Live): Promise<number>;
}

export interface Outcome {
  readonly exitCode: number;
  readonly output: string | undefined;
}

/**
 * Runs a WASI command to its end: 0 or 1 from `run`'s result, or the code that it exits with; or a component that
 * draws. Faults: LK0305 it is neither, LK0304 it traps, and those of drawing.
 */
export const runCommand = async (
  plan: LinkedPlan,
  session: Session,
  services: Pick<RunServices, "drawing" | "swaps">,
): Promise<Outcome> => {
  const exported = [...plan.world.exports.keys()];
  const draws = matchInterface(windowApp, exported);
  const begin = beginning(plan);
  if (!draws && !begin) throw notACommand(plan);
  requireWindows(plan, session.context.screen);
  const exitCode = await (draws
    ? exitCodeOf(plan, patient(session), (instance) => draw(plan, draws, instance, services))
    : exitCodeOf(plan, session, (instance) =>
        instance.call(begin!.interface, begin!.func, []).then(() => 0),
      ));
  return { exitCode, output: session.output() };
};

/** Draws frame by frame, whichever component stands in the application's place. */
const draw = async (
  plan: LinkedPlan,
  exported: string,
  instance: Instance,
  { drawing, swaps }: Pick<RunServices, "drawing" | "swaps">,
): Promise<number> => {
  const { begin, drive } = await drawing();
  const ended = await begin(instance);
  if (ended !== undefined) return ended;
  const exports = new Map([[exported, plan.world.exports.get(exported)!]]);
  const contract = { name: undefined, imports: new Map(), exports };
  const live = new Live({ place: applicationPlace, contract, waits: true }, plan, instance);
  const start = async (next: LinkedPlan, context: InstanceContext) => {
    const made = await next.instantiate(context);
    try {
      await begin(made);
      return made;
    } catch (error) {
      made.drop();
      throw error;
    }
  };
  const { context } = instance;
  const leave = swaps.places.add(placeOf(applicationPlace, live, swaps, context, start));
  try {
    return await drive(live);
  } finally {
    leave();
    live.drop();
  }
};

/** What runs a command from beginning to end; undefined where it exports nothing of the kind. */
const beginning = ({ world }: LinkedPlan): { interface: string | undefined; func: string } | undefined => {
  const run = wasiRuns.find((name) => matchInterface(name, world.exports.keys()) !== undefined);
  if (run !== undefined) return { interface: run, func: "run" };
  const start = world.exports.get(graphicsStart);
  if (start?.kind !== "func" || start.func.params.length > 0) return undefined;
  return [...world.imports.keys()].some((name) => graphicsPackages.test(name))
    ? { interface: undefined, func: graphicsStart }
    : undefined;
};

/** Nobody can close a window, or stop it with the keyboard, while a call into its component goes on. */
const patient = (session: Session): Session => ({
  ...session,
  context: {
    ...session.context,
    limits: { ...session.context.limits, callMsMax: limits.windowCallMsMax },
  },
});

const exitCodeOf = async (
  plan: LinkedPlan,
  session: Session,
  work: (instance: Instance) => Promise<number>,
): Promise<number> => {
  try {
    return await inInstance(plan, session, work, (exitCode) => exitCode !== 0);
  } catch (error) {
    if (error instanceof GuestExit) return error.exitCode;
    if (error instanceof DeclaredError) return 1;
    throw error;
  }
};

const notACommand = ({ component, world }: LinkedPlan) => {
  const names = [...world.exports.keys()];
  const isHandler = ["wasi:http/handler@0.3.0", "wasi:http/incoming-handler@0.2.0"].some(
    (name) => matchInterface(name, names) !== undefined,
  );
  const isLoopCommand = matchInterface("loop:cli/command@0.1.0", names) !== undefined;
  return fault(
    "LK0305",
    `${component.identifier} does not export wasi:cli/run; it exports: ${names.join(", ") || "nothing"}`,
    {
      hint: isHandler
        ? `loop serve ${component.identifier}`
        : isLoopCommand
          ? `loop slot set command:NAME ${component.identifier}`
          : `loop run ${component.identifier} --invoke 'FUNCTION(ARGUMENTS)'`,
    },
  );
};

export interface Answer {
  /** The result in WAVE; undefined where the function has none. */
  readonly value: string | undefined;
  /** Whether the result is an err. */
  readonly failed: boolean;
  readonly output: string | undefined;
}

/** Calls one export, written in WAVE. Faults: LK0205 to LK0208 for the expression, LK0304 it traps. */
export const invokeExport = async (
  plan: LinkedPlan,
  expression: string,
  session: Session,
): Promise<Answer> => {
  const wave = await timed("wave", loadWave);
  const call = wave.parseCall(expression);
  const found = wave.findFunction(plan.world, call.target);
  const args = wave.toArguments(call.args, found.func, call.span);
  const { result } = found.func;
  let failed = false;
  const answer = await inInstance(
    plan,
    session,
    async (instance) => {
      try {
        const value = await instance.call(found.interface, found.func.name, args);
        return result?.kind === "result" ? { tag: "ok", val: value } : value;
      } catch (error) {
        if (!(error instanceof DeclaredError)) throw error;
        failed = true;
        return { tag: "err", val: error.payload };
      }
    },
    () => failed,
  );
  return { value: result && wave.printValue(answer, result), failed, output: session.output() };
};

/** WAVE is needed for `--invoke` alone. */
const loadWave = async () => ({
  ...(await import("../../contract/wave/parse.ts")),
  ...(await import("../../contract/wave/target.ts")),
  ...(await import("../../contract/wave/value.ts")),
  ...(await import("../../contract/wave/print.ts")),
});

/** One instance for one call; whatever it wrote is out before the answer is. */
const inInstance = async <T>(
  plan: LinkedPlan,
  { context, denials, finish }: Session,
  work: (instance: Instance) => Promise<T>,
  failed: (answer: T) => boolean,
): Promise<T> => {
  const instance = await plan.instantiate(context);
  let well = false;
  let good = false;
  try {
    const answer = await timed("guest", async () => {
      const answer = await work(instance);
      await instance.arrived();
      return answer;
    });
    well = true;
    good = !failed(answer);
    return answer;
  } catch (error) {
    well = error instanceof GuestExit || error instanceof DeclaredError;
    good = error instanceof GuestExit && error.exitCode === 0;
    throw error;
  } finally {
    instance.drop();
    await context.stdio.stdout.flush();
    const text = denialText(
      plan.component.identifier,
      denials.filter(({ mild }) => !mild || !good),
    );
    if (text !== "") await context.stdio.stderr.write(new TextEncoder().encode(text));
    await finish(well);
    await context.stdio.stderr.flush();
  }
};
