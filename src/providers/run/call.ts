import { DeclaredError, fault } from "../../base/fault.ts";
import { timed } from "../../base/timings.ts";
import { matchInterface } from "../../contract/semver.ts";
import type { Instance } from "../../host/instance.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import { GuestExit } from "../../host/provider.ts";
import { denialText } from "../../trust/report.ts";
import type { Session } from "./session.ts";

const wasiRun = "wasi:cli/run@0.2.0";

export interface Outcome {
  readonly exitCode: number;
  readonly output: string | undefined;
}

/**
 * Runs a WASI command to its end: 0 or 1 from `run`'s result, or the code that it exits with.
 * Faults: LK0305 it is no command, LK0304 it traps.
 */
export const runCommand = async (plan: LinkedPlan, session: Session): Promise<Outcome> => {
  if (matchInterface(wasiRun, plan.world.exports.keys()) === undefined) throw notACommand(plan);
  return { exitCode: await exitCodeOf(plan, session), output: session.output() };
};

const exitCodeOf = async (plan: LinkedPlan, session: Session): Promise<number> => {
  try {
    await inInstance(plan, session, (instance) => instance.call(wasiRun, "run", []));
    return 0;
  } catch (error) {
    if (error instanceof GuestExit) return error.exitCode;
    if (error instanceof DeclaredError) return 1;
    throw error;
  }
};

const notACommand = ({ component, world }: LinkedPlan) => {
  const names = [...world.exports.keys()];
  const isHandler = matchInterface("wasi:http/incoming-handler@0.2.0", names) !== undefined;
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
  const answer = await inInstance(plan, session, async (instance) => {
    try {
      const value = await instance.call(found.interface, found.func.name, args);
      return result?.kind === "result" ? { tag: "ok", val: value } : value;
    } catch (error) {
      if (!(error instanceof DeclaredError)) throw error;
      failed = true;
      return { tag: "err", val: error.payload };
    }
  });
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
): Promise<T> => {
  const instance = await plan.instantiate(context);
  let well = false;
  try {
    const answer = await timed("guest", () => work(instance));
    well = true;
    return answer;
  } catch (error) {
    well = error instanceof GuestExit || error instanceof DeclaredError;
    throw error;
  } finally {
    instance.drop();
    await context.stdio.stdout.flush();
    const text = denialText(plan.component.identifier, denials);
    if (text !== "") await context.stdio.stderr.write(new TextEncoder().encode(text));
    await finish(well);
    await context.stdio.stderr.flush();
  }
};
