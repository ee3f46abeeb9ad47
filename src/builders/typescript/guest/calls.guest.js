// Guest code. What stands between the guest's functions and the engine's: values are lowered and lifted, a
// declared err is thrown with its `payload` on either side, and an exception that nobody caught is written to
// the host with its place in the TypeScript source before the guest traps.
import { quickjs } from "loop:engine";
import { inspect } from "./inspect.guest.js";
import { beginLoan, beginMove, endLoan, finishMove } from "./resources.guest.js";
import { flush, phase } from "./state.guest.js";
import { Mismatch } from "./values.guest.js";

/** A declared err of an import, as the guest catches it. */
export class ComponentError extends Error {
  constructor(payload, where) {
    super(typeof payload === "string" ? payload : `${where}: ${inspect(payload)}`);
    Object.defineProperty(this, "payload", { value: payload, enumerable: typeof payload !== "string" });
  }
}
Object.defineProperty(ComponentError.prototype, "name", { value: "ComponentError" });

/**
 * A signature: `where` ("wasi:cli/stdout#get-stdout"), `params` as [name, type], `result` (a type or undefined),
 * and `err`, for a function that answers `result`: { type } of its err, the result then being that of its ok.
 */
const lowerArguments = ({ where, params }, args) => {
  const out = new Array(params.length);
  let at = 0;
  try {
    for (; at < params.length; at++) out[at] = params[at][1].lower(args[at]);
  } catch (error) {
    throw error instanceof Mismatch ? error.error(`${where}: ${params[at][0]}`) : error;
  }
  return out;
};

/** The guest's view of an import; `call(args)` reaches the engine's with lowered arguments. */
export const importing = (signature, call) => (args) => {
  const { where, result, err } = signature;
  if (!phase.running)
    throw new Error(
      `${where} was called while the module is loaded; imports can be called from exports only`,
    );
  beginMove();
  const lowered = lowerArguments(signature, args);
  finishMove();
  let answer;
  try {
    answer = call(lowered);
  } catch (error) {
    if (err && error !== null && typeof error === "object" && "payload" in error)
      throw new ComponentError(err.type ? err.type.lift(error.payload) : undefined, where);
    throw error;
  }
  return result ? result.lift(answer) : undefined;
};

const lowerAnswer = ({ where, result }, answer) => {
  if (!result) return undefined;
  try {
    return result.lower(answer);
  } catch (error) {
    throw error instanceof Mismatch ? error.error(`${where}: the result`) : error;
  }
};

/** What the engine wants thrown for a declared err; anything else is an uncaught exception. */
const lowerThrown = ({ where, err }, thrown) => {
  const carries = thrown !== null && typeof thrown === "object" && Object.hasOwn(thrown, "payload");
  if (!err || (thrown instanceof Error && !carries)) return uncaught(thrown);
  const payload = carries ? thrown.payload : thrown;
  try {
    return { payload: err.type ? err.type.lower(payload) : undefined };
  } catch (error) {
    return uncaught(error instanceof Mismatch ? error.error(`${where}: the thrown err`) : error);
  }
};

/** What stops the guest when it is thrown at the engine, whatever the function answers. */
const uncaught = (thrown) => {
  phase.report(thrown);
  phase.trap();
  // QuickJS would take an Error's message for the err of a `result<_, string>`; a payload that cannot be read
  // is taken for nothing.
  return {
    get payload() {
      throw new Error("Uncaught");
    },
  };
};

const isPromise = (value) => value !== null && typeof value === "object" && typeof value.then === "function";

const noPromise = ({ where }) =>
  new TypeError(
    `${where} returned a Promise, and this engine has no event loop; return the value itself, or build with engine = "starlingmonkey"`,
  );

/** The engine's view of an export; `call(args)` reaches the guest's with lifted arguments. */
export const exporting = (signature, call) => (args) => {
  const loan = beginLoan();
  phase.running = true;
  const finish = () => {
    flush();
    endLoan(loan);
  };
  try {
    flush();
    const lifted = signature.params.map(([, type], at) => type.lift(args[at]));
    const answer = call(lifted);
    if (isPromise(answer)) {
      if (quickjs) throw noPromise(signature);
      return answer.then(
        (value) => settle(signature, finish, () => lowerAnswer(signature, value)),
        (thrown) =>
          settle(signature, finish, () => {
            throw thrown;
          }),
      );
    }
    const lowered = lowerAnswer(signature, answer);
    finish();
    return lowered;
  } catch (thrown) {
    finish();
    throw lowerThrown(signature, thrown);
  }
};

const settle = (signature, finish, work) => {
  try {
    return work();
  } catch (thrown) {
    throw lowerThrown(signature, thrown);
  } finally {
    finish();
  }
};
