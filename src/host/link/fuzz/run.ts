// Random components through both linkers. Owns the types, the values and the echoing guest; refuses to judge jco,
// which is a witness and not the law; called by the linker's tests and by scripts/fuzz.ts.
import { decodeComponent } from "../../../contract/binary/decode.ts";
import { worldOf } from "../../../contract/world.ts";
import { verify } from "../../../trust/verify.ts";
import { jcoLinker } from "../../jco.ts";
import { linkComponent } from "../link.ts";
import { type Crossing, crossings, randomCall } from "./compare.ts";
import { echoComponent } from "./echo.ts";
import { Random } from "./random.ts";

/** Calls that did not cross unchanged, by the linker that changed them. */
export interface Differences {
  readonly ours: string[];
  readonly jco: string[];
}

/**
 * One random component through both linkers: every call has to cross unchanged. jco writes to the cache, so the
 * caller points it at a temporary folder.
 */
export const fuzzComponent = async (
  seed: number,
  { funcs, calls }: { funcs: number; calls: number },
): Promise<Differences> => {
  const random = new Random(seed);
  const echo = await echoComponent(random, funcs);
  const ast = decodeComponent(echo.bytes);
  const component = verify(`seed-${seed}`, echo.bytes);
  const request = { component, ast, world: worldOf(ast), suspending: new Set<string>() };
  const own = await crossings(await linkComponent(ast), echo);
  const theirs = await crossings(await jcoLinker.link(request), echo);
  const differences: Differences = { ours: [], jco: [] };
  // A trap leaves an instance dead, and everything after it would differ too.
  for (let i = 0; i < calls && differences.ours.length + differences.jco.length === 0; i++) {
    const call = randomCall(random, echo);
    const sent = { received: call.args, answer: call.answer };
    const [mine, other] = [tried(() => own(call)), tried(() => theirs(call))];
    const where = `${call.func.name} ${text(sent)}`;
    if (!Bun.deepEquals(mine, sent, true)) differences.ours.push(`${where} gave ${text(mine)}`);
    if (!Bun.deepEquals(other, sent, true)) differences.jco.push(`${where} gave ${text(other)}`);
  }
  return differences;
};

const tried = (run: () => Crossing): unknown => {
  try {
    return run();
  } catch (error) {
    return String(error);
  }
};

const text = (value: unknown): string =>
  Bun.inspect(value, { depth: 20, compact: true }).replace(/\s+/g, " ").slice(0, 400);
