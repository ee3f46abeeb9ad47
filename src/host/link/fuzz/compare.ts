import { declared } from "../../../base/fault.ts";
import { camel } from "../../../contract/model.ts";
import type { Linked } from "../../linker.ts";
import { type Echo, type EchoFunc, interfaceName } from "./echo.ts";
import type { Random } from "./random.ts";
import { value } from "./type.ts";

/** What a linker made of one call: what the host's import was given, and what the caller got back. */
export interface Crossing {
  readonly received: readonly unknown[];
  readonly answer: unknown;
}

export interface Call {
  readonly func: EchoFunc;
  readonly args: readonly unknown[];
  readonly answer: unknown;
}

export const randomCall = (random: Random, echo: Echo): Call => {
  const func = random.pick(echo.funcs);
  return {
    func,
    args: func.params.map((type) => value(random, type)),
    answer: func.result && value(random, func.result),
  };
};

/** An echo component's instance that can be called with what its host shall answer. */
export const crossings = async (linked: Linked, echo: Echo): Promise<(call: Call) => Crossing> => {
  let expected: Call;
  let received: readonly unknown[] = [];
  const host = Object.fromEntries(
    echo.funcs.map(({ name }) => [
      camel(name),
      (...args: unknown[]) => {
        received = args;
        return answerOf(expected);
      },
    ]),
  );
  const exports = await linked.instantiate({ [interfaceName]: host });
  const guest = exports[interfaceName] as Record<string, (...args: unknown[]) => unknown>;
  return (call) => {
    expected = call;
    const callee = guest[camel(call.func.name)]!;
    const { answer } = outcome(call, () => callee(...call.args));
    return { received, answer };
  };
};

/** A `result` at the top level is returned or thrown. */
const answerOf = ({ func, answer }: Call): unknown => {
  if (func.result?.kind !== "result") return answer;
  const { tag, val } = answer as { tag: string; val: unknown };
  if (tag === "err") throw declared(val);
  return val;
};

const outcome = ({ func }: Call, run: () => unknown): { answer: unknown } => {
  if (func.result?.kind !== "result") return { answer: run() };
  try {
    return { answer: { tag: "ok", val: run() } };
  } catch (error) {
    if (typeof error === "object" && error !== null && "payload" in error)
      return { answer: { tag: "err", val: error.payload } };
    throw error;
  }
};
